"""The input gate is fitted: what it tells, how often it is wrong, what is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.train.films import UPRIGHT, block, film

from diaphane.core.image import Image
from diaphane.core.recipe import Fingerprint, Kind, LabelRecipe, Recipe
from diaphane.engine.bundle import open_bundle
from diaphane.errors import BundleError
from diaphane.ops.fingerprint import descriptors, distances, strangeness
from diaphane.ops.turns import by_turn, places, turns
from diaphane.train.export import fingerprint_bytes, write_bundle
from diaphane.train.fingerprints import Check, Scored, fit_fingerprint, limits_together, parts_of
from diaphane.train.kinds import fit_kinds, likeliest_count
from diaphane.train.output_fingerprints import fit_output
from diaphane.train.upright import fit_layout, natural_turns, opposite, scores_of

CLASSES = Recipe(
    name="made", task="classify", modality="film", network="none", labels=(LabelRecipe(value=1, name="x"),), licence="none",
)  # fmt: skip


@pytest.fixture(scope="module")
def of_films() -> Fingerprint:
    rng = np.random.default_rng(5)
    return fit_fingerprint((film(rng) for _ in range(80)), [f"p{n // 2}" for n in range(80)], UPRIGHT, 0)


@pytest.fixture(scope="module")
def of_blocks() -> Fingerprint:
    rng = np.random.default_rng(6)
    return fit_fingerprint((block(rng) for _ in range(40)), [str(n) for n in range(40)], UPRIGHT, 0)


def strange(image: Image, fingerprint: Fingerprint) -> bool:
    return max(ratio for ratio, _ in strangeness(image, fingerprint)) > 1


def test_new_films_pass_and_turned_or_inverted_or_brighter_ones_are_strange(of_films: Fingerprint) -> None:
    rng = np.random.default_rng(7)
    new = [film(rng) for _ in range(24)]
    assert np.mean([strange(one, of_films) for one in new]) <= 0.05
    for turn in turns(2)[1:]:
        assert np.mean([strange(replace(one, array=by_turn(one.array[0], turn)[None]), of_films) for one in new]) >= 0.95, turn
    assert all(strange(replace(one, array=255 - one.array), of_films) for one in new)
    assert all(strange(replace(one, array=np.clip(one.array.astype(int) + 90, 0, 255).astype(np.uint8)), of_films) for one in new)


def test_new_volumes_pass_in_any_unit_and_permuted_flipped_or_shifted_ones_are_strange(of_blocks: Fingerprint) -> None:
    rng = np.random.default_rng(8)
    new = [block(rng) for _ in range(6)]
    assert np.mean([strange(one, of_blocks) for one in new]) <= 0.05
    for turn in turns(3)[1:]:
        assert np.mean([strange(replace(one, array=by_turn(one.array, turn)), of_blocks) for one in new]) >= 0.95, turn
    assert all(strange(replace(one, array=one.array - 2 * np.ptp(one.array)), of_blocks) for one in new)
    assert np.mean([strange(replace(one, array=one.array * 7), of_blocks) for one in new]) <= 0.2


def test_a_volume_may_be_stored_in_any_order_where_its_header_says_so(of_blocks: Fingerprint) -> None:
    one = block(np.random.default_rng(9))
    affine = np.array(one.geometry.affine)[:, [1, 0, 2, 3]]
    swapped = Image(np.ascontiguousarray(one.array.swapaxes(0, 1)), replace(one.geometry, affine=affine))
    assert np.allclose(descriptors(one), descriptors(swapped))
    assert not strange(swapped, of_blocks)


def test_what_augmentation_makes_is_natural_and_said_to_be_untold() -> None:
    rng = np.random.default_rng(10)
    mirrored = replace(UPRIGHT, flip=(False, False, True))
    fingerprint = fit_fingerprint((film(rng) for _ in range(30)), [str(n) for n in range(30)], mirrored, 0)
    assert "mirrored left-right" in fingerprint.untold
    assert "upside down" in {check.name for check in fingerprint.checks}
    assert natural_turns(mirrored, 2) == ((1, 2), (1, -2))
    assert len(natural_turns(replace(UPRIGHT, rotation_deg=180), 2)) == 4
    assert len(natural_turns(replace(UPRIGHT, flip=(True, True, True), rotation_deg=180), 3)) == 16


def test_a_turn_and_its_opposite_leave_everything_in_place(rng: np.random.Generator) -> None:
    array = rng.normal(size=(8, 8, 8))
    assert len(set(turns(3))) == 48
    for turn in turns(3):
        assert np.array_equal(by_turn(by_turn(array, turn), opposite(turn)), array)
        assert np.array_equal(array.ravel()[places(turn)], by_turn(array, turn).ravel())


def test_layout_weights_are_where_the_slow_gradient_vanishes(rng: np.random.Generator) -> None:
    small = rng.normal(size=(30, 64)) + np.linspace(-1, 1, 64)
    others = [turn for turn in turns(2) if turn != (1, 2)]

    def loss(weights: np.ndarray[Any, Any]) -> float:
        sums = np.stack([small @ weights, -small @ weights, *(small[:, places(turn)] @ weights for turn in others)], axis=1)
        return float(np.mean(np.log(np.exp(sums).sum(axis=1)) - sums[:, 0]) + 0.1 * weights @ weights)

    best = fit_layout(small, others)
    slope = [(loss(best + 1e-5 * axis) - loss(best - 1e-5 * axis)) / 2e-5 for axis in np.eye(64)]
    assert np.abs(slope).max() < 1e-3
    assert scores_of(small, best, others).shape == (30, 8)


def wrong(scored: list[Scored]) -> np.ndarray[Any, Any]:
    """(checks, items): which clean items are above the limit of each."""
    return np.stack([one.clean > limit for one, limit in zip(scored, limits_together(scored, len(scored[0].clean)), strict=True)])


def test_limits_together_leave_no_more_false_alarms_than_allowed(rng: np.random.Generator) -> None:
    check = Check("tone", "", 0, np.inf, np.nan)

    def scores(count: int) -> list[Scored]:
        return [Scored(check, rng.normal(size=count), rng.normal(2.5, 1, count)) for _ in range(4)]

    above = wrong(scores(4000))
    assert above[0].mean() == pytest.approx(0.005, abs=0.0003)
    assert 0 < above[1:].any(axis=0).mean() <= 0.001
    assert wrong(scores(400)).sum() <= 4  # an equal part each, of so few items that none is a part
    apart = [Scored(check, rng.normal(size=4000), np.zeros(0)), Scored(check, rng.normal(size=4000), rng.normal(30, 2, 4000))]
    assert np.mean(apart[1].altered > limits_together(apart, 4000)[1]) == pytest.approx(0.98, abs=0.001)


def test_patients_are_in_one_part() -> None:
    names = [f"p{n % 25}" for n in range(100)]
    found = parts_of(names, 3)
    assert all(len({part for part, name in zip(found, names, strict=True) if name == one}) == 1 for one in set(names))
    assert len(set(found.tolist())) == 10


def test_a_bundle_keeps_its_fingerprints_small_and_whole(of_films: Fingerprint, of_blocks: Fingerprint, tmp_path: Path, rng: np.random.Generator) -> None:
    results = {1: {str(n): rng.normal(size=9) for n in range(60)}}
    output = fit_output(results, {str(n): str(n) for n in range(60)}, 0)
    assert output is not None
    wide = np.linspace(0.9, 1.1, of_films.mean.size)
    several = replace(of_films, kinds=tuple(Kind(n - 3.0, of_films.mean * (wide if n else 1), of_films.kinds[0].precision * (1 + n)) for n in range(2)))
    for fingerprint, one in ((of_films, film(rng)), (several, film(rng)), (of_blocks, block(rng))):
        data = fingerprint_bytes(fingerprint)
        assert len(data) < 200_000
        write_bundle(tmp_path / "b", CLASSES, {"model.json": b"{}", "fingerprint.json": data, "output_fingerprint.json": fingerprint_bytes(output)})
        opened = open_bundle(tmp_path / "b")
        assert opened.fingerprint is not None
        pairs = zip(strangeness(one, opened.fingerprint), strangeness(one, fingerprint), strict=True)
        assert all(a == pytest.approx(b, abs=1e-3) and (c is None or c.name == d.name) for (a, c), (b, d) in pairs)  # type: ignore[union-attr]
        assert opened.output_fingerprint is not None
        assert opened.output_fingerprint.limit == pytest.approx(output.limit)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"limit": 0}, "must be positive"),
        ({"kinds": [{"height": 0.0, "mean": [0.0, 0.0], "root": [[1.0]]}]}, "must have rows of 1 to 2 numbers"),
        ({"kinds": [{"height": 0.0, "mean": [0.0], "root": [[1.0]]}]}, "one kind or more, each of 56 descriptors"),
        ({"kinds": [{"height": 10**400, "mean": [0.0], "root": [[1.0]]}]}, "too large"),
        ({"kinds": [{"height": 0.0, "mean": [0.0], "root": [[1e200]]}]}, "finite numbers, up to"),
        ({"limit": 1e200}, "a finite number, up to"),
        ({"kinds": []}, "one kind or more, each of 56 descriptors"),
        ({"layout": [1.0, 2.0]}, "8 cells along each of 2 or 3 axes"),
        ({"checks": [{"kind": "magic", "name": "", "centre": 0, "limit": 1, "caught": 1, "turn": [], "weights": []}]}, "must be one of turned"),
        ({"checks": [{"kind": "turned", "name": "", "centre": 0, "limit": 1, "caught": 1, "turn": [1, 1], "weights": []}]}, "each axis of the layout once"),
        ({"checks": [{"kind": "tone", "name": "", "centre": 0, "limit": 1, "caught": 1, "turn": [], "weights": []}]}, "must have 113 weights"),
        ({"checks": [{"kind": "inverted", "name": "", "centre": 1, "limit": 1, "caught": 1, "turn": [], "weights": []}]}, "above its centre"),
        ({"checks": 7}, "not a fingerprint"),
    ],
)
def test_a_malformed_fingerprint_is_a_broken_bundle(of_films: Fingerprint, change: dict[str, Any], says: str, tmp_path: Path) -> None:
    data = json.dumps({**json.loads(fingerprint_bytes(of_films)), **change}).encode()
    write_bundle(tmp_path / "b", CLASSES, {"model.json": b"{}", "fingerprint.json": data})
    with pytest.raises(BundleError, match=says):
        _ = open_bundle(tmp_path / "b").fingerprint


def test_a_fingerprint_of_more_descriptors_than_there_are_is_refused(of_films: Fingerprint, rng: np.random.Generator) -> None:
    wide = replace(of_films, mean=np.zeros(60), kinds=(Kind(0.0, np.zeros(60), np.eye(60)),))
    with pytest.raises(BundleError, match="at most 56 descriptors, this one holds 60"):
        strangeness(film(rng), wide)


def test_volumes_without_any_contrast_or_finite_value_are_strange_not_an_error(of_blocks: Fingerprint) -> None:
    for value in (0.0, 5.0, np.nan):
        assert strange(Image(np.full((14, 22, 18), value, np.float32), block(np.random.default_rng(0)).geometry), of_blocks)


def test_what_lies_between_two_kinds_is_far_from_both() -> None:
    rng = np.random.default_rng(9)
    first, second = rng.normal(0, 0.3, (400, 5)), rng.normal(4, 0.3, (400, 5))
    rows = np.concatenate([first, second])
    parts = np.arange(800) % 10
    count = likeliest_count(rows, parts, 800, 0)
    kinds = fit_kinds(rows, count, 0)
    assert count == 2
    assert sorted(round(float(kind.mean.mean())) for kind in kinds) == [0, 4]
    near, between = distances(np.array([[0.0] * 5, [4.0] * 5]), kinds), distances(np.full((1, 5), 2.0), kinds)
    assert near.max() < 1
    assert between[0] > 8
    assert distances(np.full((1, 5), 2.0), fit_kinds(rows, 1, 0))[0] < 1


def test_few_items_are_one_kind() -> None:
    rng = np.random.default_rng(10)
    assert likeliest_count(np.concatenate([rng.normal(0, 1, (200, 3)), rng.normal(9, 1, (200, 3))]), np.arange(400) % 10, 200, 0) == 1
