"""Features and truths joined: what is taken, what is left out and said, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.tables import made_table, region

from diaphane.core.region import Feature, Region, features_csv
from diaphane.errors import InputError
from diaphane.train.table_read import Table, read

COUNT = 24
BAD = [n % 2 for n in range(COUNT)]


def written(folder: Path, regions: list[tuple[str, Region]], **columns: list[object]) -> Table:
    """Read from tables that were just written; the target is ``bad``."""
    folder.mkdir(exist_ok=True)
    (folder / "f.csv").write_text(features_csv(regions))
    more = {"bad": BAD} | columns
    lines = [",".join(["image", *more])] + [",".join([f"{name}.png", *(str(v[n]) for v in more.values())]) for n, (name, _) in enumerate(plain())]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return read(folder / "f.csv", folder / "t.csv", "bad")


def plain(**more: float) -> list[tuple[str, Region]]:
    return [(f"p{n}", region({"a": float(n), "b": float(-n)} | more)) for n in range(COUNT)]


def test_images_are_joined_by_their_stem_and_a_target_of_0_and_1_is_one_class(tmp_path: Path) -> None:
    found = read(*made_table(tmp_path), "BAD")
    assert found.names == tuple(f"p{n}" for n in range(60))
    assert [c.name for c in found.columns] == ["a", "b", "c"]
    assert (found.words, found.classes, found.label, found.grouped_by, found.faults) == (("not BAD", "BAD"), ("BAD",), "mole", "", ())
    assert found.groups == found.names


@pytest.mark.parametrize(
    ("words", "expected", "classes"),
    [
        (("0.0", "1.0"), ("not bad", "bad"), ("bad",)),
        (("No", "yes"), ("not bad", "bad"), ("bad",)),
        (("benign_mole", "melanoma"), ("benign mole", "melanoma"), ("benign mole", "melanoma")),
        (("2", "10"), ("2", "10"), ("2", "10")),
    ],
)
def test_words_are_classes_and_yes_and_no_are_one(tmp_path: Path, words: tuple[str, str], expected: tuple[str, str], classes: tuple[str, ...]) -> None:
    found = written(tmp_path, plain(), bad=[words[b] for b in BAD])
    assert (found.words, found.classes) == (expected, classes)
    assert [found.words[t] == expected[b] for t, b in zip(found.truth, BAD, strict=True)] == [True] * COUNT


def test_age_sex_and_networks_become_columns_and_what_is_not_known_is_one_too(tmp_path: Path) -> None:
    age: list[object] = [30 + n for n in range(12)] + ["unknown"] * 10 + [-3, 140]
    sex: list[object] = ["F", "male", "unknown", "female"] * 6
    net: list[object] = [0.5 + 0.02 * n for n in range(COUNT)]
    found = written(tmp_path, plain(), age=age, sex=sex, **{"network:Net": net, "network:net:other": net})
    assert [(c.name, c.source) for c in found.columns[2:]] == [
        ("age_years", "context"), ("age_years_not_known", "unknown"), ("sex", "context"), ("network:net", "network"), ("network:net:other", "network"),
    ]  # fmt: skip
    assert found.values[0, 2:].tolist() == pytest.approx([30, 0, -1, 0, 0])
    assert np.isnan(found.values[2, 4])
    assert (found.values[-1, 3], np.isnan(found.values[-1, 2])) == (1, True)
    assert found.values[20, 5] == pytest.approx(math.log(0.9 / 0.1))
    assert [c.key for c in found.columns[5:]] == [("net", "bad"), ("net", "other")]
    assert "age_years of 2 images cannot be (an age lies between 0 and 130); taken for not known" in found.faults


def test_largest_region_counts_and_several_are_said(tmp_path: Path) -> None:
    second = [("p3", region({"a": 99.0, "b": 0.0}, index=2))]
    found = written(tmp_path, second + plain())
    assert found.values[3].tolist() == [3, -3]
    assert found.faults == ("1 images have several regions of mole; the largest counts (p3)",)


def test_images_of_one_table_alone_are_left_out_and_counted(tmp_path: Path) -> None:
    features = [*plain()[1:], ("q", region({"a": 1.0, "b": 2.0}))]
    found = written(tmp_path, features)
    assert found.names == tuple(f"p{n}" for n in range(1, COUNT))
    assert "1 images are in the table and have no region in the features; left out (p0)" in found.faults
    assert "1 images have features and are not in the table; left out (q)" in found.faults


def test_features_that_say_nothing_are_left_out_with_the_reason(tmp_path: Path) -> None:
    regions = [
        (name, region({"a": float(n), "b": -1.0, "c": math.nan if n < 2 else float(n), "d": math.nan if n < 1 else float(n)}))
        for n, (name, _) in enumerate(plain())
    ]
    area = Feature(family="morphology", name="area", value=3.0, unit="px2")
    found = written(tmp_path, [(name, replace(r, features=(*r.features, area))) for name, r in regions])
    assert [c.name for c in found.columns] == ["a", "d"]
    assert found.names[0] == "p1"
    assert [fault.split(" (")[0] for fault in found.faults] == [
        "1 features are in pixels, which change with the picture's size", "1 features do not exist for more than 5% of the images; not learnt from",
        "1 features are the same for all images; not learnt from", "1 images lack a feature that the others have; left out",
    ]  # fmt: skip


def test_features_of_one_name_are_told_apart_by_family_and_discretisation(tmp_path: Path) -> None:
    extra = {"ngtdm": "FBN 32", "glrlm": ""}
    regions = [
        (name, replace(r, features=(*r.features, *(Feature(family=f, name="a", value=float(n % 7), discretisation=d) for f, d in extra.items()))))
        for n, (name, r) in enumerate(plain())
    ]
    assert [c.name for c in written(tmp_path, regions).columns] == ["glcm a", "b", "ngtdm a (FBN 32)", "glrlm a"]


def test_columns_may_be_left_out(tmp_path: Path) -> None:
    features, table = made_table(tmp_path, age=list(range(20, 80)), sex=["f", "m"] * 30)
    assert [c.name for c in read(features, table, "bad", left_out=("c", "age")).columns] == ["a", "b", "sex"]
    assert [c.name for c in read(features, table, "bad", left_out=("glcm",)).columns] == ["age_years", "sex"]


def test_target_is_never_learnt_from_whatever_it_is_called(tmp_path: Path) -> None:
    features, table = made_table(tmp_path, age=list(range(20, 80)), sex=["f", "m"] * 30)
    assert [c.name for c in read(features, table, "sex").columns] == ["a", "b", "c", "age_years"]


def test_what_is_to_be_left_out_and_is_not_there_is_refused_and_case_does_not_matter(tmp_path: Path) -> None:
    features, table = made_table(tmp_path, age=list(range(20, 80)), sex=["f", "m"] * 30)
    assert "age_years" not in [c.name for c in read(features, table, "bad", left_out=("AGE",)).columns]
    with pytest.raises(InputError, match="glcn: is no feature, no family and no column of the table; did you mean glcm"):
        read(features, table, "bad", left_out=("glcn",))


def test_ages_that_cannot_be_and_ages_of_a_few_are_said_and_not_learnt_from(tmp_path: Path) -> None:
    features, table = made_table(tmp_path / "old", age=[999] * 60)
    assert "age_years of 60 images cannot be" in " ".join(read(features, table, "bad").faults)
    features, table = made_table(tmp_path / "few", age=[40, 50] + [""] * 58)
    found = read(features, table, "bad")
    assert [c.name for c in found.columns] == ["a", "b", "c"]
    assert "age_years is known of 2 images, with 2 values; not learnt from" in found.faults


def test_groups_are_patients_else_groups_and_who_has_none_is_one_alone(tmp_path: Path) -> None:
    patients: list[object] = [f"x{n // 2}" for n in range(COUNT)]
    bad: list[object] = [n // 2 % 2 for n in range(COUNT)]
    with pytest.raises(InputError, match="'not bad' has 6 patients to learn from; at least 10 are needed"):
        written(tmp_path, plain(), bad=bad, patient=patients)
    assert written(tmp_path, plain(), group=[f"g{n}" for n in range(COUNT)]).grouped_by == "group"
    some = written(tmp_path, plain(), patient=["", *patients[1:]])
    assert some.grouped_by == "patient"
    assert some.groups[:3] == (f"image {some.names[0]}", *patients[1:3])
    assert "1 images have no patient" in " ".join(some.faults)


def test_parts_of_the_publisher_are_kept_and_do_not_count_as_learnt_from(tmp_path: Path) -> None:
    parts: list[object] = ["train"] * 20 + ["validation", "valid", "test", ""]
    assert written(tmp_path, plain(), split=parts).parts[-4:] == ("valid", "valid", "test", "")
    with pytest.raises(InputError, match="has 9 images to learn from"):
        written(tmp_path, plain(), split=["train"] * 18 + ["test"] * 6)
    with pytest.raises(InputError, match="split must be train, valid or test"):
        written(tmp_path, plain(), split=["fold1"] * COUNT)


def test_lines_that_stand_twice_count_once_and_unknown_targets_not_at_all(tmp_path: Path) -> None:
    features, table = made_table(tmp_path)
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1], lines[2].rsplit(",", 1)[0].replace("p1", "p99") + ",unknown"]) + "\n")
    found = read(features, table, "bad")
    assert len(found.names) == 60
    assert found.faults == ("1 images have no bad; left out (p99)", "1 images are listed twice with the same words; each counts once (p0)")
    table.write_text("\n".join([*lines, "img/p0.png," + ("1" if lines[1].endswith("0") else "0")]) + "\n")
    with pytest.raises(InputError, match="image 'p0' has two lines that differ"):
        read(features, table, "bad")


def test_folder_of_cases_is_read_and_an_image_in_two_of_them_refused(tmp_path: Path) -> None:
    features, table = made_table(tmp_path / "made")
    head, *lines = features.read_text().splitlines(keepends=True)
    for name, own in (("one", lines[:90]), ("two", lines[90:])):
        (tmp_path / "cases" / name).mkdir(parents=True)
        (tmp_path / "cases" / name / "features.csv").write_text(head + "".join(own))
    whole = read(features, table, "bad")
    assert read(tmp_path / "cases", table, "bad").values.tolist() == whole.values.tolist()
    (tmp_path / "cases/two/features.csv").write_text(head + "".join(lines[80:]))
    with pytest.raises(InputError, match="image 'p26' has its features in another file too"):
        read(tmp_path / "cases", table, "bad")


def test_label_says_whose_regions_count_and_names_those_without_a_name(tmp_path: Path) -> None:
    features, table = made_table(tmp_path)
    plain_text = features.read_text()
    with pytest.raises(InputError, match="has no region of 'nevus', only of 'mole'"):
        read(features, table, "bad", label="nevus")
    features.write_text(plain_text.replace(",mole,", ",label 1,"))
    assert (read(features, table, "bad").label, read(features, table, "bad", label="nevus").label) == ("label 1", "nevus")
    features.write_text(plain_text + plain_text.split("\n", 1)[1].replace(",1,mole,", ",2,scar,"))
    with pytest.raises(InputError, match="has regions of mole, scar; say with --label"):
        read(features, table, "bad")
    assert read(features, table, "bad", label="scar").label == "scar"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ([1] * COUNT, "'bad' is '1' of all 24 images"),
        ([0.1 * n for n in range(COUNT)], "'bad' has 24 different values; a class is one of at most 20"),
        (["no"] * 15 + ["yes"] * 9, "'bad' has 9 images to learn from; at least 10"),
        (["a_b"] * 12 + ["a b"] * 12, "two classes of 'bad' read alike"),
    ],
)  # fmt: skip
def test_target_that_is_none_is_refused(tmp_path: Path, bad: list[object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        written(tmp_path, plain(), bad=bad)


def test_tables_that_are_none_or_do_not_go_together_are_refused(tmp_path: Path) -> None:
    features, table = made_table(tmp_path)
    with pytest.raises(InputError, match="there is no column 'worse'; it has image, bad"):
        read(features, table, "worse")
    with pytest.raises(InputError, match="expected the columns image,region"):
        read(table, table, "bad")
    with pytest.raises(InputError, match="there are no features in it"):
        read(tmp_path / "nothing.csv", table, "bad") if (tmp_path / "nothing.csv").write_text(features.read_text().split("\n")[0] + "\n") else None
    other = tmp_path / "other.csv"
    other.write_text("image,bad\nx.png,1\n")
    with pytest.raises(InputError, match="no image of it has features"):
        read(features, other, "bad")
    other.write_bytes("image,bad\nä.png,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read(features, other, "bad")
    features.write_bytes(features.read_bytes().replace(b"mole", b"m\xf6le"))
    with pytest.raises(InputError, match="not UTF-8 text"):
        read(features, table, "bad")


def test_probabilities_of_networks_must_be_there_for_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'network:net': must hold probabilities between 0 and 1 for all images"):
        written(tmp_path, plain(), **{"network:net": [0.5] * 23 + [""]})


def test_names_with_dots_are_joined_whole_and_those_of_files_by_their_stem(tmp_path: Path) -> None:
    names = [f"1.2.840.{n}" for n in range(COUNT)]
    (tmp_path / "f.csv").write_text(features_csv([(name, region({"a": float(n)})) for n, name in enumerate(names)]))
    cells = [f"scans/{name}.nii.gz" if n % 2 else name for n, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("image,bad\n" + "".join(f"{cell},{bad}\n" for cell, bad in zip(cells, BAD, strict=True)))
    found = read(tmp_path / "f.csv", tmp_path / "t.csv", "bad")
    assert found.names == tuple(names)
    assert found.faults == ()


def test_two_columns_of_ages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="columns age_years and age, which mean the same; keep one"):
        written(tmp_path, plain(), age=[50] * COUNT, age_years=[50] * COUNT)
