"""What a judged training is worth, as a document and in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diaphane.train.dataset import Checked
from diaphane.train.evaluate import ALL, NAMES, class_metrics, interval_words, metrics_document, value_words
from diaphane.train.judge import Judged
from diaphane.train.subgroups import subgroups, told

SHOWN = ("dice", "jaccard", "hd95_mm", "nsd_1mm", "hd95_px", "nsd_1px", "accuracy", "balanced_accuracy", "auc", "sensitivity", "precision")


def document(found: Judged, checked: Checked) -> dict[str, Any]:
    """``metrics.json``; intervals by drawing patients where they are known."""
    data = checked.dataset
    if data.task == "segment":
        metrics = metrics_document(found.cases, found.groups if data.patients_known else None)
    else:
        patients = {item.name: item.patient for item in data.items}
        names = list(found.classes)
        truth, soft = told(found, names)
        metrics = class_metrics(names, truth, soft, [label.name for label in data.labels], [patients[n] for n in names] if data.patients_known else None)
    return {**metrics, "subgroups": subgroups(found, checked)}


def shared(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """``metrics`` as a bundle has them: without the cases, whose names may be those of patients."""
    return {key: value for key, value in metrics.items() if key != "cases"}


def by_fold(found: Sequence[Judged], checked: Checked) -> dict[str, list[float]]:
    """What `words` says, of each fold by itself; of classes the AUC alone, which the folds together flatter or spoil where their probabilities differ."""
    if len(found) < 2:
        return {}
    each = [document(one, checked)["summary"] for one in found]
    chosen = {ALL: "auc"} if ALL in each[0] else dict.fromkeys(each[0], "dice")
    return {f"{label}: {NAMES[name]}": [float(summary[label][name]["mean"]) for summary in each] for label, name in chosen.items()}


def fold_words(metrics: Mapping[str, Any]) -> str:
    """``By fold: left lung: Dice 0.951, 0.948; mean 0.950.``, empty where there is one fold."""
    each = metrics.get("by_fold") or {}
    lines = []
    for label, values in each.items():
        known = [value for value in values if not math.isnan(value)]
        words = ", ".join("none" if math.isnan(value) else f"{value:.3f}" for value in values)
        lines.append(f"By fold: {label} {words}" + (f"; mean {np.mean(known):.3f}.\n" if known else ".\n"))
    return "".join(lines)


def words(metrics: Mapping[str, Any]) -> str:
    """The first metric of each label, or accuracy and AUC of all classes, each with its interval."""
    summary = metrics["summary"]
    chosen = {ALL: ("accuracy", "auc")} if ALL in summary else {label: list(found)[:1] for label, found in summary.items()}
    return "; ".join(f"{label}: {NAMES.get(name, name)} {value_words(summary[label][name])}" for label, which in chosen.items() for name in which)


def table(metrics: Mapping[str, Any]) -> str:
    """A Markdown table of all that exists."""
    lines = ["| label | metric | mean | 95 % interval (bootstrap) | cases |", "| --- | --- | --- | --- | --- |"]
    for label, found in metrics["summary"].items():
        for name in (n for n in SHOWN if n in found and not math.isnan(found[n]["mean"])):
            words = NAMES.get(name, name.replace("_", " "))
            lines.append(f"| {label} | {words} | {found[name]['mean']:.3f} | {interval_words(found[name]['ci95'])} | {found[name]['count']} |")
    return "\n".join(lines)
