"""Deep fusion: a candidate's patch and its numbers, joined by attention and a gate.

The numbers ask, the places of the patch answer (cross attention); a gate then shares each feature between what was seen and what is known.

Source: Vaswani et al., Attention Is All You Need, NeurIPS 2017; Arevalo et al., Gated Multimodal Units, ICLR workshop 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (16, 24, 48)


class FusionNetwork(nn.Module):
    """(batch, 1, rows, side) in, as ``fuse.patch.sample_of`` lays it out: channels of the patch, then the numbers; (batch, 1) log-odds out."""

    def __init__(self, channels: int, side: int, numbers: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.channels, self.side, self.numbers = channels, side, numbers
        inner = WIDTHS[-1]
        blocks: list[nn.Module] = []
        for before, after in zip((channels, *WIDTHS[:-1]), WIDTHS, strict=True):
            blocks += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.InstanceNorm2d(after, affine=True), nn.ReLU()]
        self.patch = nn.Sequential(*blocks)
        self.context = nn.Sequential(nn.Linear(numbers, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, inner), nn.ReLU())
        self.key, self.value = nn.Conv2d(inner, inner, 1), nn.Conv2d(inner, inner, 1)
        self.ask = nn.Linear(inner, inner)
        self.gate = nn.Linear(2 * inner, 2 * inner)
        self.seen, self.known = nn.Linear(inner, inner), nn.Linear(inner, inner)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(inner, 1))

    def forward(self, sample: Tensor) -> Tensor:
        """Log-odds that it is a lesion."""
        rows = self.channels * self.side
        places = self.patch(sample[:, :, :rows].reshape(-1, self.channels, self.side, self.side))
        context = self.context(sample[:, :, rows:].flatten(1)[:, : self.numbers])
        answer = self._answer(places, context)
        shares = torch.softmax(self.gate(torch.cat([answer, context], dim=1)).reshape(-1, 2, WIDTHS[-1]), dim=1)
        both = torch.cat([torch.relu(self.seen(answer)).unsqueeze(1), torch.relu(self.known(context)).unsqueeze(1)], dim=1)
        logits: Tensor = self.head((shares * both).mean(dim=1))
        return logits

    def _answer(self, places: Tensor, context: Tensor) -> Tensor:
        """(batch, feature): the values of the places, each weighed by how its key goes with what the context asks; sums are means times their count."""
        keys, values = self.key(places).flatten(2), self.value(places).flatten(2)
        fit = (self.ask(context).unsqueeze(2) * keys).mean(dim=1, keepdim=True) * WIDTHS[-1] ** 0.5
        count = (self.side // 2 ** len(WIDTHS)) ** 2
        answer: Tensor = (torch.softmax(fit, dim=2) * values).mean(dim=2) * count
        return answer
