"""Where a surface crosses a cube, for each of the 256 ways in which its corners can lie inside or outside.

Source: Lorensen, Cline, SIGGRAPH 1987. The cases are derived here: on each side of a cube the corners inside are cut off one by one, so that two
cubes agree on the side between them (Montani, Scateni, Scopigno, Visual Computer 10, 353 (1994)).
"""

from __future__ import annotations

from itertools import product

Edge = tuple[int, int]
"""The corner where it begins, and the axis along which it runs; corner 4k + 2j + i lies at (k, j, i) of its cube."""
Loop = tuple[Edge, ...]


def loops(case: int) -> list[Loop]:
    """The edges that the surface crosses, one after the other."""
    after = dict(pair for axis, side in product(range(3), range(2)) for pair in _segments(case, axis, side))
    loops = []
    while after:
        loop = [next(iter(after))]
        while (edge := after.pop(loop[-1])) != loop[0]:
            loop.append(edge)
        loops.append(tuple(loop))
    return loops


def _segments(case: int, axis: int, side: int) -> list[tuple[Edge, Edge]]:
    """Where the surface crosses one side of the cube: from edge to edge, around each run of corners that are inside."""
    across, up = 4 >> (axis + 1) % 3, 4 >> (axis + 2) % 3
    ring = [corner + side * (4 >> axis) for corner in (0, across, across + up, up)][:: 1 if side else -1]  # counter-clockwise from outside
    inside = [case >> corner & 1 for corner in ring]
    begins = [n for n in range(4) if inside[n] and not inside[n - 1]]
    ends = [next(m for m in range(n, n + 4) if not inside[(m + 1) % 4]) for n in begins]
    return [(_edge(ring[n - 1], ring[n]), _edge(ring[m % 4], ring[(m + 1) % 4])) for n, m in zip(begins, ends, strict=True)]


def _edge(one: int, other: int) -> Edge:
    return one & other, 2 - (one ^ other).bit_length() + 1
