"""What the card of ``melanoma`` has beside what every classifier on features says."""

from __future__ import annotations


def section(unusable: int, seed: int, name: str) -> str:
    """The end of ``card.md``."""
    return f"""
## Terms of the data, and what it means for use

ISIC Challenge 2017 (Codella et al., arXiv 1710.05006), training split without all pictures of listed near-duplicates; {unusable} more had no
measurable lesion. Published under CC0; the weights are Apache-2.0. Patients are not known: a patient's two pictures may lie on both sides of a fold.
Features were measured on outlines by networks that had not seen the picture, as in use.

* Of what is measured, those features are used that do not change with the picture's size and that nearly every lesion has; nothing was chosen by its
  figures. The ISIC 2017 challenge's winner had an AUC of 0.874 on its test part, which has no labels here.
* Whether age or sex is known is learnt from too: where they are missing, melanomas are more frequent in this collection, which need not hold in
  another. So is the share of the picture that the lesion takes, which is also how near the camera was.
* It is a weak test: it misses melanomas at any threshold that spares most benign lesions. It must never rule one out.
* Site and history are not used. Melanomas without pigment, on nails, soles or mucosa are not represented.

Seed {seed}: `make train-zoo DATA=/path/to/data ONLY={name}`.
"""
