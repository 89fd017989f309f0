"""One class out of assessments: what a picture is, or that it is not sure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from diaphane.core.finding import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said of one picture, or of one region of it."""

    image: str
    region: int | None = None
    """None: the whole picture."""
    named: str | None = None
    """The class; None where there is none to be named, ``reason`` says why."""
    probability: float = math.nan
    """Of the most probable class."""
    interval95: tuple[float, float] = (math.nan, math.nan)
    """NaN where nothing tells it."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    contributions: tuple[tuple[str, float], ...] = ()
    """Feature and its share of the log-odds for the model's class, largest first."""
    verdict: Literal["passed", "doubted", "refused"] = "passed"
    reason: str = ""
    caution: str = ""
    """What must stand beside it."""

    @property
    def exit_code(self) -> int:
        """0 passed, 3 refused, 4 doubted."""
        return {"passed": 0, "refused": 3, "doubted": 4}[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """A result in the document of ``diaphane assess --json``."""
        return {
            "image": self.image, "region": self.region, "class": self.named, "probability": self.probability, "interval95": self.interval95,
            "probabilities": self.probabilities, "contributions": self.contributions, "verdict": self.verdict, "reason": self.reason,
            "caution": self.caution,
        }  # fmt: skip


def answer(image: str, assessments: Sequence[Assessment], *, limit: float, threshold: float | None = None, region: int | None = None) -> Answer:
    """The most probable class. Below ``threshold`` no class is named and the answer is doubted.

    The class of a model that knows one alone is named from ``limit`` on, where there is no ``threshold``: below it nothing is named, and nothing ruled out.
    """
    best = max(assessments, key=lambda a: a.probability)
    found = Answer(
        image=image, region=region, named=best.task, probability=best.probability, interval95=best.interval95,
        probabilities={a.task: a.probability for a in assessments}, contributions=best.contributions,
        caution=best.caution,
    )  # fmt: skip
    told = f"{best.task} has a probability of {best.probability:.3f}, below"
    if threshold is not None and best.probability < threshold:
        return replace(found, named=None, verdict="doubted", reason=f"not sure: {told} the threshold of {threshold:g}")
    if threshold is None and len(assessments) == 1 and best.probability < limit:
        return replace(found, named=None, reason=f"{told} the model's limit of {limit:g}; this does not rule it out")
    return found
