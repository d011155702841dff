# SPDX-License-Identifier: Apache-2.0
"""Who answers like whom, over many queries.

One cosine cannot tell a paraphrase from an honest answer: both agree with the truth. What two miners get wrong can.
The residuals of independent miners are uncorrelated, those of a copier follow its victim's, query after query. So the
similarity of residuals is kept for every pair, by hotkey: places on a subnet change hands, identities do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Flags, Ints, finite, sized
from incentive.attention.kernels import unit_rows
from protocols.errors import OutOfRange, WrongShape

__all__ = ["SimilarityTracker"]


class SimilarityTracker:
    """The window similarity S-bar of miners, known by hotkey, at most `capacity` of them.

    tracker.update(hotkeys, embeddings, reference)      # each query, whoever was asked together
    attention_reward(embeddings, quality, window=tracker.matrix(hotkeys), rule=Attention.windowed())

    A pair's similarity is the mean of its first 1/eta queries, and from then on forgets at the rate `eta`. It is
    shrunk by n / (n + n0): of a pair that was asked together n times, few queries prove little. Beyond the capacity
    whoever was asked least recently is forgotten.
    """

    def __init__(self, *, eta: float = 0.05, n0: float = 8.0, capacity: int = 1024) -> None:
        if not 0.0 < eta <= 1.0:
            raise OutOfRange(f"eta is {eta}, expected above 0 and at most 1")
        if not 0.0 <= n0 < np.inf:
            raise OutOfRange(f"n0 is {n0}, expected 0 or more")
        if capacity < 1:
            raise OutOfRange(f"capacity is {capacity}, expected 1 or more")
        self._eta, self._n0, self._capacity = eta, n0, capacity
        self._slot: dict[str, int] = {}  # least recently asked first
        self._free: list[int] = []
        self._similarity: Array = np.zeros((0, 0))
        self._pairs: Ints = np.zeros((0, 0), dtype=np.int64)

    @property
    def hotkeys(self) -> tuple[str, ...]:
        """Those it remembers, the least recently asked first."""
        return tuple(self._slot)

    def update(self, hotkeys: Sequence[str], embeddings: npt.ArrayLike, reference: npt.ArrayLike) -> None:
        """Take in the answers (N, d) to one query and its reference (d,), or `crowd_reference` where there is none.

        An answer that is the reference itself has no residual, and tells nothing about its pairs.
        """
        x = unit_rows("embeddings", embeddings)
        e = unit_rows("reference", np.atleast_2d(finite("reference", reference)))  # (1, d)
        if len(x) != len(hotkeys) or e.shape != (1, x.shape[1]):
            raise WrongShape(f"{len(hotkeys)} hotkeys, embeddings {x.shape} and a reference {e.shape} do not fit")
        slots = self._admit(hotkeys)
        residuals, tells = _residuals(x.astype(np.float64, copy=False), e[0], float(np.finfo(x.dtype).eps))
        asked = slots[tells]
        block = np.ix_(asked, asked)
        count = self._pairs[block] + 1
        agreement = np.clip(residuals[tells] @ residuals[tells].T, -1.0, 1.0)
        step = np.maximum(self._eta, 1.0 / count)
        self._similarity[block] += step * (agreement - self._similarity[block])
        self._pairs[block] = count

    def matrix(self, hotkeys: Sequence[str]) -> Array:
        """S-bar (N, N) for these miners in this order: 1 with itself, 0 with whoever was never asked together."""
        slots = self._slots(hotkeys)
        known = np.flatnonzero(slots >= 0)
        block = np.ix_(slots[known], slots[known])
        n = self._pairs[block].astype(np.float64)
        trust = np.divide(n, n + self._n0, out=np.zeros_like(n), where=n > 0.0)
        similar = np.eye(len(hotkeys))
        similar[np.ix_(known, known)] = np.clip(self._similarity[block] * trust, -1.0, 1.0)
        np.fill_diagonal(similar, 1.0)
        return similar

    def pairs(self, hotkeys: Sequence[str]) -> Ints:
        """How often each two were compared, (N, N)."""
        slots = self._slots(hotkeys)
        known = np.flatnonzero(slots >= 0)
        counts = np.zeros((len(hotkeys), len(hotkeys)), dtype=np.int64)
        counts[np.ix_(known, known)] = self._pairs[np.ix_(slots[known], slots[known])]
        np.fill_diagonal(counts, 0)
        return counts

    def forget(self, hotkey: str) -> None:
        """Drop a miner, for example one that left the subnet; whoever is not known is forgotten already."""
        slot = self._slot.pop(hotkey, None)
        if slot is not None:
            self._free.append(slot)
            for kept in (self._similarity, self._pairs):
                kept[slot, :] = 0
                kept[:, slot] = 0

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON: each pair once, row by row above the diagonal."""
        slots = self._slots(self.hotkeys)
        above = np.triu_indices(len(slots), 1)
        block = np.ix_(slots, slots)
        return {
            "eta": self._eta,
            "n0": self._n0,
            "capacity": self._capacity,
            "hotkeys": list(self.hotkeys),
            "similarity": self._similarity[block][above].tolist(),
            "pairs": self._pairs[block][above].tolist(),
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """The tracker that `to_dict` described."""
        tracker = cls(eta=state["eta"], n0=state["n0"], capacity=state["capacity"])
        slots = tracker._admit(state["hotkeys"])
        above = np.triu_indices(len(slots), 1)
        similarity = sized("similarity", finite("similarity", state["similarity"]), len(above[0]))
        pairs = sized("pairs", finite("pairs", state["pairs"]), len(above[0]))
        if np.abs(similarity).max(initial=0.0) > 1.0 or pairs.min(initial=0.0) < 0.0:
            raise OutOfRange("similarity or pairs is out of range, expected -1 to 1 and 0 or more")
        for i, j in (above, above[::-1]):
            tracker._similarity[slots[i], slots[j]] = similarity
            tracker._pairs[slots[i], slots[j]] = pairs.astype(np.int64)
        return tracker

    def _slots(self, hotkeys: Sequence[str]) -> Ints:
        if len(set(hotkeys)) != len(hotkeys):
            twice = next(hotkey for place, hotkey in enumerate(hotkeys) if hotkey in hotkeys[:place])
            raise WrongShape(f"hotkey {twice!r} is named {list(hotkeys).count(twice)} times, expected once")
        return np.array([self._slot.get(hotkey, -1) for hotkey in hotkeys], dtype=np.int64)

    def _admit(self, hotkeys: Sequence[str]) -> Ints:
        if len(hotkeys) > self._capacity:
            raise OutOfRange(f"{len(hotkeys)} hotkeys exceed the capacity {self._capacity}", help="raise capacity=")
        known = self._slots(hotkeys) >= 0
        for hotkey in np.asarray(hotkeys, dtype=object)[known]:
            self._slot[hotkey] = self._slot.pop(hotkey)  # to the end: most recently asked
        for hotkey in np.asarray(hotkeys, dtype=object)[~known]:
            if len(self._slot) == self._capacity:
                self.forget(next(iter(self._slot)))
            if not self._free:
                self._grow()
            self._slot[hotkey] = self._free.pop()
        return self._slots(hotkeys)

    def _grow(self) -> None:
        size = len(self._similarity)
        more = min(max(size, 16), self._capacity - size)
        self._similarity = np.pad(self._similarity, (0, more))
        self._pairs = np.pad(self._pairs, (0, more))
        self._free.extend(reversed(range(size, size + more)))


def _residuals(x: Array, e: npt.NDArray[np.floating], eps: float) -> tuple[Array, Flags]:
    """What is left of each unit row across e, at length 1, and whether it is more than rounding."""
    across = x - np.outer(x @ e, e)  # (N, d)
    length = np.sqrt(np.square(across).sum(axis=1, keepdims=True))
    tells = length[:, 0] > np.sqrt(eps)
    return np.divide(across, length, out=np.zeros_like(across), where=tells[:, None]), tells
