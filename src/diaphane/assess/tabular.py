"""Classifiers on features. Source: regularised logistic regression, Hastie et al., The Elements of Statistical Learning, 4.4."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.finding import Assessment
from diaphane.core.region import Region
from diaphane.engine.bundle import TABLE_MODEL, Bundle
from diaphane.errors import BundleError

CLIP = 3.0
"""Standard scores are cut here, so that an odd feature cannot carry the verdict alone."""


ARRAYS = ("mean", "deviation", "coefficients", "covariance")


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """Numbers of a fitted model; (d,) each, covariance (d + 1, d + 1) with the intercept first."""

    names: tuple[str, ...]
    mean: FloatArray
    deviation: FloatArray
    coefficients: FloatArray
    intercept: float
    covariance: FloatArray
    prevalence: float
    """Share of positives in the training data."""

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> LogisticModel:
        """The model of a bundle.

        Raises:
            BundleError: ``model.json`` lacks a key, or the sizes do not agree.
        """
        values = bundle.json(TABLE_MODEL)
        try:
            mean, deviation, coefficients, covariance = (np.asarray(values[k], float) for k in ARRAYS)
            names = tuple(str(name) for name in values["features"])
            model = cls(names, mean, deviation, coefficients, float(values["intercept"]), covariance, float(values["prevalence"]))
        except (KeyError, TypeError, ValueError) as problem:
            raise BundleError(f"{bundle.path / TABLE_MODEL}: not a logistic model ({problem!r})") from problem
        d = len(model.names)
        if any(a.shape != (d,) for a in (model.mean, model.deviation, model.coefficients)) or model.covariance.shape != (d + 1, d + 1):
            raise BundleError(f"{bundle.path / TABLE_MODEL}: {d} features are named, the arrays have other sizes")
        return model

    def scores(self, values: FloatArray) -> FloatArray:
        """Standard scores (…, d) of feature values, cut at ``CLIP``."""
        return np.clip((values - self.mean) / self.deviation, -CLIP, CLIP)

    def assess(self, region: Region, bundle: Bundle) -> Assessment | None:
        """The verdict on ``region``; None where a feature does not exist."""
        values = np.array([region.value(name) for name in self.names])
        if not np.isfinite(values).all():
            return None
        z = self.scores(values)
        shares = self.coefficients * z
        logit = self.intercept + float(shares.sum())
        x = np.concatenate([[1.0], z])
        error = math.sqrt(max(0.0, float(x @ self.covariance @ x)))
        order = np.argsort(-np.abs(shares))
        return Assessment(
            task=bundle.recipe.labels[0].name,
            probability=sigmoid(logit),
            interval95=(sigmoid(logit - 1.96 * error), sigmoid(logit + 1.96 * error)),
            bundle=bundle.name,
            contributions=tuple((self.names[n], float(shares[n])) for n in order),
            basis=(
                f"{len(self.names)} features of shape, colour and texture; "
                f"among the training pictures {self.prevalence:.0%} were {bundle.recipe.labels[0].name}"
            ),
        )


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1 + math.tanh(x / 2))
