"""The card of a classifier on features: what its number means, and what it does not. Figures come from the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diaphane.assess.tabular import TableModel
from diaphane.train.evaluate import value_words
from diaphane.train.subgroups import SPECIAL
from diaphane.train.table_metrics import FIGURES, rows
from diaphane.train.table_read import Table

UNKNOWN = "patients are not known: each picture counts as a patient of its own, so that two of one patient may flatter the figures"
PART_WORDS = {"valid": "validation", "test": "test"}


def card(name: str, metrics: Mapping[str, Any], model: TableModel, data: Table) -> str:
    """``card.md``."""
    sections = [
        _what(name, metrics, model, data),
        _means(metrics, data),
        _good(metrics),
        _families(metrics),
        _subgroups(metrics),
        _held_out(metrics),
        _limits(metrics, model),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _what(name: str, metrics: Mapping[str, Any], model: TableModel, data: Table) -> str:
    counts = ", ".join(f"{_plain(word)} {count}" for word, count in metrics["classes"].items())
    people = f" in {metrics['groups']} {metrics['grouped_by']}s that were not torn apart" if metrics["grouped_by"] else "; " + UNKNOWN
    asked = _plain(data.words[-1]) if len(data.words) == 2 else "each of " + ", ".join(map(_plain, data.words))
    return f"""# {_plain(name)}

How probable {asked} is, of a region called "{_plain(data.label)}": {model.title} ({metrics["chosen"]["setting"]}) on {model.rests_on()}.

## Data

{metrics["pictures"]} pictures ({counts}){people}. Of each picture the largest region counts."""


def _means(metrics: Mapping[str, Any], data: Table) -> str:
    share = metrics["classes"][data.words[-1]] / metrics["pictures"]
    return f"""## What the number means, and what it does not

* Of regions that got about 20 %, about 20 % were {_plain(data.words[-1])}, in data like these, where {share:.1%} of all were. Where it is rarer, the true
  probability is lower; where it is more common, higher.
* The interval says how much the probability would change had other patients been learnt from: the fit was repeated without a tenth of the patients, ten
  times (delete-a-group jackknife); scale and calibration rest on answers for all of them. It does not cover that new pictures may differ from
  these, nor that an outline may be wrong.
* The contributions say what moved the model's answer, not what causes the disease: features that go together share what either could have said.
* No figure here is clinical validation. It must not rule anything out."""


def _good(metrics: Mapping[str, Any]) -> str:
    classes = metrics["summary"]
    each = "" if len(classes) == 1 else "\n\n" + "\n\n".join(f"{_plain(word)} against the rest:\n\n{_table(found)}" for word, found in classes.items())
    return f"""## How good it is

{metrics["protocol"][0].upper() + metrics["protocol"][1:]}. Intervals are of 1000 bootstrap draws of patients.

{_table(metrics["nested"])}{each}

A calibration slope below 1 says that it is too bold, above 1 too timid."""


def _families(metrics: Mapping[str, Any]) -> str:
    head = " | ".join(FIGURES.values())
    lines = []
    for family, found in metrics["families"].items():
        name = f"**{family}**" if family == metrics["chosen"]["family"] else family
        values = " | ".join(value_words(found[figure]) for figure in FIGURES)
        lines.append(f"| {name} | {found['setting']} | {found['taken_in_folds']} | {found['inner_loss']:.4f} | {values} |")
    body = "\n".join(lines)
    return f"""## What was chosen, and what lost

By the logarithmic loss in the inner folds, after calibration: of each family the best setting, and of the families within a standard error of the
best the simplest, which stands first. The figures are of the outer folds, each family with the setting that its inner folds chose; to take a family
for its line in this table would flatter it.

| family | setting, on all data | taken in folds | inner loss | {head} |
| --- | --- | --- | --- | --- | --- | --- |
{body}"""


def _subgroups(metrics: Mapping[str, Any]) -> str:
    lines = []
    for column, found in metrics["subgroups"].items():
        for group in found["groups"]:
            cells = " | ".join([group["reason"], ""] if "reason" in group else [value_words(group[name]) for name in ("auc", "brier_skill")])
            lines.append(f"| {_plain(column)}: {_plain(group['group'])} | {group['images']} | {cells} |")
    if not lines:
        return ""
    body = "\n".join(lines)
    return f"""## Subgroups

The same held-out answers by what the table says of the pictures; groups of fewer than five patients are not shown.

| group | pictures | AUC | Brier skill |
| --- | --- | --- | --- |
{body}"""


def _held_out(metrics: Mapping[str, Any]) -> str:
    parts = []
    for part, found in metrics["held_out"].items():
        shared = f"; {found['patients_also_learnt_from']} of its patients were learnt from too" if found["patients_also_learnt_from"] else ""
        parts.append(f"""## On the publisher's {PART_WORDS[part]} part

Read once, by this bundle: {found["images"]} pictures{shared}; {found["without_verdict"]} of them get no verdict, for they are unlike those of the
training, and count here all the same.

{_table(found)}""")
    return "\n\n".join(parts)


def _limits(metrics: Mapping[str, Any], model: TableModel) -> str:
    filled = [c.name.replace("_years", "") for c in model.columns if c.source == "context"]
    known = f"\n* Where {' or '.join(filled)} is not known, the training data's middle is taken, and the report says so." if filled else ""
    nets = "".join(f"\n* It needs the verdict of `{_plain(name)}` on the same picture; without it there is none." for name in model.networks())
    unlike = metrics["unlike"]
    return f"""## Limits

* A region unlike those of the training gets no verdict: its features' Mahalanobis distance is beyond {unlike["limit"]:.2f}, the 99 % quantile of
  held-out training pictures. In the outer folds {unlike["share_of_held_out"]:.1%} of the pictures, all of the right kind, would have got none.
* A region that lacks a feature gets none.{known}{nets}
* It knows this data only: other devices, hospitals, ages or kinds of skin were not tried."""


def _table(found: Mapping[str, Any]) -> str:
    return f"| figure | held out (95 % interval) |\n| --- | --- |\n{rows(found)}"


def _plain(text: str) -> str:
    """What somebody wrote into a table, without a meaning in Markdown or HTML."""
    return SPECIAL.sub(r"\\\1", text)
