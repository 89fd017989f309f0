"""Which columns of a list group its items, and which stay out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from diaphane.train.forms import read_dataset
from diaphane.train.forms_about import MOST_COLUMNS


def listed(root: Path, count: int = 40, **columns: list[str]) -> list[dict[str, str]]:
    """What is known of each item of a list with these columns."""
    root.mkdir(exist_ok=True)
    with (root / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", *columns])
        writer.writerows([f"i{n}.png", f"m{n}.png", *(values[n] for values in columns.values())] for n in range(count))
    return [dict(item.about) for item in read_dataset(root).items]


def columns_of(found: list[dict[str, str]]) -> set[str]:
    return {column for one in found for column in one}


N = range(40)
SEX = ["F" if n % 2 else "M" for n in N]
AGES = [str(20 + n) for n in N]


def test_ages_few_values_and_numbers_are_kept_and_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    sizes = [f"{0.01 * n:.3f}" for n in N]
    unknown = ["", "Unknown", "N/A", "nan", *SEX[4:]]
    found = listed(tmp_path, Sex=unknown, AGE=AGES, mask_fraction=sizes)
    assert found[:4] == [{"age": str(20 + n), "mask fraction": sizes[n]} for n in range(4)]
    assert found[5] == {"sex": "F", "age": "25", "mask fraction": "0.050"}


def test_no_value_that_tells_people_apart_is_kept(tmp_path: Path) -> None:
    names = [f"Jane Doe {n % 7}" for n in N]
    hostile = {
        "physician": ["Dr A" if n % 2 else "Dr B" for n in N], "patient_name": ["Doe" if n % 2 else "Roe" for n in N], "surname": [f"Doe{n % 3}" for n in N],
        "record": [str(5000 + n) for n in N], "isic_id": [str(n % 4) for n in N], "patientID": [str(n % 4) for n in N], "who": names,
        "seen on": [f"2020-01-{n:02}" for n in N], "birth_date": ["1980", "1990"] * 20, "constant": ["x"] * 40, "huge": ["1e999", *map(str, N[1:])],
        "free": [f"=HYPERLINK({n})" for n in N], "mixed": ["?", "about 50", *AGES[2:]], "empty": [""] * 40, "notes": ["fell, Mrs Doe called", "none"] * 20,
    }  # fmt: skip
    found = listed(tmp_path, **hostile, sex=SEX)
    assert columns_of(found) == {"sex"}
    assert "Doe" not in json.dumps(found)


def test_whole_numbers_that_differ_for_each_patient_are_ids_and_those_that_repeat_are_not(tmp_path: Path) -> None:
    patients, own, weight = [f"p{n // 2}" for n in N], [str(n // 2 + 70) for n in N], [str(n // 4 + 50) for n in N]
    assert columns_of(listed(tmp_path / "a", patient=patients, label=own, weight=weight)) == {"weight"}
    assert columns_of(listed(tmp_path / "b", label=own)) == {"label"}  # nobody says that two pictures are of one patient
    assert columns_of(listed(tmp_path / "c", patient=patients, age=own)) == {"age"}


def test_values_are_words_on_one_line_and_columns_are_not_many(tmp_path: Path) -> None:
    odd = ["a\x07b_c\n" + "x" * 90 if n % 2 else "=1+1" for n in N]
    assert [one["kind"] for one in listed(tmp_path / "a", kind=odd)[:2]] == ["=1+1", ("a b c " + "x" * 90)[:60]]
    many = {f"f{n}x": [str(n * 0.37 + m * 0.11) for m in N] for n in range(100)}
    assert columns_of(listed(tmp_path / "b", **many)) == {f"f{n}x" for n in range(MOST_COLUMNS)}


@pytest.mark.data
def test_lists_of_the_real_sets_group_by_what_they_say_of_patients(data: Path) -> None:
    skin, lungs = (read_dataset(data / name).items for name in ("isic2017", "cxr_lungs"))
    assert {column for item in skin for column in item.about} == {"melanoma", "age", "sex", "mask fraction"}
    assert {column for item in lungs for column in item.about} == {"age", "sex", "view"}
    assert {item.about.get("sex") for item in skin} == {"male", "female", None}
