"""Fingerprints as JSON: what the gates of a bundle compare with, plain numbers only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.recipe import Check, Fingerprint, Kind, OutputFingerprint, Typical

KINDS = ("turned", "inverted", "tone")
GREATEST = 1e30
"""Numbers beyond it describe nothing, and their products would not be finite."""
ROUNDED = 1e-4
"""Share of the largest number that rounding may have cost."""


def input_fingerprint(values: Any) -> Fingerprint:
    """From what ``plain`` gave; those of older bundles have no checks and a single kind.

    Raises:
        KeyError, TypeError, ValueError: Something is missing, not a number, or of another size than the rest.
    """
    mean = _numbers(values["mean"])
    kinds = tuple(map(_kind, values["kinds"])) if "kinds" in values else (Kind(0.0, *_gauss(values)),)
    scale, layout = _numbers(values.get("scale", [])), _numbers(values.get("layout", []))
    checks = tuple(_check(one, layout.size, mean.size) for one in values.get("checks", []))
    if checks and (scale.size != mean.size or scale.min() <= 0):
        raise ValueError(f"must hold a positive scale of each of {mean.size} descriptors, got {scale.size}")
    if not kinds or any(kind.mean.size != mean.size for kind in kinds):
        raise ValueError(f"must hold one kind or more, each of {mean.size} descriptors")
    return Fingerprint(mean, kinds, _positive(values["limit"]), str(values["basis"]), checks, scale, layout, tuple(map(str, values.get("untold", []))))


def output_fingerprint(values: Any) -> OutputFingerprint:
    """From what ``plain`` gave.

    Raises:
        KeyError, TypeError, ValueError: As above.
    """
    structures = tuple(Typical(int(one["label"]), *_gauss(one), _finite(one["centre"]), _positive(one["spread"])) for one in values["structures"])
    return OutputFingerprint(_positive(values["limit"]), str(values["basis"]), structures)


def plain(value: Fingerprint | OutputFingerprint) -> dict[str, Any]:
    """As JSON takes it, to seven significant digits."""
    out: dict[str, Any] = _short(asdict(value))
    if isinstance(value, Fingerprint):
        out["kinds"] = [_short({"height": kind.height, "mean": kind.mean, "root": _root(kind.precision)}) for kind in value.kinds]
    return out


def _root(precision: FloatArray) -> list[FloatArray]:
    """The rows of its lower triangular factor: half as long as the matrix, and never that of a negative one."""
    return [row[: n + 1] for n, row in enumerate(np.linalg.cholesky(precision))]


def _kind(values: Any) -> Kind:
    mean, rows = _numbers(values["mean"]), [_numbers(row) for row in values["root"]]
    if [row.size for row in rows] != list(range(1, mean.size + 1)):
        raise ValueError(f"the root of a precision must have rows of 1 to {mean.size} numbers")
    root = np.zeros((mean.size, mean.size))
    root[np.tril_indices(mean.size)] = np.concatenate(rows)
    return Kind(_finite(values["height"]), mean, root @ root.T)


def _check(values: Any, cells: int, count: int) -> Check:
    kind, turn, weights = values["kind"], tuple(map(int, values["turn"])), _numbers(values["weights"])
    axes = sorted(map(abs, turn))
    if kind not in KINDS:
        raise ValueError(f"the kind of a check must be one of {', '.join(KINDS)}, got {kind!r}")
    if kind != "tone" and cells not in (8**2, 8**3):
        raise ValueError(f"a layout must have 8 cells along each of 2 or 3 axes, got {cells}")
    if (kind == "turned") != (axes in ([1, 2], [1, 2, 3])) or (turn and 8 ** len(turn) != cells):
        raise ValueError(f"a turn must name each axis of the layout once, got {turn}")
    if weights.size != (2 * count + 1 if kind == "tone" else 0):
        raise ValueError(f"a check of grey levels must have {2 * count + 1} weights, the others none, got {weights.size}")
    centre, limit = _finite(values["centre"]), _finite(values["limit"])
    if limit <= centre:
        raise ValueError(f"the limit of a check must lie above its centre, got {limit} and {centre}")
    return Check(kind, str(values["name"]), centre, limit, float(values["caught"]), turn, weights)


def _gauss(values: Any) -> tuple[FloatArray, FloatArray]:
    mean, precision = _numbers(values["mean"]), np.asarray(values["precision"], np.float64)
    if mean.size == 0 or precision.shape != (mean.size, mean.size) or not (np.abs(precision) <= GREATEST).all():
        raise ValueError(f"must hold means and a finite precision of their size, got {mean.size} and {precision.shape}")
    if np.linalg.eigvalsh((precision + precision.T) / 2).min() < -ROUNDED * np.abs(precision).max():
        raise ValueError("a precision must be positive: with this one nothing would be strange")
    return mean, precision


def _numbers(values: Any) -> FloatArray:
    out = np.asarray(values, np.float64)
    if out.ndim != 1 or not (np.abs(out) <= GREATEST).all():
        raise ValueError(f"must be a list of finite numbers, up to {GREATEST:g}")
    return out


def _finite(value: Any) -> float:
    out = float(value)
    if not abs(out) <= GREATEST:
        raise ValueError(f"must be a finite number, up to {GREATEST:g}, got {out}")
    return out


def _positive(value: Any) -> float:
    out = _finite(value)
    if out <= 0:
        raise ValueError(f"a limit must be positive, got {out}")
    return out


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return _short(value.tolist())
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value
