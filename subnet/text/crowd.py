# SPDX-License-Identifier: Apache-2.0
"""What an answer is worth where nobody knows the true one: what the others say as well, each in its own words.

A question of a user has no reference, and whoever asks it may own a miner. So an answer is worth nothing by itself: it
has to agree with the other answers, counted once however many give them, and with a majority of all who were asked, so
that a few who agree among themselves are still a few. What it has in common with the question is taken off, since
whoever repeats the question agrees with all that it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from incentive.arrays import Array
from incentive.attention import Attention, others_reference
from subnet.text.likeness import by_facts

__all__ = ["agreement"]

_LEAST: Final = 2
"""Others that an answer must agree with: two that agree prove nothing but that they are two."""
_RATIO: Final = 3.0
"""How much more an answer may have in common with all others together than with the last of its majority."""
_CLEAR: Final = 0.25
"""Agreement, beyond the question, from which on the crowd is sure; below it everybody is paid less."""
_BEST: Final = 0.45
"""What the best answer is worth, about as in a round with a reference: no miner is to gain or lose by serving users."""


def agreement(ask: Any, texts: Sequence[str], rule: Attention) -> Array:
    """What each of N answers to a query with a `prompt` is worth, from 0 to 1, (N,); nothing for one that is alone."""
    miners, facts = len(texts), by_facts()
    needed = max(_LEAST, miners // 2)  # others, so that these and itself are a majority
    if miners <= needed:
        return np.zeros(miners)
    said = facts.embed(texts)  # (N, d), zero for who is silent
    alike = said @ said.T  # (N, N)
    np.fill_diagonal(alike, -1.0)
    last = np.partition(alike, miners - needed, axis=1)[:, miners - needed]  # (N,) the least alike of its majority
    together = (said * others_reference(said, rule=rule)).sum(axis=1)  # (N,)
    asked = (said @ facts.embed([ask.prompt]).T).ravel()  # (N,)
    beyond = np.maximum(np.minimum(together, _RATIO * last) - asked, 0.0)
    worth: Array = _BEST * beyond / max(float(beyond.max()), _CLEAR)
    return worth
