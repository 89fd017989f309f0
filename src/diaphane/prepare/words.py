"""What was done to an image before a network saw it, for readers of a report."""

from __future__ import annotations

from collections.abc import Sequence

from diaphane.core.recipe import InputRecipe, Recipe

FITS = {
    "stretch": "brought to {size} pixels, without regard to its aspect ratio",
    "pad": "brought to {size} pixels, its own aspect ratio kept and the rest filled with its edge",
    "windows": "turned (feet to head, front to back, right to left) and brought to voxels of {spacing} mm",
}
DENOISED = {
    "none": "",
    "median": "each value replaced by the middle one of its neighbourhood, against noise",
    "nonlocal": "noise lessened by the mean of places that look alike (non-local means)",
    "bilateral": "noise lessened by the mean of near places of like value (bilateral filter)",
}
SCALED = {
    "fixed": "scaled by the mean and the spread of the training images",
    "z-score": "scaled by its own mean and spread",
    "window": "values from {low} to {high} spread over 0 to 1, the rest cut off",
    "percentile": "values between its own percentiles {percentiles} spread over 0 to 1, the rest cut off",
}
MATCHED = "its histogram brought to that of the training images (their percentiles)"
EVENED = "its histogram evened out: each brightness about as often as any other"


def steps(recipe: Recipe) -> tuple[str, ...]:
    """Each step of `prepare` in words, in their order; none where the model takes features."""
    return () if recipe.input is None else tuple(step for step in _steps(recipe.input) if step)


def _steps(recipe: InputRecipe) -> tuple[str, ...]:
    colours = "" if recipe.is_volume else "in colour (a grey one in three equal channels)" if recipe.channels == 3 else "in grey"
    low, high = (recipe.window[0] + side * recipe.window[1] / 2 for side in (-1, 1)) if recipe.window else (0.0, 0.0)
    scaled = SCALED.get(recipe.normalisation, MATCHED if recipe.landmarks else EVENED)
    return (
        colours,
        FITS[recipe.fit].format(size=_times(recipe.size[::-1]), spacing=_times(recipe.spacing_mm)),
        "slow changes of brightness across it taken out (N4)" if recipe.bias_field == "n4" else "",
        DENOISED[recipe.denoise],
        f"values below {recipe.clip[0]:g} and above {recipe.clip[1]:g} cut off" if recipe.clip else "",
        scaled.format(low=f"{low:g}", high=f"{high:g}", percentiles=" and ".join(f"{p:g}" for p in recipe.percentiles)),
    )


def _times(numbers: Sequence[float]) -> str:
    return " x ".join(f"{n:.3g}" if isinstance(n, float) else str(n) for n in numbers)
