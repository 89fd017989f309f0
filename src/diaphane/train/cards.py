"""Model cards: what a bundle was made from, how good it is, and what it is not for. Figures come from the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diaphane.train.scores import table
from diaphane.train.zoo_recipes import HALVES_FIT, LUNGS_FIT, MELANOMA_FEATURES, SKIN_FIT
from diaphane.train.zoo_samples import Sample

REPRODUCE = "make train-zoo DATA=/path/to/data"


def skin_lesion(metrics: Mapping[str, Any], trained_on: int) -> str:
    """The card of ``skin_lesion``."""
    return f"""# skin_lesion

Outlines the lesion in a dermoscopy picture. U-Net, 1.9 million parameters, 144x192, ONNX float32.

## Data and what it means for use

ISIC Challenge 2017 (Codella et al., arXiv 1710.05006), training split: {trained_on} pictures after removing those listed as
near-duplicates. Published under CC0; the weights are Apache-2.0. Pictures were at hand squashed to 256x192: other aspect ratios are
squashed the same way.

## How good it is

On {len(metrics["cases"])} pictures of the ISIC 2017 test split, read once, through this bundle as it is shipped:

{table(metrics)}

Trained for {SKIN_FIT.steps} steps of {SKIN_FIT.batch_size} pictures, seed {SKIN_FIT.seed}: `{REPRODUCE}`. No figure here is clinical validation.

## Limits

* One lesion a picture: parts smaller than half of the largest are dropped.
* Hair, ink, bubbles, rulers and dark corners mislead it; lesions that fill the picture or fade into the skin are cut short.
* Mostly fair skin is in the training data: expect worse on dark skin. Ordinary (not dermoscopic) photos are not its input.
* The input gate (`fingerprint.json`) compares colour, light and layout only: it refuses other kinds of picture, not bad ones.
* The output gate's limits are the 0.5 % and 99.5 % quantiles (confidence: 0.5 %) of held-out results, from two networks of
  {HALVES_FIT.steps} steps that each saw one half of the training split.
"""


def lungs(metrics: Mapping[str, Any], everything: Mapping[str, Any], seen: Sequence[Sample], unseen: Sequence[Sample], whole: Sequence[Sample]) -> str:
    """The card of ``lungs``; ``metrics`` are of ``whole``, ``everything`` of all ``unseen`` pictures."""
    counted = " and ".join(f"{found['dice']['mean']:.3f} ({label})" for label, found in everything["summary"].items())
    patients = [len({s.row["patient"] for s in part}) for part in (seen, unseen, whole)]
    return f"""# lungs

Outlines the left and the right lung in a frontal chest X-ray. U-Net, 1.9 million parameters, 256x256, ONNX float32.

## Data and what it means for use

COVID-19 Chest X-ray Segmentations (General Blockchain Inc., 2020): radiologists' masks, CC BY 4.0, on pictures of
ieee8023/covid-chestxray-dataset, whose licences differ a picture: of 100, 41 are CC BY-NC-SA, 3 CC BY or CC BY-SA, 56 not stated.
The weights are therefore offered for non-commercial use only (CC BY-NC-SA 4.0).

## How good it is

Trained on {len(seen)} pictures of {patients[0]} patients. {len(unseen)} pictures of {patients[1]} patients were held out and never seen by
training. {len(unseen) - len(whole)} of them is left out here because its truth lacks a lung that the picture shows; with it, the Dice is {counted}.
(Training pictures with this defect, if any, were kept.) The other {len(whole)} pictures of {patients[2]} patients, through this
bundle as it is shipped (intervals by drawing patients):

{table(metrics)}

Trained for {LUNGS_FIT.steps} steps of {LUNGS_FIT.batch_size} pictures, seed {LUNGS_FIT.seed}: `{REPRODUCE}`. No figure here is clinical validation.

## Limits

* Few and web-sourced pictures, most of adults with COVID-19, nearly all PA: expect worse on bedside films, children, one lung, after surgery.
* It outlines where the lung should be, also under opacity: an area is not the aerated area. A projection has no volume.
* Left and right are learnt from the picture; it cannot tell a mirrored film from situs inversus.
* The output gate's limits are the smallest and largest training results, areas widened by a quarter, confidence lowered by 0.05.
"""


def melanoma(metrics: Mapping[str, Any], usable: int, unusable: int, strength: float) -> str:
    """The card of ``melanoma``."""
    skill = metrics["summary"]["melanoma"]["brier_skill"]
    return f"""# melanoma

How probable it is that a lesion in a dermoscopy picture is a melanoma: logistic regression (L2, C = {strength}) on
{len(MELANOMA_FEATURES)} features of shape, colour, intensity and texture, measured on the outline of `skin_lesion`.

## Data and what it means for use

ISIC Challenge 2017 (Codella et al., arXiv 1710.05006), training split without listed near-duplicates: {usable} pictures,
{metrics["positives"]} melanomas ({metrics["positives"] / usable:.1%}); {unusable} more had no measurable lesion.
Published under CC0; the weights are Apache-2.0.
Features were measured on outlines by networks that had not seen the picture, as in use.

## How good it is

Five-fold cross-validation over pictures; patients are not known, so a patient's two pictures may lie on both sides:

| metric | value | 95 % interval (bootstrap) |
| --- | --- | --- |
{_row("AUC", metrics["summary"]["melanoma"]["auc"])}
{_row("Brier skill against the prevalence", skill)}
{_row("calibration slope (1 is right)", metrics["summary"]["melanoma"]["calibration_slope"])}

The features were narrowed from 51 to {len(MELANOMA_FEATURES)} after looking at cross-validated AUCs on these same pictures (0.770 and 0.767): the AUC is
not wholly blind to that choice. The ISIC 2017 challenge's winner had an AUC of 0.874 on its test part, which has no labels here. \
Seed {SKIN_FIT.seed}: `{REPRODUCE}`.
No figure here is clinical validation.

## Limits

* The probability belongs to a collection in which {metrics["positives"] / usable:.0%} were melanomas. Where melanoma is rarer, the true probability is lower.
* A calibration slope below 1 says that it is too bold: the high ones are somewhat too high, the low ones too low.
* It is a weak test: it misses melanomas at any threshold that spares most benign lesions. It must never rule one out.
* Age, sex, site and history are not used. Melanomas without pigment, on nails, soles or mucosa are not represented.
* The interval in a report covers the uncertainty of the fit only.
"""


def _row(name: str, value: Mapping[str, Any]) -> str:
    low, high = value["ci95"]
    return f"| {name} | {value['mean']:.3f} | {low:.3f} to {high:.3f} |"
