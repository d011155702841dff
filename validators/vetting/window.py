# SPDX-License-Identifier: Apache-2.0
"""Which miners' answers were alike, and whose was here first, over the rounds in which both were asked.

Two honest miners may agree now and then; a copier agrees with its victim most of the time. So each pair has its last
rounds as bits, by hotkey and registration. Only pairs that were alike lately are kept: all others are no copies,
however often they met, and so most networks need a few hundred bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from protocols.columns import Flags, Ints
from protocols.metagraph import Metagraph
from protocols.types import Block, Hotkey

__all__ = ["LONGEST", "Meeting", "Pairs", "SEVERAL", "Window"]

Pairs: TypeAlias = npt.NDArray[Any]
"""A row for each pair; the fields are those of `_PAIR`."""

LONGEST: Final = 64
"""The most rounds that a pair's bits can hold."""
SEVERAL: Final = 8
"""Rounds together before anybody is held for a copier, or for the first."""
_MOST: Final = 0.75
"""The part of these in which copies are alike. Of three answers that are possible, honest miners share a third."""
_SUSPECT: Final = 0.5
"""The part from which two are asked together; an honest pair that was alike by chance is soon below it."""

_VERSION: Final = 1
_PAIR: Final = np.dtype(
    [
        ("one", "<u4"),  # places in `hotkeys`, the smaller one first
        ("other", "<u4"),
        ("shared", "u1"),  # rounds since they were first alike in which both answered, at most the window's length
        ("alike", "<u8"),  # in which of these they were alike, the newest in the lowest bit
        ("first", "<u8"),  # in which of those `one` was here before `other`
        ("second", "<u8"),  # and in which `other` was; where clocks disagree, neither
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """One round as pairs see it: who gave an answer, by uid, and of each two of these how they compare."""

    uids: Ints  # (K,)
    alike: Flags  # (K, K), symmetric
    sooner: Flags  # (K, K): the one was here before the other

    @property
    def telling(self) -> Flags:
        """Where a pair learns something, (K, K): two who say what more than half of all say learn nothing."""
        common = 2 * (self.alike | np.eye(len(self.uids), dtype=np.bool_)).sum(axis=1) > len(self.uids)
        told: Flags = ~(common[:, None] & common)
        return told


class _Stored(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A window as bytes: the pairs little-endian, so that a file moves between machines."""

    version: int
    hotkeys: tuple[str, ...]
    registered_at: tuple[int, ...]
    pairs: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is known of pairs; nothing in it can be changed."""

    hotkeys: tuple[Hotkey, ...] = ()
    registered_at: tuple[Block, ...] = ()
    pairs: Pairs = field(default_factory=lambda: np.zeros(0, _PAIR))

    def of_those_in(self, metagraph: Metagraph) -> Window:
        """The pairs of whom both are still there, by today's uids; whoever registered anew is somebody else."""
        blocks = tuple(map(Block, metagraph.block_at_registration.tolist()))
        if (self.hotkeys, self.registered_at) == (metagraph.hotkeys, blocks):
            return self
        now = {pair: uid for uid, pair in enumerate(zip(metagraph.hotkeys, blocks, strict=True))}
        known = zip(self.hotkeys, self.registered_at, strict=True)
        uids = np.array([now.get(pair, -1) for pair in known], dtype=np.int64)
        ends = np.column_stack([uids[self.pairs["one"]], uids[self.pairs["other"]]]).reshape(-1, 2)
        here = (ends >= 0).all(axis=1)
        return Window(metagraph.hotkeys, blocks, _between(self.pairs[here], ends[here]))

    def after(self, meeting: Meeting, length: int) -> Window:
        """What is known after one more round, of the metagraph whose uids it has."""
        at = np.full(len(self.hotkeys), -1, dtype=np.int64)
        at[meeting.uids] = np.arange(len(meeting.uids))
        telling = meeting.telling
        new = np.argwhere(np.triu(meeting.alike & telling, 1))
        pairs = _with(self.pairs, np.sort(meeting.uids[new], axis=1), len(self.hotkeys))
        one, other = at[pairs["one"]], at[pairs["other"]]
        met = np.flatnonzero((one >= 0) & (other >= 0))
        met = met[telling[one[met], other[met]]]
        one, other = one[met], other[met]
        alike = meeting.alike[one, other]
        full = np.uint64(2**length - 1)
        for name, now in (
            ("alike", alike),
            ("first", alike & meeting.sooner[one, other]),
            ("second", alike & meeting.sooner[other, one]),
        ):
            pairs[name][met] = (pairs[name][met] << np.uint64(1) | now.astype(np.uint64)) & full
        pairs["shared"][met] = np.minimum(pairs["shared"][met] + 1, length)
        return Window(self.hotkeys, self.registered_at, pairs[pairs["alike"] > 0])

    def suspected(self) -> tuple[frozenset[Hotkey], ...]:
        """Pairs that were alike in half of their rounds, be it one of one: enough to ask them together, and no more."""
        return tuple(map(frozenset, zip(*self._named(self._alike(1, _SUSPECT)), strict=True)))

    def copies(self) -> list[tuple[Hotkey, Hotkey, int, int]]:
        """Those alike in most of several rounds, and in how many of these the one, and the other, was first."""
        rows = self._alike(SEVERAL, _MOST)
        counts = (_count(rows["first"]).tolist(), _count(rows["second"]).tolist())
        return list(zip(*self._named(rows), *counts, strict=True))

    def dump(self) -> bytes:
        """One MessagePack document; those without a pair are not in it."""
        used = np.unique(np.concatenate([self.pairs["one"], self.pairs["other"]]))
        ends = np.searchsorted(used, np.column_stack([self.pairs["one"], self.pairs["other"]]))
        hotkeys = tuple(self.hotkeys[at] for at in used.tolist())
        blocks = tuple(self.registered_at[at] for at in used.tolist())
        return msgspec.msgpack.encode(_Stored(_VERSION, hotkeys, blocks, _between(self.pairs, ends).tobytes()))

    @classmethod
    def loaded(cls, data: bytes) -> Window:
        """The inverse of `dump`; raises `ValueError` for anything else."""
        stored = msgspec.msgpack.decode(data, type=_Stored)
        pairs = np.frombuffer(stored.pairs, _PAIR)
        n = len(stored.hotkeys)
        is_whole = stored.version == _VERSION and len(set(stored.hotkeys)) == n == len(stored.registered_at)
        if not is_whole or (pairs["one"] >= pairs["other"]).any() or (pairs["other"] >= n).any():
            raise ValueError(f"version {stored.version} of {n} hotkeys and {len(pairs)} pairs do not fit together")
        return cls(tuple(map(Hotkey, stored.hotkeys)), tuple(map(Block, stored.registered_at)), pairs)

    def _alike(self, least: int, part: float) -> Pairs:
        """The rows of those that met so often and were alike in this part of it, or more."""
        rows = self.pairs[self.pairs["shared"] >= least]
        found: Pairs = rows[_count(rows["alike"]) >= part * rows["shared"]]
        return found

    def _named(self, rows: Pairs) -> tuple[list[Hotkey], list[Hotkey]]:
        return [self.hotkeys[at] for at in rows["one"].tolist()], [self.hotkeys[at] for at in rows["other"].tolist()]


def _between(pairs: Pairs, ends: Ints) -> Pairs:
    """The same pairs with new places for their ends, each again with the smaller one first, and in order."""
    moved = pairs.copy()
    turned = ends[:, 0] > ends[:, 1]
    moved["one"], moved["other"] = ends.min(axis=1, initial=2**32), ends.max(axis=1, initial=0)
    moved["first"], moved["second"] = (
        np.where(turned, pairs["second"], pairs["first"]),
        np.where(turned, pairs["first"], pairs["second"]),
    )
    return moved


def _with(pairs: Pairs, ends: Ints, n: int) -> Pairs:
    """The pairs, and those of these ends that are not among them yet."""
    keys = pairs["one"].astype(np.int64) * n + pairs["other"]
    new = np.setdiff1d(ends[:, 0] * n + ends[:, 1], keys)
    added = np.zeros(len(new), _PAIR)
    added["one"], added["other"] = new // n, new % n
    return np.concatenate([pairs, added])


def _count(bits: npt.NDArray[np.uint64]) -> Ints:
    return np.bitwise_count(bits).astype(np.int64)
