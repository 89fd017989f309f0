"""``make train-zoo``: train, evaluate and export every shipped bundle.

    python -m diaphane.train.zoo --data DATA --out src/diaphane/zoo [--only NAME] [--work zoo-training]

Trained weights stay in ``--work``: a killed run goes on after the last finished network. Two cores took 60 minutes for the
networks, with other work beside it, and some ten for the rest.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.labels import Labels
from diaphane.core.recipe import OutputLimits, Recipe
from diaphane.core.region import Region
from diaphane.engine import bundle as names
from diaphane.engine.bundle import open_bundle
from diaphane.measure import Options, extract
from diaphane.prepare import prepare
from diaphane.segment import Options as SegmentOptions
from diaphane.segment import predict
from diaphane.segment.cleanup import cleaned
from diaphane.segment.predict import labels_of
from diaphane.train import cards
from diaphane.train.evaluate import CaseMetrics, auc_interval, case_metrics, mean_interval, metrics_document, slope_interval
from diaphane.train.export import fingerprint_bytes, json_bytes, onnx_bytes, write_bundle
from diaphane.train.fingerprints import fit_fingerprint
from diaphane.train.tabular import fit_logistic
from diaphane.train.zoo_face_lesion import face_lesion
from diaphane.train.zoo_networks import halves, probabilities, trained
from diaphane.train.zoo_recipes import (
    HALVES_FIT,
    LUNGS,
    LUNGS_FIT,
    MELANOMA,
    MELANOMA_FEATURES,
    SKIN_FIT,
    SKIN_LESION,
    held_out,
    lung_samples,
    skin_samples,
)  # fmt: skip
from diaphane.train.zoo_samples import Sample

log = logging.getLogger(__name__)


def skin_lesion(data: Path, out: Path, work: Path) -> None:
    """Trained on the whole training split; limits from networks that saw one half of it; the test part is read once, here."""
    samples = skin_samples(data, "train")
    network = trained("skin_lesion", samples, SKIN_LESION, SKIN_FIT, work)
    unseen = halves(samples, SKIN_LESION, HALVES_FIT, work)
    masks = [_cleaned(p, SKIN_LESION) for p in unseen]
    confidence = [float(p[m].mean()) for p, m in zip(unseen, masks, strict=True) if m.any()]
    share = [float(m.mean()) for m in masks]
    limits = OutputLimits(
        label=1, area_fraction=(float(np.quantile(share, 0.005)), float(np.quantile(share, 0.995))), confidence=float(np.quantile(confidence, 0.005))
    )
    recipe = replace(SKIN_LESION, limits=(limits,))
    files = {
        names.NETWORK: onnx_bytes(network, (3, 144, 192)),
        names.FINGERPRINT: fingerprint_bytes(fit_fingerprint([s.image for s in samples], 0.985, 1.0, SKIN_FIT.seed)),
    }
    cases = _evaluated(out / recipe.name, recipe, files, skin_samples(data, "test"))
    summary = metrics_document(cases)
    files |= {names.METRICS: json_bytes(summary), names.CARD: cards.skin_lesion(summary, len(samples)).encode()}
    write_bundle(out / recipe.name, recipe, files)


def lungs(data: Path, out: Path, work: Path) -> None:
    """Trained on four fifths of the patients, evaluated on the rest."""
    samples = lung_samples(data)
    out_of_it = held_out([s.row for s in samples], "patient", 0.2, LUNGS_FIT.seed)
    seen = [s for s, o in zip(samples, out_of_it, strict=True) if not o]
    unseen = [s for s, o in zip(samples, out_of_it, strict=True) if o]
    network = trained("lungs", seen, LUNGS, LUNGS_FIT, work)
    recipe = replace(LUNGS, limits=_lung_limits([probabilities(network, s.image, LUNGS) for s in seen]))
    files = {
        names.NETWORK: onnx_bytes(network, (1, 256, 256)),
        names.FINGERPRINT: fingerprint_bytes(fit_fingerprint([s.image for s in seen], 1.0, 1.1, LUNGS_FIT.seed)),
    }
    whole = [s for s in unseen if all((s.labels == x.value).any() for x in recipe.labels)]
    cases = _evaluated(out / recipe.name, recipe, files, unseen)
    everything = metrics_document(cases)
    kept = {s.image.name for s in whole}
    summary = metrics_document([c for c in cases if c.case in kept], [s.row["patient"] for s in whole for _ in recipe.labels])
    files |= {names.METRICS: json_bytes(summary), names.CARD: cards.lungs(summary, everything, seen, unseen, whole).encode()}
    write_bundle(out / recipe.name, recipe, files)


def melanoma(data: Path, out: Path, work: Path) -> None:
    """Features of masks from networks that did not see the picture; five folds; the validation split is not read."""
    samples = skin_samples(data, "train")
    unseen = halves(samples, SKIN_LESION, HALVES_FIT, work)
    measured = [_largest(s, p) for s, p in zip(samples, unseen, strict=True)]
    usable = [(s, r) for s, r in zip(samples, measured, strict=True) if r and all(np.isfinite(r.value(n)) for n in MELANOMA_FEATURES)]
    values = np.array([[region.value(name) for name in MELANOMA_FEATURES] for _, region in usable])
    truth = np.array([float(s.row["melanoma"]) == 1 for s, _ in usable])
    fitted = fit_logistic(values, truth, list(MELANOMA_FEATURES), SKIN_FIT.seed)
    summary = _classified(truth, fitted.scores)
    files = {
        names.TABLE_MODEL: json_bytes(fitted.model),
        names.METRICS: json_bytes(summary),
        names.CARD: cards.melanoma(summary, len(usable), len(samples) - len(usable), fitted.model["strength"]).encode(),
    }
    write_bundle(out / MELANOMA.name, MELANOMA, files)


def _cleaned(probability: FloatArray, recipe: Recipe) -> BoolArray:
    raw = labels_of(np.stack([1 - probability, probability]), recipe.threshold)
    return np.asarray(cleaned(raw, recipe.smallest_part) > 0)


def _largest(sample: Sample, probability: FloatArray) -> Region | None:
    mask = _cleaned(probability, SKIN_LESION)
    regions = extract(sample.image, Labels(mask[None].astype(np.uint8), SKIN_LESION.labels), Options())
    return regions[0] if regions else None


def _lung_limits(predicted: Sequence[FloatArray]) -> tuple[OutputLimits, ...]:
    """From the training pictures themselves, widened: areas by a quarter, confidence by 0.05."""
    limits = []
    for label in LUNGS.labels:
        masks = [cleaned(labels_of(p, LUNGS.threshold), LUNGS.smallest_part) == label.value for p in predicted]
        share = [float(m.mean()) for m in masks]
        confidence = [float((1 - p[0])[m].mean()) for p, m in zip(predicted, masks, strict=True)]
        limits.append(OutputLimits(label=label.value, area_fraction=(0.75 * min(share), 1.25 * max(share)), confidence=min(confidence) - 0.05))
    return tuple(limits)


def _evaluated(folder: Path, recipe: Recipe, files: dict[str, bytes], samples: Sequence[Sample]) -> list[CaseMetrics]:
    """The bundle as it will be used, on pictures that training never saw."""
    write_bundle(folder, recipe, files)
    bundle = open_bundle(folder)
    cases = []
    for sample in samples:
        labels = predict(prepare(sample.image, recipe), bundle, SegmentOptions())
        cases += [case_metrics(sample.image.name, x.name, labels.mask(x.value)[0], sample.labels == x.value) for x in recipe.labels]
    return cases


def _classified(truth: BoolArray, scores: FloatArray) -> dict[str, object]:
    probability = 1 / (1 + np.exp(-scores))
    prior = float(truth.mean())
    reference = float(((truth - prior) ** 2).mean())
    skill = 1 - (truth - probability) ** 2 / reference
    return {
        "protocol": "five-fold cross-validation over pictures (patients are not known), strength chosen inside each training part",
        "pictures": len(truth),
        "positives": int(truth.sum()),
        "summary": {"melanoma": {"auc": auc_interval(truth, scores), "brier_skill": mean_interval(skill), "calibration_slope": slope_interval(truth, scores)}},
    }


ZOO: dict[str, Callable[[Path, Path, Path], None]] = {"lungs": lungs, "skin_lesion": skin_lesion, "melanoma": melanoma, "face_lesion": face_lesion}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what ``--only`` names, or everything."""
    parser = argparse.ArgumentParser(prog="make train-zoo", description="Train, evaluate and export the shipped bundles.")
    parser.add_argument("--data", type=Path, required=True, help="folder with isic2017/ and cxr_lungs/, each with its index.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundles")
    parser.add_argument("--work", type=Path, default=Path("zoo-training"), help="folder for trained weights")
    parser.add_argument("--only", choices=sorted(ZOO), help="this bundle alone")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name, make in ZOO.items():
        if options.only in (None, name):
            begun = time.perf_counter()
            make(options.data, options.out, options.work)
            log.info("%s: done in %.0f minutes", name, (time.perf_counter() - begun) / 60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
