"""All families of the IBSI of two regions of one CT, beside mirp and pyradiomics: same image, same masks, interleaved, one thread each.

    python benchmarks/features.py [--quick]

Needs ``abdomen_ct`` (``DIAPHANE_DATA``, else ``../shared/data``). A peer that is not installed is "not run": mirp is in the extra ``bench``; pyradiomics
3.0.1 builds on Python 3.11 with ``pip install setuptools versioneer cython numpy`` and then ``pip install --no-build-isolation pyradiomics``. Times are of
the processor. Ten minutes.
"""

from __future__ import annotations

from beside import DATA, faster, interleaved, machine, say  # isort: skip  # before numpy: it reads the threads

import argparse
import logging
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import cc3d
import nibabel as nib
import numpy as np

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.measure import Configuration, Options, extract

WIDTH = 25.0
LIVER, SKIN_HU = 5, -300
Measure = Callable[[Path, Path], int]
"""Image and mask as files; how many features there were."""


def labels_of(array: np.ndarray) -> Labels:
    """Organs, one a value."""
    return Labels(array, tuple(LabelRecipe(value=int(v), name=f"organ {v}", role="anatomy") for v in np.unique(array) if v))


def volume_of(path: Path) -> tuple[np.ndarray, Geometry]:
    """Array [k, j, i] and where it lies, straight axes."""
    file = nib.load(path)
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *(float(z) for z in file.header.get_zooms()[::-1]), 1
    return np.asarray(file.dataobj).T, Geometry(affine, calibrated=True)


def ours(image: Path, mask: Path) -> int:
    """All families, in space."""
    array, place = volume_of(image)
    regions = extract(Image(array, place), labels_of(volume_of(mask)[0]), Options(radiomics=Configuration(bin_width=WIDTH)))
    return len(regions[0].features)


def mirp(image: Path, mask: Path) -> int:
    """The same families."""
    from mirp import extract_features

    found = extract_features(
        image=str(image), mask=str(mask), base_discretisation_method="fixed_bin_size", base_discretisation_bin_width=WIDTH, by_slice=False,
        base_feature_families=[
            "morphology", "local_intensity", "statistics", "intensity_histogram", "ivh", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm",
        ],
        resegmentation_intensity_range=[-1100.0, 4000.0],
    )  # fmt: skip
    return int(found[0].shape[1])


def pyradiomics(image: Path, mask: Path) -> int:
    """Its own classes of the same families."""
    from radiomics import featureextractor

    extractor = featureextractor.RadiomicsFeatureExtractor(binWidth=WIDTH)
    extractor.disableAllFeatures()
    for name in ("shape", "firstorder", "glcm", "glrlm", "glszm", "ngtdm", "gldm"):
        extractor.enableFeatureClassByName(name)
    return sum(key.startswith("original_") for key in extractor.execute(str(image), str(mask)))


PEERS: dict[str, tuple[str, Measure]] = {"mirp": ("mirp", mirp), "pyradiomics": ("radiomics", pyradiomics)}
"""The package that each needs, and how it is called."""


def beside(image: Path, masks: dict[str, Path], rounds: int) -> None:
    """The table of regions."""
    peers = {name: measure for name, (package, measure) in PEERS.items() if find_spec(package)}
    say("| region | library | features | CPU-s, median | ours is faster (quartiles) |\n| --- | --- | --- | --- | --- |")
    for region, mask in masks.items():
        ways = {name: partial(measure, image, mask) for name, measure in {**peers, "ours": ours}.items()}
        counts = {name: way() for name, way in ways.items()}  # and what is imported and compiled the first time
        took = interleaved(ways, rounds)
        for name in PEERS:
            if name in peers:
                say(f"| {region} | {name} | {counts[name]} | {np.median(took[name]):.2f} | {faster(took[name], took['ours'])} |")
            else:
                say(f"| {region} | {name} | | not run: not installed | |")
        say(f"| {region} | ours | {counts['ours']} | {np.median(took['ours']):.2f} | |")


def many(data: Path, folder: Path, rounds: int) -> None:
    """All labels of a volume in one pass, and each in a pass of its own, as a mask of one label a call has it."""
    image, mask = data / "example_ct_sm.nii.gz", data / "example_seg.nii.gz"
    file = nib.load(mask)
    labels = np.asarray(file.dataobj)
    apart = []
    for value in np.unique(labels[labels > 0]):
        apart.append(folder / f"label_{value}.nii.gz")
        nib.save(nib.Nifti1Image((labels == value).astype(np.uint8), file.affine), apart[-1])
    every = {"ours, a pass each": ours} | {f"{name}, a pass each": measure for name, (package, measure) in PEERS.items() if find_spec(package)}

    def each(measure: Measure) -> None:
        for one in apart:
            try:
                measure(image, one)
            except (ValueError, IndexError):  # a peer that refuses a region of a few voxels is done with it
                logging.debug("refused: %s", one.name)

    ways = {"ours, one pass": partial(ours, image, mask), **{words: partial(each, measure) for words, measure in every.items()}}
    took = interleaved(ways, rounds)
    say(f"\n| {len(apart)} labels | CPU-s, median | one pass of ours is faster |\n| --- | --- | --- |")
    for words, seconds in took.items():
        say(f"| {words} | {np.median(seconds):.2f} | {faster(seconds, took['ours, one pass'])} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of the liver alone: that it runs")
    quick = parser.parse_args().quick
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    data = DATA / "abdomen_ct"
    image = data / "example_ct.nii.gz"
    file = nib.load(image)
    body = cc3d.largest_k(np.asarray(file.dataobj) > SKIN_HU, k=1) > 0
    liver = np.asarray(nib.load(data / "example_seg_fast_force_split.nii.gz").dataobj) == LIVER
    say(f"{machine('mirp', 'pyradiomics', 'numpy', 'scipy')}; body {np.count_nonzero(body)} voxels, liver {np.count_nonzero(liver)}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        masks = {"liver": folder / "liver.nii.gz"} if quick else {"body": folder / "body.nii.gz", "liver": folder / "liver.nii.gz"}
        for region, path in masks.items():
            nib.save(nib.Nifti1Image({"body": body, "liver": liver}[region].astype(np.uint8), file.affine), path)
        beside(image, masks, 1 if quick else 5)
        if not quick:
            many(data, folder, 1)


if __name__ == "__main__":
    main()
