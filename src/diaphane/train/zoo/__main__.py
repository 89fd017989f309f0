"""``make train-zoo``: train, evaluate and export every shipped bundle.

    python -m diaphane.train.zoo --data DATA [--only NAME] [--work zoo-training]

The bundles go into the package's own ``zoo/``, where later ones find those that they build on. What was trained stays in ``--work``: a
killed run goes on from its last checkpoint, and what is finished there is only shipped anew.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from diaphane import zoo
from diaphane.train.zoo.entries import ENTRIES
from diaphane.train.zoo.face_lesion import face_lesion
from diaphane.train.zoo.make import make
from diaphane.train.zoo.melanoma import melanoma

log = logging.getLogger(__name__)
ZOO: dict[str, Callable[[Path, Path, Path], None]] = {
    **{entry.name: partial(make, entry) for entry in ENTRIES},
    "melanoma": melanoma,
    "melanoma_both": partial(melanoma, network="melanoma_network", name="melanoma_both"),
    "face_lesion": face_lesion,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what ``--only`` names, or everything."""
    parser = argparse.ArgumentParser(prog="make train-zoo", description="Train, evaluate and export the shipped bundles.")
    parser.add_argument("--data", type=Path, required=True, help="folder with isic2017/, cxr_lungs/ and the other published sets")
    parser.add_argument("--work", type=Path, default=Path("zoo-training"), help="folder of the trainings")
    parser.add_argument("--only", choices=sorted(ZOO), help="this training alone")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name, one in ZOO.items():
        if options.only in (None, name):
            begun = time.perf_counter()
            one(options.data, zoo.HERE, options.work)
            log.info("%s: done in %.0f minutes", name, (time.perf_counter() - begun) / 60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
