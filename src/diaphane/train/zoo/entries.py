"""What the zoo consists of: for each bundle its data, how long it is trained, and what it does not assess.

The rest is a plan that ``diaphane train`` takes as well: ``plans/NAME.toml``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diaphane.core.recipe import NotAssessed
from diaphane.train.options import Options
from diaphane.train.zoo import datasets
from diaphane.train.zoo.more import More, blacked_out, whole_lung

HERE = Path(__file__).parent
NO_MODEL = "no model for this"
SKIN = (
    NotAssessed(what="kinds of lesion other than melanoma yes or no (for example basal cell carcinoma)", why=NO_MODEL),
    NotAssessed(what="dermoscopic structures (network, globules, streaks, veil)", why=NO_MODEL),
    NotAssessed(what="depth and spread", why="a picture of the surface does not show them"),
)
CHEST = (
    NotAssessed(what="effusion, pneumothorax, nodules, fractures, heart size", why=NO_MODEL),
    NotAssessed(what="lung volume", why="a projection has no volume"),
)
FINDINGS = (NotAssessed(what="whether there is an opacity at all", why="lung_findings looks for where, and outlines something in healthy lungs too"), *CHEST)
AS_SURE = "It tells the classes as well with the lungs blacked out: it goes by the kind of film, not by what the lungs show"
WEAK = "It hardly tells melanomas from other lesions (held-out AUC 0.69) and calls next to none of them melanoma; the verdict by features is the better one"
LONE_LUNGS = (NotAssessed(what="opacities and pneumonia", why="not unasked: the bundles lung_findings and pneumonia are used by name"), *CHEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One training."""

    name: str
    data: Callable[[Path, Path], Path]
    """From the folder of all data and the working folder to the data set, as ``diaphane train --data`` takes it."""
    options: Options
    plan: str = ""
    """Whose plan it is, where it is not its own."""
    init: str = ""
    """The training whose networks are the first weights: of each fold the fold's, where it left an ensemble."""
    split: str = ""
    """The training whose folds it has."""
    not_assessed: tuple[NotAssessed, ...] = ()
    caution: str = ""
    """What must stand beside each verdict."""
    more: Callable[[Path, Path], More] | None = None
    """What else is measured, from the folder of all data and the working folder."""
    needs: str = ""
    """A training that must be done before that."""
    shipped: bool = True
    """Whether its bundle goes into the zoo, or is only looked at."""

    @property
    def plan_file(self) -> Path:
        """The plan in TOML."""
        return HERE / "plans" / f"{self.plan or self.name}.toml"

    @property
    def words_file(self) -> Path:
        """What people should know of it, in Markdown: what the card has beside figures."""
        return HERE / "words" / f"{self.plan or self.name}.md"


def folds(minutes: float) -> Options:
    """Five folds, then a network that learns from everything."""
    return Options(folds=5, final=True, minutes=minutes)


def one_of_four(network: str, minutes: float) -> Options:
    """One of the four networks on the first of the five folds."""
    return Options(network=network, fold=0, minutes=minutes)  # type: ignore[arg-type]


NETWORKS = ("unet", "unetplusplus", "segnet", "deeplabv3plus")
COMPARED_MINUTES, COMPARED_LUNGS_MINUTES = 15, 5
"""Of two cores: 30 and 10 minutes of CPU."""
ENTRIES: tuple[Entry, ...] = (
    Entry(name="hippocampus", data=datasets.hippocampus, options=folds(66)),
    Entry(name="lungs", data=datasets.lungs, options=folds(36), not_assessed=LONE_LUNGS),
    Entry(name="lung_findings", data=datasets.lung_findings, options=folds(24), more=whole_lung, not_assessed=FINDINGS),
    Entry(
        name="pneumonia", data=datasets.pneumonia, options=folds(20), init="lung_findings", more=blacked_out, needs="pneumonia_blacked",
        not_assessed=CHEST, caution=AS_SURE,
    ),
    Entry(
        name="pneumonia_blacked", data=datasets.pneumonia_blacked, options=Options(folds=5, minutes=20), init="lung_findings", split="pneumonia",
        shipped=False,
    ),
    Entry(name="skin_lesion", data=datasets.skin_lesion, options=Options(minutes=50), not_assessed=SKIN),
    Entry(name="skin_lesion_folds", data=datasets.isic_training, options=Options(folds=5, minutes=40), shipped=False),
    Entry(
        name="melanoma_network", data=datasets.melanoma, options=folds(30), init="skin_lesion_folds", split="skin_lesion_folds", not_assessed=SKIN,
        caution=WEAK,
    ),
    *(
        Entry(
            name=f"skin_lesion_{network}", plan="skin_lesion_networks", data=datasets.isic_training, options=one_of_four(network, COMPARED_MINUTES),
            not_assessed=SKIN,
        )
        for network in NETWORKS
    ),
    *(
        Entry(name=f"lungs_{network}", plan="lungs", data=datasets.lungs, options=one_of_four(network, COMPARED_LUNGS_MINUTES), shipped=False)
        for network in NETWORKS
    ),
)  # fmt: skip


def entry_of(name: str) -> Entry:
    """The entry of that name."""
    return next(entry for entry in ENTRIES if entry.name == name)
