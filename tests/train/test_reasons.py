"""Recipes as text."""

from __future__ import annotations

import string
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.core.recipe import InputRecipe, LabelRecipe
from diaphane.errors import UsageError
from diaphane.train.planner_draft import Planned
from diaphane.train.reasons import dumps, loads
from diaphane.train.recipe import AugmentTable, DataTable, LoopTable, NetworkTable, OutputTable, TrainRecipe

NUMBER = st.floats(0, 1e6, allow_nan=False)
TEXT = st.text(max_size=20)


def recipe(name: str = "made", rate: float = 0.002, words: tuple[str, ...] = ("lesion",)) -> TrainRecipe:
    labels = tuple(LabelRecipe(value=n, name=word) for n, word in enumerate(words, 1))
    return TrainRecipe(
        data=DataTable(name=name, task="segment", modality="MRI", licence="CC0", labels=labels, digest="ab"),
        input=InputRecipe(channels=1, size=(8, 16, 16), fit="windows", normalisation="z-score", spacing_mm=(3.0, 1.0, 1.0)),
        network=NetworkTable(name="unet", widths=(8, 16), strides=((1, 2, 2),), norm="instance"),
        loop=LoopTable(
            steps=9, batch_size=2, loss="dice_cross_entropy", optimizer="adamw", learning_rate=rate, weight_decay=0.0, schedule="poly", warmup_steps=0,
            clip_norm=5.0, ema=0.9, foreground=0.3, precision="float32", channels_last=False, validations=1, validation_items=1, checkpoint_minutes=2.0,
        ),
        augment=AugmentTable(
            flip=(False, False, True), rotation_deg=15.0, rotation_out_deg=0.0, scale=0.1, shift=0.0, gain=0.0, offset=0.0, gamma=0.0, noise=0.0, blur=0.0
        ),
        output=OutputTable(mirror=(False, False, False), thresholds=(), smallest_part=0.02), folds=5, fold=(0, 2), final=False, minutes=1.5, threads=2,
    )  # fmt: skip


@settings(max_examples=30)
@given(TEXT, NUMBER, st.lists(TEXT, max_size=3), TEXT)
def test_what_is_written_is_read_back_exactly(name: str, rate: float, words: list[str], reason: str) -> None:
    made = recipe(name, rate, tuple(words))
    text = dumps(Planned(made, {"loop.steps": reason, "folds": reason, "network.strides": reason}))
    assert loads(text, "recipe.toml") == made


def test_each_value_is_on_a_line_with_its_reason() -> None:
    text = dumps(Planned(recipe(), {"loop.steps": "two\nlines", "network.strides": "thick slices", "folds": "a fifth"}))
    assert "\nsteps = 9  # two lines\n" in text
    assert "\nstrides = [[1, 2, 2]]  # thick slices\n" in text
    assert 'labels = [{ value = 1, name = "lesion", role = "lesion" }]' in text
    assert text.index("folds = 5  # a fifth") < text.index("[data]") < text.index("[input]") < text.index("[network]") < text.index("[loop]")
    lines = [line for line in text.splitlines() if line and line[0] in string.ascii_letters]
    assert len(lines) == sum(len(v) if isinstance(v, dict) else 1 for v in tomllib.loads(text).values())


def test_other_text_is_refused() -> None:
    text = dumps(Planned(recipe(), {}))
    with pytest.raises(UsageError, match="recipe.toml: not TOML"):
        loads("steps = ", "recipe.toml")
    with pytest.raises(UsageError, match=r"recipe.toml:loop: unknown key 'stesp'; did you mean 'steps'\?"):
        loads(text.replace("steps = 9", "stesp = 9"), "recipe.toml")
    with pytest.raises(UsageError, match="recipe.toml:loop: the key 'steps' is missing"):
        loads(text.replace("\nsteps = 9", ""), "recipe.toml")
