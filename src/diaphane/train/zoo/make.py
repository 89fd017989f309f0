"""One bundle from its entry: trained by ``diaphane train``'s own story, its card completed, copied into the zoo."""

from __future__ import annotations

import logging
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

from diaphane.engine import bundle as names
from diaphane.engine.bundle import CHECKSUMS, Bundle, open_bundle
from diaphane.train import place
from diaphane.train.export import json_bytes, write_bundle
from diaphane.train.fit import Asked, fit
from diaphane.train.zoo.entries import Entry, entry_of
from diaphane.train.zoo.more import More

log = logging.getLogger(__name__)


def make(entry: Entry, data: Path, out: Path, work: Path) -> None:
    """Trains it, or goes on with it, or takes what was trained; then ships it."""
    bundle = trained(entry, data, work)
    if entry.shipped:
        if entry.needs:
            trained(entry_of(entry.needs), data, work)
        ship(bundle, entry, entry.more(data, work) if entry.more else ({}, ""), out)


def trained(entry: Entry, data: Path, work: Path) -> Bundle:
    """The bundle that its training left in ``work``."""
    folder = work / entry.name
    if not (folder / place.BUNDLE / CHECKSUMS).exists() or (folder / place.PREPARED).exists():  # what is prepared is removed last
        fit(entry.data(data, work), folder, entry.options, _asked(entry, folder, data, work))
    return open_bundle(folder / place.BUNDLE)


def _asked(entry: Entry, folder: Path, data: Path, work: Path) -> Asked:
    plan = tomllib.loads(entry.plan_file.read_text(encoding="utf-8"))
    plan["data"]["name"] = entry.name
    if entry.split and not (folder / place.SPLIT).exists():
        trained(entry_of(entry.split), data, work)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(work / entry.split / place.SPLIT, folder / place.SPLIT)
    init = trained(entry_of(entry.init), data, work) if entry.init else None
    return Asked(overrides=plan, where=entry.plan_file.name, init=init, resume=True)


def ship(bundle: Bundle, entry: Entry, more: More, out: Path) -> None:
    """``bundle`` under the name of its entry: what it does not assess is said, and the card tells more, of its data and where it fails."""
    recipe = replace(bundle.recipe, name=entry.name, not_assessed=entry.not_assessed, caution=entry.caution)
    files = {name: text for name, text in bundle.files.items() if name != names.RECIPE}
    figures, section = more
    made = f"Made by `make train-zoo ONLY={entry.name}`, which is `diaphane train` with the plan `{entry.plan_file.name}`."
    parts = (files[names.CARD].decode(), made, section, entry.words_file.read_text(encoding="utf-8"))
    card = "\n\n".join(part.strip() for part in parts if part) + "\n"
    files |= {names.CARD: card.encode(), names.METRICS: json_bytes({**bundle.json(names.METRICS), **figures})}
    write_bundle(out / entry.name, recipe, files)
    log.info("%s: shipped", entry.name)
