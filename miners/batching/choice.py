# SPDX-License-Identifier: Apache-2.0
"""Which token comes next, for all rows at once.

A row's choice depends on its own scores, settings and random number, never on who else is in the batch. The random
number comes from the row's own generator, so an answer can be drawn again from its seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

from protocols.model import Sampling

__all__ = ["choose"]

_NUCLEUS: Final = 256
"""So many of the likeliest nearly always hold what `top_p` asks for, and spare sorting the whole vocabulary."""


def choose(logits: torch.Tensor, samplings: Sequence[Sampling], draws: Sequence[float]) -> list[int]:
    """A token for each row, (N, V) -> N; `draws` are uniform in [0, 1) and unused where the likeliest is taken."""
    best = _best(logits)
    plain, cut = list[int](), list[int]()
    for row, sampling in enumerate(samplings):
        if sampling.temperature > 0.0:
            (cut if sampling.top_k or sampling.top_p < 1.0 else plain).append(row)
    for rows, draw in ((plain, _from_all), (cut, _from_likeliest)):
        if rows:
            heat = logits.new_tensor([samplings[row].temperature for row in rows], dtype=torch.float32)
            u = logits.new_tensor([draws[row] for row in rows], dtype=torch.float64)
            drawn = draw(logits[rows].float() / heat[:, None], u, [samplings[row] for row in rows])
            for row, token in zip(rows, drawn.tolist(), strict=True):
                best[row] = token
    return best


def _best(logits: torch.Tensor) -> list[int]:
    is_plain = logits.device.type == "cpu" and logits.dtype == torch.float32
    # On a processor numpy compares many numbers at once, torch one by one: a tenth of the time.
    best: list[int] = (logits.numpy() if is_plain else logits).argmax(-1).tolist()
    return best


def _from_all(scores: torch.Tensor, u: torch.Tensor, _: Sequence[Sampling]) -> torch.Tensor:
    return _inverse(scores.softmax(-1), u)


def _from_likeliest(scores: torch.Tensor, u: torch.Tensor, samplings: Sequence[Sampling]) -> torch.Tensor:
    size = scores.shape[-1]
    k = torch.tensor([sampling.top_k or size for sampling in samplings], device=scores.device).clamp(max=size)
    p = scores.new_tensor([sampling.top_p for sampling in samplings])
    count = min(size, max(_NUCLEUS, *(sampling.top_k for sampling in samplings)))
    probabilities, tokens, enough = _likeliest(scores, k, p, count)
    if not enough:
        probabilities, tokens, _ = _likeliest(scores, k, p, size)
    return tokens.gather(-1, _inverse(probabilities, u)[:, None])[:, 0]


def _likeliest(
    scores: torch.Tensor, k: torch.Tensor, p: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """The likeliest tokens, falling, nought where `k` or `p` leaves them out, and whether `count` of them suffice."""
    values, tokens = scores.topk(count, -1)
    values = values.masked_fill(torch.arange(count, device=scores.device) >= k[:, None], -torch.inf)
    whole = torch.where(k < scores.shape[-1], values.logsumexp(-1), scores.logsumexp(-1))
    probabilities = (values - whole[:, None]).exp()
    sums = probabilities.cumsum(-1)
    enough = (k <= count) | (sums[:, -1] >= p)
    return probabilities * (sums - probabilities < p[:, None]), tokens, bool(enough.all())


def _inverse(probabilities: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Where the running sum passes u, (N,); what has no probability is never chosen."""
    sums = probabilities.double().cumsum(-1)
    at = torch.searchsorted(sums, (u * sums[:, -1])[:, None], right=True)[:, 0]
    # Rounding may leave u at the very end, behind the last token that has any probability.
    last = (probabilities > 0).long().cumsum(-1).argmax(-1)
    return torch.minimum(at, last)
