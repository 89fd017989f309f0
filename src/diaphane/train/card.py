"""The model card of a training: what it was made from, how good it is, what it is not for. Figures come from the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diaphane.train.bundles import TRAINING, model_recipe
from diaphane.train.dataset import Checked
from diaphane.train.judge import Exported
from diaphane.train.recipe import TrainRecipe
from diaphane.train.scores import fold_words, table
from diaphane.train.subgroups import section
from diaphane.train.work import Work

PILOT = "best of a pilot"
"""Stands in the reasons of a training whose network was chosen by short trials."""


def card(work: Work, metrics: Mapping[str, Any], networks: Sequence[Exported], *, fold: int | None = None, tested: Mapping[str, Any] | None = None) -> str:
    """``card.md`` of a fold's bundle, or (``fold`` None) of the whole, which holds ``networks``."""
    recipe = work.recipe
    members = len(recipe.fold) if fold is None and not recipe.final else 1
    loop, data, size = recipe.loop, recipe.data, "x".join(map(str, recipe.input.size))
    model = model_recipe(recipe, members)
    does = "Tells classes apart" if data.task == "classify" else "Segments"
    return f"""# {data.name}

{does}: {", ".join(label.name for label in data.labels)}. {model.network}, {size}, ONNX, weights in float16, computed in float32; {_costs(networks)}.

## Data and what it means for use

{data.modality}; licence as the data says: {data.licence}. {_counts(work, fold)}
{_patients(work.checked.dataset.patients_known)}{_numbers(work.checked)}

## How good it is

{_protocol(recipe, members, fold)}

{_figures(metrics)}
{_tested(tested)}
Trained by `diaphane train`: {loop.steps} steps of {loop.batch_size}, {loop.optimizer}, {loop.loss}, seed {loop.seed}, {loop.precision}, planned for
{recipe.minutes:g} minutes in all; `training.toml` holds all of it with a reason beside each value.{_first(work)} No figure here is clinical validation.

## Limits

* It knows this data set only: other scanners, hospitals, ages or views were not tried.
{_chosen(work, networks, fold)}* {_gates(data.task)}
"""


def _figures(metrics: Mapping[str, Any]) -> str:
    """The table, then the folds and the subgroups, where there are any."""
    return "\n\n".join(part.strip() for part in (table(metrics), fold_words(metrics), section(metrics)) if part)


def _costs(networks: Sequence[Exported]) -> str:
    """Once where all are alike."""
    return "each network: " + "; or ".join(dict.fromkeys(str(one.cost) for one in networks))


def _first(work: Work) -> str:
    return f" The first weights come from the bundle `{work.init.name}` (licence {work.init.recipe.licence})." if work.init else ""


def _chosen(work: Work, networks: Sequence[Exported], fold: int | None) -> str:
    """What validation decided: each of these favours the items it was decided on; empty where nothing was chosen."""
    looks = work.recipe.loop.validations
    final = work.recipe.final and fold is None
    out = [f"the weights (those with the highest validation metric of {looks} looks{'; of the final network, the last' if final else ''})"] if looks > 1 else []
    if depths := [one.depth for one in networks if one.depth]:
        out.append(f"the depth of UNet++ ({', '.join(f'{kept} of {trained}' for kept, trained in depths)})")
    if PILOT in work.texts[TRAINING].decode():
        out.append(f"the network (the best of short trials, by the held-out items of fold {work.recipe.fold[0]})")
    return f"* Chosen on held-out items, so that the figures on them are a little too high: {'; '.join(out)}.\n" if out else ""


def _numbers(checked: Checked) -> str:
    """Which values of the masks are which in the bundle, where they differ."""
    names = {label.value: label.name for label in checked.dataset.labels}
    pairs = [(pixel, label) for pixel, label in sorted(checked.values.items()) if label in names]
    if all(pixel == label for pixel, label in pairs):
        return ""
    words = ", ".join(f"{pixel} is {label} ({names[label]})" for pixel, label in pairs)
    return f"\nThe bundle numbers its labels anew; of the masks' values {words}."


def _counts(work: Work, fold: int | None) -> str:
    recipe, parts = work.recipe, work.parts
    every = sum(map(len, parts.folds))
    which = f"fold {fold} of {recipe.folds}" if fold is not None else f"folds {', '.join(map(str, recipe.fold))} of {recipe.folds}"
    held = len(parts.validation(fold)) if fold is not None else sum(len(parts.validation(f)) for f in recipe.fold)
    tested = f"; {len(parts.test)} more are the publisher's test part, never seen in training" if parts.test else ""
    return f"{every} items for training and validation ({which}; {held} held out in turn){tested}."


def _patients(known: bool) -> str:
    if known:
        return "Items of one patient lie on one side of the split."
    return "Patients are not known: each item counts as a patient of its own, so that two of one patient may lie on both sides and flatter the figures."


def _protocol(recipe: TrainRecipe, members: int, fold: int | None) -> str:
    if recipe.final and fold is None:
        whole = "The network in this bundle learnt in the same way from all items, and was measured on none of them:"
        return f"Cross-validation: each item predicted by the one of {recipe.folds} networks that did not see it. {whole}"
    if members > 1 and fold is None:
        return f"Cross-validation: each item predicted by the one of {members} networks that did not see it (the ensemble as shipped was not measured on them):"
    return "On the held-out fold, through this bundle as it is shipped:"


def _tested(tested: Mapping[str, Any] | None) -> str:
    return "" if tested is None else f"\nOn the publisher's test part, read once, through this bundle:\n\n{_figures(tested)}\n"


def _gates(task: str) -> str:
    if task == "classify":
        return "Every picture gets one of its classes, also one that shows none of them."
    return "The output gate's limits are from held-out results of the folds: of each the 0.5 % and 99.5 % quantiles, or below 20 the extremes, widened."
