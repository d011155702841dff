# SPDX-License-Identifier: Apache-2.0
"""Vectors of texts: the mean of a transformer's last hidden states over the tokens that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from protocols.columns import Floats

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Pooling"]


class Pooling:
    """An encoder that makes one vector of a text."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model

    def __call__(self, texts: list[Sequence[int]]) -> Floats:
        """A vector for each text, given as tokens, (N, D); nought for a text without any."""
        longest = max(1, *(len(ids) for ids in texts))
        padded = [[*ids, *[0] * (longest - len(ids))] for ids in texts]
        device = self._model.device
        ids = torch.tensor(padded, device=device)
        there = torch.tensor([[at < len(ids) for at in range(longest)] for ids in texts], device=device)
        states = self._model(input_ids=ids, attention_mask=there.long()).last_hidden_state
        # Chosen, not multiplied: what stands where nothing is may be NaN.
        sums = torch.where(there[:, :, None], states, 0.0).sum(1)
        means = sums / there.sum(1, keepdim=True).clamp(min=1)
        return np.asarray(means.float().cpu().numpy(), dtype=np.float64)
