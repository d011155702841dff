# SPDX-License-Identifier: Apache-2.0
"""Extrinsics that wait for a block: those that may enter the next one, and those that come before their turn.

An account's extrinsics enter in the order of its nonces, and among accounts the one with the higher priority goes
first, then the one that came first. The pool is bounded in number and in bytes; what offers more pushes out what offers
least.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from protocols.clock import Clock
from protocols.errors import PoolRefusal
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.status import DROPPED, FUTURE, INVALID, READY, Status, Watch
from subnet.chain.node.validity import Validity

__all__ = ["Line", "Pool", "PoolBounds", "Waiting"]

_BANNED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBounds:
    """How much may wait; the numbers are a Substrate node's."""

    count: int = 8_192
    bytes: int = 20 << 20
    ban_s: float = 1_800.0
    """For how long an extrinsic that turned out to be invalid is not looked at again."""


@dataclass(slots=True, eq=False)
class Waiting:
    """An extrinsic in the pool."""

    hash: bytes
    data: bytes
    validity: Validity
    order: int
    expires: int
    """The first block that it must not be in."""
    is_ready: bool = False


class Pool:
    """The transaction pool of one node; nonces are what the head says they are."""

    def __init__(self, clock: Clock, bounds: PoolBounds | None = None) -> None:
        self._clock = clock
        self._bounds = bounds or PoolBounds()
        self._known: dict[bytes, Waiting] = {}
        self._senders: dict[bytes, dict[int, Waiting]] = {}
        self._banned: dict[bytes, float] = {}
        self._watches: dict[bytes, list[Watch]] = {}
        self._bytes = 0
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, hash: bytes) -> bool:
        return hash in self._known

    @property
    def has_ready(self) -> bool:
        """Whether a block made now would take any."""
        return any(waiting.is_ready for waiting in self._known.values())

    def pending(self) -> list[bytes]:
        """Every extrinsic that may enter the next block, in order."""
        line, found = Line(self._first_of_each()), []
        while (waiting := line.next()) is not None:
            found.append(waiting.data)
            line.took(self._senders[waiting.validity.sender].get(waiting.validity.nonce + 1))
        return found

    def next_nonce(self, sender: bytes, nonce: int) -> int:
        """The nonce that an account's next extrinsic must have, given the one that the head wants."""
        queue = self._senders.get(sender, {})
        while nonce in queue:
            nonce += 1
        return nonce

    def check_new(self, data: bytes) -> bytes:
        """The hash of an extrinsic that may be tried; raises `PoolRefusal` for one that is here or banned."""
        hash = blake2_256(data)
        if hash in self._known:
            raise PoolRefusal(1013, "Transaction Already Imported", f"0x{hash.hex()}")
        if self._banned.get(hash, 0.0) > self._clock.monotonic():
            raise PoolRefusal(1012, "Transaction is temporarily banned")
        return hash

    def add(self, data: bytes, validity: Validity, nonce: int, head: int, watch: Watch | None = None) -> Waiting:
        """Take an extrinsic in, where the head wants `nonce` of its sender next; raises `PoolRefusal`."""
        hash = self.check_new(data)
        self._arrivals += 1
        expires = head + 1 + validity.longevity
        waiting = Waiting(hash, data, validity, self._arrivals, expires)
        rival = self._senders.get(validity.sender, {}).get(validity.nonce)
        if rival is not None and rival.validity.priority >= validity.priority:
            raise PoolRefusal(
                1014,
                f"Priority is too low: ({rival.validity.priority} vs {validity.priority})",
                "The transaction has too low priority to replace another transaction already in the pool.",
            )
        self._make_room(waiting, rival)
        if watch is not None:
            self._watches.setdefault(hash, []).append(watch)
        if rival is not None:
            self._leave(rival, Status("usurped", hash))
        self._known[hash] = waiting
        self._senders.setdefault(validity.sender, {})[validity.nonce] = waiting
        self._bytes += len(data)
        self._settle(validity.sender, nonce)
        if not waiting.is_ready:
            self._tell(hash, FUTURE)
        return waiting

    def line(self) -> Line:
        """The extrinsics for a block, best first."""
        return Line(self._first_of_each())

    def after(self, waiting: Waiting) -> Waiting | None:
        """What the same account wants to do next."""
        return self._senders.get(waiting.validity.sender, {}).get(waiting.validity.nonce + 1)

    def drop_invalid(self, waiting: Waiting) -> None:
        """Throw out what no block takes; what follows it waits for another of its nonce."""
        if waiting.hash in self._known:
            self._ban(waiting.hash)
            self._leave(waiting, INVALID)
            self._postpone(waiting.validity.sender, waiting.validity.nonce)

    def included(self, hashes: Iterable[bytes], block: bytes) -> None:
        """Take out what entered a block, which is final at once."""
        for hash in hashes:
            waiting = self._known.get(hash)
            if waiting is not None:
                self._tell(hash, Status("inBlock", block))
                self._leave(waiting, Status("finalized", block))

    def refresh(self, nonces: dict[bytes, int], head: int) -> None:
        """After blocks: whose turn it is now, and what has become too old; `nonces` are those of `senders`."""
        for waiting in list(self._known.values()):
            if waiting.expires <= head + 1 or waiting.validity.nonce < nonces[waiting.validity.sender]:
                self._leave(waiting, INVALID)
        for sender, nonce in nonces.items():
            self._settle(sender, nonce)

    def senders(self) -> list[bytes]:
        """Everybody who has an extrinsic here."""
        return list(self._senders)

    def clear(self) -> list[bytes]:
        """Take everything out without a word; what it was, in the order of arrival."""
        data = [waiting.data for waiting in sorted(self._known.values(), key=lambda waiting: waiting.order)]
        self._known.clear()
        self._senders.clear()
        self._bytes = 0
        return data

    def abandon(self, hash: bytes) -> None:
        """Tell those who watch an extrinsic that it is gone."""
        self._tell(hash, DROPPED)

    def _first_of_each(self) -> list[Waiting]:
        first = (min(queue.values(), key=lambda waiting: waiting.validity.nonce) for queue in self._senders.values())
        return [waiting for waiting in first if waiting.is_ready]

    def _settle(self, sender: bytes, nonce: int) -> None:
        """Those of an account's extrinsics whose turn has come are ready, and no others."""
        queue = self._senders.get(sender, {})
        while (waiting := queue.get(nonce)) is not None:
            if not waiting.is_ready:
                waiting.is_ready = True
                self._tell(waiting.hash, READY)
            nonce += 1
        self._postpone(sender, nonce)

    def _postpone(self, sender: bytes, nonce: int) -> None:
        """From this nonce on, an account's extrinsics wait for something that is not here."""
        for waiting in self._senders.get(sender, {}).values():
            if waiting.is_ready and waiting.validity.nonce >= nonce:
                waiting.is_ready = False
                self._tell(waiting.hash, FUTURE)

    def _make_room(self, new: Waiting, rival: Waiting | None) -> None:
        count = len(self._known) + (rival is None)
        size = self._bytes + len(new.data) - (0 if rival is None else len(rival.data))
        if count <= self._bounds.count and size <= self._bounds.bytes:
            return
        pushed: list[Waiting] = []
        worst = sorted(
            self._known.values(), key=lambda waiting: (waiting.is_ready, waiting.validity.priority, -waiting.order)
        )
        for waiting in worst:
            if count <= self._bounds.count and size <= self._bounds.bytes:
                break
            if waiting is rival:
                continue
            if waiting.is_ready and waiting.validity.priority >= new.validity.priority:
                break
            pushed.append(waiting)
            count, size = count - 1, size - len(waiting.data)
        if count > self._bounds.count or size > self._bounds.bytes:
            raise PoolRefusal(
                1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit"
            )
        for waiting in pushed:
            self._leave(waiting, DROPPED)
            self._postpone(waiting.validity.sender, waiting.validity.nonce)

    def _leave(self, waiting: Waiting, status: Status) -> None:
        del self._known[waiting.hash]
        queue = self._senders[waiting.validity.sender]
        del queue[waiting.validity.nonce]
        if not queue:
            del self._senders[waiting.validity.sender]
        self._bytes -= len(waiting.data)
        self._tell(waiting.hash, status)

    def _ban(self, hash: bytes) -> None:
        now = self._clock.monotonic()
        if len(self._banned) >= _BANNED:
            self._banned = {known: until for known, until in self._banned.items() if until > now}
        if len(self._banned) >= _BANNED:
            del self._banned[next(iter(self._banned))]
        self._banned[hash] = now + self._bounds.ban_s

    def _tell(self, hash: bytes, status: Status) -> None:
        for watch in self._watches.get(hash, ()):
            watch.tell(status)
        if status.is_last:
            self._watches.pop(hash, None)


class Line:
    """Who is next into a block: the best of those whose turn it is among their account's."""

    def __init__(self, first: Iterable[Waiting]) -> None:
        self._heap: list[tuple[int, int, Waiting]] = []
        for waiting in first:
            self.took(waiting)

    def next(self) -> Waiting | None:
        """The best one; what follows it comes only after `took`."""
        return heappop(self._heap)[2] if self._heap else None

    def took(self, following: Waiting | None) -> None:
        """The last one went in: what the same account wants next is in line."""
        if following is not None and following.is_ready:
            heappush(self._heap, (-following.validity.priority, following.order, following))
