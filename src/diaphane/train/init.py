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
from diaphane.train.bundles import TRAINING
from diaphane.train.place import INIT

log = logging.getLogger(__name__)


def tables_of(bundle: Bundle) -> dict[str, Any]:
    """The tables ``input`` and ``network`` of the training that made ``bundle``: a network that goes on from it must be built alike.

    Raises:
        UsageError: The bundle does not say how it was trained.
    """
    if TRAINING not in bundle.files:
        raise UsageError(f"the bundle '{bundle.name}' holds no {TRAINING}: --init takes a bundle that diaphane train made")
    try:
        values = tomllib.loads(bundle.files[TRAINING].decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"the bundle '{bundle.name}': {TRAINING} cannot be read ({problem})") from problem
    return {name: values[name] for name in ("input", "network") if name in values}


def kept(init: Bundle | None, out: Path) -> Bundle | None:
    """``init``, copied into the folder of the training, so that it goes on with the same first weights; or the one kept there."""
    place = out / INIT
    if init is not None and not place.exists():
        aside = place.with_name(INIT + PARTIAL)
        with storage(place):
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(init.path, aside)
            os.replace(aside, place)
    return open_bundle(place) if place.exists() else None


def weights_of(bundle: Bundle, member: int) -> Mapping[str, torch.Tensor]:
    """The numbers in one of its networks, by the names that they had in training."""
    members = bundle.members
    graph = onnx.load_from_string(members[member % len(members)]).graph
    return {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}


def start_from(network: nn.Module, bundle: Bundle, fold: int) -> None:
    """Puts the weights of ``bundle`` (of the fold's member, in an ensemble) into ``network``.

    The last layer keeps its own first weights where the number of structures or classes differs, and that is said.

    Raises:
        UsageError: Another weight is missing or of another shape.
    """
    known, own = weights_of(bundle, fold), network.state_dict()
    fitting = {name: known[name] for name, value in own.items() if name in known and known[name].shape == value.shape}
    missing = [name for name in own if name not in fitting]
    if any(not name.startswith("head") for name in missing):
        raise UsageError(f"the bundle '{bundle.name}' has other layers ({missing[0]} is not there or of another shape): --init takes one of the same network")
    if missing:
        log.info("init     the last layer begins anew: '%s' has other structures", bundle.name)
    network.load_state_dict(own | fitting)
