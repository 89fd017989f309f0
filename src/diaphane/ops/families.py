"""The families of classifiers on features, with nothing but numbers: what they answer, and what each feature contributed to the answer.

Contributions are Shapley values against one baseline, the score 0 of every feature (its training median): what the answer changes by when a feature
goes from there to its value, averaged over all orders in which the features may go. They are exact in every family, and add up to the answer less
the baseline's answer.

Source: Shapley, Contributions to the Theory of Games II, 307 (1953); Štrumbelj and Kononenko, Knowledge and Information Systems 41, 647 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Protocol

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray


class Family(Protocol):
    """A fitted classifier: (n, d) scores of features in, (n, k) answers out; k is 1 for one class against the rest."""

    def answers(self, z: FloatArray) -> FloatArray:
        """(n, k): log-odds or margins, before calibration."""
        ...

    def contributions(self, z: FloatArray) -> FloatArray:
        """(k, d) of one item ``z`` (d,)."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """Logistic regression, and the support vector machine without a kernel."""

    weights: FloatArray
    """(k, d)."""
    intercepts: FloatArray
    """(k,)."""

    def answers(self, z: FloatArray) -> FloatArray:
        """The weighted sum."""
        return np.asarray(z @ self.weights.T + self.intercepts)

    def contributions(self, z: FloatArray) -> FloatArray:
        """Each term of the sum."""
        return np.asarray(self.weights * z)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A support vector machine with the radial basis function exp(-gamma |z - v|²)."""

    vectors: FloatArray
    """(m, d)."""
    coefficients: FloatArray
    """(k, m)."""
    intercepts: FloatArray
    """(k,)."""
    gamma: float

    def answers(self, z: FloatArray) -> FloatArray:
        """Likeness to each vector, weighted."""
        far = (2 * self.gamma * z) @ self.vectors.T
        far -= self.gamma * (z**2).sum(axis=1)[:, None] + self.gamma * (self.vectors**2).sum(axis=1)
        np.minimum(far, 0, out=far)
        return np.asarray(np.exp(far, out=far) @ self.coefficients.T + self.intercepts)

    def contributions(self, z: FloatArray) -> FloatArray:
        """The likeness is a product over features, so that the average over all orders is an integral of a polynomial: Gauss-Legendre is exact.

        Source: Owen, Management Science 18, P64 (1972): the Shapley value by the multilinear extension.
        """
        nodes, weights = np.polynomial.legendre.leggauss(len(z) // 2 + 1)
        here, there = (np.exp(-self.gamma * (at - self.vectors) ** 2) for at in (z, 0.0))
        total = np.zeros_like(here)
        for share, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            mixed = share * here + (1 - share) * there
            total += weight * mixed.prod(axis=1, keepdims=True) / mixed
        return np.asarray(self.coefficients @ (total * (here - there)))


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees, laid out one after the other; an item goes left where its score is at most the threshold."""

    feature: IntArray
    """(nodes,); -1 at a leaf."""
    threshold: FloatArray
    left: IntArray
    right: IntArray
    """Of inner nodes, always behind the node itself."""
    value: FloatArray
    """Of leaves."""
    roots: tuple[IntArray, ...]
    """Of each of the k answers, the first nodes of its trees."""
    intercepts: FloatArray

    def answers(self, z: FloatArray) -> FloatArray:
        """The sum over trees."""
        return np.stack([self.intercepts[k] + self.value[self._reached(z, roots)].sum(axis=1) for k, roots in enumerate(self.roots)], axis=1)

    def contributions(self, z: FloatArray) -> FloatArray:
        """A leaf counts where the features that its way asks for are the item's, and those that it forbids the baseline's.

        Source: Lundberg et al., Nature Machine Intelligence 2, 56 (2020): interventional TreeSHAP, with one baseline.
        """
        out = np.zeros((len(self.roots), len(z)))
        leaves = (leaf for n, roots in enumerate(self.roots) for root in roots for leaf in self._below(n, int(root)))
        for k, leaf, way in leaves:
            ours = {n: low < z[n] <= high for n, (low, high) in way.items()}
            base = {n: low < 0 <= high for n, (low, high) in way.items()}
            asked, forbidden = [n for n in way if ours[n] and not base[n]], [n for n in way if base[n] and not ours[n]]
            if (not asked and not forbidden) or any(not ours[n] and not base[n] for n in way):
                continue
            one, other = len(asked), len(forbidden)
            whole = self.value[leaf] / factorial(one + other)
            if asked:
                out[k, asked] += whole * factorial(one - 1) * factorial(other)
            if forbidden:
                out[k, forbidden] -= whole * factorial(one) * factorial(other - 1)
        return out

    def _reached(self, z: FloatArray, roots: IntArray) -> IntArray:
        """(n, trees), the leaf of each."""
        leaves = np.arange(len(self.feature))
        inner = self.feature >= 0
        children = np.where(inner, (self.left, self.right), leaves).T.ravel()  # a leaf leads to itself
        column, scores = np.maximum(self.feature, 0), z.ravel()
        at, begins = np.tile(roots, len(z)), np.repeat(np.arange(len(z)) * z.shape[1], len(roots))
        while inner.take(at).any():
            goes_left: BoolArray = scores.take(begins + column.take(at)) <= self.threshold.take(at)
            at = children.take(2 * at + ~goes_left)
        return at.reshape(len(z), len(roots))

    def _below(self, k: int, root: int) -> list[tuple[int, int, dict[int, tuple[float, float]]]]:
        """Of each leaf the answer, its node, and for each feature on the way to it the interval (low, high] in which the score must lie."""
        found, waiting = [], [(root, dict[int, tuple[float, float]]())]
        while waiting:
            node, way = waiting.pop()
            n, cut = int(self.feature[node]), float(self.threshold[node])
            if n < 0:
                found.append((k, node, way))
                continue
            low, high = way.get(n, (-np.inf, np.inf))
            waiting += [(int(self.left[node]), {**way, n: (low, min(high, cut))}), (int(self.right[node]), {**way, n: (max(low, cut), high)})]
        return found
