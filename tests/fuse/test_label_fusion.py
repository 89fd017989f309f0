from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from tests.faces_made import disc_candidate

from diaphane.errors import UsageError
from diaphane.fuse.label_fusion import agreed, staple
from diaphane.fuse.networks import one_of_several


@pytest.fixture
def votes(rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """A disc, and what five people of differing care drew."""
    rows, columns = np.mgrid[:60, :60]
    truth = (rows - 30) ** 2 + (columns - 30) ** 2 < 200
    return truth, [truth ^ (rng.random(truth.shape) < wrong) for wrong in (0.02, 0.05, 0.1, 0.3, 0.4)]


def test_staple_agrees_with_simpleitk(votes: tuple) -> None:
    own = staple(votes[1], rounds=200)
    theirs = sitk.GetArrayFromImage(sitk.STAPLE([sitk.GetImageFromArray(v.astype(np.uint8)) for v in votes[1]], 1.0))
    assert np.mean((own >= 0.5) != (theirs >= 0.5)) < 0.002


def test_staple_trusts_the_careful_more_than_a_majority_does(votes: tuple) -> None:
    truth, masks = votes
    assert np.count_nonzero(agreed(masks, "staple") != truth) < np.count_nonzero(agreed(masks, "majority") != truth)


def test_staple_ends_where_nothing_or_everything_is_drawn() -> None:
    assert staple([np.zeros((4, 4), bool)] * 3).max() < 0.5
    assert staple([np.ones((4, 4), bool)] * 3).min() > 0.5
    assert staple([np.zeros((4, 4), bool), np.ones((4, 4), bool)], rounds=3).shape == (4, 4)


def test_soft_fusion_is_the_mean_probability_and_needs_it() -> None:
    masks = [np.array([True, False]), np.array([True, True])]
    assert agreed(masks, "soft", [np.array([0.9, 0.1]), np.array([0.6, 0.7])]).tolist() == [True, False]
    with pytest.raises(UsageError, match="needs a map of probabilities"):
        agreed(masks, "soft")
    with pytest.raises(UsageError, match="masks of one shape"):
        agreed([np.zeros(2, bool), np.zeros(3, bool)], "majority")


@pytest.mark.parametrize("how", ["majority", "soft", "staple"])
def test_what_three_networks_propose_of_one_thing_is_one_candidate(how: str) -> None:
    three = [disc_candidate(n, 100 + n, 100, network=f"fold_{n}", probability=p) for n, p in enumerate((0.9, 0.6, 0.3), start=1)]
    other = disc_candidate(9, 200, 100, network="fold_1", probability=0.5)
    joined, sources = one_of_several([*three, other], how)
    assert sources == {1: (1, 2, 3), 9: (9,)}
    assert joined[0].probability == pytest.approx(0.6)
    if how == "majority":
        own = np.zeros((40, 40), int)
        for c in three:
            x, y, w, h = c.box_px
            own[y - 85 : y - 85 + h, x - 85 : x - 85 + w] += c.mask
        x, y, w, h = joined[0].box_px
        whole = np.zeros((40, 40), bool)
        whole[y - 85 : y - 85 + h, x - 85 : x - 85 + w] = joined[0].mask
        assert np.array_equal(whole, own >= 2)


def test_one_networks_candidates_stay_as_they_are() -> None:
    own = [disc_candidate(1, 100, 100, network="a"), disc_candidate(2, 101, 100, network="a")]
    assert one_of_several(own, "majority")[0] == tuple(own)


def test_other_frames_and_other_sources_are_not_joined() -> None:
    first = disc_candidate(1, 100, 100, network="a")
    later, elsewhere = replace(first, candidate=2, frame=1, network="b"), replace(first, candidate=3, source_sha256="cd" * 32, network="b")
    assert len(one_of_several([first, later, elsewhere], "majority")[0]) == 3
