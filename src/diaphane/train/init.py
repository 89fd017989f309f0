"""The first weights from another bundle: fine-tuning."""

from __future__ import annotations

import logging
import os
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from diaphane.core.storage import PARTIAL, storage
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import UsageError
from diaphane.nets.classifier import Classifier
from diaphane.train.bundles import TRAINING
from diaphane.train.dataset import Task
from diaphane.train.place import INIT

MIRRORED = "network."
"""Before the names of the weights of a network that also looks in the mirror."""
log = logging.getLogger(__name__)


def built_as(bundle: Bundle) -> dict[str, Any]:
    """The tables ``input`` and ``network`` of the training that made ``bundle``: a network that goes on from it must be built alike."""
    return {name: table_of(bundle, name) for name in ("input", "network")}


def table_of(bundle: Bundle, name: str) -> dict[str, Any]:
    """The table ``name`` of the training that made ``bundle``, empty where it has none.

    Raises:
        UsageError: The bundle does not say how it was trained.
    """
    if TRAINING not in bundle.files:
        raise UsageError(f"the bundle '{bundle.name}' holds no {TRAINING}: --init takes a bundle that diaphane train made")
    try:
        values = tomllib.loads(bundle.files[TRAINING].decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"the bundle '{bundle.name}': {TRAINING} cannot be read ({problem})") from problem
    return dict(values.get(name, {}))


def kept(init: Bundle | None, out: Path, *, goes_on: bool) -> Bundle | None:
    """``init``, copied into the folder of the training; of one that goes on, what was copied there when it began.

    Raises:
        UsageError: A training that goes on was begun with other first weights than ``init``.
    """
    place = out / INIT
    if goes_on:
        there = open_bundle(place) if place.exists() else None
        if init is not None and (there is None or there.weights_sha256 != init.weights_sha256):
            begun = "without --init" if there is None else f"with other weights ('{there.name}')"
            raise UsageError(f"{out}: was begun {begun}: leave --init out to go on, or give --out a new folder")
        return there
    with storage(place):
        shutil.rmtree(place, ignore_errors=True)
        if init is not None:
            aside = place.with_name(INIT + PARTIAL)
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(init.path, aside)
            os.replace(aside, place)
    return init


def with_tables(init: Bundle | None, overrides: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """``overrides``, and what they leave open of the tables that made ``init``; where a network for classes looked is nothing for masks."""
    tables = built_as(init) if init else {}
    if task == "segment":
        tables.get("input", {}).pop("around", None)
    both = {name: {**tables[name], **overrides.get(name, {})} for name in tables}
    return {**overrides, **both}


def weights_of(bundle: Bundle, member: int) -> Mapping[str, torch.Tensor]:
    """The numbers in one of its networks, by the names that they had in training."""
    members = bundle.members
    graph = onnx.load_from_string(members[member % len(members)]).graph
    stored = {tensor.name.removeprefix(MIRRORED): torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    return {name: value.float() if value.dtype == torch.float16 else value for name, value in stored.items()}


def start_from(network: nn.Module, bundle: Bundle, fold: int) -> None:
    """Puts the weights of ``bundle`` (of the fold's member, in an ensemble) into ``network``.

    What the bundle has not keeps its own first weights, and that is said: the last layer where structures or classes differ, what
    was pruned from a UNet++. A network for classes takes the encoder alone.

    Raises:
        UsageError: Neither has all that the other has: they are built otherwise.
    """
    known, own = weights_of(bundle, fold), network.state_dict()
    fitting = {name: known[name] for name, value in own.items() if name in known and known[name].shape == value.shape}
    missing, unused = ([name for name in names if name not in fitting and not name.startswith("head")] for names in (own, known))
    if missing and unused:
        raise UsageError(f"the bundle '{bundle.name}' has other layers ({missing[0]} is not there or of another shape): --init takes one of the same network")
    if len(fitting) < len(own):
        log.info("init     %d of %d weights come from '%s'; the others begin anew", len(fitting), len(own), bundle.name)
    network.load_state_dict(own | fitting)
    if isinstance(network, Classifier):
        network.settled = all(name in fitting for name in own if name.startswith("head"))
