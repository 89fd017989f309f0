"""The baselines of pyradiomics: its own features of three regions, in five ways each."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import nrrd
import numpy as np
import pytest
from tests.measure.volumes import measured

from diaphane.measure import CONFIGURATIONS

PLAIN = CONFIGURATIONS["pyradiomics"]
WAYS = {
    "": PLAIN,
    "_2d": replace(PLAIN, dimensions=("2.5d",)),
    "_FBN": replace(PLAIN, bin_width=None, bin_count=64),
    "_resegmentation": replace(PLAIN, outlier_sigma=3),
    "_resampling": replace(PLAIN, resample_mm=2, rounding="down"),
}
SHIFTED = ("Energy", "TotalEnergy", "RootMeanSquared")
"""The baselines have these of intensities 2000 higher (its setting voxelArrayShift)."""
OLDER = {"MeshVolume": 16147.51180013021, "SurfaceArea": 6438.821603779402, "SurfaceVolumeRatio": 0.3987500788652454, "Sphericity": 0.4798234536231475}
"""Of brain1 by pyradiomics 3.0.1; the baseline is of release 2.0.1b1, whose mesh was another one, and is up to 0.1 % away."""


def baseline(data: Path, column: str) -> dict[str, float]:
    """Every feature of one column that the families here have."""
    found = {}
    for family in ("shape", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm"):
        with (data / f"pyradiomics/baseline/baseline_{family}.csv").open(encoding="utf-8") as file:
            found |= {r["featureName"]: float(r[column]) for r in csv.DictReader(file) if r["featureName"].startswith("original_") and r.get(column)}
    return found


def case(data: Path, name: str) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Image, mask and spacing [k, j, i]."""
    image, header = nrrd.read(str(data / f"pyradiomics/{name}_image.nrrd"))
    mask, _ = nrrd.read(str(data / f"pyradiomics/{name}_label.nrrd"))
    i, j, k = np.abs(np.diag(header["space directions"]))
    return image.T, mask.T > 0, (k, j, i)


@pytest.mark.data
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["brain1", "brain2", "breast1"])
def test_every_feature_is_that_of_the_baseline(name: str, way: str, data: Path) -> None:
    image, mask, spacing = case(data, name)
    (region,) = measured(image, mask, WAYS[way], spacing)
    found = {f.name: f.value for f in region.features if f.name.startswith("original_")}
    if not way:
        (higher,) = measured(image.astype(np.int32) + 2000, mask, PLAIN, spacing)
        found |= {f"original_firstorder_{n}": higher.value(f"original_firstorder_{n}") for n in SHIFTED}
    wanted = baseline(data, name + way)
    if name == "brain1" and not way:
        wanted |= {f"original_shape_{n}": value for n, value in OLDER.items()}
    assert set(wanted) <= set(found)
    assert len(wanted) == {"": 107, "_2d": 75, "_FBN": 75, "_resegmentation": 93, "_resampling": 107}[way]
    for feature, value in wanted.items():
        assert found[feature] == pytest.approx(value, rel=1e-6, abs=1e-12), feature


def test_each_deviation_is_a_switch_of_its_own(rng: np.random.Generator) -> None:
    image, mask = rng.integers(3, 200, (7, 9, 11)).astype(np.int16), rng.random((7, 9, 11)) < 0.8
    (ibsi,) = measured(image, mask, replace(PLAIN, names="ibsi", bin_origin="lowest"))
    (theirs,) = measured(image, mask, PLAIN)
    (named,) = measured(image, mask, replace(PLAIN, bin_origin="lowest"))
    assert theirs.value("original_firstorder_Kurtosis") == pytest.approx(ibsi.value("excess_kurtosis") + 3)
    assert theirs.value("original_firstorder_Entropy") != pytest.approx(ibsi.value("entropy"))
    assert named.value("original_firstorder_Entropy") == pytest.approx(ibsi.value("entropy"))
    count = int(mask.sum())
    assert theirs.value("original_shape_MajorAxisLength") == pytest.approx(ibsi.value("major_axis_length") * ((count - 1) / count) ** 0.5)
    assert {f.family for f in theirs.features if f.name.startswith("original_")} == {"shape", "firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm"}
