"""The reference values of the IBSI, phase 1: https://theibsi.github.io."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.measure.volumes import measured

from diaphane.measure import CONFIGURATIONS
from diaphane.measure.configuration import FAMILIES

NAMES = {
    "morph": "morphology", "loc": "local_intensity", "stat": "intensity", "int": "intensity_histogram", "cm": "glcm", "rlm": "glrlm", "szm": "glszm",
    "dzm": "gldzm", "ngtdm": "ngtdm", "ngldm": "ngldm",
}  # fmt: skip
HISTOGRAM_OF_VOLUME = {"BC2M", "GBPN", "DDTU", "CNV2"}
"""The intensity-volume histogram, which the reference files under the intensity histogram."""
WITHOUT_VALUE = {("config. C", "SKGS")}
"""The IBSI gives none."""
COUNTS = {"digital-phantom": 482, "ibsi-a": 346, "ibsi-b": 346, "ibsi-c": 209, "ibsi-d": 210, "ibsi-e": 210}


def reference(data: Path, name: str) -> dict[tuple[str, str, str], list[tuple[float, float]]]:
    """Value and tolerance by family, code and aggregation; without tolerance, half a unit of the third digit, to which values are given.

    The minimum and the 10th percentile of the histogram have one code, in that order, and so have fractions of 10 % and 90 %.
    """
    wanted = "dig. phantom" if name == "digital-phantom" else f"config. {name[-1].upper()}"
    found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    with (data / "ibsi/ibsi1_reference_values.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["data"] != wanted or (wanted, row["ibsi_code"]) in WITHOUT_VALUE:
                continue
            value = float(row["value"])
            digit = 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 1e-9
            family = "intensity_volume_histogram" if row["ibsi_code"] in HISTOGRAM_OF_VOLUME else NAMES[row["family"]]
            key = family, row["ibsi_code"], row["aggregation"]
            found.setdefault(key, []).append((value, float(row["tolerance"]) if row["tolerance"] else 0.5001 * digit))
    return found


@pytest.mark.data
@pytest.mark.parametrize("name", COUNTS)
def test_every_consensus_value_of_the_families_agrees(name: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data / "ibsi" / ("digital_phantom" if name == "digital-phantom" else "ct_phantom") / "nifti"
    image, mask = (nib.load(folder / part) for part in ("image/phantom.nii.gz", "mask/mask.nii.gz"))
    i, j, k = (float(z) for z in image.header.get_zooms())
    array = np.rint(np.asarray(image.dataobj)).T.astype(np.int16)
    (region,) = measured(array, np.asarray(mask.dataobj).T > 0, CONFIGURATIONS[name], (k, j, i))
    wanted = reference(data, name)
    wrong, agree = [], 0
    for feature in (f for f in region.features if f.family in FAMILIES):
        values = wanted.get((feature.family, feature.ibsi_code, feature.aggregation), [])
        if values:
            value, tolerance = values.pop(0)
            agree += abs(feature.value - value) <= tolerance + 1e-9
            if abs(feature.value - value) > tolerance + 1e-9:
                wrong.append(f"{feature.family} {feature.name} {feature.aggregation}: {feature.value}, reference {value} +- {tolerance}")
    with capsys.disabled():
        sys.stdout.write(f"\nIBSI {name}: {agree} of {COUNTS[name]} consensus values agree\n")
    assert not wrong
    assert not [key for key, values in wanted.items() if values], "every value of the families has been compared"
    assert agree == COUNTS[name]
