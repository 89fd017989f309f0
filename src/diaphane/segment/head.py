"""A head in CT or MR by thresholds and morphology: no network, no training.

CT: the skin outline is the largest body of tissue with its air spaces closed; bone is a threshold; the head cavity is
the watershed basin, on the distance to bone, that the deepest point inside the outline lies in: its border runs
through the narrowest place of each opening of the skull. Source: Meyer, Beucher, J Vis Commun Image R 1, 21 (1990).
MR: the outline alone, from Otsu's threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.core.verdict import Verdict
from diaphane.ops.components import numbered
from diaphane.ops.distance import distance
from diaphane.ops.hounsfield import is_hounsfield
from diaphane.ops.orient import turned, turned_back, turned_spacing
from diaphane.segment.outline import enclosed, largest_part, outline

Spacing = tuple[float, float, float]
SOURCE = "thresholds and morphology"
CT_TABLE = tuple(
    LabelRecipe(value=value, name=name, role="anatomy")
    for value, name in enumerate(("head soft tissue", "bone", "head cavity", "air inside the head"), start=1)
)
MR_TABLE = (LabelRecipe(value=1, name="head", role="anatomy"),)
TISSUE_HU = -300.0
"""Half-way between air and fat: skin is above, and so is what the scanner blurs of it."""
BONE_HU = 226.0
"""The usual lower limit of bone in surface models of CT."""
NOISE_MM = 2.0
SPECK_MM3 = 50.0
GRID_MM = 3.0
"""Grid on which the head cavity is sought; bone of any thickness counts on it."""
CORE_MM = 20.0
"""So far off bone lies the middle of a brain, and no soft tissue of the face."""
CANAL_MM = 12.0
"""The spinal canal is narrower than twice this; the head cavity is wider wherever it is no corner."""
CORNER_MM = 25.0
"""Corners of the cavity lie this near to where it is wide; so far the canal is counted in."""
MOST_PLACES = 3
"""With neck and shoulders in the scan, places outside the skull may lie deeper than the brain."""
SMALLEST_MM = 60.0
"""A volume that is thinner shows no head."""
CAVITY_ML = (300.0, 2500.0)
"""Heads from newborn to the largest; outside it is not a head."""
ADULT_CAVITY_ML = (900.0, 1900.0)
LINED = 0.7
"""Share of the cavity's wall that must be bone: a skull has more (its openings are small), a trunk far less."""
MR_HEAD_ML = (1800.0, 7000.0)
"""Whole heads; below, a brain without its skull or a part, above, a trunk."""
MR_SIDE_MM = (110.0, 290.0)
"""Width and depth of a head."""
ROUND = 0.75
"""Area of the largest section over that of the ellipse in its box."""
TOP_SHARE = 0.6
"""The uppermost section over the largest: a limb or trunk does not close at its upper end, a head does."""
CUT_CM2 = 10.0
"""Touching a side of the volume with more than this, a head is cut off."""
CAVITY_CUT_CM2 = 20.0
"""More than the spinal canal and the foramen magnum."""
SIDES = ("lower", "upper", "front", "back", "right", "left")
"""The ends of the turned axes; at the lower one every scan of a head cuts the neck off."""


@dataclass(frozen=True, slots=True)
class Cavity:
    """The space enclosed by bone, on the grid of the turned array."""

    mask: BoolArray
    lined: float
    """Share of its wall that is bone."""


def segment_head(image: Image, modality: str) -> tuple[Labels | None, tuple[Verdict, ...]]:
    """The structures of a head, and the verdicts; None where it is no head or cut too small to tell.

    ``modality`` is DICOM's code; where it is empty, values in Hounsfield units mean CT and others MR.
    """
    kind = modality or ("CT" if is_hounsfield(image) else "MR")
    extent = [n * s for n, s in zip(image.shape, image.geometry.spacing, strict=True)]
    if kind not in ("CT", "MR") or image.channels != 1 or not image.geometry.calibrated:
        return _refused("it takes grey CT or MR volumes with a scale in mm")
    if kind == "CT" and not is_hounsfield(image):
        return _refused("this CT is not in Hounsfield units, or shows no air around a body (air is -1000, soft tissue about 0)")
    if min(image.shape) < 8 or min(extent) < SMALLEST_MM:
        return _refused(f"this volume is {' x '.join(f'{e:.0f}' for e in extent)} mm, a head needs {SMALLEST_MM:.0f} mm in each direction")
    array = np.ascontiguousarray(turned(image.array, image.geometry))
    voxel_ml = abs(float(np.linalg.det(image.geometry.affine[:3, :3]))) / 1000
    found, verdicts = (_ct if kind == "CT" else _mr)(array, turned_spacing(image.geometry), voxel_ml)
    if found is None:
        return None, verdicts
    table = CT_TABLE if kind == "CT" else MR_TABLE
    return Labels(np.ascontiguousarray(turned_back(found, image.geometry)), table, source=SOURCE), verdicts


def _ct(array: Array, spacing: Spacing, voxel_ml: float) -> tuple[Array | None, tuple[Verdict, ...]]:
    head = outline(array > TISSUE_HU, spacing)
    bone = _without_specks((array >= BONE_HU) & head, spacing)
    cavity = head_cavity(head, _walls(array, spacing), spacing)
    labels = np.where(head, np.where(array > TISSUE_HU, 1, 4), 0).astype(np.uint8)
    labels[bone] = 2
    labels[cavity.mask & (labels == 1)] = 3
    inner = labels == 3
    volume = float(np.count_nonzero(inner)) * voxel_ml
    if not _enclosed(volume, cavity.lined):
        what = f"the space deepest inside is {volume:.0f} ml with {cavity.lined:.0%} of its wall bone" if volume else "bone encloses nothing here"
        return _refused(f"{what}; a head cavity has {CAVITY_ML[0]:.0f} to {CAVITY_ML[1]:.0f} ml, and {LINED:.0%} or more of its wall is bone")
    doubts = cut_off("head", head, spacing, CUT_CM2, SIDES[1:])
    if not ADULT_CAVITY_ML[0] <= volume <= ADULT_CAVITY_ML[1]:
        doubts.append(f"the head cavity has {volume:.0f} ml, adults have {ADULT_CAVITY_ML[0]:.0f} to {ADULT_CAVITY_ML[1]:.0f}")
    doubts += cut_off("head cavity", inner, spacing, CAVITY_CUT_CM2, SIDES)
    fine = f"head cavity of {volume:.0f} ml, {cavity.lined:.0%} of its wall bone; the head is not cut off but at the neck"
    return labels, (_is_head(f"a skull encloses {volume:.0f} ml"), _result(doubts, fine))


def _walls(array: Array, spacing: Spacing) -> BoolArray:
    """Where the mean over ``NOISE_MM`` in a slice is bone: no noise passes for it, and bone of 1 mm still does."""
    rows, columns = (2 * round(NOISE_MM / s / 2) + 1 for s in spacing[1:])
    return np.stack([cv2.blur(plane.astype(np.float32), (columns, rows)) >= BONE_HU for plane in array])


def _without_specks(bone: BoolArray, spacing: Spacing) -> BoolArray:
    """``bone`` without parts below ``SPECK_MM3``, which noise makes."""
    parts = numbered(bone, corners=False)
    large = np.bincount(parts.ravel()) * (spacing[0] * spacing[1] * spacing[2]) >= SPECK_MM3
    large[0] = False
    return np.asarray(large[parts])


def head_cavity(head: BoolArray, bone: BoolArray, spacing: Spacing) -> Cavity:
    """The space inside ``head`` that ``bone`` encloses: of the deepest places, the first that passes for one; else the deepest.

    It reaches up to a voxel of its coarse grid into the bone.
    """
    step = [max(1, round(GRID_MM / s)) for s in spacing]
    wall, inside = _blocks(bone, step).max(axis=(1, 3, 5)), _blocks(head, step).min(axis=(1, 3, 5))
    coarse = [s * n for s, n in zip(spacing, step, strict=True)]
    found = Cavity(np.zeros_like(wall), 0.0)
    depth = distance(~wall, coarse)
    for number, seed in enumerate(_deepest(np.where(inside, depth, 0)) if wall.any() else []):
        tried = _cavity(depth, wall, inside, coarse, seed)
        passes = _enclosed(float(np.count_nonzero(tried.mask)) * float(np.prod(coarse)) / 1000, tried.lined)
        found = tried if passes or number == 0 else found
        if passes:
            break
    fine = found.mask
    for axis, n in enumerate(step):
        fine = np.repeat(fine, n, axis=axis)
    return Cavity(np.asarray(fine[tuple(slice(n) for n in head.shape)] & head), found.lined)


def _deepest(depth: FloatArray) -> list[tuple[int, ...]]:
    """The deepest point of each of the places that lie ``CORE_MM`` off bone, the deepest place first."""
    places = numbered(depth > CORE_MM, corners=False)
    points = ndimage.maximum_position(depth, places, range(1, int(places.max()) + 1))
    return sorted(points, key=lambda point: -float(depth[point]))[:MOST_PLACES]


def _cavity(depth: FloatArray, wall: BoolArray, inside: BoolArray, coarse: list[float], seed: tuple[int, ...]) -> Cavity:
    """The watershed basin of ``seed`` against what lies outside, out to the wall, without the spinal canal."""
    seeds = np.where(inside, 0, 1).astype(np.int32)
    seeds[seed] = 2
    flooded = np.asarray(watershed(-depth, seeds, mask=~wall | ~inside) == 2)
    core = largest_part(flooded & (depth > CANAL_MM))
    near = distance(~core, coarse) <= CORNER_MM if core.any() else core
    basin = ndimage.binary_fill_holes(largest_part(ndimage.binary_opening(flooded & near)))
    grown = np.asarray(ndimage.binary_dilation(basin))
    shell = grown & ~basin
    return Cavity(grown, float(wall[shell].mean()) if shell.any() else 0.0)


def _enclosed(volume_ml: float, lined: float) -> bool:
    return CAVITY_ML[0] <= volume_ml <= CAVITY_ML[1] and lined >= LINED


def _blocks(mask: BoolArray, step: list[int]) -> BoolArray:
    """(k, step, j, step, i, step): ``mask`` cut in blocks, its end repeated where it does not divide."""
    padded = np.pad(mask, [(0, -n % s) for n, s in zip(mask.shape, step, strict=True)], mode="edge")
    shape = [part for n, s in zip(padded.shape, step, strict=True) for part in (n // s, s)]
    return np.asarray(padded.reshape(shape))


def _mr(array: Array, spacing: Spacing, voxel_ml: float) -> tuple[Array | None, tuple[Verdict, ...]]:
    sample = array[:: max(1, array.shape[0] // 64), ::2, ::2].astype(np.float32)
    clipped = np.clip(sample, None, np.percentile(sample, 99))
    if float(np.ptp(clipped)) == 0:
        return _refused("all values here are equal")
    bright = enclosed(array > 0.5 * float(threshold_otsu(clipped)))  # bone gives no signal: the scalp may be a shell of its own
    head = outline(bright, spacing, gap_mm=12.0)
    volume = float(np.count_nonzero(head)) * voxel_ml
    problem = _no_head(head, volume, spacing)
    if problem:
        return _refused(problem)
    output = _result(cut_off("head", head, spacing, CUT_CM2, SIDES[1:]), f"head of {volume:.0f} ml, cut off at the neck only")
    return head.astype(np.uint8), (_is_head(f"round, {volume:.0f} ml"), output)


def _no_head(head: BoolArray, volume_ml: float, spacing: Spacing) -> str:
    """Why an outline is not that of a head; empty where it is."""
    if not MR_HEAD_ML[0] <= volume_ml <= MR_HEAD_ML[1]:
        return f"the body in it has {volume_ml:.0f} ml, a head {MR_HEAD_ML[0]:.0f} to {MR_HEAD_ML[1]:.0f}"
    areas = np.count_nonzero(head, axis=(1, 2))
    section = head[int(areas.argmax())]
    depth, width = (int(np.count_nonzero(section.any(axis=axis))) * s for axis, s in ((1, spacing[1]), (0, spacing[2])))
    if not (MR_SIDE_MM[0] <= min(depth, width) and max(depth, width) <= MR_SIDE_MM[1]):
        return f"the largest section here is {depth:.0f} x {width:.0f} mm, a head's sides have {MR_SIDE_MM[0]:.0f} to {MR_SIDE_MM[1]:.0f}"
    roundness = float(areas.max()) * spacing[1] * spacing[2] / (np.pi / 4 * depth * width)
    if roundness < ROUND:
        return f"the largest section here fills {roundness:.2f} of an ellipse, a head {ROUND} or more"
    top = float(areas[-1] / areas.max())
    return f"the body in it does not close at its upper end ({top:.0%} of the largest section)" if top > TOP_SHARE else ""


def cut_off(what: str, mask: BoolArray, spacing: Spacing, limit_cm2: float, sides: Sequence[str]) -> list[str]:
    """A doubt about ``mask`` where it lies on one of these ``sides`` of the volume with more than ``limit_cm2``: it goes on beyond."""
    cells = (spacing[1] * spacing[2], spacing[0] * spacing[2], spacing[0] * spacing[1])
    ends = [float(mask.take(end, axis=axis).sum()) * cells[axis] / 100 for axis in range(3) for end in (0, -1)]
    found = [f"{side} {area:.0f} cm²" for side, area in zip(SIDES, ends, strict=True) if side in sides and area > limit_cm2]
    return [f"the {what} is cut off, its volume is too small (area on the sides of the scan: {', '.join(found)})"] if found else []


def _refused(why: str) -> tuple[None, tuple[Verdict, ...]]:
    return None, (Verdict(gate="input", verdict="refused", subject="head", reason=f"the shipped segmenter knows heads only: {why}; give --labels FILE"),)


def _is_head(why: str) -> Verdict:
    return Verdict(gate="input", verdict="passed", subject="head", reason=f"taken for a head: {why}")


def _result(doubts: list[str], fine: str) -> Verdict:
    return Verdict(gate="output", verdict="doubted" if doubts else "passed", subject="head", reason="; ".join(doubts) or fine)
