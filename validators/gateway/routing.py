# SPDX-License-Identifier: Apache-2.0
"""Whom to ask for a user: two of the best by chance, and of these the one that will answer sooner.

The best alone would be flooded, and a draw by score alone would wait on the slow; of two the better one is enough to
keep loads even. A small share goes to miners without a score, drawn by coldkey, so that whoever registers many hotkeys
gets no more of it than others. Nothing here waits, reads a clock or draws but from the `rng` that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from protocols.types import Coldkey, Hotkey

__all__ = ["Candidate", "Condition", "pick"]

_GOOD: Final = 0.5
"""Who has this share of the best score is among the best."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A miner that can be reached, whose it is, and what it has earned."""

    hotkey: Hotkey
    coldkey: Coldkey
    score: float


@dataclass(frozen=True, slots=True)
class Condition:
    """How a miner stands at this moment."""

    under_way: int = 0
    """Questions of users that it has."""
    typical_s: float = 1.0
    """How long it usually takes."""
    rests_s: float = 0.0
    """How long it is still to be left alone."""
    is_free: bool = True
    """Whether it can be asked without waiting for other questions of ours."""

    @property
    def cost(self) -> float:
        """About when it would answer one question more."""
        return (self.under_way + 1) * self.typical_s


def pick(
    candidates: Sequence[Candidate],
    condition: Callable[[Hotkey], Condition],
    tried: Collection[Hotkey],
    explore: float,
    rng: np.random.Generator,
) -> Hotkey | None:
    """Whom to ask next, or None where everybody has been; who rests is asked only where nobody else is left."""
    left = [(one, condition(one.hotkey)) for one in candidates if one.hotkey not in tried]
    if not left:
        return None
    awake = [pair for pair in left if not pair[1].rests_s]
    if not awake:
        return min(left, key=lambda pair: pair[1].rests_s)[0].hotkey
    ready = [pair for pair in awake if pair[1].is_free] or awake
    known = [pair for pair in ready if pair[0].score > 0.0]
    new = [pair for pair in ready if not pair[0].score > 0.0]
    # Only where others can still be asked after it, and before anybody was.
    if known and new and not tried and rng.random() < explore:
        return _newcomer([one for one, _ in new], rng)
    return _sooner(_best(known) if known else new, rng)


def _best(known: list[tuple[Candidate, Condition]]) -> list[tuple[Candidate, Condition]]:
    """Those near the best score, and never fewer than two where there are two."""
    ordered = sorted(known, key=lambda pair: (-pair[0].score, pair[0].hotkey))
    good = [pair for pair in ordered if pair[0].score >= _GOOD * ordered[0][0].score]
    return good if len(good) > 1 else ordered[:2]


def _sooner(pairs: list[tuple[Candidate, Condition]], rng: np.random.Generator) -> Hotkey:
    weights = np.array([one.score for one, _ in pairs])
    chances = weights / weights.sum() if weights.sum() > 0.0 else None
    drawn: list[int] = rng.choice(len(pairs), size=min(2, len(pairs)), replace=False, p=chances).tolist()
    return min((pairs[at] for at in drawn), key=lambda pair: pair[1].cost)[0].hotkey


def _newcomer(new: list[Candidate], rng: np.random.Generator) -> Hotkey:
    owners = sorted({one.coldkey for one in new})
    owner = owners[int(rng.integers(len(owners)))]
    own = sorted(one.hotkey for one in new if one.coldkey == owner)
    return own[int(rng.integers(len(own)))]
