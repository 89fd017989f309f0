"""What a judged training is worth, as a document and in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from diaphane.train.dataset import Checked
from diaphane.train.evaluate import ALL, class_metrics, interval_words, metrics_document
from diaphane.train.judge import Judged

SHOWN = ("dice", "jaccard", "hd95_mm", "nsd_1mm", "hd95_px", "nsd_1px", "accuracy", "balanced_accuracy", "auc", "sensitivity", "precision")
NAMES = {
    "dice": "Dice", "jaccard": "Jaccard", "hd95_mm": "HD95, mm", "nsd_1mm": "NSD at 1 mm", "hd95_px": "HD95, px", "nsd_1px": "NSD at 1 px", "auc": "AUC"
}  # fmt: skip


def document(found: Judged, checked: Checked) -> dict[str, Any]:
    """``metrics.json``; intervals by drawing patients where they are known."""
    data = checked.dataset
    if data.task == "classify":
        patients = {item.name: item.patient for item in data.items}
        names = list(found.classes)
        truth = np.array([found.classes[n][0] - 1 for n in names])
        soft = np.array([found.classes[n][1] for n in names])
        groups = [patients[n] for n in names] if data.patients_known else None
        return class_metrics(names, truth, soft, [label.name for label in data.labels], groups)
    return metrics_document(found.cases, found.groups if data.patients_known else None)


def shared(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """``metrics`` as a bundle has them: without the cases, whose names may be those of patients."""
    return {key: value for key, value in metrics.items() if key != "cases"}


def words(metrics: Mapping[str, Any]) -> str:
    """The first metric of each label, or the accuracy of all classes, with its interval."""
    summary = metrics["summary"]
    chosen = {ALL: summary[ALL]} if ALL in summary else summary
    return "; ".join(f"{label}: {NAMES.get(name, name)} {value_words(found[name])}" for label, found in chosen.items() for name in list(found)[:1])


def value_words(value: Mapping[str, Any]) -> str:
    """``0.812 (0.790 to 0.834)``."""
    return "none" if value["mean"] is None or math.isnan(value["mean"]) else f"{value['mean']:.3f} ({interval_words(value['ci95'])})"


def table(metrics: Mapping[str, Any]) -> str:
    """A Markdown table of all that exists."""
    lines = ["| label | metric | mean | 95 % interval (bootstrap) | cases |", "| --- | --- | --- | --- | --- |"]
    for label, found in metrics["summary"].items():
        for name in (n for n in SHOWN if n in found and not math.isnan(found[n]["mean"])):
            words = NAMES.get(name, name.replace("_", " "))
            lines.append(f"| {label} | {words} | {found[name]['mean']:.3f} | {interval_words(found[name]['ci95'])} | {found[name]['count']} |")
    return "\n".join(lines)
