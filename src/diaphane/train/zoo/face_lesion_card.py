"""The model card of ``face_lesion``; figures come from the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diaphane.core.recipe import Recipe
from diaphane.train.froc import RATES


def card(metrics: Mapping[str, Any], recipe: Recipe, trained_on: int) -> str:
    """The card: what it learnt from, how good it is on the simulation's test part, what it is not for."""
    found, jittered, tune = metrics["summary"]["face lesion"], metrics["with_jittered_boxes"]["face lesion"], metrics["tune"]
    return f"""# face_lesion

Proposes pigmented skin lesions on a face in an ordinary photo. U-Net, 1.9 million parameters, 320x320, ONNX float32; the mean of what
it says of the picture and of its mirror image. It is given the square around each face that a tracker found (`ops.crop.face_square`),
and what it says are candidates, which fusion judges.

## Data and what it means for use

**Trained and measured on a simulation** (`docs/simulate.md`): lesions of ISIC 2017 training pictures (CC0) laid on the skin of real faces, among
drawn distractors. No picture shows a lesion that a person had. People and lesions of the parts train, tune and test are disjoint (29, 7 and
13 people). The faces come from sets published for research, so the weights are for non-commercial use only (CC BY-NC-SA 4.0).

## How good it is

{metrics["pictures"]} pictures of part `test` with {metrics["lesions"]} lesions, through this bundle as it is shipped. A candidate is
a connected region of probability {recipe.threshold:g} or more, its score its mean probability; it is true from an IoU of 0.2 with a lesion; those
that lie mostly on what the person really has count neither way. Intervals (95 %) by drawing the 13 people.

| | true face box | box off by up to 12 % |
| --- | --- | --- |
{_rows(found, jittered)}

It lies on distractors (share of each kind in view on which a candidate lies):

{_distractors(metrics["mistaken_distractors"])}

The test part was read twice: first with the network alone (CPM 0.546), then, after part `tune` had shown that the mirror image helps (0.64 instead of
0.58 there), as above.

Trained on {trained_on} simulated pictures, watched on part `tune` every {_spacing(tune)} steps: best after {tune["best_step"]} of
{tune["stopped_at"]} steps (CPM {_best(tune):.3f}), {_ending(tune)} The test pictures: `{metrics["protocol"].split(";")[0]}` with --lesions
and --faces; everything: `make train-zoo ONLY=face_lesion DATA=/path/to/data`. No figure here is clinical validation.

## Limits

* It has seen no real lesion on a face, no lesion without pigment, nothing raised, ulcerated or hairy. Expect less on real patients.
* Made lesions are blended; whatever gives blending away, training can learn. Figures on made pictures flatter it for that reason.
* Moles, freckles and spots that people really have were left out of the loss: it may call them lesions or not.
* It does not say what a lesion is. `skin_lesion` and `melanoma` are for dermoscopy: do not feed them its candidates.
* Few people, mostly of light or medium skin; faces below some 90 px were not in the data; lesions below 6 px are dots to it.
* No input gate: that a face was found is its gate. No output limits: a face without any candidate is as plausible as one with five.
"""


def _rows(found: Mapping[str, Any], jittered: Mapping[str, Any]) -> str:
    names = {f"sensitivity_at_{rate:g}": f"sensitivity at {_fraction(rate)} false candidates a picture" for rate in RATES}
    names |= {
        "cpm": "**their mean (CPM)**",
        "sensitivity": "sensitivity of all candidates",
        "false_per_picture": "false candidates a picture",
        "dice_of_found": "Dice of the lesions found",
    }
    return "\n".join(f"| {word} | {_value(found[key])} | {_value(jittered[key])} |" for key, word in names.items())


def _value(value: Mapping[str, Any]) -> str:
    return f"{value['mean']:.3f} ({value['ci95'][0]:.3f} to {value['ci95'][1]:.3f})"


def _fraction(rate: float) -> str:
    return f"1/{1 / rate:.0f}" if rate < 1 else f"{rate:.0f}"


def _distractors(kinds: Mapping[str, Mapping[str, float]]) -> str:
    ordered = sorted(kinds.items(), key=lambda item: -item[1]["mistaken"])
    lines = ["| kind | in view | mistaken |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {kind} | {of['count']:.0f} | {of['mistaken']:.0%} |" for kind, of in ordered)])


def _spacing(tune: Mapping[str, Any]) -> int:
    return int(tune["looks"][0]["step"])


def _best(tune: Mapping[str, Any]) -> float:
    return float(max(look["cpm"] for look in tune["looks"]))


def _ending(tune: Mapping[str, Any]) -> str:
    """Why training ended, from its record."""
    if tune["stopped_at"] < tune["planned"]:
        return "then stopped because tune no longer improved."
    return "then at the end of its schedule."
