from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from tests.phantoms import LESION, coloured, disc, ellipse, lesion_of

from diaphane.acquire.picture import read_picture
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.measure import Options, extract
from diaphane.measure.view import sheet_of, view_of

NATIVE = Options(long_side_px=0)


def speckled(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(coloured(mask) + rng.integers(-25, 25, (*mask.shape, 3)), 0, 255).astype(np.uint8)


def test_a_region_far_from_the_edges_is_measured_as_in_a_smaller_picture(rng: np.random.Generator) -> None:
    mask = ellipse(200, 240, (90, 100), (20, 31))
    picture = speckled(mask, rng)
    wide = extract(*lesion_of(mask, picture), NATIVE)[0]
    cut = extract(*lesion_of(mask[40:150, 30:180], picture[40:150, 30:180]), NATIVE)[0]
    for a, b in zip(wide.features, cut.features, strict=True):
        if a.name != "area_fraction":
            assert b.value == pytest.approx(a.value, rel=1e-9, abs=1e-9, nan_ok=True), a.name


def test_view_holds_the_region_and_all_that_is_looked_at_around_it(rng: np.random.Generator) -> None:
    mask = ellipse(200, 240, (90, 100), (20, 31))
    image, labels = lesion_of(mask, speckled(mask, rng))
    region = extract(image, labels, NATIVE)[0]
    view = view_of(sheet_of(image, mask, NATIVE), region, NATIVE)
    top, left = view.origin
    rows, columns = view.mask.shape
    assert view.mask.sum() == mask.sum()
    assert np.array_equal(view.rgb, image.array[0][top : top + rows, left : left + columns])
    assert (rows, columns) < mask.shape


def test_the_ring_keeps_to_the_skin_when_it_is_as_wide_as_the_region(rng: np.random.Generator) -> None:
    mask = disc(15, 200)
    picture = coloured(mask)
    away = np.hypot(*(np.mgrid[:200, :200] - 99.5))
    picture[away > 15 + 4 / 3 * 30 + 2] = 0
    region = extract(*lesion_of(mask, picture), Options(long_side_px=0, ring_share=1.0))[0]
    assert region.value("red_contrast") == 110 - 215


def test_sixteen_bit_colour_gives_the_values_of_eight(rng: np.random.Generator) -> None:
    mask = disc(30)
    picture = speckled(mask, rng)
    labels = Labels(mask[None].astype(np.uint8), LESION)
    plain, deep = (extract(Image(p[None]), labels, NATIVE)[0] for p in (picture, picture.astype(np.uint16) * 257))
    for a, b in zip(plain.features, deep.features, strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-9, abs=1e-9, nan_ok=True), a.name


def files_of(picture: np.ndarray, folder: Path) -> list[Path]:
    """The same pixels as 8 and 16 bit, with alpha, with a palette."""
    deep = picture.astype(np.uint16) * 257
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    names = [folder / f"{name}.{suffix}" for name, suffix in (("deep", "png"), ("deep", "tif"), ("alpha", "png"), ("palette", "png"), ("palette", "bmp"))]
    for path in names[:2]:
        cv2.imwrite(str(path), deep[..., ::-1])
    Pillow.fromarray(opaque).save(names[2])
    few = Pillow.fromarray(picture).convert("P", palette=Pillow.Palette.ADAPTIVE, colors=4)
    few.save(names[3])
    few.save(names[4])
    return names


def test_every_kind_of_colour_file_gives_the_same_colours(tmp_path: Path) -> None:
    mask = disc(30)
    picture = coloured(mask)
    labels = Labels(mask[None].astype(np.uint8), LESION)
    plain = extract(Image(picture[None]), labels, NATIVE)[0]
    for path in files_of(picture, tmp_path):
        region = extract(read_picture(path), labels, NATIVE)[0]
        assert [f.value for f in region.features] == pytest.approx([f.value for f in plain.features], nan_ok=True), path.name


def test_constant_picture_has_colours_and_no_contrast() -> None:
    region = extract(*lesion_of(disc(30), np.full((128, 128, 3), (180, 140, 120), np.uint8)), NATIVE)[0]
    assert region.value("red_contrast") == 0
    assert region.value("colour_difference_to_skin") == 0
    assert region.value("skin_share") == 1
    assert region.value("clinical_colours") == 1
    assert region.value("border_step_mean") == 0
