"""Data sets as they come."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.errors import InputError
from diaphane.ops.picture import write_png
from diaphane.train.dataset import Dataset
from diaphane.train.forms import read_dataset
from diaphane.train.losses import IGNORE

GREY = np.zeros((8, 8), np.uint8)


def pictures(root: Path, *names: str) -> None:
    for name in names:
        write_png(root / name, GREY)


def volumes(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)).to_filename(root / name)


def document(root: Path, **keys: object) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps(keys))


def pairs(dataset: Dataset) -> dict[str, str | None]:
    return {item.name: item.mask.relative_to(dataset.root).as_posix() if item.mask else None for item in dataset.items}


MSD = {"name": "Brains", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "edema", "4": "tumour core"}, "licence": "CC0"}
NNUNET = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1, "ignore": 2}, "file_ending": ".nii.gz"}


def test_decathlon_is_read_from_its_list(tmp_path: Path) -> None:
    document(tmp_path, **MSD, training=[{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}])
    volumes(tmp_path, "imagesTr/a.nii.gz", "labelsTr/a.nii.gz", "imagesTr/loose.nii.gz")
    dataset = read_dataset(tmp_path)
    assert (dataset.form, dataset.task, dataset.name, dataset.modality, dataset.licence) == ("MSD", "segment", "Brains", "MRI", "CC0")
    assert [(label.value, label.name, label.role) for label in dataset.labels] == [(1, "edema", "anatomy"), (2, "tumour core", "lesion")]
    assert dataset.values == {1: 1, 4: 2}
    assert pairs(dataset) == {"a": "labelsTr/a.nii.gz"}
    assert ["loose.nii.gz" in fault.what for fault in dataset.faults] == [True]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (MSD | {"modality": {"0": "T1", "1": "T2"}, "training": []}, r"2 channels \(T1, T2\), and this version trains on one channel"),
        (MSD | {"training": [{"image": "../a.nii.gz", "label": "b.nii.gz"}]}, r"training\[0\]: paths must be relative and stay"),
        (MSD | {"training": [{"image": "/a.nii.gz", "label": "b.nii.gz"}]}, r"paths must be relative and stay"),
        (MSD | {"training": [{"image": "a.nii.gz"}]}, r"training\[0\]: expected an object with image and label"),
        (MSD | {"training": [], "labels": {"0": "background"}}, r"names no structure but background"),
        (MSD | {"training": []}, r"no image with a mask or a class"),
        (NNUNET | {"labels": {"background": 0, "whole": [1, 2]}}, r"'whole' is a region of several values"),
        (NNUNET | {"channel_names": {"0": "T1", "1": "T2"}}, r"one channel"),
        (NNUNET | {"file_ending": ""}, r"'file_ending' is missing"),
        ({"name": "x"}, r"neither of the Decathlon .* nor of nnU-Net"),
    ],
)
def test_what_dataset_json_must_say(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    document(tmp_path, **keys)
    with pytest.raises(InputError, match=message):
        read_dataset(tmp_path)


def test_nnunet_raw_names_cases_without_the_channel(tmp_path: Path) -> None:
    document(tmp_path, **NNUNET)
    volumes(
        tmp_path, "imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "imagesTr/b_0000.nii.gz", "labelsTr/c.nii.gz", "imagesTs/t_0000.nii.gz", "labelsTs/t.nii.gz"
    )
    dataset = read_dataset(tmp_path)
    assert (dataset.form, dataset.modality, dataset.values) == ("nnU-Net raw", "CT", {1: 1, 2: IGNORE})
    assert pairs(dataset) == {"a": "labelsTr/a.nii.gz", "t": "labelsTs/t.nii.gz"}
    assert [item.part for item in dataset.items] == ["", "test"]
    assert [("c.nii.gz" in fault.what, "b_0000.nii.gz" in fault.what) for fault in dataset.faults] == [(True, False), (False, True)]
    volumes(tmp_path, "imagesTr/a_0001.nii.gz")
    with pytest.raises(InputError, match=r"a_0001.nii.gz: is a second channel, and this version trains on one channel"):
        read_dataset(tmp_path)


def test_nnunet_pictures_in_colour_are_one_file(tmp_path: Path) -> None:
    document(tmp_path, channel_names={"0": "R", "1": "G", "2": "B"}, labels={"background": 0, "road": 1}, file_ending=".png")
    pictures(tmp_path, "imagesTr/a_0000.png", "labelsTr/a.png")
    assert pairs(read_dataset(tmp_path)) == {"a": "labelsTr/a.png"}


def test_images_and_masks_are_paired_by_stem(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"images/{stem}.png" for stem in ("a", "a_b", "21_training", "c", "d", "alone")))
    pictures(tmp_path, *(f"masks/{stem}.png" for stem in ("a_segmentation", "a_b_mask", "21_manual1", "c", "d_lesion", "d_mask", "orphan")))
    dataset = read_dataset(tmp_path)
    assert dataset.form == "images and masks"
    assert pairs(dataset) == {"a": "masks/a_segmentation.png", "a_b": "masks/a_b_mask.png", "21_training": "masks/21_manual1.png", "c": "masks/c.png"}
    said = " ".join(fault.what for fault in dataset.faults)
    assert "orphan.png: a mask without an image" in said
    assert "d.png: 2 masks for one image (d_lesion.png, d_mask.png)" in said
    assert "alone.png: no mask or class for this image" in said
    assert not dataset.patients_known
    assert [item.patient for item in dataset.items] == [item.name for item in dataset.items]


def test_one_folder_of_masks_may_say_of_what(tmp_path: Path) -> None:
    pictures(tmp_path, "images/a.png", "lung_masks/a.png")
    assert pairs(read_dataset(tmp_path)) == {"a": "lung_masks/a.png"}
    pictures(tmp_path, "finding_masks/a.png")
    with pytest.raises(InputError, match=r"several folders of masks \(finding_masks, lung_masks\); keep one, or say in an index.csv"):
        read_dataset(tmp_path)
    pictures(tmp_path, "masks/a.png")
    assert pairs(read_dataset(tmp_path)) == {"a": "masks/a.png"}


def test_published_parts_may_be_folders(tmp_path: Path) -> None:
    pictures(tmp_path, "train/images/a.png", "train/masks/a.png", "val/images/a.png", "val/masks/a.png", "test/images/c.png", "test/masks/c.png")
    assert {item.name: item.part for item in read_dataset(tmp_path).items} == {"train-images-a": "train", "val-images-a": "valid", "c": "test"}


def test_pairs_may_lie_side_by_side(tmp_path: Path) -> None:
    volumes(tmp_path, "scan 1.nii.gz", "scan 1_mask.nii.gz", "scan 2.nii.gz", "scan 2_tumor.nii.gz", "scan.nii.gz")
    dataset = read_dataset(tmp_path)
    assert dataset.form == "pairs side by side"
    assert pairs(dataset) == {"scan 1": "scan 1_mask.nii.gz", "scan 2": "scan 2_tumor.nii.gz"}
    assert ["scan.nii.gz: no mask" in fault.what for fault in dataset.faults] == [True]


def test_beside_a_photo_the_drawing_of_the_same_name_is_its_mask(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c_img.png", "c_photo.png", "c_mask.png", "d_img.png", "d_mask.png")
    for stem in "ab":
        Pillow.fromarray(GREY).save(tmp_path / f"{stem}.jpg")
    dataset = read_dataset(tmp_path)
    assert {item.image.name: item.mask and item.mask.name for item in dataset.items} == {
        "a.jpg": "a.png",
        "b.jpg": "b.png",
        "d_img.png": "d_mask.png",
    }
    left_over = sorted(Path(fault.item).name for fault in dataset.faults)
    assert left_over == ["c_img.png", "c_mask.png", "c_photo.png"]  # of which of the two the mask is, nobody knows


def test_classes_that_are_numbers_sort_as_numbers(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"{kind}/{n}.png" for kind in ("10", "9", "2", "other") for n in (1, 2)))
    dataset = read_dataset(tmp_path)
    assert (dataset.form, dataset.task) == ("class folders", "classify")
    assert [label.name for label in dataset.labels] == ["2", "9", "10", "other"]
    assert {item.name: item.target for item in dataset.items}["10-1"] == 3
    assert len({item.name for item in dataset.items}) == 8


def test_class_folders_may_be_in_parts(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/2.png")
    items = {item.name: (item.part, item.target) for item in read_dataset(tmp_path).items}
    assert items == {"train-cat-1": ("train", 1), "dog-1": ("train", 2), "test-cat-1": ("test", 1), "2": ("test", 2)}


def test_masks_in_class_folders_are_no_pictures_of_the_class(tmp_path: Path) -> None:
    pictures(tmp_path, "benign/b (1).png", "benign/b (1)_mask.png", "normal/n.png")
    dataset = read_dataset(tmp_path)
    assert [item.name for item in dataset.items] == ["b (1)", "n"]
    assert ["b (1)_mask.png: a mask in a folder of a class" in fault.what for fault in dataset.faults] == [True]


def test_an_index_wins(tmp_path: Path) -> None:
    pictures(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/b.png")
    (tmp_path / "index.csv").write_text(
        "image,mask,split,patient\nimages/a.png,masks/a.png,Validation,p1\nimages/b.png,masks/b.png,,p1\nimages/a.png,masks/a.png,,\n"
    )
    dataset = read_dataset(tmp_path)
    assert (dataset.form, dataset.patients_known, dataset.name) == ("CSV", True, tmp_path.name.replace("_", " "))
    assert [(item.name, item.part, item.patient) for item in dataset.items] == [("a", "valid", "p1"), ("b", "", "p1")]
    assert ["a.png: listed twice; the first line counts" in fault.what for fault in dataset.faults] == [True]


def test_a_csv_of_classes_takes_file_for_image(tmp_path: Path) -> None:
    table = tmp_path / "eyes.csv"
    table.write_text("\ufefffile,class\nx/1.png,sick\ny/1.png,well\nz.png,\n", encoding="utf-8")
    dataset = read_dataset(table)
    assert (dataset.name, [label.name for label in dataset.labels]) == ("eyes", ["sick", "well"])
    assert {item.name: item.target for item in dataset.items} == {"x-1": 1, "y-1": 2}
    assert ["z.png: no mask" in fault.what for fault in dataset.faults] == [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image;mask\na;b\n", "expected the columns image .* found image;mask"),
        ("image,mask\n", "no line below the header"),
        ("image,mask\n/etc/a.png,b.png\n", "line 2: paths must be relative"),
        ("image,mask\na.png,x/../../b.png\n", "line 2: paths must be relative"),
        ("image,mask\n..\\a.png,b.png\n", "line 2: paths must be relative"),
        ("image,mask,split\na.png,b.png,fold3\n", "split must be train, valid or test .* got 'fold3'"),
        ("image,class\na.png,x\nb.png,x\n", r"one class only \('x'\)"),
        ("image,mask\na.png,\n", "no image with a mask or a class was found; .*a.png: no mask"),
    ],
)
def test_what_a_csv_must_hold(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_dataset(tmp_path)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_dataset(tmp_path / "absent")
    with pytest.raises(InputError, match="no image; expected index.csv"):
        read_dataset(tmp_path)
    pictures(tmp_path, "a.png", "b.png", "._a.png")
    with pytest.raises(InputError, match="2 images and no labels"):
        read_dataset(tmp_path)
    with pytest.raises(InputError, match="a file that is no CSV"):
        read_dataset(tmp_path / "a.png")
    pictures(tmp_path, "cat/c.png")
    with pytest.raises(InputError, match=r"one class only \('cat'\)"):
        read_dataset(tmp_path)


def test_near_duplicates_are_listed_by_stem(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"{folder}/{stem}.png" for folder in ("images", "masks") for stem in "abc"))
    (tmp_path / "near_duplicates.csv").write_text("id_a,id_b,rms\na,c,0.1\na,absent,0\n")
    assert read_dataset(tmp_path).duplicates == (("a", "c"),)
    (tmp_path / "near_duplicates.csv").write_text("image_a,image_b\nimages/b.png,images/a.png\n")
    assert read_dataset(tmp_path).duplicates == (("b", "a"),)
    (tmp_path / "near_duplicates.csv").write_text("x,y\na,b\n")
    with pytest.raises(InputError, match="expected the columns id_a, id_b or image_a, image_b, found x, y"):
        read_dataset(tmp_path)


def test_patients_are_known_only_if_every_item_has_one(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,class,patient\na.png,x,p1\nb.png,x,\nc.png,y,p1\nd.png,,\n")
    dataset = read_dataset(tmp_path)
    assert not dataset.patients_known
    assert [item.patient for item in dataset.items] == ["p1", "b", "p1"]
    (fault,) = [fault for fault in dataset.faults if not fault.left_out]
    assert (fault.item, "1 of 3 items have no patient" in fault.what) == ("", True)


def test_the_folder_of_a_training_inside_the_data_is_no_class(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/2.png", "trained/curves.png")
    assert [label.name for label in read_dataset(tmp_path).labels] == ["cat", "dog", "trained"]
    (tmp_path / "trained" / "recipe.toml").write_text("")
    assert [label.name for label in read_dataset(tmp_path).labels] == ["cat", "dog"]


@pytest.mark.parametrize("labels", [{"0": "background", "1": "liver", "01": "spleen"}, {"liver": 1, "spleen": 1}])
def test_two_names_for_one_value_are_refused(tmp_path: Path, labels: dict[str, object]) -> None:
    document(tmp_path, **MSD | {"labels": labels, "training": []})
    with pytest.raises(InputError, match=r"'(1|liver)' and '(01|spleen)' in 'labels' are both the value 1; keep one"):
        read_dataset(tmp_path)


@pytest.mark.data
def test_real_sets_are_recognised(data: Path) -> None:
    found = {name: read_dataset(data / name) for name in ("isic2017", "msd_hippocampus", "cxr_pneumonia", "cxr_lungs")}
    assert {name: (one.form, one.task, len(one.items), one.patients_known) for name, one in found.items()} == {
        "isic2017": ("CSV", "segment", 2450, False),
        "msd_hippocampus": ("MSD", "segment", 200, False),
        "cxr_pneumonia": ("CSV", "classify", 738, True),
        "cxr_lungs": ("CSV", "segment", 100, True),
    }
    assert Counter(item.part for item in found["isic2017"].items) == {"train": 2000, "valid": 150, "test": 300}
    assert len(found["isic2017"].duplicates) == 5
    assert len({item.patient for item in found["cxr_lungs"].items}) == 73
