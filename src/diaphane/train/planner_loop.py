"""Rules: batch, loop and augmentation."""

from __future__ import annotations

import math

from diaphane.train.options import Options
from diaphane.train.planner_draft import COMMAND_LINE, Draft
from diaphane.train.planner_look import Overview
from diaphane.train.planner_network import Asked, memory_of

BATCH_POINTS = {2: 500_000, 3: 380_000}
"""Pixels, or voxels, of a batch: 16 pictures of 144x192, 8 of 256x256, 4 windows of 40x56x40."""
PASSES, MOST_STEPS = 250, 250_000
"""Over the training items; more overfits, or changes nothing."""
SYMMETRIC = 0.9
"""Correlation with the mirror image from which pictures are mirrored: dermoscopy has 0.95 and more along both axes,
chest X-rays 0.97 left-right and below 0 up-down; figures in `planner_look.symmetry`."""
SMALL = 64
"""Pictures with fewer rows are not blurred: their details are one pixel wide."""


def training_items(draft: Draft, seen: Overview) -> int:
    """How many items a network learns from: those that are not held out."""
    parts = [str(item.part) for item in seen.items]
    folds: int = draft.values["folds"]
    if "valid" in parts and "folds" not in draft.said:
        return max(1, len(parts) - parts.count("valid"))
    return max(1, len(parts) - round(len(parts) / folds))


def decide_batch(draft: Draft, seen: Overview, asked: Asked, room: int) -> int:
    """``batch_size``, so that a step takes at most ``room`` bytes if it can; the bytes that it takes."""
    size: tuple[int, ...] = draft.values["input.size"][-asked[2] :]
    points, items, memory = math.prod(size), training_items(draft, seen), memory_of(asked, size)
    wanted = 2 ** round(math.log2(max(1, BATCH_POINTS[asked[2]] / points)))
    fitting = (room - memory.fixed) // memory.a_sample
    limits = {"": min(wanted, 64), f"a quarter of {items} training items": items // 4, f"{room / 1e9:.1f} GB for a step": fitting}
    batch = max(2, min(limits.values()))
    why = f"about {BATCH_POINTS[asked[2]]} {'pixels' if asked[2] == 2 else 'voxels'} a step at {points} a sample"
    why += "".join(f", less because of {words}" for words, limit in limits.items() if words and limit == batch < limits[""])
    batch = draft.put("loop.batch_size", batch, f"{why}; a step takes about {memory.of(batch) / 1e9:.1f} GB in float32")
    return memory.of(batch)


def decide_loop(draft: Draft, seen: Overview, options: Options) -> None:
    """Everything else in ``loop``."""
    steps = _decide_steps(draft, seen, options)
    classify, segnet = draft.values["data.task"] == "classify", draft.values["network.name"] == "segnet"
    loss = "cross_entropy" if classify else "dice_cross_entropy"
    draft.put("loop.loss", loss, "for classes" if classify else "Dice asks for overlap however small the structure, cross-entropy for honest probabilities")
    kind = draft.put("loop.optimizer", "adamw", "learns fast without tuning")
    rate = 0.01 if kind == "sgd" else 0.002
    draft.put("loop.learning_rate", rate, f"what {kind} is stable with when gradients are shortened")
    draft.put("loop.weight_decay", 0.01 if kind != "sgd" else 0.0001, f"the usual for {kind}")
    draft.put("loop.schedule", "poly", "falls to 0 with the steps planned")
    draft.put("loop.warmup_steps", min(100, steps // 20), "5 % of the steps, 100 at most")
    draft.put("loop.clip_norm", 5.0, "a rare sample cannot throw the weights far")
    draft.put("loop.ema", round(min(0.998, 1 - 10 / (steps + 10)), 5), f"averages over a tenth of {steps} steps, 500 at most")
    why = "a third of the windows holds a structure for sure" if seen.is_volume else "pictures are seen whole"
    draft.put("loop.foreground", 0.33 if seen.is_volume else 0.0, why)
    why = "its places of maxima are not safe in bfloat16" if segnet and not classify else "half the memory; the pilot looks whether it is faster"
    draft.put("loop.precision", "float32" if segnet and not classify else "bfloat16", why)
    draft.put("loop.channels_last", False, "the pilot looks whether the other layout is faster")
    looks = 10 if steps >= 400 and draft.values["minutes"] >= 5 else 4
    draft.put("loop.validations", min(looks, steps), f"for {steps} steps in at most {draft.values['minutes']:g} minutes")
    held, most = max(1, len(seen.items) - training_items(draft, seen)), 16 if seen.is_volume else 1000 if classify else 64
    why = "an AUC of few items is noise, and a look at a class is cheap" if classify else "so that a look costs little"
    draft.put("loop.validation_items", min(held, most), f"of about {held}: {why}")
    draft.put("loop.checkpoint_minutes", 2.0, "what a power cut may cost")
    draft.put("loop.patience", 0, "never stops early, so that the schedule runs to its end")
    draft.put("loop.seed", options.seed, "the default")


def _decide_steps(draft: Draft, seen: Overview, options: Options) -> int:
    items = training_items(draft, seen)
    batch: int = draft.values["loop.batch_size"]
    if options.epochs is not None:
        draft.said["loop.steps"] = math.ceil(options.epochs * items / batch), f"{options.epochs} passes over {items} items: {COMMAND_LINE}"
    steps = max(1, min(MOST_STEPS, math.ceil(PASSES * items / batch)))
    return draft.put("loop.steps", steps, f"at most: {PASSES} passes over {items} training items")


def decide_augmentation(draft: Draft, seen: Overview, symmetry: tuple[float, float] | None) -> None:
    """Everything in ``augment``."""
    flip = _flips(draft, seen, symmetry)
    volume, flat = seen.is_volume, draft.values["input.size"][0] == 1
    turns = all(flip[1:]) and not volume
    why = "a picture that can be mirrored both ways has no upright" if turns else "patients are not placed more exactly"
    draft.put("augment.rotation_deg", 180.0 if turns else 15.0, why)
    spacing = draft.values["input.spacing_mm"] or (1.0,)
    thick = max(spacing) > 3 * min(spacing)
    turned = "slices are too thick to turn" if thick else "less than in the plane"
    why = turned if volume and not flat else "one slice is seen at a time" if volume else "pictures have no depth"
    draft.put("augment.rotation_out_deg", 10.0 if volume and not flat and not thick else 0.0, why)
    draft.put("augment.scale", 0.15 if volume else 0.2, "bodies differ in size" if volume else "distances differ")
    draft.put("augment.shift", 0.0 if volume else 0.08, "windows are drawn anywhere" if volume else "the object is not always in the middle")
    for name, value, what in (("gain", 0.2, "contrast"), ("offset", 0.2, "brightness"), ("gamma", 0.2, "response")):
        draft.put(f"augment.{name}", value, f"devices differ in {what}")
    small = not volume and draft.values["input.size"][-2] <= SMALL
    draft.put("augment.noise", 0.05 if small else 0.1, "of one standard deviation of the picture")
    draft.put("augment.blur", 0.0 if small else 0.8, f"details of pictures of {SMALL} rows and fewer are one pixel wide" if small else "focus differs")


def _flips(draft: Draft, seen: Overview, symmetry: tuple[float, float] | None) -> tuple[bool, bool, bool]:
    if seen.lateral:
        return draft.put("augment.flip", (False, False, False), f"left and right matter: there is a label '{seen.lateral[0]}'")
    if seen.is_volume and not seen.named:
        return draft.put("augment.flip", (False, False, False), "the structures have no names: they may be about a side")
    if seen.is_volume:
        return draft.put("augment.flip", (False, False, True), "bodies are alike on the left and the right; no label is about a side")
    if draft.values["data.task"] == "classify":
        return draft.put("augment.flip", (False, False, False), "a class may be about a direction; say otherwise if none is")
    if symmetry is None:
        return draft.put("augment.flip", (False, False, False), "no picture was looked at")
    up, left = (s >= SYMMETRIC for s in symmetry)
    found = f"the mean picture (or mask of a structure) and its mirror image correlate by {symmetry[0]:.2f} up-down and {symmetry[1]:.2f} left-right"
    return draft.put("augment.flip", (False, bool(up), bool(left)), f"{found}: mirrored from {SYMMETRIC} on")
