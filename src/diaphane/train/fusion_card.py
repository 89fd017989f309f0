"""The card of a fitted fusion: what it was fitted to, how good it is held out, what it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diaphane.fuse.columns import GROUPS
from diaphane.train.fusion_metrics import RATES

WORDS = {
    "deep": "five small networks, each of which joins a picture of the candidate with its numbers by attention and a gate",
    "ensemble": "logistic regression, a support vector machine and boosted trees, stacked",
    "svm": "a support vector machine with radial basis functions, both classes weighing the same, calibrated",
    "hierarchical": "candidates of one place gathered by agglomerative clustering, the clusters judged by boosted trees",
}


def card(method: str, metrics: Mapping[str, Any], columns: Sequence[str]) -> str:
    """``card.md``."""
    groups = ", ".join(f"{sum(c in names for c in columns)} of {group}" for group, names in GROUPS.items() if any(c in names for c in columns))
    return f"""# fusion_{method}

How probable it is that what a segmentation proposes on a tracked face is a lesion: {WORDS[method]}. It looks at {len(columns)} numbers ({groups}).

## Data

{metrics["candidates"]} candidates, {metrics["true"]} of them lesions (overlap of 0.2 or more), in {metrics["pictures"]} pictures of {metrics["people"]} people.
What such pictures are decides what the figures mean: simulated ones (`docs/simulate.md`) say nothing about patients.

## How good it is

{metrics["protocol"][0].upper() + metrics["protocol"][1:]}. CPM is the mean sensitivity at 1/8 to 8 false findings a picture.

{_table(metrics["summary"])}

CPM by folder of the data: {_parts(metrics["cpm_by_part"], method)}.

## Limits

* It was fitted to the candidates of one segmentation; of another one its probabilities are wrong.
* Where the tracker gives boxes without landmarks, {sum(c.startswith("face_") for c in columns)} numbers of the face become fewer, and it is less good.
* No figure here is clinical validation.
"""


def _table(summary: Mapping[str, Any]) -> str:
    head = " | ".join(f"{rate:g}" for rate in RATES)
    lines = [f"| | CPM (95 %) | {head} |", "| --- | --- |" + " --- |" * len(RATES)]
    for name, found in summary.items():
        low, high = found["cpm"]["ci95"]
        cells = " | ".join(f"{found[f'sensitivity_at_{rate:g}']['mean']:.3f}" for rate in RATES)
        lines.append(f"| {name} | {found['cpm']['mean']:.3f} ({low:.3f} to {high:.3f}) | {cells} |")
    return "\n".join(lines)


def _parts(parts: Mapping[str, Mapping[str, float]], method: str) -> str:
    return "; ".join(f"{part} {found[method]:.3f} (segmentation alone {found['segmentation alone']:.3f})" for part, found in parts.items())
