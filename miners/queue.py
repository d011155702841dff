# SPDX-License-Identifier: Apache-2.0
"""The line in which work waits for a model: bounded, in order of priority, and free of work that nobody waits for.

Two threads meet here, the one that takes work in and the one that does it, so every method takes the line's own lock
and none of them waits. Whoever is turned away is told by `refuse`, called outside the lock: a newcomer who finds the
line full, one whom a greater newcomer displaced, and one whose deadline passed.
"""

from __future__ import annotations

import itertools
import math
import threading
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from protocols.errors import DeadlineExceeded, OutOfRange, Overloaded, SubnetError
from protocols.turns import lead

__all__ = ["Place", "WaitingLine"]

Item = TypeVar("Item")

_LEAST_RETRY_S: Final = 0.5
_MOST_RETRY_S: Final = 30.0
_NEWEST: Final = 0.2
"""How much the last interval counts in the pace at which work is taken."""


@dataclass(slots=True, eq=False)
class Place(Generic[Item]):
    """Somebody's place in the line."""

    item: Item
    refuse: Callable[[SubnetError], None]
    """Told why the item will not be taken: `Overloaded` or `DeadlineExceeded`; called at most once, by any thread."""
    priority: float = 0.0
    deadline: float = math.inf
    """The moment on the clock of `arrived` after which nobody waits for it."""
    turn: tuple[float, int] = field(init=False, default=(math.inf, 0))
    """The smaller, the sooner; never changes once the place is taken."""

    def waited_s(self, now: float) -> float:
        """Seconds since the place was taken."""
        return max(0.0, now - self.turn[0] - lead(self.priority))


class WaitingLine(Generic[Item]):
    """Who waits, the next first: in the order of arrival less the head start that a priority gives.

    line = WaitingLine[str](limit=2)
    line.join(Place("work", refuse=print, priority=5.0), now=0.0)
    line.take(now=0.1).item                                        # "work"
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise OutOfRange(f"limit of a waiting line is {limit}, expected 1 or more")
        self._limit = limit
        self._lock = threading.Lock()
        self._count = itertools.count()
        self._turns: list[tuple[float, int]] = []
        self._places: dict[tuple[float, int], Place[Item]] = {}
        self._pace_s = 0.0
        self._taken_at: float | None = None

    def __len__(self) -> int:
        return len(self._turns)

    def join(self, place: Place[Item], now: float) -> None:
        """Take a place; where all are taken, the last in line is refused, be it the newcomer or another."""
        with self._lock:
            place.turn = (now - lead(place.priority), next(self._count))
            refused = self._expired(now) if len(self._turns) >= self._limit else []
            insort(self._turns, place.turn)
            self._places[place.turn] = place
            last = self._places.pop(self._turns.pop()) if len(self._turns) > self._limit else None
            wait_s = len(self._turns) * self._pace_s
        _tell_late(refused)
        if last is not None:
            retry_s = min(max(wait_s, _LEAST_RETRY_S), _MOST_RETRY_S)
            last.refuse(Overloaded(f"{self._limit} wait, and no more may", retry_after_s=round(retry_s, 1)))

    def take(self, now: float, accept: Callable[[Item], bool] | None = None) -> Place[Item] | None:
        """The first in line, or the first that is accepted; those before whose deadline has passed are refused.

        `accept` is called under the lock and must not come back here.
        """
        late: list[Place[Item]] = []
        taken, at = None, 0
        with self._lock:
            while taken is None and at < len(self._turns):
                place = self._places[self._turns[at]]
                if place.deadline <= now:
                    late.append(self._remove(at))
                elif accept is None or accept(place.item):
                    self._pace(now)
                    taken = self._remove(at)
                else:
                    at += 1
        _tell_late(late)
        return taken

    def leave(self, place: Place[Item]) -> bool:
        """Give a place up without being told; whether it was still there."""
        with self._lock:
            at = bisect_left(self._turns, place.turn)
            if at == len(self._turns) or self._places.get(self._turns[at]) is not place:
                return False
            self._remove(at)
            return True

    def purge(self, now: float) -> None:
        """Refuse everybody whose deadline has passed."""
        with self._lock:
            late = self._expired(now)
        _tell_late(late)

    def close(self, reason: Callable[[], SubnetError]) -> None:
        """Refuse everybody, each with an error of its own."""
        with self._lock:
            left = [self._places[turn] for turn in self._turns]
            self._turns.clear()
            self._places.clear()
        for place in left:
            place.refuse(reason())

    def _remove(self, at: int) -> Place[Item]:
        return self._places.pop(self._turns.pop(at))

    def _expired(self, now: float) -> list[Place[Item]]:
        late = [turn for turn in self._turns if self._places[turn].deadline <= now]
        if late:
            gone = [self._places.pop(turn) for turn in late]
            self._turns = [turn for turn in self._turns if turn in self._places]
            return gone
        return []

    def _pace(self, now: float) -> None:
        # The time since somebody was taken says how fast the line moves only if others have waited ever since.
        if self._taken_at is not None:
            self._pace_s += _NEWEST * (now - self._taken_at - self._pace_s)
        self._taken_at = now if len(self._turns) > 1 else None


def _tell_late(places: list[Place[Item]]) -> None:
    for place in places:
        place.refuse(DeadlineExceeded("the deadline passed while the work waited for its turn"))
