"""A network from your own data: checked, planned, trained, judged on what it never saw, exported.

diaphane train --data DATASET --out DIR
    one network within an hour, a fifth of the data held out; DIR/bundle is then what segment, run and assess take as a bundle
diaphane train --data DATASET --out DIR --folds 5 --minutes 120
    five networks, each validated on its own fifth; DIR/bundle is their ensemble (with --final: one network that learnt from everything)
diaphane train --data DATASET --out DIR --resume
    goes on after a crash or a power cut, from the last two minutes; ends with the same weights
diaphane train --data DATASET --out DIR --network unetplusplus --encoder resnet101
    the networks are unet, unetplusplus, segnet and deeplabv3plus; auto tries those that fit and takes the best
torchrun --nproc-per-node 2 -m diaphane train --data DATASET --out DIR
    several processes, here or on several machines, take the steps of one (docs/distributed.md)
diaphane train --data features.csv --table patients.csv --target malignant --out DIR
    a classifier on features, within minutes: logistic regression, support vector machine or boosted trees, whichever nested cross-validation
    prefers, calibrated; DIR/bundle is then what assess and run take (docs/assess.md)
diaphane train --data CANDIDATES_DIR --method ensemble --out DIR
    a fusion of segmentation and tracked faces: deep, ensemble, svm or hierarchical, or auto, the best of the four held out; DIR/bundle is then what
    diaphane fuse --bundle and [fuse] bundle in a plan take (docs/fuse.md)

DATASET is one of: a folder of the Medical Segmentation Decathlon or of nnU-Net; images/ and masks/ with equal stems, or pairs
side by side; folders named after classes; a CSV with image,mask or image,class; cases that diaphane run made with corrected
labels. Which it is, is found out and said (docs/training.md). With --table it is a features.csv, or a folder of cases that hold some, as diaphane
measure and diaphane run write them; the table has the columns image and COLUMN, and, where they are known, patient (or group), split, age, sex and
network:BUNDLE, which hold probabilities that a network gave for pictures it had not learnt from.

DIR then holds recipe.toml (every value with its reason), split.json, check.csv (what is wrong with which file), fold_K/ (checkpoints,
history.csv, curve.png, predictions.png, bundle/), final/ (of --final: checkpoints, bundle/), predictions/ (label maps of held-out items),
metrics.json, worst.png, bundle/; of a table bundle/, predictions.csv (held out) and left_out.csv.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from diaphane.cli.flags import add_flags, changed
from diaphane.errors import UsageError
from diaphane.train.options import Options

NETWORKS_ONLY = (
    "network",
    "encoder",
    "folds",
    "fold",
    "final",
    "minutes",
    "epochs",
    "batch_size",
    "learning_rate",
    "optimizer",
    "schedule",
    "loss",
    "init",
    "plan",
)
METHODS = ("auto", "deep", "ensemble", "svm", "hierarchical")
TABLES_ONLY = ("target", "label", "leave_out")
INTERRUPTED = "go on with --resume: at most what came after the last checkpoint is done again"
FLAGS = ["network", "encoder", "folds", "fold", "final", "minutes", "epochs", "batch_size", "learning_rate", "optimizer", "schedule", "loss", "seed"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``train``."""
    parser.add_argument("--data", type=Path, required=True, metavar="DATASET", help="folder or CSV with images and their masks or classes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for the training")
    add_flags(parser, Options, FLAGS)
    parser.add_argument("--init", metavar="BUNDLE", help="begin with the weights of a bundle that diaphane train made, not with random ones")
    parser.add_argument("--resume", action="store_true", help="go on with the training in --out from its last checkpoint")
    parser.add_argument("--plan", type=Path, metavar="PLAN.toml", help="values of recipe.toml that are not to be decided: any of its tables and keys")
    parser.add_argument("--method", choices=METHODS, help="of fusion, where DATASET holds candidates.jsonl, tracks.jsonl and truth.json")
    parser.add_argument("--table", type=Path, metavar="TABLE.csv", help="of features: what is true of each image")
    parser.add_argument("--target", metavar="COLUMN", help="the column of the table that is to be told: 0 and 1, or words")
    parser.add_argument("--label", metavar="NAME", help="the structure whose regions are learnt from (default: the only one in the features)")
    parser.add_argument(
        "--leave-out", metavar="NAMES", help="features, families of features or columns of the table that are not to be learnt from, with commas between"
    )


def execute(parsed: argparse.Namespace) -> int:
    """Train; the folder's name is logged."""
    from diaphane.errors import InputError

    if find_spec("torch") is None:
        raise UsageError('training needs torch: pip install "diaphane[train]"')
    # before torch is loaded: threads that wait shall sleep, not spin: beside other programs (load 7 on 2 cores) a step took 2.4 s in place of 6.1
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not parsed.data.exists():
        raise InputError(f"{parsed.data}: no such data set; give a folder or a CSV")
    if parsed.method is not None:
        return _of_fusion(parsed)
    if parsed.table is not None:
        return _of_table(parsed)
    if given := _given(parsed, TABLES_ONLY):
        raise UsageError(f"{given} is for classifiers on features: give --table with it")
    if _is_of_features(parsed.data):
        raise UsageError(f"{parsed.data}: is a table of features: give --table and --target, which say what is true of each image")
    from diaphane.engine.bundle import open_bundle
    from diaphane.train.fit import Asked, fit

    init = open_bundle(parsed.init) if parsed.init else None
    asked = Asked(overrides=_tables(parsed.plan), where=parsed.plan.name if parsed.plan else "--plan", init=init, resume=parsed.resume)
    fit(parsed.data, parsed.out, changed(Options(), parsed, FLAGS), asked)
    return 0


def _of_fusion(parsed: argparse.Namespace) -> int:
    """Fit a fusion."""
    from diaphane.train.fusion import fit_fusion

    if given := _given(parsed, (*NETWORKS_ONLY, "table", *TABLES_ONLY)) or ("--resume" if parsed.resume else ""):
        raise UsageError(f"{given} does not go with --method, which fits a fusion: leave one of them out")
    fit_fusion(parsed.data, parsed.method, parsed.out, _seed(parsed))
    return 0


def _seed(parsed: argparse.Namespace) -> int:
    seed = Options().seed if parsed.seed is None else int(parsed.seed)
    if seed < 0:
        raise UsageError(f"--seed must be at least 0, got {seed}")
    return seed


def _of_table(parsed: argparse.Namespace) -> int:
    """Fit a classifier on features."""
    from diaphane.train.table_fit import fit_table

    if given := _given(parsed, NETWORKS_ONLY) or ("--resume" if parsed.resume else ""):
        raise UsageError(f"{given} is for networks: leave it out where --table is given")
    if not parsed.target:
        raise UsageError("--table needs --target, the column that is to be told")
    if parsed.data.is_file() and parsed.data.suffix.lower() != ".csv":
        raise UsageError(f"{parsed.data}: --table takes features as --data: a features.csv, or a folder of cases")
    seed = _seed(parsed)
    left_out = tuple(name.strip() for name in (parsed.leave_out or "").split(",") if name.strip())
    fit_table(parsed.data, parsed.table, parsed.target, parsed.out, label=parsed.label or "", left_out=left_out, seed=seed)
    return 0


def _is_of_features(data: Path) -> bool:
    """Whether it begins as what ``diaphane measure`` writes."""
    from diaphane.core.region import COLUMNS
    from diaphane.core.storage import reading

    if not data.is_file():
        return False
    with reading(data), data.open("rb") as file:
        return file.read(1000).lstrip(b"\xef\xbb\xbf").startswith(",".join(COLUMNS).encode())


def _given(parsed: argparse.Namespace, names: tuple[str, ...]) -> str:
    """The first of these flags that was given."""
    return next((f"--{name.replace('_', '-')}" for name in names if getattr(parsed, name) is not None), "")


def _tables(plan: Path | None) -> dict[str, Any]:
    """What a TOML file says; nothing without one."""
    if plan is None:
        return {}
    try:
        return tomllib.loads(plan.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{plan}: the plan cannot be read ({problem.strerror})") from problem
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{plan}: not TOML ({problem})") from problem
