"""The look into every file before training."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.core.arrays import Array
from diaphane.errors import InputError, TrainingError
from diaphane.ops.picture import write_png
from diaphane.train.check import check
from diaphane.train.dataset import Checked, Dataset, Item
from diaphane.train.forms import read_dataset
from diaphane.train.losses import IGNORE
from diaphane.train.read import read_item

ROWS, COLUMNS = 12, 16


def picture(seed: int, *more: int) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (ROWS, COLUMNS, *more), dtype=np.uint8)


def blob(value: int, size: int = 4) -> Array:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[2 : 2 + size, 3 : 3 + size] = value
    return mask


def masked(root: Path, **masks: Array) -> Dataset:
    for n, (name, mask) in enumerate(masks.items()):
        write_png(root / "images" / f"{name}.png", picture(n))
        write_png(root / "masks" / f"{name}.png", mask)
    return read_dataset(root)


def volume(path: Path, array: Array, affine: Array | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(array, np.eye(4) if affine is None else affine).to_filename(path)


def said(checked: Checked) -> dict[str, str]:
    return {fault.item: fault.what for fault in checked.faults}


def test_facts_are_of_the_turned_image_and_of_what_lies_in_the_structures(tmp_path: Path) -> None:
    array = np.random.default_rng(1).normal(100, 20, (5, 6, 7)).astype(np.float32)  # x, y, z of RAS
    mask = np.zeros(array.shape, np.uint8)
    mask[1:3, 2:5, 3:6] = 1
    mask[4, 4, 4] = 2
    affine = np.diag([-0.5, 1.5, 3.0, 1.0])
    volume(tmp_path / "images" / "a.nii.gz", array, affine)
    volume(tmp_path / "masks" / "a.nii.gz", mask, affine)
    checked = check(read_dataset(tmp_path))
    facts = checked.facts["a"]
    assert (facts.shape, facts.channels) == ((7, 6, 5), 1)
    assert facts.spacing == pytest.approx((3.0, 1.5, 0.5))
    assert facts.mean == pytest.approx((array.mean(),), rel=1e-5)
    assert facts.std == pytest.approx((array.std(),), rel=1e-5)
    assert facts.inside == pytest.approx((array[mask > 0].mean(), array[mask > 0].std()), rel=1e-5)
    assert facts.quantiles == pytest.approx(tuple(np.quantile(array[mask > 0], (0.005, 0.995))), rel=1e-5)
    assert facts.voxels == {1: 18, 2: 1}
    assert [label.name for label in checked.dataset.labels] == ["label 1", "label 2"]
    image, labels = read_item(checked.dataset.items[0], checked.values)
    assert labels is not None
    assert labels.dtype == np.uint8
    assert labels.shape == image.shape == (7, 6, 5)
    assert image.array[labels == 2] == pytest.approx(array[4, 4, 4])


def test_pictures_are_counted_on_the_scale_from_0_to_1(tmp_path: Path) -> None:
    colours = picture(4, 3)
    write_png(tmp_path / "images" / "a.png", colours)
    write_png(tmp_path / "masks" / "a_lesion.png", blob(255))
    checked = check(read_dataset(tmp_path))
    facts = checked.facts["a"]
    assert (facts.shape, facts.channels, facts.spacing) == ((1, ROWS, COLUMNS), 3, (1, 1, 1))
    assert facts.mean == pytest.approx(colours.mean(axis=(0, 1)) / 255)
    assert facts.std == pytest.approx(colours.std(axis=(0, 1)) / 255)
    assert facts.inside == pytest.approx((colours[2:6, 3:7].mean() / 255, colours[2:6, 3:7].std() / 255))
    assert checked.values == {255: 1}
    assert facts.voxels == {1: 16}
    assert [(label.name, label.role) for label in checked.dataset.labels] == [("lesion", "lesion")]
    assert checked.faults == ()


def test_each_bad_file_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    dataset = masked(tmp_path, good=blob(255), empty=blob(0), size=blob(255)[:-1], noise=picture(9), second=blob(255, 5), white=blob(1), cut=blob(255))
    broken = tmp_path / "images" / "cut.png"
    broken.write_bytes(broken.read_bytes()[:60])
    Pillow.fromarray(picture(7, 3)).save(tmp_path / "images" / "colour.png")
    Pillow.fromarray(picture(8, 3)).save(tmp_path / "masks" / "colour.png")
    volume(tmp_path / "images" / "deep.nii.gz", np.zeros((3, 4, 5), np.uint8))
    volume(tmp_path / "masks" / "deep.nii.gz", np.ones((3, 4, 5), np.uint8))
    dataset = read_dataset(tmp_path)
    checked = check(dataset)
    what = said(checked)
    assert {item.name for item in checked.dataset.items} == set(checked.facts) == {"good", "empty", "second"}
    assert "masks/size.png: a mask of 11x16 for an image of 12x16" in what["size"]
    assert "values besides 0, more than 32" in what["noise"]
    assert "masks/white.png: the mask holds 1 where most hold 255" in what["white"]
    assert "images/cut.png: the picture is damaged or truncated" in what["cut"]
    assert "masks/colour.png: a mask in colours" in what["colour"]
    assert "deep: a volume, and most images here are pictures" in what["deep"]
    assert "masks/empty.png: the mask is empty" in what["empty"]
    assert "it is called 'lesion'. A file labels.txt with the line '255 NAME' names it" in what[""]
    assert {fault.item for fault in checked.faults if not fault.left_out} == {"empty", ""}


def test_bad_volumes_are_named(tmp_path: Path) -> None:
    array = np.ones((4, 5, 6), np.float32)
    mask = np.zeros(array.shape, np.uint8)
    mask[1:3, 1:3, 1:3] = 1
    wrong = {
        "good": (array, mask), "nan": (np.where(mask, np.nan, array), mask), "parts": (array, mask * np.float32(0.5)),
        "four": (np.stack([array] * 2, axis=-1), mask),
        "value": (array, mask * np.uint8(3)), "apart": (array, mask), "missing": (array, mask),
    }  # fmt: skip
    for name, (image, labels) in wrong.items():
        volume(tmp_path / "imagesTr" / f"{name}.nii.gz", image)
        volume(tmp_path / "labelsTr" / f"{name}.nii.gz", labels, np.diag([2, 1, 1, 1]) if name == "apart" else None)
    (tmp_path / "labelsTr" / "missing.nii.gz").unlink()
    training = [{"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz"} for name in wrong]
    names = {"0": "background", "1": "nodule", "2": "vessel"}
    (tmp_path / "dataset.json").write_text(json.dumps({"modality": {"0": "CT"}, "labels": names, "training": training}))
    checked = check(read_dataset(tmp_path))
    what = said(checked)
    assert list(checked.facts) == ["good"]
    assert "8 of 120 pixels are not finite numbers" in what["nan"]
    assert "labels must be whole numbers, found fractions" in what["parts"]
    assert "holds 2 volumes" in what["four"]
    assert "the mask holds the value 3; expected 0 and 1, 2" in what["value"]
    assert "the labels are not on the grid of the image" in what["apart"]
    assert "missing.nii.gz: no such mask" in what["missing"]
    assert what[""] == "no mask holds 'vessel'; nothing is learnt of it"
    for item in read_dataset(tmp_path).items[1:]:
        with pytest.raises(InputError, match=f"{item.name}.nii.gz"):
            read_item(item, {1: 1, 2: 2})


def test_names_come_from_a_list_beside_or_from_the_folder(tmp_path: Path) -> None:
    dataset = masked(tmp_path, a=blob(7), b=blob(9))
    (tmp_path / "labels.txt").write_text("7 left lung\n9 lung nodule\n11 heart\n")
    checked = check(dataset)
    assert checked.values == {7: 1, 9: 2}
    assert [(label.value, label.name, label.role) for label in checked.dataset.labels] == [(1, "left lung", "anatomy"), (2, "lung nodule", "lesion")]
    (tmp_path / "labels.txt").unlink()
    (tmp_path / "lung_masks").mkdir()
    write_png(tmp_path / "lung_masks" / "a.png", blob(1))
    (tmp_path / "index.csv").write_text("image,mask\nimages/a.png,lung_masks/a.png\n")
    assert [label.name for label in check(read_dataset(tmp_path)).dataset.labels] == ["lung"]


def test_what_is_not_to_be_learnt_is_not_counted(tmp_path: Path) -> None:
    write_png(tmp_path / "imagesTr" / "a_0000.png", picture(0))
    write_png(tmp_path / "labelsTr" / "a.png", blob(1) + np.roll(blob(2), 6, axis=1))
    keys = {"channel_names": {"0": "grey"}, "labels": {"background": 0, "cell": 1, "ignore": 2}, "file_ending": ".png"}
    (tmp_path / "dataset.json").write_text(json.dumps(keys))
    checked = check(read_dataset(tmp_path))
    assert checked.facts["a"].voxels == {1: 16}
    assert checked.facts["a"].inside[0] == pytest.approx(picture(0)[2:6, 3:7].mean() / 255)
    _, labels = read_item(checked.dataset.items[0], checked.values)
    assert labels is not None
    assert sorted(np.unique(labels)) == [0, 1, IGNORE]


@pytest.mark.parametrize("mode", ["1", "L", "palette", "grey palette", "RGB", "RGBA", "I;16"])
def test_masks_of_every_kind_give_the_same_labels(tmp_path: Path, mode: str) -> None:
    truth = blob(1)
    value = 1 if mode == "palette" else 60000 if mode == "I;16" else 255
    if mode in ("palette", "grey palette"):
        mask = Pillow.fromarray(truth if mode == "palette" else 1 - truth, "P")
        mask.putpalette([0, 0, 0, 200, 30, 30] if mode == "palette" else [255, 255, 255, 0, 0, 0])
    elif mode == "I;16":
        mask = Pillow.fromarray(truth.astype(np.uint16) * 60000)
    else:
        mask = Pillow.fromarray(truth * 255).convert(mode)
    write_png(tmp_path / "a.png", picture(0))
    mask.save(tmp_path / "a_mask.png")
    checked = check(read_dataset(tmp_path))
    assert checked.values == {value: 1}
    _, labels = read_item(checked.dataset.items[0], checked.values)
    assert np.array_equal(labels, truth[None])  # type: ignore[arg-type]


def test_a_mask_that_jpeg_has_blurred_is_named(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", picture(0))
    Pillow.fromarray(blob(255)).save(tmp_path / "a_mask.jpg", quality=90)
    with pytest.raises(InputError, match=r"none of 1 items can be used: .*a_mask.jpg: the mask holds \d+ values besides 0, as JPEG makes them"):
        check(read_dataset(tmp_path))


def test_equal_bytes_are_kept_together(tmp_path: Path) -> None:
    for name, seed in (("x/1", 1), ("x/2", 2), ("y/3", 1), ("y/4", 4)):
        write_png(tmp_path / f"{name}.png", picture(seed))
    checked = check(read_dataset(tmp_path))
    assert checked.dataset.duplicates == (("1", "3"),)
    assert [(fault.item, fault.left_out) for fault in checked.faults] == [("3", False)]
    assert all(facts.voxels == {} for facts in checked.facts.values())


def test_grey_among_colours_is_said(tmp_path: Path) -> None:
    for n in range(3):
        write_png(tmp_path / "x" / f"{n}.png", picture(n, 3))
    write_png(tmp_path / "y" / "3.png", picture(3))
    assert "y/3.png: grey, and most images here are not" in said(check(read_dataset(tmp_path)))["3"]


def test_nothing_to_learn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="all masks are empty"):
        check(masked(tmp_path / "empty", a=blob(0)))
    for name in ("x/1", "x/2", "y/3"):
        write_png(tmp_path / "one" / f"{name}.png", picture(0))
    (tmp_path / "one" / "y" / "3.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"one class only is left of 2; .*y/3.png: the file is empty"):
        check(read_dataset(tmp_path / "one"))


def test_a_value_outside_is_refused_when_read(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", picture(0))
    write_png(tmp_path / "m.png", blob(3))
    with pytest.raises(InputError, match=r"m.png: the mask holds the value 3; expected 0 and 1, 2"):
        read_item(Item("a", tmp_path / "a.png", tmp_path / "m.png"), {1: 1, 2: 2})


def listed(root: Path, *lines: str) -> Dataset:
    (root / "index.csv").write_text("\n".join(lines) + "\n")
    return read_dataset(root)


def test_the_publishers_test_part_has_no_vote_on_values_and_names(tmp_path: Path) -> None:
    masked(tmp_path, a=blob(1), b=blob(255), c=blob(255))
    lines = [f"images/{n}.png,masks/{n}.png,{part}" for n, part in (("a", ""), ("b", "test"), ("c", "test"))]
    checked = check(listed(tmp_path, "image,mask,split", *lines))
    assert (checked.values, list(checked.facts)) == ({1: 1}, ["a"])
    assert "masks/b.png: the mask holds 255 where most hold 1" in said(checked)["b"]
    write_png(tmp_path / "masks" / "b.png", blob(7))
    write_png(tmp_path / "masks" / "c.png", blob(1))
    checked = check(read_dataset(tmp_path))
    assert (checked.values, list(checked.facts)) == ({1: 1}, ["a", "c"])
    assert "the mask holds the value 7; expected 0 and 1" in said(checked)["b"]


def test_the_publishers_test_part_has_no_vote_on_colours(tmp_path: Path) -> None:
    for n in range(7):
        write_png(tmp_path / f"{n}.png", picture(n, 3) if n < 3 else picture(n))
    lines = [f"{n}.png,{'xy'[n % 2]},{'' if n < 4 else 'test'}" for n in range(7)]
    checked = check(listed(tmp_path, "image,class,split", *lines))
    assert {fault.item for fault in checked.faults if "grey, and most images here are not" in fault.what} == {"3", "4", "5", "6"}


def test_one_slice_of_a_volume_is_named(tmp_path: Path) -> None:
    shapes = {"good": (6, 5, 4), "axial": (6, 5, 1), "sagittal": (1, 5, 4)}
    for name, shape in shapes.items():
        volume(tmp_path / "images" / f"{name}.nii.gz", np.random.default_rng(1).normal(size=shape).astype(np.float32))
        volume(tmp_path / "masks" / f"{name}.nii.gz", np.ones(shape, np.uint8))
    turned = np.array([[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # its third axis runs right to left
    volume(tmp_path / "images" / "sagittal.nii.gz", np.ones((6, 5, 1), np.float32), turned)
    volume(tmp_path / "masks" / "sagittal.nii.gz", np.ones((6, 5, 1), np.uint8), turned)
    checked = check(read_dataset(tmp_path))
    assert list(checked.facts) == ["good"]
    for name in ("axial", "sagittal"):
        assert f"{name}.nii.gz: one slice of a volume: neither a picture (8 or 16 bit) nor a volume; convert it to PNG" in said(checked)[name]


def test_classes_too_small_to_be_learnt_and_looked_at_are_said(tmp_path: Path) -> None:
    for n in range(8):
        write_png(tmp_path / f"{n}.png", picture(n))
    kinds = ["well,,a", "well,,b", "rare,,c", "rare,test,d", "one,,e", "one,,e", "unseen,test,f", "well,test,g"]
    checked = check(listed(tmp_path, "image,class,split,patient", *(f"{n}.png,{kind}" for n, kind in enumerate(kinds))))
    assert [(fault.what.partition(":")[0], fault.item, fault.left_out) for fault in checked.faults] == [
        ("class 'one' has 2 item(s) outside the test part, all of one patient", "", False),
        ("class 'rare' has 1 item(s) outside the test part", "", False),
        ("class 'unseen' has 0 item(s) outside the test part", "", False),
    ]


def test_a_name_too_long_for_the_system_is_the_fault_of_its_item(tmp_path: Path) -> None:
    masked(tmp_path, a=blob(1), b=blob(1))
    checked = check(listed(tmp_path, "image,mask", "images/a.png,masks/a.png", f"{'x' * 5000}.png,masks/a.png", f"images/b.png,{'y' * 300}.png"))
    assert list(checked.facts) == ["a"]
    assert [fault.item[0] for fault in checked.faults if "cannot be read (File name too long)" in fault.what] == ["x", "b"]


def test_memory_that_runs_out_names_the_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = masked(tmp_path, a=blob(1))

    def full(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr("diaphane.train.check.read_image", full)
    with pytest.raises(TrainingError, match=r"images/a.png: out of memory where 'a' is looked at; make it smaller, or leave the item out"):
        check(dataset)


@pytest.mark.data
def test_odd_volumes_among_good_ones_are_named(data: Path, tmp_path: Path) -> None:
    source = data / "msd_hippocampus"
    document = json.loads((source / "dataset.json").read_text())
    good = document["training"][:3]
    other = document["training"][3]["image"]
    links = {entry[key]: entry[key] for entry in good for key in ("image", "label")} | {
        "imagesTr/hippocampus_118.nii.gz": "odd/hippocampus_118.nii.gz",  # a volume without labels
        "labelsTr/hippocampus_010.nii.gz": "odd/label_hippocampus_010.nii.gz",  # labels without a volume
        "imagesTr/hippocampus_281.nii.gz": other,
        "labelsTr/hippocampus_281.nii.gz": "odd/label_hippocampus_281.nii.gz",  # labels of another scan altogether
    }
    for to, what in links.items():
        (tmp_path / to).parent.mkdir(exist_ok=True)
        (tmp_path / to).symlink_to(source / what)
    odd = [{"image": f"./imagesTr/hippocampus_{n}.nii.gz", "label": f"./labelsTr/hippocampus_{n}.nii.gz"} for n in ("118", "010", "281")]
    (tmp_path / "dataset.json").write_text(json.dumps(document | {"training": good + odd}))
    checked = check(read_dataset(tmp_path))
    what = said(checked)
    assert len(checked.facts) == 3
    assert "labelsTr/hippocampus_118.nii.gz: no such mask" in what["hippocampus_118"]
    assert "imagesTr/hippocampus_010.nii.gz: no such image" in what["hippocampus_010"]
    assert "labelsTr/hippocampus_281.nii.gz: a mask of 94x512x512 for an image of" in what["hippocampus_281"]
