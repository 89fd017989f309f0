"""What fusing segmentation with face evidence gains: FROC on people and lesions that neither the segmentation nor the fusion saw.

    python benchmarks/fusion.py FIT TEST --work WORK [--ablation]

FIT holds folders of candidates (parts train and tune), TEST is one (part test), as benchmarks/fusion_data.py makes them. Every family is fitted to FIT with
``diaphane train``'s own function (bundles are kept in WORK) and applied to TEST as it would be in use; TEST has no part in any choice. Clusters of candidates
count once. Prints Markdown. Differences are paired: 1000 draws of people. ``--clips DIR`` counts how often a lesion is found twice in clips.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from diaphane import fuse
from diaphane.core.coding import from_json_lines
from diaphane.core.face import Face
from diaphane.core.track import Sighting
from diaphane.engine.bundle import RECIPE, open_bundle
from diaphane.fuse.cluster_rows import OF_CLUSTERS, cluster_values
from diaphane.fuse.clusters import Reach, clusters
from diaphane.fuse.columns import GROUPS, names, values
from diaphane.fuse.learnt import judged
from diaphane.fuse.model import METHODS, FusionModel, fusion_model
from diaphane.fuse.patch import patch_of
from diaphane.track.detection import overlap
from diaphane.train.export import write_bundle
from diaphane.train.froc import Picture
from diaphane.train.fusion import fit_fusion
from diaphane.train.fusion_metrics import RATES, compared
from diaphane.train.fusion_read import Candidates, read

ALONE, BOX = "segmentation alone", "inside the face's box"
FACE_ALONE = "face evidence alone"
FINER = {
    "place on the face": ("face_inside", "face_aside", "face_v", "face_aside_mm", "face_y_mm", "face_z_mm", "face_to_eyes", "face_to_brows",
                          "face_to_nose_base", "face_to_lips", "face_to_edge"),
    "this face's skin": ("face_skin_lightness", "face_skin_red", "face_skin_yellow", "face_skin_distance", "face_skin_around", "face_ring_distance",
                         "face_ring_spread", "face_contrast"),
    "the mirrored side": ("face_mirror_difference", "face_mirror_contrast"),
    "turn, size, quality": ("face_turn", "face_facing", "face_size", "face_width_px", "face_sharp", "face_light", "face_mesh"),
}  # fmt: skip
LICENCE = "CC-BY-NC-SA-4.0"
"""The faces were published for research only."""
Found = list[tuple[int, float, list[int]]]
"""Picture, score, rows of the candidates of each finding."""


def main() -> None:
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fit", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--ship", type=Path, metavar="ZOO", help="copy the bundles there, under the licence of the faces that they learnt from")
    parsed = parser.parse_args()
    data = read(parsed.test)
    models = {method: model_of(parsed.fit, method, parsed.work / method) for method in parsed.methods}
    face_only = model_of(parsed.fit, "ensemble", parsed.work / "face_only", GROUPS["face"])
    reach = next(iter(models.values())).reach
    rows = {ALONE: best_alone(data, reach), BOX: by_probability(data, reach, inside_only=True), FACE_ALONE: by_model(data, face_only)}
    rows |= {method: by_model(data, model) for method, model in models.items()}
    say(f"face_lesion model.onnx sha256 {open_bundle('face_lesion').weights_sha256}\n")
    tables(data, rows)
    if parsed.ablation:
        ablation(parsed, data, rows[ALONE])
    for method in parsed.methods if parsed.ship else ():
        ship(parsed.work / method / "bundle", parsed.ship)
    if parsed.clips:
        duplicates(parsed.clips, models)


def model_of(fit: Path, method: str, out: Path, columns: Sequence[str] = ()) -> FusionModel:
    """The one in ``out``, fitted if it is not there."""
    if not (out / "bundle").exists():
        fit_fusion(fit, method, out, columns=columns)
    return fusion_model(open_bundle(out / "bundle"))


def ship(folder: Path, zoo: Path) -> None:
    """One bundle."""
    bundle = open_bundle(folder)
    recipe = replace(bundle.recipe, licence=LICENCE, modality="face photo")
    write_bundle(zoo / bundle.name, recipe, {name: data for name, data in bundle.files.items() if name != RECIPE})


def faces_of(folder: Path) -> dict[tuple[str, int], Face]:
    """By source and frame."""
    lines = from_json_lines((folder / "tracks.jsonl").read_text(), "tracks.jsonl")
    return {(s.source_sha256, s.frame): s.face for s in map(Sighting.from_json, lines)}


def by_probability(data: Candidates, reach: Reach, *, inside_only: bool = False) -> Found:
    """The mean probability of a cluster's most probable candidate."""
    inside = values(data.candidates, ("face_inside",))[:, 0] >= 0
    out: Found = []
    for picture in range(len(data.pictures)):
        own = np.flatnonzero((data.picture == picture) & (inside | (not inside_only)))
        for cluster in clusters([data.candidates[n] for n in own], reach):
            out.append((picture, max(data.candidates[n].probability or 0 for n in own[cluster]), own[cluster].tolist()))
    return out


def best_alone(data: Candidates, reach: Reach) -> Found:
    """The best, on the test part itself, which favours it, of: candidates as they are, non-maximum suppression, weighted boxes fusion, clusters."""
    tried = {"as they are": unmerged(data), "clusters": by_probability(data, reach), "NMS": suppressed(data)}
    if (boxes := weighted(data)) is not None:
        tried["WBF"] = boxes
    figures = compared({name: pictures_of(data, found) for name, found in tried.items()}, (), draws=2)
    cpm = {name: figures[name]["cpm"]["mean"] for name in tried}
    say("Segmentation alone, CPM by clean-up: " + ", ".join(f"{name} {value:.3f}" for name, value in cpm.items()) + "\n")
    return tried[max(cpm, key=lambda name: cpm[name])]


def unmerged(data: Candidates) -> Found:
    """Every candidate a finding."""
    return [(int(p), c.probability or 0.0, [n]) for n, (c, p) in enumerate(zip(data.candidates, data.picture, strict=True))]


def suppressed(data: Candidates, limit: float = 0.3) -> Found:
    """Boxes that overlap a more probable one are dropped."""
    out: Found = []
    for one in sorted(unmerged(data), key=lambda f: -f[1]):
        box = data.candidates[one[2][0]].box_px
        if all(p != one[0] or overlap(data.candidates[rows[0]].box_px, box) < limit for p, _, rows in out):
            out.append(one)
    return out


def weighted(data: Candidates) -> Found | None:
    """Weighted boxes fusion; None where ensemble-boxes is not installed. A fused box stands for the candidates whose centres it holds."""
    try:
        from ensemble_boxes import weighted_boxes_fusion  # type: ignore[import-not-found]
    except ImportError:
        say("ensemble-boxes is not installed: no row of weighted boxes fusion\n")
        return None
    out: Found = []
    for picture in range(len(data.pictures)):
        own = np.flatnonzero(data.picture == picture)
        if not len(own):
            continue
        width, height = data.candidates[own[0]].size_px
        scale = np.array([width, height, width, height])
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in (data.candidates[n].box_px for n in own)]) / scale
        fused, scores, _ = weighted_boxes_fusion([boxes], [[data.candidates[n].probability for n in own]], [[0] * len(own)], iou_thr=0.3)
        taken: set[int] = set()
        for box, score in zip(fused * scale, scores, strict=True):
            rows = [int(n) for n in own if n not in taken and holds(box, data.candidates[n].box_px)]
            taken.update(rows)
            if rows:
                out.append((picture, float(score), rows))
    return out


def by_model(data: Candidates, model: FusionModel) -> Found:
    """As in use: the clusters of each picture with their fused probability, in a photo that of the most probable member (tests/train/test_fusion.py)."""
    clusters_of = [(picture, own[c]) for picture, own in of_pictures(data) for c in clusters([data.candidates[n] for n in own], model.reach)]
    if any(name in OF_CLUSTERS for name in model.columns):
        raw = np.stack([cluster_values([data.candidates[n] for n in rows], model.columns) for _, rows in clusters_of])
        return [(picture, float(odds), rows.tolist()) for (picture, rows), odds in zip(clusters_of, model.log_odds(raw), strict=True)]
    patches = [patch_of(data.rgb(n), c) for n, c in enumerate(data.candidates)] if model.needs_pictures else []
    odds = model.of_candidates(data.candidates, patches)
    return [(picture, float(odds[rows].max()), rows.tolist()) for picture, rows in clusters_of]


def of_pictures(data: Candidates) -> list[tuple[int, np.ndarray]]:
    """Each picture that has candidates, and their rows."""
    return [(n, own) for n in range(len(data.pictures)) if len(own := np.flatnonzero(data.picture == n))]


def pictures_of(data: Candidates, found: Found, *, on_face: bool = False) -> list[Picture]:
    """For FROC; ``on_face``: false findings off the true face do not count."""
    hits = [[-np.inf] * p.lesions for p in data.pictures]
    false: list[list[float]] = [[] for _ in data.pictures]
    for picture, score, rows in found:
        here = {hit for n in rows for hit in data.hits[n]}
        for hit in here:
            hits[picture][hit] = max(hits[picture][hit], score)
        if not here and not all(data.ignored[n] for n in rows) and not (on_face and not is_on_face(data, rows[0])):
            false[picture].append(score)
    return [Picture(p.identity, tuple(h), tuple(f), ()) for p, h, f in zip(data.pictures, hits, false, strict=True)]


def is_on_face(data: Candidates, row: int) -> bool:
    """Whether its centre lies in the true box."""
    left, top, width, height = data.pictures[data.picture[row]].face
    x, y, w, h = data.candidates[row].box_px
    return bool(left <= x + w / 2 < left + width and top <= y + h / 2 < top + height)


def tables(data: Candidates, rows: dict[str, Found]) -> None:
    """FROC, then false findings at equal sensitivity, all and on the face alone."""
    found = {name: pictures_of(data, one) for name, one in rows.items()}
    scores = [s for p in found[ALONE] for s in p.found]
    ceiling = float(np.mean(np.isfinite(scores)))
    say(f"{len(data.pictures)} pictures of {len({p.identity for p in data.pictures})} people, {len(scores)} lesions, {len(data.candidates)} candidates; ")
    say(f"{ceiling:.3f} of the lesions have a candidate: no row can find more\n")
    at = (0.5, 0.6, round(0.8 * ceiling, 4), round(0.9 * ceiling, 4))
    told = compared(found, (ALONE, BOX), at)
    lines = [
        "| | CPM | minus segmentation alone | minus inside the box | " + " | ".join(f"{r:g}" for r in RATES) + " |",
        "| --- |" + " --- |" * (3 + len(RATES)),
    ]
    for name, one in told.items():
        less = [interval(one[f"minus {other}"]["cpm"], sign=True) if name != other else "" for other in (ALONE, BOX)]
        lines.append(
            f"| {name} | {interval(one['cpm'])} | {less[0]} | {less[1]} | " + " | ".join(f"{one[f'sensitivity_at_{r:g}']['mean']:.3f}" for r in RATES) + " |"
        )
    say("\n".join(lines) + "\n")
    for title, on_face in (("all", False), ("on the face", True)):
        told = compared({name: pictures_of(data, one, on_face=on_face) for name, one in rows.items()}, (ALONE, BOX), at)
        lines = [f"| false findings a picture, {title}, at sensitivity | " + " | ".join(f"{s:.2f}" for s in at) + " |", "| --- |" + " --- |" * len(at)]
        for name, one in told.items():
            cells = [f"{one[f'false_at_{s:g}']['mean']:.2f}" + (f"; {change(one[f'minus {ALONE}'][f'false_at_{s:g}'])}" if name != ALONE else "") for s in at]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        say("\n".join(lines) + "\n")


def ablation(parsed: argparse.Namespace, data: Candidates, alone: Found) -> None:
    """The hierarchical family, which is quick to fit, with less to look at."""
    less = {f"without {group}": tuple(n for n in names() if n not in gone) for group, gone in (*GROUPS.items(), *FINER.items())}
    wanted = {"everything": names(), **less, **{f"only {group}": own for group, own in GROUPS.items()}}
    rows = {ALONE: alone}
    for name, columns in wanted.items():
        out = parsed.work / ("ablation_" + name.replace(" ", "_").replace("'", "").replace(",", ""))
        rows[name] = by_model(data, model_of(parsed.fit, "hierarchical", out, columns))
    told = compared({name: pictures_of(data, found) for name, found in rows.items()}, (ALONE, "everything"))
    say("| hierarchical looks at | CPM | minus segmentation alone | minus everything |\n| --- | --- | --- | --- |")
    for name, one in told.items():
        less_than = [interval(one[f"minus {other}"]["cpm"], sign=True) if name != other else "" for other in (ALONE, "everything")]
        say(f"| {name} | {interval(one['cpm'])} | {less_than[0]} | {less_than[1]} |")


def duplicates(folder: Path, models: dict[str, FusionModel]) -> None:
    """Of the findings of clips, those that are a lesion which another finding is already."""
    data, faces = read(folder), faces_of(folder)
    clips = np.array([data.pictures[n].clip for n in data.picture])
    say("| clips | findings | of a lesion | duplicates | lesions found of those in view |\n| --- | --- | --- | --- | --- |")
    finders: dict[str, Callable] = {name: lambda c, f, s, m=model: [(j.probability, j.candidates) for j in judged(c, f, m, s) if j.probability >= m.operating]
                                    for name, model in models.items()}  # fmt: skip
    finders["rules"] = rules
    number = {id(c): n for n, c in enumerate(data.candidates)}
    for name, finder in finders.items():
        findings = right = repeated = seen = total = 0
        for clip in dict.fromkeys(p.clip for p in data.pictures):
            own = np.flatnonzero(clips == clip)
            shots = [p for p in data.pictures if p.clip == clip]
            total += shots[0].lesions
            if not len(own):
                continue
            candidates = [data.candidates[n] for n in own]
            frames = [tuple(face for face in (faces.get((candidates[0].source_sha256, n)),) if face) for n in range(len(shots))]
            needs = name in models and models[name].needs_pictures
            pictures = {data.candidates[n].image: data.rgb(int(n)) for n in own} if needs else {}
            lesions: list[int] = []
            for _, members in finder(candidates, frames, pictures):
                hits = [h for c in members for h in data.hits[number[id(c)]]]
                findings += 1
                if hits:
                    lesions.append(max(set(hits), key=hits.count))
            right += len(lesions)
            repeated += len(lesions) - len(set(lesions))
            seen += len(set(lesions))
        say(f"| {name} | {findings} | {right} | {repeated} ({repeated / max(findings, 1):.1%}) | {seen} of {total} |")


def rules(candidates: list, frames: list, pictures: dict) -> list:
    """What stands without a bundle."""
    decision = fuse.decide(candidates, frames, None, fuse.Options())
    of = {c.candidate: c for c in candidates}
    return [(f.probability, [of[n] for n in f.from_candidates]) for f in decision.findings]


def interval(value: dict, *, sign: bool = False) -> str:
    """Value and 95 % interval."""
    form = "{:+.3f}" if sign else "{:.3f}"
    return f"{form} ({form} to {form})".format(value["mean"], *value["ci95"])


def change(value: dict) -> str:
    """Per cent."""
    return "{:+.0%} ({:+.0%} to {:+.0%})".format(value["mean"], *value["ci95"])


def holds(corners: Sequence[float], box: Sequence[float]) -> bool:
    """Whether the middle of ``box`` lies between the corners."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return bool(corners[0] <= x <= corners[2] and corners[1] <= y <= corners[3])


def say(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
