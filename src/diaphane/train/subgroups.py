"""Figures by groups of items, as a document and as a section of the card.

Nothing here names an item, and of fewer than five patients (items, where patients are not known) nothing is said but how many items they
have: a figure of so few could point to a person.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.train.dataset import Checked
from diaphane.train.evaluate import ALL, NAMES, class_metrics, mean_interval, value_words
from diaphane.train.grouping import Grouping, groupings
from diaphane.train.judge import Judged

LEAST_SHOWN = 5
"""Patients, or items: fewer are not shown."""
LEAST_MEASURED = 10
"""Items from which a figure is given."""
DIGITS = 3
"""Of a figure in words."""
MASKS, CLASSES = ("dice", "jaccard"), ("auc", "balanced_accuracy")
SPECIAL = re.compile(r"([\\`*_\[\]<>|])")
Measure = Callable[[Sequence[str]], dict[str, Any]]


def subgroups(found: Judged, checked: Checked) -> dict[str, Any]:
    """By column: how many items (and patients) are in each group, and its figures; NaN with a reason where there are none."""
    data = checked.dataset
    patients = {item.name: item.patient for item in data.items} if data.patients_known else None
    if data.task == "classify":
        names, measure = list(found.classes), _of_classes(found, [label.name for label in data.labels], patients)
    else:
        names, measure = list(dict.fromkeys(case.case for case in found.cases)), _of_masks(found, patients)
    columns = {column: _column(names, grouping, patients, measure) for column, grouping in groupings(checked).items()}
    return {column: described for column, described in columns.items() if described["groups"]}


def section(metrics: Mapping[str, Any]) -> str:
    """The subgroups of a document as a section in Markdown; empty where no column has two groups with figures."""
    shown = {column: found for column, found in metrics.get("subgroups", {}).items() if len(_measured(found["groups"])) > 1}
    if not shown:
        return ""
    figures = [name for name in (*MASKS, *CLASSES) if all(name in group for found in shown.values() for group in found["groups"])]
    titles = " | ".join(f"{NAMES.get(name, name.replace('_', ' '))} (95 % interval)" for name in figures)
    lines = [f"| group | items | {titles} |", "| --- | --- |" + " --- |" * len(figures)]
    lines += [_line(column, group, figures) for column, found in shown.items() for group in found["groups"]]
    table = "\n".join(lines)
    return f"""## Subgroups

The same results by what the data's list says of the items, which was not learnt from, and, of masks, by the size of what they hold.

{table}

{_apart(shown, figures[0])}{_left_out(shown)}
"""


def told(found: Judged, names: Sequence[str]) -> tuple[IntArray, FloatArray]:
    """Of these items the true class as a column (n,), and the probability of each class (n, class)."""
    return np.array([found.classes[name][0] - 1 for name in names]), np.array([found.classes[name][1] for name in names])


def _column(names: Sequence[str], grouping: Grouping, patients: Mapping[str, str] | None, measure: Measure) -> dict[str, Any]:
    """``groups``, and how many items are in none of them: those of groups too small to be shown, and those of which it is not known."""
    shown, few = [], 0
    for group in grouping.groups:
        own = [name for name in names if grouping.of.get(name) == group]
        people = len(own) if patients is None else len({patients[name] for name in own})
        if people < LEAST_SHOWN:
            few += len(own)
        else:
            shown.append({"group": group, "items": len(own), **({} if patients is None else {"patients": people}), **measure(own)})
    return {"groups": shown, "too_few": few, "not_known": sum(name not in grouping.of for name in names)}


def _of_masks(found: Judged, patients: Mapping[str, str] | None) -> Measure:
    """An item counts once, with the mean over its labels."""
    rows: dict[str, list[list[float]]] = {}
    for case in found.cases:
        rows.setdefault(case.case, []).append([getattr(case, metric) for metric in MASKS])
    means = {name: np.mean(own, axis=0) for name, own in rows.items()}

    def measure(names: Sequence[str]) -> dict[str, Any]:
        if len(names) < LEAST_MEASURED:
            return _without(MASKS, f"fewer than {LEAST_MEASURED} items")
        values = np.array([means[name] for name in names])
        groups = None if patients is None else [patients[name] for name in names]
        return {metric: mean_interval(values[:, n], groups=groups) for n, metric in enumerate(MASKS)}

    return measure


def _of_classes(found: Judged, classes: Sequence[str], patients: Mapping[str, str] | None) -> Measure:
    """Of two classes the area under the curve of the second; of more the mean over those that the group has, each against the rest."""

    def measure(names: Sequence[str]) -> dict[str, Any]:
        truth, soft = told(found, names)
        if len(names) < LEAST_MEASURED:
            return _without(CLASSES, f"fewer than {LEAST_MEASURED} items")
        if len(np.unique(truth)) < 2:
            return _without(CLASSES, "one class only")
        summary = class_metrics(names, truth, soft, classes, None if patients is None else [patients[name] for name in names])["summary"]
        return {"auc": summary[classes[1] if len(classes) == 2 else ALL]["auc"], "balanced_accuracy": summary[ALL]["balanced_accuracy"]}

    return measure


def _without(metrics: Sequence[str], reason: str) -> dict[str, Any]:
    return {**{metric: {"mean": math.nan, "ci95": [math.nan, math.nan], "count": 0} for metric in metrics}, "reason": reason}


def _measured(groups: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [group for group in groups if "reason" not in group]


def _line(column: str, group: Mapping[str, Any], figures: Sequence[str]) -> str:
    items = f"{group['items']} ({group['patients']} patients)" if "patients" in group else str(group["items"])
    cells = " | ".join(group.get("reason") or value_words(group[name]) for name in figures)
    return f"| {_called(column, group['group'])} | {items} | {cells} |"


def _apart(shown: Mapping[str, Any], metric: str) -> str:
    """Which groups have an interval wholly below those of all others of their column, to the digits shown."""
    below = []
    for column, found in shown.items():
        ends = {
            group["group"]: [round(end, DIGITS) for end in group[metric]["ci95"]] for group in _measured(found["groups"]) if _is_known(group[metric]["ci95"])
        }
        below += [(column, name) for name, (_, high) in ends.items() if len(ends) > 1 and all(high < low for other, (low, _) in ends.items() if other != name)]
    if not below:
        return f"No group's interval of {NAMES[metric]} lies wholly below those of all others in its column."
    return f"Worse than all others in its column, the interval of {NAMES[metric]} wholly below theirs: {'; '.join(_called(*one) for one in below)}."


def _is_known(ci95: Sequence[float | None]) -> bool:
    return all(end is not None and not math.isnan(end) for end in ci95)


def _left_out(shown: Mapping[str, Any]) -> str:
    """How many items are in no group, where there are any."""
    few = [f"{_plain(column)} ({found['too_few']})" for column, found in shown.items() if found["too_few"]]
    unknown = [f"{_plain(column)} ({found['not_known']})" for column, found in shown.items() if found["not_known"]]
    said = [f"items in groups of fewer than {LEAST_SHOWN}: {', '.join(few)}"] * bool(few) + [f"items of which it is not known: {', '.join(unknown)}"] * bool(
        unknown
    )
    return f" Not shown: {'; '.join(said)}." if said else ""


def _called(column: str, group: str) -> str:
    return f"{_plain(column)}: {_plain(group)}"


def _plain(text: str) -> str:
    """What somebody wrote into a list, without a meaning in Markdown or HTML."""
    return SPECIAL.sub(r"\\\1", text)
