"""The verb for tables: features and truths in, a bundle out that judges regions."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from diaphane import zoo
from diaphane.acquire.label_names import LESION_WORDS, clean
from diaphane.assess.columns import Column
from diaphane.assess.tabular import Member, TableModel, cut, one_against_rest, probabilities
from diaphane.core.arrays import FloatArray
from diaphane.core.coding import json_text
from diaphane.core.provenance import version
from diaphane.core.recipe import LabelRecipe, Recipe
from diaphane.core.storage import storage, write_whole
from diaphane.engine import bundle as names
from diaphane.errors import UsageError
from diaphane.train import place
from diaphane.train.export import json_bytes, write_bundle
from diaphane.train.table_card import card
from diaphane.train.table_choice import FOLDS, Candidate, Honest, Scale, Tick, answers_of, candidates, chosen_of, folds_of, honest, refitted
from diaphane.train.table_families import calibration, fitted, told
from diaphane.train.table_json import document, two_answers
from diaphane.train.table_metrics import figures, subgroups
from diaphane.train.table_read import FEATURES, Table, read
from diaphane.train.table_unlike import fit_unlike

log = logging.getLogger(__name__)
PARTS = 10
"""Patients are cut into so many; what the fit becomes without each of them tells how sure it is."""
STUDENT = 2.262
"""97.5 % quantile of Student's t with nine degrees of freedom."""
LEARNT: tuple[str, ...] = ("", "train")
STEPS = FOLDS * FOLDS + FOLDS + 1
SHOWN = 12
"""Lines of what was left out that are logged; the rest is in a file."""
FAULTS = "left_out.csv"
HELD_OUT = "predictions.csv"


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit leaves."""

    model: TableModel
    metrics: dict[str, Any]
    honest: Honest
    learnt: Table
    """The images that it learnt from."""


def fit_table(features: Path, table: Path, target: str, out: Path, *, label: str = "", left_out: Sequence[str] = (), seed: int = 0) -> Path:
    """Fits what tells ``target`` from the features, and leaves in ``out`` the bundle, which is returned, the held-out predictions and what was left out.

    Raises:
        InputError: The tables do not go together, the target is no class, or a class has too few patients.
        UsageError: ``out`` holds something.
        StorageError: ``out`` cannot be written.
    """
    with storage(out):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out}: must be a new or empty folder; give --out another name")
        out.mkdir(parents=True, exist_ok=True)
    data = read(features, table, target, label=label, left_out=left_out)
    _say(data, out)
    with tqdm(total=STEPS, desc="cross-validate", unit="fold", disable=None) as bar:
        found = fit(data, seed, bar.update)
    write_whole(out / HELD_OUT, _predictions(found).encode())
    recipe = recipe_of(found.model, data, clean(target))
    made = {"command": "diaphane train --data FEATURES --table TABLE --target COLUMN", "target": target, "seed": seed, "left_out": list(left_out),
            "features_sha256": _sha256(features), "table_sha256": _sha256(table), "diaphane": version(), "scikit_learn": sklearn.__version__}  # fmt: skip
    write_bundle(out / place.BUNDLE, recipe, files_of(found, {**found.metrics, "made_by": made}, recipe.name))
    chosen, auc = found.metrics["chosen"], found.metrics["nested"]["auc"]
    log.info("bundle   %s (%s), AUC %.3f, held out: %s", chosen["family"], chosen["setting"], auc["mean"], out / place.BUNDLE)
    return out / place.BUNDLE


def fit(data: Table, seed: int, tick: Tick) -> Fitted:
    """The model, and what nested cross-validation says of how it was made. Parts that are called valid or test are judged once, by the model."""
    learnt = data.only(np.array([part in LEARNT for part in data.parts]))
    with threadpool_limits(1):  # sums in another order give other last digits
        outer = honest(learnt, seed, tick)
        found = candidates(learnt, seed, tick)
        model = _model(learnt, chosen_of(found), seed)
        tick()
    return Fitted(model, _metrics(data, learnt, outer, found, model), outer, learnt)


def files_of(found: Fitted, metrics: dict[str, Any], name: str) -> dict[str, bytes]:
    """The files of a bundle beside its recipe."""
    return {
        names.TABLE_MODEL: (json_text(document(found.model)) + "\n").encode(),
        names.METRICS: json_bytes(metrics),
        names.CARD: card(name, metrics, found.model, found.learnt).encode(),
    }


def recipe_of(model: TableModel, data: Table, name: str) -> Recipe:
    """A classifier of regions called as the features' label is."""
    labels = tuple(LabelRecipe(value=n, name=c, role="lesion" if LESION_WORDS.search(c) else "anatomy") for n, c in enumerate(model.classes, start=1))
    return Recipe(
        name=name, task="classify", modality=f"features of {data.label}", network=model.title, licence="not stated", labels=labels, applies_to=data.label
    )


def _model(data: Table, best: Candidate, seed: int) -> TableModel:
    member, scale = refitted(data, best, seed)
    z = scale.learnt(data.values)
    others = []
    for seen, _ in folds_of(data, PARTS, seed + 2):
        (family,) = fitted([best.setting], z[seen], data.truth[seen], len(data.words), seed)
        slope, offsets = calibration(best.answers[seen], data.truth[seen])
        others.append(Member(family=family, slope=slope, offsets=offsets))
    named = len(data.classes) > answers_of(data)
    member, others = (two_answers(member), [two_answers(m) for m in others]) if named else (member, others)
    shares = told(data.truth, len(data.classes)).mean(axis=0)
    return TableModel(
        title=best.setting.family, classes=data.classes, columns=_columns(data, scale), centre=scale.centre, scale=scale.scale, squash="arcsinh", member=member,
        others=tuple(others), spread=STUDENT * math.sqrt((PARTS - 1) / PARTS), unlike=fit_unlike(scale.scores(data.values), data.columns, data.groups, seed),
        prevalence=tuple(shares.tolist()), cases=len(data.names),
    )  # fmt: skip


def _columns(data: Table, scale: Scale) -> tuple[Column, ...]:
    """With what is taken for unknown values, and the range that was seen."""
    low, high = np.nanquantile(data.values, [0.01, 0.99], axis=0)
    return tuple(
        replace(c, seen=(float(low[n]), float(high[n])), fill=float(scale.fill[n]) if c.source == "context" else math.nan) for n, c in enumerate(data.columns)
    )


def _metrics(data: Table, learnt: Table, outer: Honest, found: Mapping[str, Candidate], model: TableModel) -> dict[str, Any]:
    k = outer.chosen.shape[1]
    truth, odds = told(learnt.truth, k), one_against_rest(outer.chosen)
    best = chosen_of(found)
    named = learnt.words[-k:]
    nested = figures(truth, odds, learnt.groups)
    return {
        "protocol": f"nested cross-validation, {FOLDS} folds in {FOLDS} folds, drawn by {learnt.grouped_by or 'picture (patients are not known)'}: "
        "family, setting, scale and calibration from the training part of each fold alone",
        "pictures": len(learnt.names),
        "grouped_by": learnt.grouped_by or None,
        "groups": len(set(learnt.groups)),
        "classes": {word: int((learnt.truth == n).sum()) for n, word in enumerate(learnt.words)},
        "chosen": {"family": best.setting.family, "setting": str(best.setting), "in_the_folds": [f"{s.family}, {s}" for s in outer.choices]},
        "nested": nested,
        "summary": {word: nested if k == 1 else figures(truth[:, [n]], odds[:, [n]], learnt.groups) for n, word in enumerate(named)},
        "families": {
            name: {
                "setting": str(found[name].setting), "inner_loss": found[name].loss, "taken_in_folds": sum(s.family == name for s in outer.choices),
                **figures(truth, one_against_rest(logits), learnt.groups),
            }
            for name, logits in outer.families.items()
        },
        "unlike": {"limit": model.unlike.limit if model.unlike else None, "share_of_held_out": float(outer.strange.mean())},
        "subgroups": subgroups(learnt.about, truth, odds, learnt.groups),
        "held_out": {part: found_there for part in ("valid", "test") if (found_there := _held_out(data, part, model, k))},
    }  # fmt: skip


def _held_out(data: Table, part: str, model: TableModel, k: int) -> dict[str, Any]:
    """Of a part of the publisher's that nothing was learnt from; empty where there is none."""
    own = data.only(np.array([p == part for p in data.parts]))
    if not own.names:
        return {}
    fill = np.array([c.fill for c in model.columns])
    z = model.scores(np.where(np.isnan(own.values), fill, own.values))
    judged = np.ones(len(z), bool) if model.unlike is None else model.unlike.distance(z) <= model.unlike.limit
    shared = len(set(own.groups) & set(data.only(np.array([p in LEARNT for p in data.parts])).groups))
    logits = one_against_rest(model.member.logits(cut(z)))[:, -k:]
    return {
        "images": len(own.names),
        "without_verdict": int((~judged).sum()),
        "patients_also_learnt_from": shared,
        **figures(told(own.truth, k), logits, own.groups),
    }


def _say(data: Table, out: Path) -> None:
    """What was understood, and what was left out, which is kept too."""
    kinds = {source: sum(c.source == source for c in data.columns) for source in ("feature", "context", "network")}
    log.info(
        "data     %d images with %d features of %s, %d of the patient, %d of networks",
        len(data.names),
        kinds["feature"],
        data.label,
        kinds["context"],
        kinds["network"],
    )
    log.info("data     %s", ", ".join(f"{word}: {int((data.truth == n).sum())}" for n, word in enumerate(data.words)))
    if not data.grouped_by:
        log.info("data     patients are not known (no full column patient or group): each image counts as a patient of its own")
    shipped = [name.lower() for name in zoo.names()]
    for column in (c for c in data.columns if c.source == "network" and c.key[0] not in shipped):
        log.warning("data     %s: no shipped bundle is called so; in use a bundle of that name must judge the picture too", column.name)
    for fault in data.faults[:SHOWN]:
        log.warning("data     %s", fault)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["what"], *([fault] for fault in data.faults)])
    write_whole(out / FAULTS, text.getvalue().encode("utf-8", "backslashreplace"))


def _predictions(found: Fitted) -> str:
    """What each image got from the fold that did not see it: also a column for another classifier to learn from."""
    text, k = io.StringIO(), found.honest.chosen.shape[1]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "fold", "truth", *(f"p({word})" for word in found.learnt.words[-k:])])
    shares: FloatArray = probabilities(found.honest.chosen)
    for n, image in enumerate(found.learnt.names):
        writer.writerow([image, int(found.honest.fold[n]), found.learnt.words[found.learnt.truth[n]], *map(repr, shares[n].tolist())])
    return text.getvalue()


def _sha256(path: Path) -> str:
    files = sorted(path.rglob(FEATURES)) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()
