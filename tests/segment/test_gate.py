"""The input gate's verdicts: what refuses, what raises a doubt, what was not checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.train.films import UPRIGHT, film

from diaphane.core.recipe import Fingerprint, InputRecipe, Kind, LabelRecipe, Recipe
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.ops.turns import by_turn
from diaphane.segment.gate import input_verdict, likeness
from diaphane.train.export import fingerprint_bytes, write_bundle
from diaphane.train.fingerprints import fit_fingerprint

FILMS = Recipe(
    name="films", task="classify", modality="made film", network="none", labels=(LabelRecipe(value=1, name="x"),), licence="none",
    input=InputRecipe(channels=1, size=(32, 32), fit="pad", normalisation="z-score"),
)  # fmt: skip


@pytest.fixture(scope="module")
def fingerprint() -> Fingerprint:
    rng = np.random.default_rng(3)
    return fit_fingerprint((film(rng) for _ in range(40)), [str(n) for n in range(40)], UPRIGHT, 0)


def bundle_of(fingerprint: Fingerprint, folder: Path) -> Bundle:
    write_bundle(folder / "films", FILMS, {"model.onnx": b"", "fingerprint.json": fingerprint_bytes(fingerprint)})
    return open_bundle(folder / "films")


def test_turned_films_are_refused_by_name_and_a_new_one_passes(fingerprint: Fingerprint, tmp_path: Path) -> None:
    bundle, one = bundle_of(fingerprint, tmp_path), film(np.random.default_rng(4))
    verdict = input_verdict(one, bundle)
    assert (verdict.verdict, verdict.reason[:21]) == ("passed", "looks like made film:")
    assert likeness(one, bundle) <= 1
    known = replace(fingerprint, limit=1e9)  # without the distance
    for turn, words in (((-1, -2), "upside down"), ((2, -1), "turned by 90 degrees"), ((-2, 1), "turned by 90 degrees"), ((-1, 2), "mirrored up-down")):
        odd = input_verdict(replace(one, array=by_turn(one.array[0], turn)[None]), bundle_of(known, tmp_path))
        assert odd.verdict == "refused"
        assert f"looks like made film {words}" in odd.reason
    assert "with its greys inverted" in input_verdict(replace(one, array=255 - one.array), bundle_of(known, tmp_path)).reason


def test_other_grey_levels_and_unsure_checks_are_doubts(fingerprint: Fingerprint, tmp_path: Path) -> None:
    one = film(np.random.default_rng(4))
    known = replace(fingerprint, limit=1e9, checks=tuple(check for check in fingerprint.checks if check.kind == "tone"))
    bright = replace(one, array=np.clip(one.array.astype(int) + 90, 0, 255).astype(np.uint8))
    verdict = input_verdict(bright, bundle_of(known, tmp_path))
    assert verdict.verdict == "doubted"
    assert "brighter" in verdict.reason
    unsure = replace(fingerprint, limit=1e9, checks=tuple(replace(c, caught=0.5) for c in fingerprint.checks if c.kind == "turned"))
    assert input_verdict(replace(one, array=one.array[:, ::-1]), bundle_of(unsure, tmp_path)).verdict == "doubted"


def test_fingerprints_of_older_bundles_go_by_their_distance_alone(fingerprint: Fingerprint, tmp_path: Path) -> None:
    one = film(np.random.default_rng(4))
    old = Fingerprint(fingerprint.mean[:45], (Kind(0.0, fingerprint.mean[:45], np.eye(45)),), 5.0, "as it was")
    assert input_verdict(one, bundle_of(replace(old, limit=1e6), tmp_path)).verdict == "passed"
    refused = input_verdict(replace(one, array=255 - one.array), bundle_of(old, tmp_path))
    assert refused.verdict == "refused"
    assert "does not look like made film" in refused.reason


def test_what_cannot_be_told_is_said(fingerprint: Fingerprint, tmp_path: Path) -> None:
    silent = replace(fingerprint, untold=("mirrored left-right", "brighter"))
    assert input_verdict(film(np.random.default_rng(4)), bundle_of(silent, tmp_path)).reason.endswith("; not told: mirrored left-right, brighter")
