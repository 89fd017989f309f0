"""The verb for fusion: candidates with their truth in, a bundle out that ``diaphane fuse`` and ``diaphane run`` take."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from diaphane.core.arrays import FloatArray
from diaphane.core.coding import json_text
from diaphane.core.provenance import version
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.core.storage import storage
from diaphane.engine import bundle as names
from diaphane.errors import InputError, UsageError
from diaphane.fuse.cluster_rows import OF_CLUSTERS, cluster_values
from diaphane.fuse.clusters import Reach, clusters
from diaphane.fuse.columns import names as column_names
from diaphane.fuse.columns import values
from diaphane.fuse.model import FUSION, METHODS
from diaphane.fuse.patch import CHANNELS, SIDE, context_rows
from diaphane.train import place
from diaphane.train.export import json_bytes, network_files, write_bundle
from diaphane.train.fusion_card import card
from diaphane.train.fusion_deep import fit_deep
from diaphane.train.fusion_fit import LEARNERS, STUDENT, Rows, fit_rows
from diaphane.train.fusion_json import Basis, document_of
from diaphane.train.fusion_metrics import compared, figures, people_of
from diaphane.train.fusion_read import Candidates, read

log = logging.getLogger(__name__)
FEWEST = 20
"""True and false candidates that are needed, each."""
WANTED_RATE = 0.25
"""False findings a picture, held out, that the operating point leaves."""
REACHES = tuple(Reach(millimetres=mm, deviations=sd) for mm, sd in product((5.0, 7.0, 9.0, 12.0, 16.0), (3.0, 6.0, 12.0)))
TABLE = names.TABLE_MODEL
ALONE, IN_BOX = "segmentation alone", "inside the face's box"


@dataclass(frozen=True, slots=True)
class Fitted:
    """One method, fitted."""

    method: str
    files: dict[str, bytes]
    """Weights and numbers of its bundle."""
    held: FloatArray
    """(n,), of every candidate its held-out log-odds."""
    columns: tuple[str, ...]
    told: dict[str, Any]


def fit_fusion(data: Path, method: str, out: Path, seed: int = 0, columns: Sequence[str] = ()) -> Path:
    """Fits ``method`` (``auto``: all, and takes the one with the best held-out CPM) and leaves its bundle in ``out``, which is returned.

    Raises:
        InputError: The data lack something, or are too few.
        UsageError: ``out`` holds something.
    """
    with storage(out):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out}: must be a new or empty folder; give --out another name")
        out.mkdir(parents=True, exist_ok=True)
    found = checked(read(data), data)
    asked = METHODS if method == "auto" else (method,)
    reach = fitted_reach(found)
    with threadpool_limits(1), tqdm(total=len(asked), desc="fit", unit="method", disable=None) as bar:
        fits = []
        for one in asked:
            fits.append(fitted_method(one, found, reach, columns or column_names(), seed))
            bar.update()
    metrics = judged(found, fits)
    best = max(fits, key=lambda f: metrics["summary"][f.method]["cpm"]["mean"])
    metrics |= {"chosen": best.method, "reach": {"millimetres": reach.millimetres, "deviations": reach.deviations}, **{f.method: f.told for f in fits}}
    metrics["made_by"] = {"command": f"diaphane train --data CANDIDATES_DIR --method {method}", "seed": seed, "diaphane": version(), "data": digest_of(found)}
    write_bundle(out / place.BUNDLE, *bundle_files(best, metrics, found))
    log.info("bundle   %s, CPM %.3f, held out: %s", best.method, metrics["summary"][best.method]["cpm"]["mean"], out / place.BUNDLE)
    return out / place.BUNDLE


def checked(data: Candidates, where: Path) -> Candidates:
    """``data``, if there is enough of it.

    Raises:
        InputError: There is not.
    """
    true, people = int(data.truth.sum()), len(set(data.groups))
    false = len(data.candidates) - true - int(data.ignored.sum())
    if min(true, false) < FEWEST or people < 2:
        raise InputError(f"{where}: fusion needs {FEWEST} true and {FEWEST} false candidates on two faces or more, got {true} and {false} on {people}")
    log.info("data     %d candidates in %d pictures of %d people: %d true, %d false", true + false, len(data.pictures), people, true, false)
    return data


def fitted_method(method: str, data: Candidates, reach: Reach, columns: Sequence[str], seed: int) -> Fitted:
    """One of the four."""
    use = ~data.ignored
    kept = data.only(use)
    held = np.full(len(use), -np.inf)
    if method == "hierarchical":
        rows, member_of = cluster_rows(kept, reach, (*columns, *OF_CLUSTERS))
        stack, own, scale, told = fit_rows(rows, LEARNERS[method], seed)
        held[use] = own[member_of]
        document = {TABLE: document_of(method, Basis(rows.columns, scale, reach), operating(data, held), stack)}
        return Fitted(method, _texts(document), held, rows.columns, told)
    rows = Rows(tuple(columns), values(kept.candidates, columns), kept.truth, kept.groups)
    if method == "deep":
        deep, scale = fit_deep(rows, kept, seed)
        held[use] = deep.held
        text = document_of(method, Basis(rows.columns, scale, reach), operating(data, held)) | {"slope": deep.slope, "offset": deep.offset}
        text["spread"] = STUDENT[len(deep.networks)] * float(np.sqrt((len(deep.networks) - 1) / len(deep.networks)))
        return Fitted(method, network_files(deep.networks) | _texts({FUSION: text}), held, rows.columns, {"networks": len(deep.networks)})
    stack, own, scale, told = fit_rows(rows, LEARNERS[method], seed)
    held[use] = own
    document = {TABLE: document_of(method, Basis(rows.columns, scale, reach), operating(data, held), stack)}
    return Fitted(method, _texts(document), held, rows.columns, told)


def cluster_rows(data: Candidates, reach: Reach, columns: tuple[str, ...]) -> tuple[Rows, Any]:
    """A row a cluster, and of each candidate the number of its cluster; a cluster is a lesion where most of its members are one."""
    raw: list[FloatArray] = []
    truth: list[int] = []
    groups: list[str] = []
    member_of = np.zeros(len(data.candidates), int)
    clips = np.array([data.pictures[n].clip for n in data.picture])
    for clip in dict.fromkeys(clips.tolist()):
        own = np.flatnonzero(clips == clip)
        for cluster in clusters([data.candidates[n] for n in own], reach):
            members = own[cluster]
            member_of[members] = len(raw)
            raw.append(cluster_values([data.candidates[n] for n in members], columns))
            truth.append(int(2 * data.truth[members].sum() >= len(members)))
            groups.append(str(data.pictures[data.picture[members[0]]].identity))
    return Rows(columns, np.stack(raw), np.array(truth), np.array(groups)), member_of


def fitted_reach(data: Candidates) -> Reach:
    """The one whose clusters agree best with the lesions: by the pairs of true candidates that are together and should be, and those that should not."""
    true = data.only(data.truth == 1)
    clips = np.array([true.pictures[n].clip for n in true.picture])
    lesion = np.array([h[0] for h in true.hits])

    def agreement(reach: Reach) -> float:
        right = wrong = missed = 0
        for clip in dict.fromkeys(clips.tolist()):
            own = np.flatnonzero(clips == clip)
            label = np.zeros(len(own), int)
            for number, cluster in enumerate(clusters([true.candidates[n] for n in own], reach)):
                label[cluster] = number
            together, same = label[:, None] == label, lesion[own][:, None] == lesion[own]
            pairs = np.triu(np.ones((len(own), len(own)), bool), 1)
            right += int((together & same & pairs).sum())
            wrong += int((together & ~same & pairs).sum())
            missed += int((~together & same & pairs).sum())
        return 2 * right / max(2 * right + wrong + missed, 1) if right + missed else -wrong

    return max(REACHES, key=agreement) if len(true.candidates) else Reach()


def operating(data: Candidates, held: FloatArray) -> float:
    """The probability above which, held out, at most ``WANTED_RATE`` false candidates a picture stand; as high as loses none of the lesions that then stand."""
    true, false = held[data.truth == 1], np.sort(held[(data.truth == 0) & ~data.ignored])[::-1]
    floor = false[min(int(WANTED_RATE * len(data.pictures)), len(false) - 1)]
    lowest = true[true > floor].min(initial=max(float(true.max()), float(floor)))
    highest = false[false < lowest].max(initial=float(floor))
    return float(np.clip(0.5 * (1 + np.tanh((lowest + highest) / 4)), 0.02, 0.98))


def judged(data: Candidates, fits: Sequence[Fitted]) -> dict[str, Any]:
    """Held-out figures of every fit, beside the segmentation alone and the plain rule."""
    probability = np.array([c.probability or 0.0 for c in data.candidates])
    inside = values(data.candidates, ("face_inside",))[:, 0] >= 0
    scores = {ALONE: probability, IN_BOX: np.where(inside, probability, -np.inf), **{f.method: f.held for f in fits}}
    rows = {name: data.scored(score) for name, score in scores.items()}
    parts = sorted({p.part for p in data.pictures})
    by_part = {
        part: {name: figures(list(people_of([q for q, p in zip(r, data.pictures, strict=True) if p.part == part]).values()))["cpm"] for name, r in rows.items()}
        for part in parts
    }
    return {
        "protocol": "held out: five folds by whose face it is; settings chosen on the same folds; intervals by drawing people",
        "pictures": len(data.pictures), "people": len(set(data.groups)), "candidates": len(data.candidates), "true": int(data.truth.sum()),
        "lesions": sum(p.lesions for p in data.pictures), "summary": compared(rows, (ALONE, IN_BOX)), "cpm_by_part": by_part,
    }  # fmt: skip


def bundle_files(fit: Fitted, metrics: dict[str, Any], data: Candidates) -> tuple[Recipe, dict[str, bytes]]:
    """The recipe and the files of a bundle."""
    recipe = Recipe(
        name=f"fusion_{fit.method}", task="fuse", modality="candidates on faces", network=fit.method, licence="not stated",
        labels=(LabelRecipe(value=1, name="lesion"),), applies_to=data.candidates[0].label, input=_input(fit),
    )  # fmt: skip
    return recipe, {**fit.files, names.METRICS: json_bytes(metrics), names.CARD: card(fit.method, metrics, fit.columns).encode()}


def _input(fit: Fitted) -> InputRecipe | None:
    """What ONNX takes."""
    if fit.method != "deep":
        return None
    size = (CHANNELS * SIDE + context_rows(len(fit.columns)), SIDE)
    return InputRecipe(channels=1, size=size, fit="stretch", normalisation="fixed", mean=(0.0,), std=(1.0,))


def digest_of(data: Candidates) -> str:
    """Of everything that was learnt from."""
    whole = hashlib.sha256()
    for candidate, hits in zip(data.candidates, data.hits, strict=True):
        whole.update(json_text([candidate.to_json(), list(hits)]).encode())
    return whole.hexdigest()


def _texts(documents: dict[str, Any]) -> dict[str, bytes]:
    return {name: (json_text(document) + "\n").encode() for name, document in documents.items()}
