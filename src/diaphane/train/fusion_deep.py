"""Fitting deep fusion: five small networks, each without a fifth of the people; held out, each says how good they are, together they are shipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.fuse.patch import CHANNELS, SIDE, context_rows, patch_of, sample_of
from diaphane.nets.fusion import FusionNetwork
from diaphane.train.export import onnx_bytes
from diaphane.train.fusion_fit import Rows, Scale, blinded
from diaphane.train.fusion_read import Candidates
from diaphane.train.table_families import calibration

EPOCHS, BATCH, RATE, DECAY = 24, 64, 2e-3, 1e-2
NOISE = 0.1
"""Deviation of what is added to the scores."""
BLIND_SHARE = 0.25
"""Of samples whose landmarks are hidden."""


@dataclass(frozen=True, slots=True)
class Deep:
    """What a fit leaves."""

    networks: tuple[bytes, ...]
    """ONNX."""
    held: FloatArray
    """(n,), held-out log-odds, calibrated."""
    slope: float
    offset: float


def fit_deep(rows: Rows, data: Candidates, seed: int) -> tuple[Deep, Scale]:
    """Five networks and the scale of the numbers."""
    scale = Scale.of(rows.raw)
    z, blind = scale.scores(rows.raw), scale.scores(blinded(rows.raw, rows.columns))
    patches = [patch_of(data.rgb(n), c) for n, c in enumerate(data.candidates)]
    samples, hidden = (torch.from_numpy(np.stack([sample_of(p, row) for p, row in zip(patches, of, strict=True)])) for of in (z, blind))
    networks, held = [], np.zeros(len(z))
    for number, (seen, unseen) in enumerate(rows.folds()):
        network = _fitted(samples[seen], hidden[seen], rows.truth[seen], z.shape[1], seed + number)
        held[unseen] = _answers(network, samples[unseen])
        networks.append(onnx_bytes(network, (1, CHANNELS * SIDE + context_rows(z.shape[1]), SIDE)))
    slope, offset = calibration(held[:, None], rows.truth)
    return Deep(tuple(networks), np.asarray(slope * held + offset[0]), slope, float(offset[0])), scale


def _fitted(samples: Tensor, hidden: Tensor, truth: IntArray, numbers: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = FusionNetwork(CHANNELS, SIDE, numbers)
    wanted = torch.from_numpy(truth.astype(np.float32))
    steps = EPOCHS * max(1, len(truth) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    for _ in range(steps):
        chosen = torch.from_numpy(rng.choice(len(truth), size=min(BATCH, len(truth)), replace=False))
        is_blind = torch.from_numpy(rng.random(len(chosen)) < BLIND_SHARE)
        batch = torch.where(is_blind[:, None, None, None], hidden[chosen], samples[chosen]).clone()
        loss = nn.functional.binary_cross_entropy_with_logits(network(_varied(batch, rng))[:, 0], wanted[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return network.eval()


def _varied(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Patches turned by right angles and mirrored, lighter and darker; numbers with noise."""
    rows = CHANNELS * SIDE
    patch = torch.rot90(batch[:, 0, :rows].reshape(-1, CHANNELS, SIDE, SIDE), int(rng.integers(4)), dims=(2, 3))
    if rng.random() < 0.5:
        patch = patch.flip(3)
    gain = torch.from_numpy(rng.uniform(0.8, 1.25, (len(batch), 1, 1, 1)).astype(np.float32))
    seen = torch.cat([patch[:, :-1] * gain, patch[:, -1:]], dim=1)
    batch[:, 0, :rows] = seen.reshape(len(batch), rows, SIDE)
    batch[:, 0, rows:] += NOISE * torch.from_numpy(rng.standard_normal(batch[:, 0, rows:].shape).astype(np.float32))
    return batch


@torch.inference_mode()
def _answers(network: nn.Module, samples: Tensor) -> FloatArray:
    return np.asarray(network(samples)[:, 0].numpy(), float)
