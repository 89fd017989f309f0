"""What a training learns from is what a run gives the network, byte for byte: from the file on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow
from tests.networks import spots_bundle, threshold_network, volume_recipe, write_made_bundle

from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import open_bundle
from diaphane.pipeline import parts, run
from diaphane.plan import Plan
from diaphane.segment import Options
from diaphane.train.arrays import prepared_arrays
from diaphane.train.dataset import Checked, Dataset, Item

FIXED = 'normalisation = "fixed"\nmean = [0.0]\nstd = [1.0]\n'
SCALES = {
    "fixed": FIXED,
    "z-score": 'normalisation = "z-score"\n',
    "window, median": 'normalisation = "window"\nwindow = [0.5, 0.6]\ndenoise = "median"\n',
    "percentile, nonlocal": 'normalisation = "percentile"\npercentiles = [1.0, 99.0]\ndenoise = "nonlocal"\n',
    "equalised, bilateral": 'normalisation = "histogram"\ndenoise = "bilateral"\ndenoise_strength = 2.0\n',
    "landmarks": f'normalisation = "histogram"\nlandmarks = {[n / 10 for n in range(11)]}\n',
}


def altered(folder: Path, scale: str, network: bytes) -> Path:
    """The bundle ``folder`` with another scale."""
    recipe = (folder / "recipe.toml").read_text().replace(FIXED, scale)
    return write_made_bundle(folder.with_name("scaled"), recipe, [network])


class Enough(Exception):  # noqa: N818
    """The network was given what it sees: the rest of the run tells nothing more."""


def learned_and_used(image: Path, bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, bytes]:
    opened, given = open_bundle(bundle), []

    def predict(prepared: Prepared, *more: object) -> None:
        given.append(prepared.array.astype(np.float16).tobytes())
        raise Enough("seen")

    monkeypatch.setattr(parts, "predict", predict)
    with pytest.raises(Enough, match="seen"):
        run(image, folder / "case", Plan(segment=Options(bundle=str(bundle))))
    items = (Item("one", image, None, target=1),)
    values: Mapping[int, int] = {1: 1}
    data = Dataset(root=folder, form="CSV", task="classify", name="made", modality="m", labels=opened.recipe.labels, items=items, patients_known=False)
    arrays = prepared_arrays(Checked(data, {}, (), values), ["one"], opened.recipe, folder / "arrays")
    return arrays["one"].x.tobytes(), given[0]


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_picture_in_training_and_in_use(scale: str, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "one.png"
    Pillow.fromarray(rng.integers(0, 256, (53, 71), dtype=np.uint8)).save(image)
    bundle = altered(spots_bundle(tmp_path / "spots", (32, 48)), scale, threshold_network((1, 32, 48), [0.5]))
    learned, used = learned_and_used(image, bundle, tmp_path, monkeypatch)
    assert learned == used
    assert len(used) == 2 * 32 * 48


@pytest.mark.parametrize("scale", [*SCALES.values(), SCALES["z-score"] + 'bias_field = "n4"\n'], ids=[*SCALES, "n4"])
def test_volume_in_training_and_in_use(scale: str, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    if "n4" in scale:
        pytest.importorskip("SimpleITK", reason="needs the extra 'n4'")
    image, network = tmp_path / "one.nii.gz", threshold_network((1, 8, 8, 8), [0.5])
    affine = np.array([[0, 1.2, 0, 3], [-1, 0, 0, 5], [0, 0, 2, 7], [0, 0, 0, 1.0]])
    nibabel.save(nibabel.Nifti1Image(rng.gamma(3, 40, (14, 12, 9)).astype(np.float32), affine), image)
    bundle = write_made_bundle(tmp_path / "plain", volume_recipe((8, 8, 8), (1.5, 1.0, 1.1)), [network])
    learned, used = learned_and_used(image, altered(bundle, scale, network), tmp_path, monkeypatch)
    assert learned == used
