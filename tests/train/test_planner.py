"""From the look of a data set to a recipe."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from diaphane.core.recipe import LabelRecipe
from diaphane.errors import UsageError
from diaphane.train.build import build
from diaphane.train.dataset import Checked, Dataset, Facts, Item
from diaphane.train.options import Options
from diaphane.train.planner import Planned, candidates, plan
from diaphane.train.planner_draft import changed
from diaphane.train.planner_look import digest_of, symmetry
from diaphane.train.reasons import dumps

GIGABYTE = 1_000_000_000
ITEMS = 100


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "image.png"
    path.write_bytes(b"1234")
    return path


def facts(shape: tuple[int, int, int] = (1, 192, 256), **more: Any) -> Facts:
    usual: dict[str, Any] = {
        "channels": 1, "spacing": (1.0, 1.0, 1.0), "mean": (0.5,), "std": (0.2,), "quantiles": (0.1, 0.9), "inside": (0.5, 0.1), "voxels": {1: 1000},
    }  # fmt: skip
    return Facts(shape=shape, **{**usual, **more})


def checked(
    file: Path, every: Facts | list[Facts], count: int = ITEMS, names: tuple[str, ...] = ("lesion",), task: Literal["segment", "classify"] = "segment",
    modality: str = "MRI",
) -> Checked:  # fmt: skip
    found = every if isinstance(every, list) else [every] * count
    items = tuple(Item(f"case-{n:04d}", file, file if task == "segment" else None, patient=f"case-{n:04d}") for n in range(len(found)))
    labels = tuple(LabelRecipe(value=n, name=name) for n, name in enumerate(names, 1))
    dataset = Dataset(
        root=file.parent, form="images and masks" if task == "segment" else "class folders", task=task, name="made", modality=modality,
        labels=labels, items=items, patients_known=False,
    )  # fmt: skip
    return Checked(dataset, {i.name: f for i, f in zip(items, found, strict=True)}, (), {})


def planned(data: Checked, overrides: Mapping[str, Any] | None = None, memory: int = 8 * GIGABYTE, **options: Any) -> Planned:
    return plan(data, Options(**options), overrides or {}, memory, 2)


def test_two_thousand_dermoscopies_are_planned_as_the_shipped_network_was_trained(file: Path) -> None:
    recipe = planned(checked(file, facts(channels=3, mean=(0.71, 0.59, 0.55), std=(0.15, 0.16, 0.18)), 2000)).recipe
    assert recipe.input.size == (144, 192)
    assert (recipe.input.fit, recipe.input.normalisation) == ("stretch", "fixed")
    assert (recipe.input.mean, recipe.input.std) == ((0.71, 0.59, 0.55), (0.15, 0.16, 0.18))
    assert (recipe.network.widths, recipe.loop.batch_size) == ((16, 32, 64, 128, 256), 16)


def test_grey_pictures_stored_with_three_channels_are_read_as_grey(file: Path) -> None:
    recipe = planned(checked(file, facts(channels=3, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)))).recipe
    assert (recipe.input.channels, recipe.input.normalisation) == (1, "z-score")


def test_pictures_of_many_aspect_ratios_are_padded(file: Path) -> None:
    recipe = planned(checked(file, [facts((1, 500, 400 + 3 * n)) for n in range(ITEMS)])).recipe
    assert recipe.input.fit == "pad"
    assert 0.7 * 65536 < np.prod(recipe.input.size) < 1.3 * 65536


@pytest.mark.parametrize(("side", "size", "widths"), [(8, 8, 2), (28, 28, 3), (32, 32, 4)])
def test_small_pictures_keep_their_size_and_four_points_at_the_lowest_resolution(file: Path, side: int, size: int, widths: int) -> None:
    recipe = planned(checked(file, facts((1, side, side)), 1000, tuple("abcdefghij"), "classify")).recipe
    assert recipe.input.size == (size, size)
    assert len(recipe.network.widths) == widths
    assert (recipe.network.norm, recipe.loop.loss) == ("group", "cross_entropy")
    assert not any(recipe.augment.flip)


def test_a_hippocampus_is_seen_whole(file: Path) -> None:
    recipe = planned(checked(file, facts((36, 51, 35), mean=(300.0,), std=(90.0,)), 200, ("anterior", "posterior"))).recipe
    assert recipe.input.size == (40, 56, 40)
    assert recipe.network.widths == (16, 32, 64, 128)
    assert (recipe.input.spacing_mm, recipe.input.normalisation, recipe.loop.batch_size) == ((1, 1, 1), "z-score", 4)
    assert recipe.augment.flip == (False, False, True)


def test_thick_slices_are_halved_once_pixels_are_as_coarse(file: Path) -> None:
    spacings = [(8.0 if n < 90 else 4.0, 1.0, 1.0) for n in range(ITEMS)]
    recipe = planned(checked(file, [facts((20, 256, 256), spacing=s, mean=(300.0,), std=(90.0,)) for s in spacings])).recipe
    assert recipe.input.spacing_mm[1:] == (1, 1)
    assert 4 <= recipe.input.spacing_mm[0] < 8  # the tenth percentile
    assert recipe.network.strides[0] == (1, 2, 2)
    assert recipe.input.size[1] > 2 * recipe.input.size[0]
    assert np.prod(recipe.input.size) < 1.6 * 150_000
    assert recipe.augment.rotation_out_deg == 0


@pytest.mark.parametrize("modality", ["CT", "scans"])
def test_hounsfield_units_are_cut_and_have_one_scale(file: Path, modality: str) -> None:
    every = [facts((80, 64, 64), mean=(-400.0,), std=(450.0,), quantiles=(-90.0, 210.0), inside=(m, 30.0), voxels={1: 500}) for m in (40.0, 60.0)] * 20
    given = planned(checked(file, every, modality=modality)).recipe.input
    assert given.normalisation == "fixed"
    assert given.clip == (-90, 210)
    assert given.mean == (50,)
    assert given.std == pytest.approx((np.sqrt(30**2 + 10**2),), abs=1e-3)


def test_networks_for_pictures_see_volumes_slice_by_slice(file: Path) -> None:
    data = checked(file, facts((36, 51, 35), mean=(300.0,), std=(90.0,)))
    recipe = planned(data, network="deeplabv3plus").recipe
    assert recipe.input.size == (1, 56, 40)
    assert recipe.input.tensor_shape == (1, 56, 40)
    assert recipe.augment.rotation_out_deg == 0


@pytest.mark.parametrize("names", [("left lung", "right lung"), ("lung, left", "heart")])
def test_nothing_is_mirrored_where_labels_have_sides(file: Path, names: tuple[str, ...]) -> None:
    found = plan(checked(file, facts(), names=names), Options(), {}, 8 * GIGABYTE, 2, symmetry=(1.0, 1.0))
    assert not any(found.recipe.augment.flip)
    assert names[0] in found.reasons["augment.flip"]


def test_structures_of_volumes_that_nobody_named_are_not_mirrored(file: Path) -> None:
    data = checked(file, facts((36, 51, 35)), names=("label 1", "label 2"))
    assert not any(planned(data).recipe.augment.flip)


def test_pictures_are_mirrored_as_far_as_their_mean_is_symmetric(file: Path) -> None:
    def augment(found: tuple[float, float]) -> Any:
        return plan(checked(file, facts()), Options(), {}, 8 * GIGABYTE, 2, symmetry=found).recipe.augment

    assert augment((-0.18, 0.97)).flip == (False, False, True)
    assert augment((-0.18, 0.97)).rotation_deg == 15
    assert augment((0.99, 0.95)).flip == (False, True, True)
    assert augment((0.99, 0.95)).rotation_deg == 180
    assert augment((float("nan"), float("nan"))).flip == (False, False, False)


def test_symmetry_is_the_correlation_of_the_mean_with_its_mirror_image(rng: np.random.Generator) -> None:
    picture = rng.random((32, 32))
    mirrored = picture[:, ::-1]
    up_down, left_right = symmetry([(picture, None), (mirrored, None)])
    mean = (picture + mirrored) / 2
    assert left_right == pytest.approx(1)
    assert up_down == pytest.approx(np.corrcoef(mean.ravel(), mean[::-1].ravel())[0, 1], abs=1e-5)
    assert np.isnan(symmetry([(np.full((9, 7, 3), 5, np.uint8), None)])).all()


def test_a_structure_on_one_side_is_not_mirrored_whatever_the_picture() -> None:
    rows = np.abs(np.linspace(-1, 1, 40))
    picture, mask = np.add.outer(rows, rows), np.zeros((40, 40), np.uint8)
    mask[10:30, 2:15] = 1
    up_down, left_right = symmetry([(picture, mask)] * 10)
    assert up_down == pytest.approx(1, abs=0.01)
    assert left_right < 0


def test_more_minutes_make_a_wider_network_and_fewer_a_narrower_one(file: Path) -> None:
    data = checked(file, facts())
    widths = [planned(data, minutes=m).recipe.network.widths[0] for m in (2.0, 61.0, 600.0)]
    assert widths == sorted(set(widths))
    assert planned(data, minutes=600.0, folds=100).recipe.network.widths[0] == 16  # six minutes each


def test_batch_then_size_shrink_to_the_memory_available(file: Path) -> None:
    data = checked(file, facts((1, 256, 256)))
    much, less, little = (planned(data, memory=int(m * GIGABYTE)).recipe for m in (8, 1.6, 1.2))
    assert much.loop.batch_size > less.loop.batch_size
    assert less.input.size == much.input.size
    assert np.prod(little.input.size) < np.prod(less.input.size)
    with pytest.raises(UsageError, match=r"must fit into 60% of the 0.5 GB of memory available"):
        planned(data, memory=GIGABYTE // 2)
    with pytest.raises(UsageError, match="give a smaller --batch-size"):
        planned(data, {"input": {"size": [256, 256]}}, GIGABYTE, batch_size=64)


def test_a_batch_is_at_most_a_quarter_of_what_is_learnt_from(file: Path) -> None:
    found = planned(checked(file, facts((1, 32, 32)), 25))
    assert found.recipe.loop.batch_size == 5
    assert "a quarter of 20 training items" in found.reasons["loop.batch_size"]


def test_epochs_are_passes_over_the_training_items(file: Path) -> None:
    found = planned(checked(file, facts(), 100), epochs=3, batch_size=16)
    assert found.recipe.loop.steps == 15  # 3 * 80 / 16
    assert "3 passes over 80 items" in found.reasons["loop.steps"]
    assert changed(found, "loop", "steps", 7, "the pilot").recipe.loop.steps == 15


def test_what_the_user_says_wins_and_later_rules_see_it(file: Path) -> None:
    data = checked(file, facts())
    overrides = {"loop": {"learning_rate": 0.5, "optimizer": "sgd"}, "network": {"widths": [8, 16, 32]}, "folds": 3}
    found = planned(data, overrides, optimizer="adam", seed=4)
    assert (found.recipe.loop.optimizer, found.recipe.loop.learning_rate, found.recipe.network.widths) == ("adam", 0.5, (8, 16, 32))
    assert (found.recipe.folds, found.recipe.fold, found.recipe.loop.seed) == (3, (0,), 4)
    assert found.reasons["loop.optimizer"] == "given on the command line"
    assert found.reasons["loop.learning_rate"] == "given in PLAN.toml"
    assert found.given == {"loop.learning_rate", "loop.optimizer", "network.widths", "folds", "loop.seed"}


def test_a_recipe_that_a_training_wrote_is_a_plan_for_the_same_again(file: Path) -> None:
    for data in (checked(file, facts()), checked(file, facts((36, 51, 35)), names=("left", "right"))):
        first = planned(data, batch_size=3, minutes=7.0, folds=4)
        again = planned(data, tomllib.loads(dumps(first)))
        assert again.recipe == first.recipe
        assert again.given == set(first.reasons) - {"data.digest"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lop": {}}, r"PLAN.toml: unknown key 'lop'; did you mean 'loop'\?"),
        ({"loop": {"learning_rat": 1.0}}, r"PLAN.toml:loop: unknown key 'learning_rat'; did you mean 'learning_rate'\?"),
        ({"loop": {"steps": "many"}}, "PLAN.toml:loop.steps: expected int, got str"),
        ({"loop": 3}, "PLAN.toml:loop: expected a table"),
        ({"loop": {"learning_rate": float("nan")}}, "PLAN.toml:loop.learning_rate: must lie between"),
        ({"augment": {"gain": -0.1}}, "PLAN.toml:augment.gain: must lie between 0 and 1, got -0.1"),
        ({"folds": 0}, "PLAN.toml:folds: must lie between 2"),
        ({"fold": []}, "PLAN.toml:fold: must be different numbers"),
        ({"input": {"size": [4, 16]}}, "PLAN.toml:input: size must be 2 numbers between 8 and 4096"),
        ({"network": {"strides": [[2, 2, 2]]}}, "strides must be 1 times 2 numbers"),
        ({"fold": [5]}, "PLAN.toml:fold: must be different numbers from 0 to 4"),
        ({"input": {"size": [150, 192]}, "network": {"widths": [8, 16, 32, 64, 128]}}, r"input.size: must be a multiple of 16x16 .* give \[144, 192\]"),
        ({"network": {"widths": [8] * 5}, "input": {"size": [32, 32]}}, "lowest resolution must keep 4 points .* got 2x2 with 5 widths"),
        ({"input": {"size": [32]}}, "PLAN.toml:input.size: must be 2 positive numbers"),
        ({"input": {"normalisation": "fixed", "mean": [0.5, 0.5]}}, "'fixed' takes 1 values of mean"),
        ({"network": {"name": "segnet", "encoder": "resnet18"}}, "segnet has an encoder of its own"),
        ({"data": {"task": "classify"}}, "PLAN.toml:data.task: must be 'segment'"),
        ({"data": {"labels": []}}, r"PLAN.toml:data.labels: must have the values \[1\]"),
    ],
)
def test_overrides_are_read_strictly(file: Path, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        planned(checked(file, facts()), overrides)


def test_a_given_spacing_has_three_numbers(file: Path) -> None:
    data = checked(file, facts((36, 51, 35)))
    assert planned(data, {"input": {"spacing_mm": [2, 2, 2]}}).recipe.input.size == (20, 28, 20)
    with pytest.raises(UsageError, match="PLAN.toml:input.spacing_mm: must be three positive numbers"):
        planned(data, {"input": {"spacing_mm": [1.0, 1.0]}})


def test_a_given_size_is_taken_with_as_deep_a_network_as_divides_it(file: Path) -> None:
    recipe = planned(checked(file, facts()), {"input": {"size": [100, 60]}}).recipe
    assert (recipe.input.size, len(recipe.network.widths)) == ((100, 60), 3)


def test_every_value_has_a_reason_of_one_line(file: Path) -> None:
    found = planned(checked(file, facts()))
    names = {f"{t}.{k}" for t in ("data", "input", "network", "loop", "augment", "output") for k in getattr(found.recipe, t).__dataclass_fields__}
    assert set(found.reasons) == names | {"folds", "fold", "final", "minutes", "threads"}
    assert all(reason and "\n" not in reason for reason in found.reasons.values())


def test_auto_has_every_network_that_fits_with_its_own_recipe(file: Path) -> None:
    pictures = {c.recipe.network.name: c.recipe for c in candidates(planned(checked(file, facts()), network="auto"))}
    assert list(pictures) == ["unet", "unetplusplus", "segnet", "deeplabv3plus"]
    assert (pictures["segnet"].loop.precision, pictures["segnet"].network.norm) == ("float32", "group")
    assert pictures["unetplusplus"].network.deep_supervision
    volumes = candidates(planned(checked(file, facts((36, 51, 35)))))
    assert [c.recipe.network.name for c in volumes] == ["unet", "unetplusplus"]
    assert [c.recipe.network.name for c in candidates(planned(checked(file, facts()), network="segnet"))] == ["segnet"]
    classes = candidates(planned(checked(file, facts((1, 64, 64)), names=("a", "b"), task="classify")))
    assert [c.recipe.network.encoder for c in classes] == ["plain", "mobilenetv2", "resnet18"]


@pytest.mark.parametrize("shape", [(1, 100, 100), (3, 40, 40), (1, 9, 300)])
@pytest.mark.parametrize("network", ["unet", "segnet", "deeplabv3plus"])
def test_whatever_is_planned_can_be_built(file: Path, shape: tuple[int, int, int], network: Any) -> None:
    recipe = planned(checked(file, facts(shape)), network=network).recipe
    assert build(recipe)


def test_the_digest_knows_files_parts_and_labels(file: Path) -> None:
    data = checked(file, facts(), 3)
    items, labels = data.dataset.items, data.dataset.labels
    others = [
        replace(data.dataset, items=items[:2]),
        replace(data.dataset, items=(replace(items[0], part="test"), *items[1:])),
        replace(data.dataset, labels=(replace(labels[0], name="other"),)),
    ]
    assert digest_of(data) == digest_of(replace(data, dataset=replace(data.dataset, items=items[::-1])))
    assert len({digest_of(data), *(digest_of(replace(data, dataset=d)) for d in others)}) == 4


def test_changes_are_named_and_checked(file: Path) -> None:
    found = changed(planned(checked(file, facts())), "loop", "steps", 77, "the pilot said so")
    assert (found.recipe.loop.steps, found.reasons["loop.steps"]) == (77, "the pilot said so")
    with pytest.raises(UsageError, match="a recipe has no value 'loop.step'"):
        changed(found, "loop", "step", 1, "")
    with pytest.raises(UsageError, match="loop.steps: must lie between 1"):
        changed(found, "loop", "steps", 0, "")


def test_volumes_in_class_folders_are_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="classes are learnt from pictures, got volumes"):
        planned(checked(file, facts((9, 40, 40)), names=("a", "b"), task="classify"))
