"""Which mask belongs to which image, by their stems, and what a mask's name says of its structure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from diaphane.acquire.label_names import LESION_WORDS
from diaphane.acquire.picture import stem_of
from diaphane.train.dataset import Fault, Item, Part
from diaphane.train.forms_rows import Row

GENERIC = re.compile(
    r"(ground.?truth|segment(ation|ed)?|seg|masks?|labels?|labelmap|labels?tr|gt|truth|manual|annot(ation|ated)?s?|expert|binary|roi)",
    re.IGNORECASE,
)
"""A word at the end of a mask's stem that says that it is a mask and not of what."""
STRUCTURES = re.compile(
    r"lesions?|lungs?|vessels?|livers?|kidneys?|hearts?|spleens?|optic|disc|cup|cells?|nuclei|nucleus|glands?|bones?|teeth|tooth|skin|hair", re.IGNORECASE
)
IMAGE_WORDS = re.compile(r"[ _.-](images?|img|orig(inal)?|training|test|photo)$", re.IGNORECASE)
SEPARATORS = re.compile(r"[ _.-]+")


def paired(root: Path, images: Iterable[Path], masks: Iterable[Path], part: Part) -> tuple[list[Row], list[Fault]]:
    """A row for each image with its mask, and what is left over. A mask's stem is the image's, or that and ``_mask`` or another word."""
    images = list(images)
    stems = stems_of(images)
    found: dict[Path, list[Path]] = {}
    faults = []
    for mask in masks:
        stem = owner(stem_of(mask), stems)
        if stem is None:
            faults.append(Fault(stem_of(mask), f"{mask}: a mask without an image of that name; name both alike"))
        else:
            found.setdefault(stems[stem], []).append(mask)
    faults += [_several(image, several) for image, several in found.items() if len(several) > 1]
    one = {image: several[0] for image, several in found.items() if len(several) == 1}
    alone = [image for image in images if len(found.get(image, [])) < 2]
    return [Row(image=_below(root, image), mask=_below(root, one[image]) if image in one else "", part=part) for image in alone], faults


def stems_of(images: Collection[Path]) -> dict[str, Path]:
    """Images by stem, and by their stem without ``_training`` or the like where that is of one image only."""
    bare = {image: IMAGE_WORDS.sub("", stem_of(image)) for image in images}
    count = Counter(bare.values())
    return {stem: image for image, stem in bare.items() if count[stem] == 1} | {stem_of(image): image for image in images}


def owner(mask: str, stems: Collection[str]) -> str | None:
    """The longest of ``stems`` that the stem ``mask`` is, or begins with, a word after it."""
    return mask if mask in stems else _trunk(mask, stems)


def is_mask_of(stem: str, stems: Collection[str]) -> bool:
    """Whether a file beside images is a mask of one of them: nothing but words for masks or structures follows the image's stem."""
    trunk = _trunk(stem, stems)
    words = [] if trunk is None else [word.rstrip("0123456789") for word in SEPARATORS.split(stem[len(trunk) :])]
    words = [word for word in words if word]
    return bool(words) and all(GENERIC.fullmatch(word) or STRUCTURES.fullmatch(word) or LESION_WORDS.search(word) for word in words)


def names_masks(folder: str) -> bool:
    """Whether a folder's name has a word for masks in it."""
    return any(GENERIC.fullmatch(word) for word in SEPARATORS.split(folder))


def _trunk(stem: str, stems: Collection[str]) -> str | None:
    for at in sorted((found.start() for found in SEPARATORS.finditer(stem)), reverse=True):
        if stem[:at] in stems:
            return stem[:at]
    return None


def structure_word(items: Iterable[Item]) -> str:
    """What the masks of all ``items`` are called besides their images: ``lesion`` of ``x_lesion.png``, ``lung`` of ``lung_masks/x.png``; empty if nothing."""
    for word_of in (_in_stem, _in_folder):
        words = {word_of(item.image, item.mask) for item in items if item.mask}
        if len(words) == 1 and (word := words.pop()):
            return word
    return ""


def _in_stem(image: Path, mask: Path) -> str:
    stem = stem_of(mask)
    trunk = owner(stem, stems_of([image]))
    return "" if trunk is None else _telling(stem[len(trunk) :])


def _in_folder(image: Path, mask: Path) -> str:
    return "" if mask.parent == image.parent else _telling(mask.parent.name)


def _telling(text: str) -> str:
    words = [word for word in SEPARATORS.split(text) if (bare := word.rstrip("0123456789")) and not GENERIC.fullmatch(bare)]
    return " ".join(words).lower()


def _several(image: Path, masks: list[Path]) -> Fault:
    names = ", ".join(mask.name for mask in masks[:3])
    return Fault(stem_of(image), f"{image}: {len(masks)} masks for one image ({names}); join them into one with a value for each structure")


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
