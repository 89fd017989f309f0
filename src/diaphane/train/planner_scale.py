"""Rules: on which scale the network sees its input."""

from __future__ import annotations

import math
import re

import numpy as np

from diaphane.train.planner_draft import Draft
from diaphane.train.planner_look import Overview

AIR = -500.0
"""Values below are air on the Hounsfield scale; other scanners' have none."""


def decide_scale(draft: Draft, seen: Overview, modality: str) -> None:
    """``normalisation`` and what belongs to it, ``bias_field``, ``denoise``."""
    _undecided(draft)
    if seen.is_volume:
        return _volume_scale(draft, seen, modality)
    colour = draft.values["input.channels"] == 3
    means, spreads = (np.array([np.resize(getattr(f, what), 3) for f in seen.facts]) for what in ("mean", "std"))
    own = "brightness differs from device to device: each picture by its own mean and spread"
    why = "colours mean something: one scale for all pictures" if colour else own
    kind = draft.put("input.normalisation", "fixed" if colour else "z-score", why)
    channels = draft.values["input.channels"] if kind == "fixed" else 0
    mean, std = means.mean(axis=0), np.sqrt((spreads**2 + means**2).mean(axis=0) - means.mean(axis=0) ** 2)
    why = f"of the {len(seen.facts)} pictures together, on the scale 0-1" if channels else "z-score takes the picture's own"
    draft.put("input.mean", tuple(round(float(v), 2) for v in mean[:channels]), why)
    draft.put("input.std", tuple(max(0.01, round(float(v), 2)) for v in std[:channels]), why)
    draft.put("input.clip", (), "pictures are not cut")


def _undecided(draft: Draft) -> None:
    """What no rule here asks for; a plan may."""
    kind = draft.given("input.normalisation")
    draft.put("input.window", (), "centre and width of the normalisation 'window'")
    draft.put("input.percentiles", (0.5, 99.5) if kind == "percentile" else (), "of the normalisation 'percentile'")
    draft.put("input.landmarks", (), "of the normalisation 'histogram', where it is not to level out")
    draft.put("input.bias_field", "none", "n4 takes out the coils' shading of MR, and takes its time; training learns it as well")
    draft.put("input.denoise", "none", "networks learn what noise is; worth a try on few, noisy images")
    draft.put("input.denoise_strength", 1.0, "of denoise")


def _volume_scale(draft: Draft, seen: Overview, modality: str) -> None:
    low, high = np.nanmedian([f.quantiles for f in seen.facts], axis=0)
    darkest = float(np.median([f.mean[0] - f.std[0] for f in seen.facts]))
    named = bool(re.search(r"\bct\b|hounsfield|computed tomography", modality.lower()))
    hounsfield = named or min(low, darkest) < AIR
    basis = f"the modality is '{modality}'" if named else f"values reach {min(low, darkest):.0f}, which is air"
    own = f"units of {modality} differ from scan to scan: each by its own mean and spread"
    why = f"Hounsfield units mean the same in every scan: {basis}" if hounsfield else own
    fixed = draft.put("input.normalisation", "fixed" if hounsfield else "z-score", why) == "fixed"
    clip = (float(round(low)), float(max(round(high), round(low) + 1)))
    why = "0.5 % and 99.5 % of the values in the structures" if fixed else "no value means the same in two scans"
    draft.put("input.clip", clip if fixed else (), why)
    mean, spread = _inside(seen)
    why = "in the structures of all volumes, each voxel counted once" if fixed else "z-score takes the volume's own"
    draft.put("input.mean", (round(mean, 1),) if fixed else (), why)
    draft.put("input.std", (max(1e-3, round(spread, 3)),) if fixed else (), why)


def _inside(seen: Overview) -> tuple[float, float]:
    """Mean and spread of all voxels in structures (of everything, where there are none)."""
    counts = np.array([sum(f.voxels.values()) for f in seen.facts], float)
    values = np.array([f.inside for f in seen.facts])
    known = (counts > 0) & np.isfinite(values).all(axis=1)
    if not known.any():
        values, known = np.array([(f.mean[0], f.std[0]) for f in seen.facts]), np.ones(len(counts), bool)
        counts = np.ones(len(counts))
    (means, spreads), weight = values[known].T, counts[known] / counts[known].sum()
    mean = float((weight * means).sum())
    return mean, math.sqrt(float((weight * (spreads**2 + means**2)).sum()) - mean**2)
