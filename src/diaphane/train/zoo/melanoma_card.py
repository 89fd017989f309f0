"""The card of ``melanoma``; figures come from the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REPRODUCE = "make train-zoo DATA=/path/to/data ONLY=melanoma"


def card(metrics: Mapping[str, Any], usable: int, unusable: int, strength: float, seed: int, features: int) -> str:  # noqa: PLR0917
    """``card.md``."""
    skill = metrics["summary"]["melanoma"]["brier_skill"]
    return f"""# melanoma

How probable it is that a lesion in a dermoscopy picture is a melanoma: logistic regression (L2, C = {strength}) on
{features} features of shape, colour, intensity and texture, measured on the outline of `skin_lesion`.

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

The features were narrowed from 51 to {features} after looking at cross-validated AUCs on these same pictures (0.770 and 0.767): the AUC is
not wholly blind to that choice. The ISIC 2017 challenge's winner had an AUC of 0.874 on its test part, which has no labels here. \
Seed {seed}: `{REPRODUCE}`.
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
