from __future__ import annotations

from diaphane.measure.cube_loops import loops


def test_every_edge_between_inside_and_outside_is_on_one_loop() -> None:
    for case in range(256):
        edges = [edge for loop in loops(case) for edge in loop]
        crossed = sum((case >> a & 1) != (case >> b & 1) for a in range(8) for b in range(a) if (a ^ b) in (1, 2, 4))
        assert len(set(edges)) == len(edges) == crossed


def test_neighbours_on_a_loop_lie_on_one_side_of_the_cube() -> None:
    for case in range(256):
        for loop in loops(case):
            for before, after in zip(loop, loop[1:] + loop[:1], strict=True):
                assert _sides(before) & _sides(after), (case, before, after)


def test_opposite_corners_inside_are_two_loops() -> None:
    assert sorted(len(loop) for loop in loops(0b10000001)) == [3, 3]


def _sides(edge: tuple[int, int]) -> set[tuple[int, int]]:
    """The two sides of the cube, as axis and side, on which an edge lies."""
    corner, along = edge
    return {(axis, corner >> (2 - axis) & 1) for axis in range(3) if axis != along}
