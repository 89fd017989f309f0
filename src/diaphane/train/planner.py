"""From what a data set looks like to a recipe, a reason beside each value. Nothing is timed here: the pilot does that.

Rules decide one value after the other, so that each may look at those before; what the user said takes the place of a rule's answer
and is looked at by the rules after it in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from diaphane.errors import UsageError
from diaphane.nets.design import EncoderName, NetworkName
from diaphane.nets.network import NORMS
from diaphane.train.dataset import Checked
from diaphane.train.options import Options
from diaphane.train.planner_check import check_final, check_folds, check_network, check_size, check_spacing
from diaphane.train.planner_draft import Draft, Planned, Said, changed, said
from diaphane.train.planner_input import Depth, decide_picture, decide_windows, target_points
from diaphane.train.planner_look import Overview, digest_of, overview, symmetry
from diaphane.train.planner_loop import decide_augmentation, decide_batch, decide_loop
from diaphane.train.planner_network import Asked, Dimensions, Task
from diaphane.train.planner_scale import decide_scale
from diaphane.train.recipe import NetworkTable

__all__ = ["Planned", "candidates", "changed", "digest_of", "plan", "symmetry"]

SHRINKS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)
"""Shares of the input's size that are tried until a step fits into memory."""
MEMORY_SHARE = 0.6
"""Of the memory available that a step may take; the rest is for data, validation and other programs."""
WIDTHS = {"narrow": (8, 16, 32, 64, 128), "usual": (16, 32, 64, 128, 256), "wide": (24, 48, 96, 192, 384), "broad": (32, 64, 128, 256, 512)}
SHORT_MINUTES, LONG_MINUTES = 5, 120
"""A network that has fewer minutes is narrower, one that has more is wider."""
TINY_PIXELS = 64 * 64
COLOUR_SHARE = 0.1
"""Of the pictures; with fewer in colour all are read as grey."""
TRIED = "one of those that the pilot tries"


@dataclass(frozen=True, slots=True)
class _Question:
    """All that a plan is made from."""

    checked: Checked
    seen: Overview
    options: Options
    said: Said
    memory_bytes: int
    threads: int
    symmetry: tuple[float, float] | None
    where: str


def plan(
    checked: Checked, options: Options, overrides: Mapping[str, Any], memory_bytes: int, threads: int,
    *, symmetry: tuple[float, float] | None = None, where: str = "PLAN.toml",
) -> Planned:  # fmt: skip
    """The recipe for a data set; ``loop.steps`` is an upper bound that the pilot lowers to what fits into the minutes.

    ``overrides`` are tables of a recipe, or parts of them, from the file ``where``; the command line is stronger. ``data.digest`` is
    always that of this data. ``symmetry`` is what `symmetry` found in some of the pictures; without it, pictures are not mirrored.

    Raises:
        UsageError: Overrides that are unknown, out of range, or contradict each other or the data; too little memory.
    """
    given = said(options, overrides, where)
    given.pop("data.digest", None)
    seen = overview(checked)
    if checked.dataset.task == "classify" and seen.is_volume:
        raise UsageError("classes are learnt from pictures, got volumes: give pictures, or masks in place of classes")
    return _fitting(_Question(checked, seen, options, given, memory_bytes, threads, symmetry, where), {})


def candidates(planned: Planned) -> tuple[Planned, ...]:
    """A plan for each network that fits this data (of classes: each encoder), the planned one first.

    Raises:
        UsageError: The recipe was not made by `plan`.
    """
    if planned.again is None:
        raise UsageError("only a plan knows the networks beside its own: give --network a name")
    recipe = planned.recipe
    key, names = "network.name", ["unet", "unetplusplus", "segnet", "deeplabv3plus"]
    if recipe.data.task == "classify":
        key, names = "network.encoder", ["plain", "mobilenetv2", "resnet18"]
    elif recipe.input.is_volume:
        names = names[:2]
    elif recipe.network.encoder != "plain":
        names.remove("segnet")
    if key in planned.given:
        return (planned,)
    own = planned.reasons[key], getattr(recipe.network, key.partition(".")[2])
    return (planned, *(planned.again({key: name}) for name in names if name != own[1]))


def _fitting(asked: _Question, chosen: Mapping[str, Any]) -> Planned:
    """The plan with the largest input for which a step fits into memory."""
    room = int(asked.memory_bytes * MEMORY_SHARE)
    for shrink in SHRINKS:
        planned, needed = _planned(asked, chosen, shrink, room)
        if needed <= room:
            return planned
    raise UsageError(
        f"a training step must fit into {MEMORY_SHARE:.0%} of the {asked.memory_bytes / 1e9:.1f} GB of memory available, got about {needed / 1e9:.1f} GB "
        "at least: give a smaller --batch-size or input.size, fewer network.widths, or close other programs"
    )


def _planned(asked: _Question, chosen: Mapping[str, Any], shrink: float, room: int) -> tuple[Planned, int]:
    """One plan, and the bytes that a step of it takes."""
    draft = Draft(asked.said, chosen)
    _decide_data(draft, asked)
    _decide_frame(draft, asked)
    network = _decide_network(draft, asked, shrink)
    needed = decide_batch(draft, asked.seen, network, room)
    decide_loop(draft, asked.seen, asked.options)
    decide_augmentation(draft, asked.seen, asked.symmetry)
    _decide_output(draft)
    recipe = draft.recipe(asked.where)
    given = frozenset(draft.said) & frozenset(draft.reasons)
    return Planned(recipe, _in_order(draft.reasons), given, lambda more: _fitting(asked, more)), needed


def _decide_data(draft: Draft, asked: _Question) -> None:
    dataset = asked.checked.dataset
    draft.put("data.name", dataset.name, "as the data set is called")
    if draft.put("data.task", dataset.task, f"the data set is of the form '{dataset.form}'") != dataset.task:
        raise UsageError(f"{asked.where}:data.task: must be '{dataset.task}', as the data set has it, got '{draft.values['data.task']}': leave it out")
    draft.put("data.modality", dataset.modality, "as the data set says, or else its name")
    draft.put("data.licence", dataset.licence, "as the data set says")
    labels = draft.put("data.labels", dataset.labels, f"{len(dataset.labels)} in the data set; role is 'lesion' unless you say 'anatomy'")
    if [label.value for label in labels] != [label.value for label in dataset.labels]:
        values = [label.value for label in dataset.labels]
        raise UsageError(f"{asked.where}:data.labels: must have the values {values} of the data set, got {[label.value for label in labels]}: leave them out")
    draft.put("data.digest", digest_of(asked.checked), "of names, sizes of files, parts and labels of this data")


def _decide_frame(draft: Draft, asked: _Question) -> None:
    """Folds, minutes, threads."""
    folds = draft.put("folds", 5, "a fifth is held out")
    fold = draft.put("fold", (0,), f"one network, 1 of {folds} parts of the data held out for validation")
    check_folds(folds, fold, asked.where)
    final = draft.put("final", False, "the bundle is the ensemble of the folds" if len(fold) > 1 else "the bundle is the one network")
    check_final(folds, fold, asked.where, final=final)
    draft.put("minutes", asked.options.minutes, "the default")
    draft.put("threads", asked.threads, f"{asked.threads} processors are there")


def _decide_output(draft: Draft) -> None:
    baked = draft.put("output.mirror", (False, False, False), "one look costs half of two; worth a try where augment.flip mirrors")
    size = draft.values["input.size"]
    safe = [flip and not always for flip, always in zip(draft.values["augment.flip"], baked, strict=True)][-len(size) :]
    draft.put("input.mirror", tuple(learnt and n > 1 for learnt, n in zip(safe, size, strict=True)), "what augment.flip teaches: --mirror may look there")
    draft.put("output.thresholds", (), "0.5 for all structures together, and the most probable of them; one of each finds rare structures sooner")
    draft.put("output.smallest_part", 0.02, "specks are dropped; 0.5 keeps one part, or two of a size")


def _decide_network(draft: Draft, asked: _Question, shrink: float) -> Asked:
    """Network and input, which depend on each other."""
    seen, task = asked.seen, asked.checked.dataset.task
    table = _decide_kind(draft, task)
    size: tuple[int, ...] | None = draft.given("input.size")
    check_size(size, seen.is_volume, asked.where)
    if seen.is_volume:
        check_spacing(draft.given("input.spacing_mm") or (1, 1, 1), asked.where)
    dims: Dimensions = 3 if seen.is_volume and table.name in ("unet", "unetplusplus") and not (size and size[0] == 1) else 2
    colour = seen.coloured >= COLOUR_SHARE and not seen.is_volume
    draft.put("input.channels", 3 if colour else 1, "volumes have one" if seen.is_volume else f"{seen.coloured:.0%} of the pictures have colours")
    draft.put("input.around", "", "the whole picture; a shipped bundle's name crops to what it finds")
    decide_scale(draft, seen, asked.checked.dataset.modality)
    widths, why = _widths(draft, seen, task)
    strides = draft.given("network.strides") or ()
    table = replace(table, strides=strides, widths=draft.given("network.widths") or widths[: len(strides) + 1 if strides else None])
    depth = Depth(table, task, dims, fixed=size is not None, free=not strides and "network.widths" not in draft.said)
    decide = decide_windows if seen.is_volume else decide_picture
    table = decide(draft, seen, depth, shrink * target_points(draft, seen, dims))
    draft.put("network.widths", table.widths, f"{why}; as many as leave 4 points along each axis at the lowest resolution")
    draft.put("network.strides", table.strides, "axes are halved while 4 points stay, coarse ones later" if table.strides else "2 everywhere")
    network: Asked = table, task, dims, draft.values["input.channels"], len(draft.values["data.labels"]) + (task == "segment")
    check_network(network, draft.values["input.size"], asked.where)
    return network


def _decide_kind(draft: Draft, task: Task) -> NetworkTable:
    """``name``, ``encoder``, ``norm``, ``deep_supervision``."""
    classify = task == "classify"
    why = "of a data set of classes only the encoder is used" if classify else "the plainest, and good on every kind of data"
    name: NetworkName = draft.put("network.name", "unet", TRIED if "network.name" in draft.chosen else why)
    why = "two convolutions a resolution: fast, and enough for most"
    encoder: EncoderName = draft.put("network.encoder", "plain", TRIED if "network.encoder" in draft.chosen else why)
    why = "the pooled head reads channel means, which instance normalisation takes away" if classify else f"what suits {name}, in bfloat16 too"
    norm = draft.put("network.norm", "group" if classify else NORMS[name], why)
    deep = not classify and name == "unetplusplus" and not draft.values["final"]
    why = "nothing is held out by which a final network could be pruned" if draft.values["final"] else "is unetplusplus's"
    deep = draft.put("network.deep_supervision", deep, "a head at every depth, as in the paper: it can be pruned" if deep else why)
    frozen = draft.put("network.frozen_encoder", False, "everything learns")
    return NetworkTable(name=name, encoder=encoder, widths=WIDTHS["usual"], norm=norm, deep_supervision=deep, frozen_encoder=frozen)


def _widths(draft: Draft, seen: Overview, task: str) -> tuple[tuple[int, ...], str]:
    """Channels from full resolution down, before the depth is known."""
    share = draft.values["minutes"] / (len(draft.values["fold"]) + draft.values["final"])
    if task == "classify" and seen.shape[1] * seen.shape[2] <= TINY_PIXELS:
        return WIDTHS["broad"], f"pictures of {seen.shape[1]:.0f}x{seen.shape[2]:.0f} pixels are cheap"
    kind = "narrow" if share < SHORT_MINUTES else "wide" if share >= LONG_MINUTES else "usual"
    return WIDTHS[kind], f"{kind}, as there are {share:.0f} minutes a network"


def _in_order(reasons: Mapping[str, str]) -> dict[str, str]:
    """By table, those without one last."""
    tables = ["data", "input", "network", "loop", "augment", "output", ""]
    return dict(sorted(reasons.items(), key=lambda item: tables.index(item[0].rpartition(".")[0])))
