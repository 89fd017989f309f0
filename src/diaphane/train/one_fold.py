"""One fold: trained, judged through its own bundle on what it never saw, and exported."""

from __future__ import annotations

import logging
from dataclasses import replace

from torch import nn

from diaphane.core.storage import write_whole
from diaphane.engine import bundle as names
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.nets.cost import cost
from diaphane.nets.unetplusplus import UNetPlusPlus
from diaphane.train import place
from diaphane.train.build import build
from diaphane.train.bundles import model_recipe, network_file, output_limits, output_texts, write_fold
from diaphane.train.card import card
from diaphane.train.checkpoint import Progress, read_weights
from diaphane.train.curves import learning_curve
from diaphane.train.distribute import ALONE, Peers
from diaphane.train.export import json_bytes
from diaphane.train.init import start_from
from diaphane.train.judge import Exported, Judged, by_name, judged
from diaphane.train.look import Look
from diaphane.train.loop import BEST, train
from diaphane.train.pilot import batches_of
from diaphane.train.prune import pruned
from diaphane.train.scores import document, shared
from diaphane.train.sheets import sheet
from diaphane.train.work import Fold, Work

log = logging.getLogger(__name__)
CURVE, SHEET = "curve.png", "predictions.png"


def train_fold(fold: int, work: Work, init: Bundle | None, peers: Peers = ALONE) -> Judged:
    """Leaves ``fold_K/`` in ``out``: checkpoints, history, learning curve, a sheet of predictions, the bundle. Gives its held-out results.

    What is there is kept: checkpoints are gone on from, predictions are made again.
    """
    recipe, checked, out = work.recipe, work.checked, work.out
    folder, title = work.folder(fold), work.title(fold)
    network, progress = trained(fold, work, init, peers)
    read_weights(folder / BEST, network)
    network, exported = _cut(network, fold, work)
    metric = Look(work.arrays, work.validation(fold), recipe).metric
    log.info("%-8s best %s %.3f after %d of %d steps, %.1f minutes", title, metric, progress.best, progress.best_step, progress.step, progress.minutes)
    write_whole(folder / CURVE, learning_curve(progress.history, f"{recipe.data.name}, {title}", metric))
    onnx, model = network_file(network, recipe), model_recipe(recipe)
    write_fold(folder / place.BUNDLE, model, onnx, work.texts)
    found = judged(open_bundle(folder / place.BUNDLE), by_name(checked, work.validation(fold)), checked, out / place.PREDICTIONS)
    found.networks = [exported]
    metrics = document(found, checked)
    files = {
        **work.texts,
        names.METRICS: json_bytes(shared(metrics)),
        names.CARD: card(work, metrics, found.networks, fold=fold).encode(),
        **output_texts(found.shapes, checked.dataset.items, recipe.loop.seed),
    }
    write_fold(folder / place.BUNDLE, replace(model, limits=output_limits(found.sizes)), onnx, files)
    write_whole(folder / SHEET, sheet(found.shown, f"{title}: held-out items, worst first"))
    return found


def _cut(network: nn.Module, fold: int, work: Work) -> tuple[nn.Module, Exported]:
    """The network as validation leaves it, and what that is."""
    cut = pruned(network, Look(work.arrays, work.validation(fold), work.recipe))
    depths = [max(map(int, one.heads)) for one in (cut, network) if isinstance(one, UNetPlusPlus)]
    depth = None if cut is network else (depths[0], depths[1])
    return cut, Exported(cost(cut, work.recipe.input.tensor_shape), depth)


def train_final(work: Work, init: Bundle | None, peers: Peers = ALONE) -> Exported:
    """Leaves ``final/`` in ``out``, likewise: a network that learnt from everything, so that nothing is left to judge it on."""
    recipe, folder = work.recipe, work.folder(None)
    network, progress = trained(None, work, init, peers)
    read_weights(folder / BEST, network)
    log.info("%-8s learnt from all %d items, %d steps, %.1f minutes", work.title(None), len(work.training(None)), progress.step, progress.minutes)
    write_fold(folder / place.BUNDLE, model_recipe(recipe), network_file(network, recipe), work.texts)
    return Exported(cost(network, recipe.input.tensor_shape))


def trained(fold: Fold, work: Work, init: Bundle | None, peers: Peers = ALONE) -> tuple[nn.Module, Progress]:
    """The network after its last step, and how it went; goes on from the last checkpoint."""
    recipe = work.recipe
    network, number = build(recipe, work.number(fold)), work.number(fold)
    if init is not None:
        start_from(network, init, number)
    batches = batches_of(work.arrays, work.training(fold), recipe, number, peers)
    look = Look(work.arrays, work.validation(fold), recipe)
    digest = f"{work.digest}-{number}"
    return network, train(network, batches, work.loop(fold), look, work.folder(fold), recipe=digest, resume=True, title=work.title(fold), peers=peers)
