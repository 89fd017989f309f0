"""What the gates say of real files, as they are and corrupted on purpose: the tables of docs/gates.md.

    .venv/bin/python benchmarks/corrupted.py ../shared/data zoo-training [lungs hippocampus skin_lesion]

``zoo-training`` holds the trainings of the zoo. Of a bundle with folds each item is judged by the network of the fold that never saw it, with gates
fitted on the items and the held-out results of the other folds: no item meets a limit that it, or its patient, had a part in. Of ``skin_lesion`` the
shipped bundle judges the test part, which had no part in it. Some ten minutes a bundle on two cores.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diaphane.acquire import Options as AcquireOptions
from diaphane.acquire import read
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.engine import bundle as names
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import InputError
from diaphane.prepare import prepare
from diaphane.segment import Options, predict
from diaphane.segment.gate import input_verdict, output_verdicts
from diaphane.segment.gate_output import descriptors
from diaphane.train import place
from diaphane.train.bundles import output_texts
from diaphane.train.dataset import Item
from diaphane.train.export import fingerprint_bytes
from diaphane.train.fingerprints import fit_fingerprint
from diaphane.train.folds import read_split
from diaphane.train.forms import read_dataset
from diaphane.train.reasons import loads
from diaphane.train.recipe import AugmentTable
from diaphane.train.zoo.entries import entry_of

FACES = ("group_photos/**/*.jpg", "aflw2000/*.jpg", "landmarks_mixed/**/*.jpg", "landmarks_mixed/**/*.png", "girl/**/*.jpg", "videos/*.jpg")
CT = ("abdomen_ct/example_ct.nii.gz", "heads/cranium_ct/cranium_ct.nii.gz")
OTHER_SCANS = (*CT, "abdomen_ct/example_mr_sm.nii.gz", "heads/colin27/ch2.nii.gz")
SOFT_TISSUE_HU = (-160, 240)
ORDERS = ((1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2))
MOST, EVERY, MOST_FILES = 1000, 3, 60
"""Items of a fingerprint; each third of many items is corrupted; files of a pattern."""
Corruption = Callable[[Array, int], Array]


@dataclass(frozen=True, slots=True)
class Judge:
    """A network and its gates, and what it never saw."""

    bundle: Bundle
    held_out: tuple[Item, ...]


def image_of(item: Item) -> Image:
    """As it is on disk."""
    return read(item.image, AcquireOptions()).images[0]


def segmented(image: Image, bundle: Bundle) -> Labels:
    """What the bundle sees."""
    return predict(prepare(image, bundle.recipe), bundle, Options())


def said(image: Image, bundle: Bundle) -> str:
    """What the gates say: the output gate of what the input gate says nothing of."""
    first = input_verdict(image, bundle).verdict
    if first != "passed":
        return first
    verdicts = output_verdicts(segmented(image, bundle), bundle, None if image.is_picture else image.geometry)
    return "doubted" if any(v.verdict == "doubted" for v in verdicts) else "passed"


def shapes_of(bundle: Bundle, items: Iterable[Item]) -> dict[int, dict[str, FloatArray]]:
    """What the structures are like that the network finds in items, by label and item."""
    out: dict[int, dict[str, FloatArray]] = {label.value: {} for label in bundle.recipe.labels}
    for item in items:
        image = image_of(item)
        labels = segmented(image, bundle)
        for value, found in out.items():
            if (one := descriptors(labels, value, None if image.is_picture else image.geometry)) is not None:
                found[item.name] = one
    return out


def gated(bundle: Bundle, learnt: Sequence[Item], augment: AugmentTable, shapes: dict[int, dict[str, FloatArray]]) -> Bundle:
    """The network with gates of these items and held-out results."""
    some = learnt[:: max(1, len(learnt) // MOST)]
    fingerprint = fit_fingerprint(map(image_of, some), [item.patient for item in some], augment, 0)
    for one in fingerprint.checks:
        sys.stderr.write(f"{bundle.name}: {one.name}: {one.caught:.1%} of held-out items caught\n")
    texts = {names.FINGERPRINT: fingerprint_bytes(fingerprint), **output_texts(shapes, learnt, 0)}
    sys.stderr.write(f"{bundle.name}: {', '.join(f'{name} {len(data) / 1000:.0f} kB' for name, data in texts.items())}; not told: {fingerprint.untold}\n")
    return replace(bundle, files={**bundle.files, **texts})


def judges(name: str, data: Path, work: Path) -> tuple[Judge, ...]:
    """One a fold, each with gates of the other folds; of ``skin_lesion`` one, for the test part."""
    dataset = read_dataset(entry_of(name).data(data, work))
    if name == "skin_lesion":
        return (Judge(open_bundle(name), tuple(item for item in dataset.items if item.part == "test")),)
    every = {item.name: item for item in dataset.items}
    folder = work / name
    parts = read_split(folder / place.SPLIT, list(every))
    augment = loads((folder / place.RECIPE).read_text(), str(folder)).augment
    bundles = [open_bundle(folder / place.FOLD.format(n) / place.BUNDLE) for n in range(len(parts.folds))]
    shapes = [shapes_of(bundle, [every[n] for n in fold]) for bundle, fold in zip(bundles, parts.folds, strict=True)]
    out = []
    for n, bundle in enumerate(bundles):
        others: dict[int, dict[str, FloatArray]] = {}
        for one in (one for m, one in enumerate(shapes) if m != n):
            for value, found in one.items():
                others.setdefault(value, {}).update(found)
        own = gated(bundle, [every[item] for item in parts.training(n)], augment, others)
        out.append(Judge(own, tuple(every[item] for item in parts.folds[n])))
    return tuple(out)


def row(name: str, verdicts: Iterable[str]) -> None:
    """A line of the table, as soon as it is known."""
    found = Counter(verdicts)
    count = found.total()
    shares = " | ".join(f"{share / count:.1%}" for share in (found["refused"] + found["doubted"], found["refused"], found["doubted"]))
    sys.stdout.write(f"| {name} | {count} | {shares} |\n")
    sys.stdout.flush()


def corrupted(of: Sequence[Judge], make: Corruption, every: int) -> Iterator[str]:
    """Each ``every``-th held-out item, its array altered and its header as it was."""
    pairs = [(judge.bundle, item) for judge in of for item in judge.held_out]
    for n, (bundle, item) in enumerate(pairs[::every]):
        image = image_of(item)
        yield said(replace(image, array=np.ascontiguousarray(make(image.array, n))), bundle)


def levels(by: int) -> Corruption:
    """Brighter or darker, what leaves the range is cut."""
    return lambda array, _: np.clip(array.astype(np.int16) + by, 0, 255).astype(np.uint8)


def spreads(by: float) -> Corruption:
    """Values raised or lowered by so many times the range of 90 % of them."""
    return lambda array, _: array.astype(np.float32) + np.float32(by * np.subtract(*np.quantile(array, [0.95, 0.05])))


def inverted(array: Array, _: int) -> Array:
    """Black for white."""
    return np.uint8(255) - array if array.dtype == np.uint8 and array.shape[0] == 1 else array.max() - array.astype(np.float32)


GREYS: dict[str, Corruption] = {
    "brighter by 80 of 255": levels(80),
    "darker by 80 of 255": levels(-80),
    "contrast times 0.4": lambda array, _: (array * 0.4).astype(np.uint8),
    "inverted": inverted,
}
FILMS: dict[str, Corruption] = {
    "upside down": lambda array, _: array[:, ::-1, ::-1],
    "mirrored up-down": lambda array, _: array[:, ::-1],
    "sideways, to the left": lambda array, _: np.rot90(array, 1, (1, 2)),
    "sideways, to the right": lambda array, _: np.rot90(array, -1, (1, 2)),
    **GREYS,
    "mirrored left-right": lambda array, _: array[:, :, ::-1],
}
SCANS: dict[str, Corruption] = {
    "axes in another order": lambda array, n: array.transpose(ORDERS[n % len(ORDERS)]),
    "flipped feet-head": lambda array, _: array[::-1],
    "flipped front-back": lambda array, _: array[:, ::-1],
    "inverted": inverted,
    "values raised by their range": spreads(1),
    "values lowered by their range": spreads(-1),
    "flipped left-right (natural: training mirrors)": lambda array, _: array[:, :, ::-1],
    "values times 10 (the z-score takes it out)": lambda array, _: array.astype(np.float32) * 10,
}


def slices(data: Path) -> Iterator[Image]:
    """The slices of CT volumes as grey pictures, soft-tissue window."""
    low, high = SOFT_TISSUE_HU
    for file in CT:
        for plane in read(data / file, AcquireOptions()).images[0].array:
            yield Image((np.clip((plane.astype(np.float32) - low) / (high - low), 0, 1) * 255).astype(np.uint8)[None])


def files(folder: Path, patterns: Sequence[str]) -> Iterator[Image]:
    """At most ``MOST_FILES`` pictures of each pattern; what is no readable picture is left out."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern))[:MOST_FILES]:
            try:
                yield from read(path, AcquireOptions()).images
            except InputError:
                continue


def others(name: str, data: Path) -> dict[str, Iterable[Image]]:
    """Files of other kinds."""
    if name == "hippocampus":
        return {"whole heads and bellies, CT and MR": (read(data / file, AcquireOptions()).images[0] for file in OTHER_SCANS)}
    more = ("isic2017/images/*.jpg",) if name == "lungs" else ("cxr_lungs/images/*.jpg",)
    return {"CT slices": slices(data), "photos with faces": files(data / "faces", FACES), more[0].split("/")[0]: files(data, more)}


def main(data: Path, work: Path, wanted: Sequence[str]) -> None:
    """The table of each bundle."""
    for name in wanted or ("lungs", "hippocampus", "skin_lesion"):
        of = judges(name, data, work)
        sys.stdout.write(f"\n{name}\n\n| files | n | caught | refused | doubted |\n| --- | --- | --- | --- | --- |\n")
        row("as they are, held out (false alarms)", corrupted(of, lambda array, _: array, 1))
        if name == "lungs":
            foreign = files(data / "cxr_pneumonia", ("no_findings/*.jpg", "pneumonia/*.jpg"))
            row("of another source (NIH; false alarms)", (said(image, of[0].bundle) for image in foreign))
        for what, make in {"lungs": FILMS, "hippocampus": SCANS, "skin_lesion": GREYS}[name].items():
            row(what, corrupted(of, make, 1 if name == "lungs" else EVERY))
        for what, images in others(name, data).items():
            row(what, (said(image, of[0].bundle) for image in images))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
