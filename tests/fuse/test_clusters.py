from __future__ import annotations

import numpy as np
import pytest
from tests.faces_made import disc_candidate

from diaphane.fuse.cluster_rows import OF_CLUSTERS, cluster_values
from diaphane.fuse.clusters import Reach, clusters


def at(number: int, x: float, y: float, *, identity: float = 1, frame: int = 0, dark: float = -5.0, **more: float):
    place = {"face_x_mm": x, "face_y_mm": y, "face_z_mm": 0.0, "face_identity": identity, "face_skin_lightness": dark}
    return disc_candidate(number, 100, 100, frame=frame, **place, **more)


def test_one_lesion_in_five_frames_is_one_cluster_and_its_neighbour_another() -> None:
    near = [at(n, 30 + 0.8 * n, 10, frame=n) for n in range(5)]
    beside = [at(9, 60, 10)]
    assert clusters([*near, *beside], Reach()) == [[0, 1, 2, 3, 4], [5]]


def test_the_same_place_on_two_faces_is_two_clusters() -> None:
    assert clusters([at(1, 30, 10), at(2, 30, 10, identity=2)], Reach()) == [[0], [1]]


def test_looks_part_what_lies_together() -> None:
    assert clusters([at(1, 30, 10, dark=-5), at(2, 31, 10, dark=9)], Reach(millimetres=9, deviations=6)) == [[0], [1]]


def test_a_chain_is_not_drawn_into_one() -> None:
    """Average linkage: the ends of a row of spots 6 mm apart are not one, though each is near to the next."""
    found = clusters([at(n, 6.0 * n, 0) for n in range(8)], Reach(millimetres=9, deviations=6))
    assert len(found) >= 3
    assert max(map(len, found)) <= 4


def test_without_landmarks_the_box_tells_where() -> None:
    spots = [disc_candidate(n, 100, 100, frame=n, face_u=u, face_v=0.5, face_identity=1.0) for n, u in enumerate((0.30, 0.31, 0.7))]
    assert clusters(spots, Reach()) == [[0, 1], [2]]


def test_order_of_candidates_does_not_matter(rng: np.random.Generator) -> None:
    spots = [at(n, *rng.uniform(-60, 60, 2)) for n in range(30)]
    first = {frozenset(spots[n].candidate for n in c) for c in clusters(spots, Reach())}
    turned = spots[::-1]
    assert {frozenset(turned[n].candidate for n in c) for c in clusters(turned, Reach())} == first


def test_row_of_a_cluster_has_means_of_what_is_known() -> None:
    members = [at(1, 0, 0, face_turn=0.2), at(2, 0, 0, frame=1)]
    row = dict(zip((*OF_CLUSTERS, "face_turn", "elongation"), cluster_values(members, (*OF_CLUSTERS, "face_turn", "elongation")), strict=True))
    assert row["face_turn"] == pytest.approx(0.2)
    assert np.isnan(row["elongation"])
    assert row["cluster_highest"] == row["cluster_mean"] == pytest.approx(np.log(0.8 / 0.2))
    assert (row["cluster_spread"], row["cluster_networks"]) == (pytest.approx(0), 1)
