from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
from highdicom.content import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from PIL import Image as Pillow
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid
from tests.acquire.dicom_phantoms import oblique, stack, write

from diaphane.acquire import Options, read, read_labels
from diaphane.acquire.label_names import clean, table_of
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.errors import InputError, RefusedError
from diaphane.ops.nifti import to_ras, write_nifti

SHAPE = (7, 6, 5)


@pytest.fixture
def image() -> Image:
    """Oblique, anisotropic."""
    made = stack(SHAPE, axes=oblique(35))
    return Image(made.array, Geometry(made.affine, calibrated=True))


@pytest.fixture
def values(rng: np.random.Generator) -> np.ndarray:
    return rng.choice(np.array([0, 0, 1, 5], np.uint8), SHAPE)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_swapped_and_turned_axes_are_brought_onto_the_grid_exactly(
    tmp_path: Path, image: Image, values: np.ndarray, order: tuple[int, int, int], flips: tuple[int, int, int]
) -> None:
    turned = values.transpose(order)[tuple(slice(None, None, f) for f in flips)]
    affine = np.eye(4)
    columns = image.geometry.affine[:3, list(order)] * flips
    starts = [0 if f > 0 else n - 1 for f, n in zip(flips, turned.shape, strict=True)]
    affine[:3, :3], affine[:3, 3] = columns, image.geometry.affine[:3, 3] - columns @ starts
    write_nifti(tmp_path / "l.nii.gz", turned, Geometry(affine, calibrated=True))
    labels = read_labels(tmp_path / "l.nii.gz", image)
    assert np.array_equal(labels.array, values)
    assert [(x.value, x.name, x.role) for x in labels.table] == [(1, "label 1", "anatomy"), (5, "label 5", "anatomy")]
    assert labels.source == "given"


def test_other_grids_are_refused_with_what_differs(tmp_path: Path, image: Image, values: np.ndarray) -> None:
    def refusal(array: np.ndarray, affine: np.ndarray) -> str:
        write_nifti(tmp_path / "l.nii.gz", array, Geometry(affine, calibrated=True))
        with pytest.raises(RefusedError, match="not on the grid of the image") as problem:
            read_labels(tmp_path / "l.nii.gz", image)
        return str(problem.value)

    assert "they have 6x6x5 voxels, and the image has 7x6x5" in refusal(values[1:], image.geometry.affine)
    moved = image.geometry.affine.copy()
    moved[0, 3] += 3
    assert "they lie up to 3 mm from its voxels" in refusal(values, moved)
    spread = image.geometry.affine.copy()
    spread[:3, 0] *= 1.01
    assert "they lie up to 0.15 mm" in refusal(values, spread)
    write_nifti(tmp_path / "l.nii.gz", values, Geometry(image.geometry.affine + np.eye(4)[:, 3:] @ [[0, 0, 0, 0]], calibrated=True))
    assert np.array_equal(read_labels(tmp_path / "l.nii.gz", image).array, values)


def test_labels_without_orientation_are_refused(tmp_path: Path, image: Image, values: np.ndarray) -> None:
    plain = nib.Nifti1Image(values.T, None)
    nib.save(plain, tmp_path / "l.nii")
    with pytest.raises(RefusedError, match="cannot be placed: no orientation"):
        read_labels(tmp_path / "l.nii", image)


def test_values_must_be_whole_and_from_0_to_65535(tmp_path: Path, image: Image, values: np.ndarray) -> None:
    def saved(array: np.ndarray) -> Path:
        write_nifti(tmp_path / "l.nii.gz", array, image.geometry)
        return tmp_path / "l.nii.gz"

    assert np.array_equal(read_labels(saved(values.astype(np.float32)), image).array, values)
    assert read_labels(saved(values.astype(np.uint16) * 13000), image).table[1].value == 65000
    for bad, message in (
        (values * 0.5, "whole numbers, found fractions"),
        (values.astype(np.int16) - 1, "found -1 to 4"),
        (values.astype(np.int32) * 20000, "0 and 65535"),
    ):
        with pytest.raises(InputError, match=message):
            read_labels(saved(bad), image)


def test_names_come_from_the_extension_of_the_file(tmp_path: Path, image: Image, values: np.ndarray) -> None:
    def names(xml: bytes) -> list[str]:
        volume = nib.Nifti1Image(values.transpose(2, 1, 0), to_ras(image.geometry.affine))
        volume.header.extensions.append(nib.nifti1.Nifti1Extension(0, xml))
        nib.save(volume, tmp_path / "l.nii.gz")
        return [x.name for x in read_labels(tmp_path / "l.nii.gz", image).table]

    table = b'<?xml version="1.0"?><CaretExtension><VolumeInformation><LabelTable><Label Key="1"><![CDATA[kidney_cyst_left]]></Label>'
    table += b'<Label Key="5">liver</Label><Label Key="9">spleen</Label></LabelTable></VolumeInformation></CaretExtension>'
    assert names(table) == ["kidney cyst left", "liver"]
    for broken in (b"<LabelTable><Label Key=", b'<?xml version="1.0" encoding="UTFN8"?><LabelTable></LabelTable>'):
        assert names(broken) == ["label 1", "label 5"]
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><LabelTable><Label Key="1">&a;</Label></LabelTable>'
    assert names(bomb) == ["label 1", "label 5"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.nii.txt", "1 Precentral_L 2001\n5 Tumour_core 2002\n"),
        ("l.txt", "# value name\n1, Precentral L\n5, Tumour core\n"),
        ("l.json", json.dumps({"1": "Precentral L", "5": "Tumour core"})),
        ("l.json", json.dumps({"labels": {"background": 0, "Precentral_L": 1, "Tumour_core": 5}})),
    ],
)
def test_names_come_from_a_list_beside_the_file(tmp_path: Path, image: Image, values: np.ndarray, name: str, text: str) -> None:
    write_nifti(tmp_path / "l.nii.gz", values, image.geometry)
    (tmp_path / name).write_text(text)
    table = read_labels(tmp_path / "l.nii.gz", image).table
    assert [(x.name, x.role) for x in table] == [("Precentral L", "anatomy"), ("Tumour core", "lesion")]


def test_list_that_is_none_is_told(tmp_path: Path, image: Image, values: np.ndarray) -> None:
    write_nifti(tmp_path / "l.nii.gz", values, image.geometry)
    (tmp_path / "l.txt").write_text("dear colleague")
    with pytest.raises(InputError, match="not a list of label names .line 1"):
        read_labels(tmp_path / "l.nii.gz", image)


def test_names_are_cleaned_and_lesion_words_give_the_role() -> None:
    assert clean("a_b\n\x1b[31m  c" + "x" * 99) == ("a b [31m c" + "x" * 99)[:60]
    lesions = ["Lung nodule", "kidney cyst left", "haemorrhage", "Metastases", "tumor_core", "GTV mass"]
    anatomy = ["gallbladder", "massa intermedia", "cystic duct", "body"]
    roles = [x.role for x in table_of(range(1, 11), dict(enumerate(lesions + anatomy, start=1)))]
    assert roles == ["lesion"] * 6 + ["anatomy"] * 4


def test_slicer_segmentation_has_its_names_and_values(tmp_path: Path, image: Image, values: np.ndarray) -> None:
    affine = image.geometry.affine
    header = {
        "space": "left-posterior-superior", "space directions": affine[:3, [2, 1, 0]].T, "space origin": affine[:3, 3],
        "Segment0_Name": "liver", "Segment0_LabelValue": "5", "Segment0_Layer": "0",
        "Segment1_Name": "Lesion 1", "Segment1_LabelValue": "1", "Segment1_Layer": "0",
    }  # fmt: skip
    nrrd.write(str(tmp_path / "s.seg.nrrd"), values.transpose(2, 1, 0), header)
    labels = read_labels(tmp_path / "s.seg.nrrd", image)
    assert np.array_equal(labels.array, values)
    assert [(x.value, x.name, x.role) for x in labels.table] == [(1, "Lesion 1", "lesion"), (5, "liver", "anatomy")]


def segmentation(datasets: list, masks: np.ndarray, kind: str) -> Segmentation:
    """``masks`` [k, j, i, segment], as highdicom writes it."""
    algorithm = AlgorithmIdentificationSequence("made", codes.DCM.ArtificialIntelligence, "1")
    names = ["Liver", "Hepatic_lesion"][: masks.shape[-1]]
    described = [
        SegmentDescription(n, name, codes.SCT.Organ, codes.SCT.Liver, SegmentAlgorithmTypeValues.AUTOMATIC, algorithm) for n, name in enumerate(names, start=1)
    ]
    return Segmentation(
        datasets, masks, SegmentationTypeValues[kind], described, generate_uid(), 1, generate_uid(), 1, "made", "made", "1", "1", omit_empty_frames=True
    )


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_dicom_segmentation_is_placed_by_position(tmp_path: Path, rng: np.random.Generator, kind: str) -> None:
    made = stack(SHAPE, axes=oblique(35))
    image = read(write(tmp_path / "s", made.datasets), Options()).images[0]
    truth = rng.integers(0, 3, SHAPE).astype(np.uint8)
    truth[2] = 0  # a frame that is not stored
    masks = np.stack([truth == 1, truth == 2], -1)
    segmentation(made.datasets, masks.astype(np.float32 if kind == "FRACTIONAL" else np.uint8), kind).save_as(tmp_path / "seg.dcm")
    labels = read_labels(tmp_path / "seg.dcm", image)
    assert np.array_equal(labels.array, truth)
    assert [(x.name, x.role) for x in labels.table] == [("Liver", "anatomy"), ("Hepatic lesion", "lesion")]
    other = stack((4, 6, 5))
    with pytest.raises(RefusedError, match="not on the grid of the image"):
        read_labels(tmp_path / "seg.dcm", Image(other.array, Geometry(other.affine, calibrated=True)))


def test_overlapping_and_fractional_segments_are_refused(tmp_path: Path) -> None:
    made = stack(SHAPE)
    image = read(write(tmp_path / "s", made.datasets), Options()).images[0]
    masks = np.zeros((*SHAPE, 2), np.uint8)
    masks[1, 2:4, 2], masks[1, 3, 2, 1] = 1, 1
    segmentation(made.datasets, masks, "BINARY").save_as(tmp_path / "a.dcm")
    with pytest.raises(RefusedError, match="its segments overlap in 2 voxels"):
        read_labels(tmp_path / "a.dcm", image)
    segmentation(made.datasets, masks[..., :1] * np.float32(0.4), "FRACTIONAL").save_as(tmp_path / "b.dcm")
    with pytest.raises(InputError, match="needs a threshold first"):
        read_labels(tmp_path / "b.dcm", image)
    with pytest.raises(InputError, match="holds 0 DICOM Segmentations, expected one"):
        read_labels(tmp_path / "s", image)


def test_mask_of_a_picture_must_have_its_size(tmp_path: Path) -> None:
    Pillow.fromarray(np.array([[0, 3], [3, 0]], np.uint8)).save(tmp_path / "m.png")
    labels = read_labels(tmp_path / "m.png", Image(np.zeros((1, 2, 2), np.uint8)))
    assert labels.array.tolist() == [[[0, 3], [3, 0]]]
    assert [x.name for x in labels.table] == ["label 3"]
    with pytest.raises(RefusedError, match="belongs to a picture of its own size"):
        read_labels(tmp_path / "m.png", Image(np.zeros((1, 2, 3), np.uint8)))
