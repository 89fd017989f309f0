from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from diaphane import zoo
from diaphane.engine.bundle import checksums, open_bundle
from diaphane.engine.session import session_of
from diaphane.errors import BundleError, UsageError


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(zoo.path("skin_lesion"), tmp_path / "bundle"))


def resum(folder: Path) -> None:
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in checksums(folder)]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["skin_lesion", "lungs", "melanoma"])
def test_shipped_bundle_is_whole_small_and_has_a_card_with_intervals(name: str) -> None:
    bundle = open_bundle(name)
    assert bundle.name == name
    assert {"recipe.toml", "card.md", "metrics.json"} <= bundle.files.keys()
    assert sum(len(data) for data in bundle.files.values()) < 8_000_000
    assert bundle.json("metrics.json")["summary"]
    card = bundle.files["card.md"].decode()
    assert "95 % interval" in card
    assert "Limits" in card
    assert "clinical validation" in card


@pytest.mark.parametrize("name", ["skin_lesion", "lungs"])
def test_shipped_network_takes_and_gives_what_its_recipe_says(name: str) -> None:
    bundle = open_bundle(name)
    assert bundle.recipe.input is not None
    shape = (2, bundle.recipe.input.channels, *bundle.recipe.input.size)
    logits = session_of(bundle)(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert logits.shape == (2, len(bundle.recipe.labels) + 1, *bundle.recipe.input.size)
    assert np.isfinite(logits).all()
    assert bundle.fingerprint is not None
    assert bundle.fingerprint.limit > 0


def test_unknown_bundle_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no bundle 'skin_leson'.*did you mean 'skin_lesion'"):
        open_bundle("skin_leson")


def test_altered_weights_are_refused(copy: Path) -> None:
    data = bytearray((copy / "model.onnx").read_bytes())
    data[5000] ^= 1
    (copy / "model.onnx").write_bytes(data)
    with pytest.raises(BundleError, match="wrong checksum: expected [0-9a-f]{16}…, found"):
        open_bundle(copy)


def test_missing_file_checksums_or_recipe_are_refused(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    with pytest.raises(BundleError, match="listed in SHA256SUMS and missing"):
        open_bundle(copy)
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(BundleError, match="SHA256SUMS: missing"):
        open_bundle(copy)
    (copy / "recipe.toml").unlink()
    with pytest.raises(UsageError, match="neither a folder with recipe.toml"):
        open_bundle(copy)


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "sub/file"])
def test_path_out_of_the_bundle_is_refused(copy: Path, name: str) -> None:
    (copy / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    with pytest.raises(BundleError, match="a plain file name"):
        open_bundle(copy)


def test_link_in_a_bundle_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "card.md").rename(tmp_path / "card.md")
    (copy / "card.md").symlink_to(tmp_path / "card.md")
    with pytest.raises(BundleError, match="missing"):
        open_bundle(copy)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("threshold", "treshold", "unknown key 'treshold'; did you mean 'threshold'"),
        ('task = "segment"', 'task = "guess"', "'guess' is not one of segment, classify"),
        ("threshold = 0.5", "threshold = 7.0", "threshold must lie between 0 and 1"),
        ("value = 1", "value = 2", "without gap"),
    ],
)
def test_recipe_that_is_not_valid_is_refused(copy: Path, old: str, new: str, says: str) -> None:
    recipe = copy / "recipe.toml"
    recipe.write_text(recipe.read_text().replace(old, new))
    resum(copy)
    with pytest.raises(BundleError, match=says):
        open_bundle(copy)


def test_weights_that_are_no_network_are_refused(copy: Path) -> None:
    (copy / "model.onnx").write_bytes(b"not a network")
    resum(copy)
    with pytest.raises(BundleError, match="skin_lesion: not an ONNX file, or cut short"):
        session_of(open_bundle(copy))


def test_network_that_does_not_fit_its_recipe_is_refused(copy: Path) -> None:
    recipe = copy / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("size = [144, 192]", "size = [144, 200]").replace("size = [\n    144,\n    192,\n]", "size = [144, 200]"))
    resum(copy)
    with pytest.raises(BundleError, match=r"the network takes \[3, 144, 192\], its recipe says \[3, 144, 200\]"):
        session_of(open_bundle(copy))


def test_sample_of_a_hundred_gigabytes_is_refused_from_the_recipe(tmp_path: Path) -> None:
    recipe = 'name = "b"\ntask = "segment"\nmodality = "m"\nnetwork = "n"\nlicence = "l"\nlabels = [{value = 1, name = "x"}]\n'
    size = '[input]\nchannels = 1\nsize = [4096, 4096, 4096]\nfit = "windows"\nnormalisation = "z-score"\nspacing_mm = [1.0, 1.0, 1.0]\n'
    (tmp_path / "recipe.toml").write_text(recipe + size)
    (tmp_path / "model.onnx").write_bytes(b"")
    (tmp_path / "SHA256SUMS").write_text("".join(f"{hashlib.sha256((tmp_path / n).read_bytes()).hexdigest()}  {n}\n" for n in ("recipe.toml", "model.onnx")))
    with pytest.raises(BundleError, match=r"declares 6.87e\+10 numbers a sample"):
        open_bundle(tmp_path)


def test_file_of_a_hundred_gigabytes_is_not_read(copy: Path) -> None:
    with (copy / "model.onnx").open("wb") as file:
        file.truncate(100 * 2**30)  # a hole: it takes no room
    with pytest.raises(BundleError, match="smaller than 2 GiB, is 100.0 GiB; it is not read"):
        open_bundle(copy)
