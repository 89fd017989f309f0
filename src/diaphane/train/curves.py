"""How a training went, as a picture: loss, validation and learning rate against steps and minutes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray

LOSS, VALIDATION, RATE = "#0072B2", "#D55E00", "#777777"
"""Blue and vermillion of Okabe and Ito's palette, apart for people with any colour vision deficiency; the markers differ as well."""
SMOOTH = 0.02
"""Width of the window that the loss is averaged over, as a share of the rows."""


def learning_curve(history: Sequence[Mapping[str, float | None]], title: str, metric: str = "Dice") -> bytes:
    """A PNG of ``history``: rows of ``step``, ``minutes``, ``loss``, ``learning_rate`` and ``validation`` (None between looks).

    The loss is on the left (thin as it is, thick smoothed), the validation metric on the right with its best marked.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 5.4), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    steps, loss = _column(history, "step"), _column(history, "loss")
    upper.set_title(title, loc="left", fontsize=12)
    _loss(upper, steps, loss)
    _validation(upper.twinx(), steps, _column(history, "validation"), metric)
    lower.plot(steps, _column(history, "learning_rate"), color=RATE, linewidth=1)
    lower.set(xlabel="step", ylabel="learning\nrate", ylim=(0, None))
    lower.ticklabel_format(axis="y", scilimits=(0, 0))
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    _minutes(upper, steps, _column(history, "minutes"))
    out = io.BytesIO()
    figure.savefig(out, format="png")  # a Figure without pyplot draws with Agg
    return out.getvalue()


def _column(history: Sequence[Mapping[str, float | None]], name: str) -> FloatArray:
    values = [row.get(name) for row in history]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _loss(axes: Any, steps: FloatArray, loss: FloatArray) -> None:
    axes.plot(steps, loss, color=LOSS, alpha=0.3, linewidth=0.8)
    axes.plot(steps, smoothed(loss), color=LOSS, linewidth=2, marker="o" if len(steps) == 1 else "")
    axes.set_ylabel("training loss", color=LOSS)
    axes.grid(alpha=0.25)


def smoothed(values: FloatArray) -> FloatArray:
    """The running mean of what is known, shorter at the ends; as long as ``values``."""
    reach = max(1, round(SMOOTH * len(values)))
    known = np.isfinite(values)
    window = np.ones(2 * reach + 1)
    sums, counts = (np.convolve(np.pad(v, reach), window, "valid") for v in (np.where(known, values, 0.0), known.astype(float)))
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)[: len(values)])


def _validation(axes: Any, steps: FloatArray, values: FloatArray, metric: str) -> None:
    known = np.isfinite(values)
    axes.set_ylabel(f"validation {metric}", color=VALIDATION)
    axes.set_ylim(0, 1.02)
    if not known.any():
        return
    axes.plot(steps[known], values[known], color=VALIDATION, linewidth=1.5, marker="o", markersize=4)
    best = int(np.nanargmax(values))
    axes.plot(steps[best], values[best], marker="*", markersize=16, color=VALIDATION, markeredgecolor="black", linestyle="none")
    late = best > 0.7 * len(steps)
    axes.annotate(
        f"best {values[best]:.3f}, step {steps[best]:.0f}", (steps[best], values[best]), xytext=(-12 if late else 12, -18), textcoords="offset points",
        ha="right" if late else "left", fontsize=10,
    )  # fmt: skip


def _minutes(axes: Any, steps: FloatArray, minutes: FloatArray) -> None:
    """A second scale on top; none where the clock did not move."""
    if len(steps) < 2 or not (np.diff(steps) > 0).all() or not (np.diff(minutes) > 0).all():
        return
    per_step = np.polyfit(steps, minutes, 1)[0]
    top = axes.secondary_xaxis("top", functions=(lambda s: np.interp(s, steps, minutes), lambda m: m / per_step))
    top.set_xlabel("minutes")
