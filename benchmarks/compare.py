"""How well ``diaphane compare`` follows lesions between two visits: repeatability and error rates on a simulation (compare_visits.py makes the visits).

    python benchmarks/compare.py DATA --work WORK

Part tune (7 people) is for choosing the limits of ``CompareOptions``: of every lesion that was found at both visits, whatever they say, how far apart its
places, colours and sizes are, and how dark bare skin and missed lesions are. Part test (13 other people) is read with the limits chosen, also with the head
turned by 15 degrees at the second visit. Intervals (95 %) draw people, 1000 times. WORK keeps the cases: a second call reads them. Some 7 minutes on two
quiet threads, and seconds when the cases are there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from compare_visits import VISITS, cases

from diaphane import track
from diaphane.core.change import Change, Lesion, Visit
from diaphane.errors import DiaphaneError
from diaphane.fuse import CompareOptions, compare, looks_mirrored, unmirrored
from diaphane.fuse.coverage import Coverage
from diaphane.fuse.width import widths
from diaphane.ops.picture import read_png
from diaphane.pipeline.visits import visit_of

SCENES = {("tune", 0.0): 6, ("tune", 15.0): 3, ("test", 0.0): 4, ("test", 15.0): 2}
"""Pairs of visits a person, by part and by how far the head is turned at the second one, degrees."""
OVERLAP = 0.2
"""Intersection over union from which a finding is of a lesion, as in the training of fusion."""
DRAWS = 1000


@dataclass(frozen=True)
class Pair:
    """Two visits and what is known of them."""

    person: str
    fates: tuple[str, ...]
    visits: tuple[Visit, Visit]
    owners: tuple[dict[int, int], dict[int, int]]
    """Finding to lesion (from 0), at either visit; findings of none are left out: they may be what the person really has."""

    def finding(self, which: int, lesion: int) -> Lesion | None:
        """That of a lesion; of several the first."""
        return next((one for one in self.visits[which].lesions if self.owners[which].get(one.id) == lesion), None)


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--part", choices=["tune", "test"], action="append")
    parsed = parser.parse_args()
    for part, turn_deg in [(part, turn_deg) for part, turn_deg in SCENES if not parsed.part or part in parsed.part]:
        pairs, lost = [], 0
        for folder in cases(parsed.data, parsed.work, part, SCENES[part, turn_deg], turn_deg):
            pair = _read(folder)
            pairs, lost = (pairs, lost + 1) if pair is None else ([*pairs, pair], lost)
        told = f"{len(pairs)} pairs of visits, {len({p.person for p in pairs})} people; {lost} more in which not one face was found at both visits"
        sys.stdout.write(f"\n{part}, turned by {turn_deg:g} degrees: {told}\n\n")
        if part == "tune":
            _limits(pairs)
        _rates(pairs)


def _read(folder: Path) -> Pair | None:
    """None where a visit has no face, or several."""
    chart = track.chart()
    fates = tuple(json.loads((folder / "truth.json").read_text())["fates"])
    try:
        visits = [visit_of(folder / which, chart, None) for which in VISITS]
    except DiaphaneError:
        return None
    owners = [_owners(visit, read_png(folder / f"{which}.png")) for visit, which in zip(visits, VISITS, strict=True)]
    return Pair(folder.name.rpartition("_")[0], fates, (visits[0], visits[1]), (owners[0], owners[1]))


def _owners(visit: Visit, truth: np.ndarray) -> dict[int, int]:
    found = {}
    for lesion in visit.lesions:
        mask = np.zeros(truth.shape, bool)
        x, y, width, height = lesion.best.box_px
        mask[y : y + height, x : x + width] = lesion.best.mask
        for value in np.unique(truth[mask]):
            if value and (mask & (truth == value)).sum() >= OVERLAP * (mask | (truth == value)).sum():
                found[lesion.id] = int(value) - 1
    return found


def _limits(pairs: Sequence[Pair]) -> None:
    """What limits are chosen by."""
    both = [(p, fate, p.finding(0, n), p.finding(1, n)) for p in pairs for n, fate in enumerate(p.fates)]
    both = [row for row in both if row[2] is not None and row[3] is not None]
    same = [row for row in both if row[1] == "same"]
    rows = {
        "apart on the average face, mm": [math.dist(a.place_mm, b.place_mm) for _, _, a, b in both],
        "colours apart, deviations": [math.dist(a.looks, b.looks) for _, _, a, b in both],
        "unchanged: log of the ratio of widths at half": [abs(_log_ratio(p, a, b)) for p, _, a, b in same],
        "the same of outlines": [abs(math.log(b.diameter_mm / a.diameter_mm)) for _, _, a, b in same],
        "the same of outlines, by the whole face's scale": [abs(math.log(_plain(b) / _plain(a))) for _, _, a, b in same],
        "1.5 times as large: log of the ratio of widths at half (0.41)": [_log_ratio(p, a, b) for p, fate, a, b in both if fate == "grown"],
        "the same of outlines (0.41)": [math.log(b.diameter_mm / a.diameter_mm) for _, fate, a, b in both if fate == "grown"],
    }
    nearest = [
        min(math.dist(a.place_mm, b.place_mm) for b in v.lesions if b is not a) for p in pairs for v in p.visits if len(v.lesions) > 1 for a in v.lesions
    ]
    rows["between neighbours at one visit, mm"] = nearest
    sys.stdout.write("| | n | median | 90 % | 95 % | 99 % | most |\n| --- | --- | --- | --- | --- | --- | --- |\n")
    for name, values in rows.items():
        told = " | ".join(f"{v:.2f}" for v in np.nanquantile(values, [0.5, 0.9, 0.95, 0.99, 1]))
        sys.stdout.write(f"| {name} | {len(values)} | {told} |\n")
    for name, values in _darkness(pairs).items():
        told = " ".join(f"{v:.2f}" for v in sorted(values))
        sys.stdout.write(f"\ncontrast at the other visit over the lesion's own, {name} (n = {len(values)}): {told}\n")


def _log_ratio(p: Pair, before: Lesion, after: Lesion) -> float:
    one, other = widths(before, after, p.visits)
    return math.log(other / one)


def _plain(lesion: Lesion) -> float:
    return 2 * math.sqrt(lesion.best.mask.sum() / math.pi) * lesion.best.features["face_mm_per_px"]


def _darkness(pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """Of lesions that one visit lacks: truly, or because the other missed them and proposed nothing there."""
    options = CompareOptions()
    told: dict[str, list[float]] = {"truly absent": [], "missed": []}
    for p in pairs:
        seen = [Coverage(v) for v in p.visits]
        for n, fate in enumerate(p.fates):
            for which in (0, 1):
                own, other = p.finding(which, n), p.visits[1 - which]
                near = [*other.lesions, *other.traces]
                if own is None or any(math.dist(own.place_mm, o.place_mm) <= options.reach_mm for o in near):
                    continue
                glance = seen[1 - which].glance(own.place_mm, own.diameter_mm, options)
                if glance.rank == 3:
                    told["truly absent" if fate in ("gone", "new") else "missed"].append(glance.contrast / own.best.features["face_contrast"])
    return told


def _rates(pairs: Sequence[Pair]) -> None:
    """The table."""
    told = [(p.person, *row) for p in pairs for row in _judged(p)]
    sys.stdout.write("\n| | share | 95 % | n |\n| --- | --- | --- | --- |\n")
    for name, among, hit in QUESTIONS:
        rows = [(person, hit(fate, state)) for person, fate, state in told if among(fate, state)]
        sys.stdout.write(f"| {name} | {_share(rows)} |\n")
    mirrored = [(p.person, looks_mirrored(p.visits[0], unmirrored(p.visits[1]), CompareOptions())) for p in pairs]
    plain = [(p.person, looks_mirrored(*p.visits, CompareOptions())) for p in pairs]
    some = [any(p.finding(0, n) and p.finding(1, n) for n in range(len(p.fates))) for p in pairs]
    sys.stdout.write(f"| mirrored second visits (turned after the run) that are doubted, of pairs with a lesion found twice | "
                     f"{_share([row for row, known in zip(mirrored, some, strict=True) if known])} |\n")  # fmt: skip
    sys.stdout.write(f"| others that are doubted | {_share(plain)} |\n")
    ratios = [abs(math.log(c.ratio)) for p in pairs for fate, c in _matched(p) if fate == "same" and c.ratio]
    sys.stdout.write(f"\nunchanged and matched: n = {len(ratios)}, |log ratio| median {np.median(ratios):.3f}, 95 % {np.quantile(ratios, 0.95):.3f}\n")


Question = tuple[str, Callable[[str, str], bool], Callable[[str, str], bool]]
SIZED, ALONE, CALLED = ("same", "grown", "shrunk", "unsure"), ("gone", "new"), ("once gone", "once new")
QUESTIONS: list[Question] = [
    ("found at both visits: matched rightly", lambda f, s: not s.startswith("once"), lambda f, s: not s.startswith("wrong")),
    ("matches that a made lesion takes part in: of two different lesions", lambda f, s: s in (*SIZED, "wrong match"), lambda f, s: s == "wrong match"),
    ("unchanged, matched: called grown or shrunk (wanted: 0.05 at most)", lambda f, s: f == "same" and s in SIZED, lambda f, s: s in ("grown", "shrunk")),
    ("1.5 times as large at the second visit, matched: called grown", lambda f, s: f == "grown" and s in SIZED, lambda f, s: s == "grown"),
    ("1.5 times as large at the first visit, matched: called shrunk", lambda f, s: f == "shrunk" and s in SIZED, lambda f, s: s == "shrunk"),
    ("removed or added, found where they are: called gone or new", lambda f, s: f in ALONE and s.startswith("once"), lambda f, s: s in CALLED),
    ("removed or added, found where they are: called unsure", lambda f, s: f in ALONE and s.startswith("once"), lambda f, s: s == "once unsure"),
    ("at both visits, found at one: called gone or new, wrongly", lambda f, s: f not in ALONE and s.startswith("once"), lambda f, s: s in CALLED),
    ("called gone or new: they are", lambda f, s: s in CALLED, lambda f, s: f in ALONE),
]
"""What is asked; of which lesions, by fate and by what is said of them; what counts."""


def _judged(p: Pair) -> Iterator[tuple[str, str]]:
    """Fate of each made lesion that was found, and what is said of it: its state; ``wrong …`` where it was found twice and not matched with itself;
    ``once …`` where it was found at one visit.
    """
    changes = compare(*p.visits, CompareOptions())
    for n, fate in enumerate(p.fates):
        first, second = p.finding(0, n), p.finding(1, n)
        of_first = next((c for c in changes if first and c.before == first.id), None)
        of_second = next((c for c in changes if second and c.after == second.id), None)
        if first and second:
            yield fate, _twice(of_first, of_second)
        elif of_first or of_second:
            change = of_first or of_second
            yield fate, "wrong match" if change.before is not None and change.after is not None else f"once {change.state}"


def _twice(of_first: Change | None, of_second: Change | None) -> str:
    if of_first is of_second and of_first is not None:
        return of_first.state
    return "wrong match" if any(c is not None and None not in (c.before, c.after) for c in (of_first, of_second)) else "wrong alone"


def _matched(p: Pair) -> Iterator[tuple[str, Change]]:
    for change in compare(*p.visits, CompareOptions()):
        lesion = p.owners[0].get(change.before or 0)
        if lesion is not None and lesion == p.owners[1].get(change.after or 0):
            yield p.fates[lesion], change


def _share(rows: Sequence[tuple[str, bool]]) -> str:
    """Share, interval and n as cells."""
    if not rows:
        return "- | - | 0"
    people = sorted({person for person, _ in rows})
    counts = np.array([(sum(hit for who, hit in rows if who == person), sum(who == person for who, _ in rows)) for person in people])
    drawn = counts[np.random.default_rng(5).integers(len(people), size=(DRAWS, len(people)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return f"{sum(hit for _, hit in rows) / len(rows):.3f} | {low:.3f} to {high:.3f} | {len(rows)}"


if __name__ == "__main__":
    main()
