"""Figures by groups: who is in which, what is given of them, and what is never given away."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diaphane.core.coding import json_text
from diaphane.core.recipe import LabelRecipe
from diaphane.train.dataset import Checked, Dataset, Facts, Item
from diaphane.train.evaluate import ALL, CaseMetrics, class_metrics, mean_interval
from diaphane.train.grouping import SIZE, groupings
from diaphane.train.judge import Judged
from diaphane.train.scores import document, shared, words
from diaphane.train.subgroups import section, subgroups

LABELS = (LabelRecipe(value=1, name="a"), LabelRecipe(value=2, name="b"))


def checked(
    about: list[dict[str, str]], *, task: str = "segment", patients: list[str] | None = None, targets: Any = None, facts: Mapping[int, Facts] | None = None
) -> Checked:
    """A data set of items that no file is needed for."""
    items = tuple(
        Item(
            f"secret{n}", Path("x"), Path("y") if task == "segment" else None, 0 if targets is None else int(targets[n]),
            patients[n] if patients else f"secret{n}", about=one,
        )
        for n, one in enumerate(about)
    )  # fmt: skip
    data = Dataset(
        root=Path(), form="CSV", task=task, name="d", modality="m", labels=LABELS, items=items, patients_known=patients is not None,  # type: ignore[arg-type]
    )  # fmt: skip
    seen = {item.name: (facts or {}).get(n, facts_of(50)) for n, item in enumerate(items)}
    return Checked(data, seen, (), {})


def facts_of(voxels: int, shape: tuple[int, int, int] = (1, 10, 100), spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Facts:
    return Facts(shape, 1, spacing, (0.5,), (0.1,), (0.0, 1.0), (0.5, 0.1), {1: voxels} if voxels else {})


def masks(values: np.ndarray) -> Judged:
    """Of each item Dice of two labels, 0.1 apart about the value; Jaccard half as much."""
    out = Judged()
    for n, value in enumerate(values):
        for label, d in (("a", value - 0.05), ("b", value + 0.05)):
            out.cases.append(CaseMetrics(f"secret{n}", label, float(d), float(d) / 2))
            out.groups.append(f"p{n}")
    return out


def test_masks_have_the_means_of_their_groups_with_intervals_over_patients(rng: np.random.Generator) -> None:
    values, sexes = rng.uniform(0.3, 0.9, 40), ["F" if n % 4 else "M" for n in range(40)]
    patients = [f"p{n // 2}" for n in range(40)]
    found = subgroups(masks(values), checked([{"sex": sex} for sex in sexes], patients=patients))
    female, male = found["sex"]["groups"]
    chosen = [n for n in range(40) if n % 4]
    assert (female["group"], female["items"], female["patients"], male["items"], male["patients"]) == ("F", 30, 20, 10, 10)
    expected = mean_interval(values[chosen], groups=[patients[n] for n in chosen])
    assert female["dice"]["mean"] == pytest.approx(values[chosen].mean())
    assert female["dice"]["ci95"] == pytest.approx(expected["ci95"])
    assert female["jaccard"]["mean"] == pytest.approx(values[chosen].mean() / 2)
    assert (found["sex"]["too_few"], found["sex"]["not_known"]) == (0, 0)


def test_classes_have_the_auc_of_the_second_or_the_mean_over_all_in_the_group(rng: np.random.Generator) -> None:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    targets, site = 1 + np.arange(80) % 2, ["x" if n < 50 else "y" if n < 71 else "z" for n in range(80)]
    targets[50:71] = 1
    soft = rng.random((80, 2))
    soft /= soft.sum(axis=1, keepdims=True)
    out = Judged(classes={f"secret{n}": (int(targets[n]), tuple(soft[n])) for n in range(80)})
    found = subgroups(out, checked([{"site": s} for s in site], task="classify", targets=targets))
    x, y, z = found["site"]["groups"]
    assert x["auc"]["mean"] == pytest.approx(roc_auc_score(targets[:50] == 2, soft[:50, 1]))
    assert x["balanced_accuracy"]["mean"] == pytest.approx(balanced_accuracy_score(targets[:50] - 1, soft[:50].argmax(axis=1)))
    assert x["auc"]["ci95"][0] < x["auc"]["mean"] < x["auc"]["ci95"][1]
    assert (y["reason"], z["reason"]) == ("one class only", "fewer than 10 items")
    assert math.isnan(y["auc"]["mean"])
    assert '"mean": null' in json_text(z)
    assert section({"subgroups": found}) == ""  # one group alone is compared with nothing


def test_macro_auc_of_a_group_is_that_of_the_whole_where_all_are_in_it(rng: np.random.Generator) -> None:
    targets = 1 + np.arange(60) % 3
    soft = rng.random((60, 3)) + 0.3 * np.eye(3)[targets - 1]
    out = Judged(classes={f"secret{n}": (int(targets[n]), tuple(soft[n])) for n in range(60)})
    data = checked([{"site": "x"}] * 60, task="classify", targets=targets)
    three = replace(data, dataset=replace(data.dataset, labels=(*LABELS, LabelRecipe(value=3, name="c"))))
    expected = class_metrics([str(n) for n in range(60)], targets - 1, soft, ["a", "b", "c"])["summary"][ALL]
    group = subgroups(out, three)["site"]["groups"][0]
    assert {metric: group[metric] for metric in ("auc", "balanced_accuracy")} == {metric: expected[metric] for metric in ("auc", "balanced_accuracy")}


def test_ages_have_their_own_groups_and_other_numbers_thirds() -> None:
    ages, weights = [0, 39.5, 40, 59, 60, 95], [50 + 0.5 * n for n in range(60)]
    found = groupings(checked([{"age": str(ages[n % 6]), "weight": str(weights[n])} for n in range(60)]))
    assert [found["age"].of[f"secret{n}"] for n in range(6)] == ["below 40", "below 40", "40 to 59", "40 to 59", "60 and more", "60 and more"]
    assert found["weight"].groups == ("below 60", "60 to 70", "70 and more")
    assert [found["weight"].of[f"secret{n}"] for n in (0, 19, 20, 39, 40, 59)] == [found["weight"].groups[n] for n in (0, 0, 1, 1, 2, 2)]


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 1e7, 1e90])
def test_edges_of_thirds_are_rounded_so_that_they_are_nobodys_number(scale: float, rng: np.random.Generator) -> None:
    values = [float(v) * scale for v in rng.uniform(1, 9, 300)]
    grouping = groupings(checked([{"x": repr(v)} for v in values]))["x"]
    edges = [float(word) for group in grouping.groups for word in group.split() if word[0].isdigit()]
    assert edges == [float(f"{edge:.1e}") for edge in edges]
    assert not set(edges) & set(values)
    assert all(85 < list(grouping.of.values()).count(group) < 115 for group in grouping.groups)


def test_odd_columns_group_nothing_and_break_nothing() -> None:
    n = range(60)
    same = ["1" + "." * (k % 9 > 0) + "0" * (k % 9) for k in n]  # one number, written in nine ways
    found = groupings(
        checked(
            [{"names": f"Jane {k}", "same": same[k], "wide": repr([-9e99, 9e99, *map(float, n)][k]), "huge": repr(k * 1e306), "few": str(k % 3)} for k in n]
        )
    )
    assert found.keys() == {"wide", "few"}
    assert found["few"].groups == ("0", "1", "2")


def test_sizes_are_shares_of_pictures_or_mm3_and_empty_masks_stand_apart() -> None:
    flat = groupings(checked([{}] * 35, facts={n: facts_of(10 * max(0, n - 4)) for n in range(35)}))[SIZE]
    assert flat.groups == ("none", "small: below 11 % of the picture", "middle: 11 to 21 % of the picture", "large: 21 % of the picture and more")
    assert [list(flat.of.values()).count(group) for group in flat.groups] == [5, 10, 10, 10]
    solid = groupings(checked([{}] * 30, facts={n: facts_of(n + 1, (10, 10, 10), (5.0, 2.0, 2.0)) for n in range(30)}))[SIZE]
    assert solid.groups == ("none", "small: below 220 mm3", "middle: 220 to 420 mm3", "large: 420 mm3 and more")
    assert SIZE not in groupings(checked([{}] * 30))
    assert groupings(checked([{}] * 30, task="classify")) == {}


def test_groups_of_fewer_than_five_patients_are_counted_and_not_named() -> None:
    sites = ["north"] * 20 + ["south"] * 20 + ["Mrs Doe"] * 12
    patients = [f"p{n}" for n in range(40)] + [f"q{n % 4}" for n in range(12)]
    about = [{"site": site} for site in sites] + [{}] * 3
    data = checked(about, patients=[*patients, "r1", "r2", "r3"])
    metrics = document(masks(np.linspace(0.4, 0.8, 55)), data)
    assert [group["group"] for group in metrics["subgroups"]["site"]["groups"]] == ["north", "south"]
    assert (metrics["subgroups"]["site"]["too_few"], metrics["subgroups"]["site"]["not_known"]) == (12, 3)
    said = section(metrics)
    assert "Not shown: items in groups of fewer than 5: site (12); items of which it is not known: site (3)." in said
    for text in (said, json_text(shared(metrics))):
        assert "Doe" not in text
        assert "secret" not in text
        assert "q1" not in text


def test_section_names_the_group_that_lies_apart_and_no_other() -> None:
    values = np.where(np.arange(60) % 3 == 0, 0.4, 0.8) + 0.01 * np.sin(np.arange(60))
    about = [{"sex": "F" if n % 3 == 0 else "M", "side": "left" if n % 2 else "right"} for n in range(60)]
    metrics = document(masks(values), checked(about))
    said = section(json.loads(json_text(metrics)))  # as it is read again
    assert said == section(metrics)
    assert said.startswith("## Subgroups\n\n")
    assert "| group | items | Dice (95 % interval) | Jaccard (95 % interval) |\n| --- | --- | --- | --- |\n| sex: F | 20 | 0.40" in said
    assert "Worse than all others in its column, the interval of Dice wholly below theirs: sex: F.\n" in said
    level = section(document(masks(np.full(60, 0.7)), checked(about)))
    assert "No group's interval of Dice lies wholly below those of all others in its column." in level


def test_section_is_empty_where_there_is_nothing_to_say() -> None:
    assert section({"summary": {}}) == ""
    assert section(document(masks(np.full(8, 0.5)), checked([{"sex": "F"}] * 8))) == ""
    assert section(document(masks(np.full(18, 0.5)), checked([{"sex": "FM"[n % 2]} for n in range(18)]))) == ""


def test_what_somebody_wrote_into_a_list_has_no_meaning_in_the_card() -> None:
    evil = ["<img src=x>|[a](http://b)", '=cmd|"/c calc"!A1']
    said = section(document(masks(np.linspace(0.3, 0.9, 40)), checked([{"`kind`": evil[n % 2]} for n in range(40)])))
    row = next(line for line in said.splitlines() if "img" in line)
    assert r"\`kind\`: \<img src=x\>\|\[a\](http://b)" in row
    assert row.replace(r"\|", "").count("|") == 5


def test_line_of_a_training_on_classes_gives_accuracy_and_auc(rng: np.random.Generator) -> None:
    targets = 1 + np.arange(30) % 2
    out = Judged(classes={f"secret{n}": (int(targets[n]), (0.2, 0.8) if targets[n] == 2 else (0.8, 0.2)) for n in range(30)})
    found = words(document(out, checked([{}] * 30, task="classify", targets=targets)))
    assert found == "all classes: accuracy 1.000 (1.000 to 1.000); all classes: AUC 1.000 (1.000 to 1.000)"
