"""How often the gates refuse, doubt and pass, and what is taken for a photo of faces, on whole sets: the tables in docs.

    .venv/bin/python benchmarks/gates.py ../shared/data

A few minutes on two cores.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from diaphane.acquire.picture import read_picture
from diaphane.core.image import Image
from diaphane.errors import InputError
from diaphane.ops.picture import to_rgb
from diaphane.pipeline.faces import is_face_photo
from diaphane.prepare import prepare
from diaphane.segment import Options, predict, segmenters
from diaphane.segment.gate import input_verdict, likeness, output_verdicts
from diaphane.track import Options as TrackOptions
from diaphane.track import follow
from diaphane.train.forms_table import read_table

FACES = ("group_photos/**/*.jpg", "aflw2000/*.jpg", "landmarks_mixed/**/*.jpg", "landmarks_mixed/**/*.png", "girl/**/*.jpg", "videos/*.jpg")


def verdict(image: Image) -> str:
    """What ``diaphane run`` would say of the picture."""
    bundles = {name: b for name, b in segmenters(Options()).items() if b.recipe.field_of_view == "image"}
    seen = next(follow([(0.0, to_rgb(image.array[0]))], None, TrackOptions()))
    if is_face_photo(image, seen, bundles):
        return "face"
    bundle = min(bundles.values(), key=lambda b: likeness(image, b))
    said = input_verdict(image, bundle).verdict
    if said != "passed":
        return said
    labels = predict(prepare(image, bundle.recipe), bundle, Options())
    return "doubted" if any(v.verdict == "doubted" for v in output_verdicts(labels, bundle)) else "passed"


def row(name: str, images: Iterable[Image]) -> str:
    """A line of the table."""
    found = Counter(map(verdict, images))
    return f"| {name} | {found.total()} | {found['refused']} | {found['doubted']} | {found['passed']} | {found['face']} |\n"


def faces(folder: Path) -> Iterator[Image]:
    """At most 60 photos of each set; what is no readable picture is left out."""
    for pattern in FACES:
        for path in sorted(folder.glob(pattern))[:60]:
            try:
                yield read_picture(path)
            except InputError:
                continue


def main(data: Path) -> None:
    """Print the table, a line as soon as it is known."""
    isic = read_table(data / "isic2017/index.csv")
    for split in ("validation", "test"):
        pictures = (read_picture(data / "isic2017" / r["image"]) for r in isic if r["split"] == split)
        sys.stdout.write(row(f"ISIC 2017 {split}", pictures))
    films = [read_picture(data / "cxr_lungs" / r["image"]) for r in read_table(data / "cxr_lungs/index.csv")]
    sys.stdout.write(row("chest X-rays that `lungs` learnt from", films))
    sys.stdout.write(row("chest X-rays of another source (NIH)", map(read_picture, sorted((data / "cxr_pneumonia").glob("*/*.jpg")))))
    sys.stdout.write(row("photos with faces (must be taken for such, or refused)", faces(data / "faces")))
    sys.stdout.write(row("chest X-rays upside down (must be refused)", (Image(f.array[:, ::-1]) for f in films)))
    sys.stdout.write(row("chest X-rays sideways (must be refused)", (Image(f.array.transpose(0, 2, 1)) for f in films)))
    sys.stdout.write(row("chest X-rays inverted (must be refused)", (Image(255 - f.array) for f in films)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
