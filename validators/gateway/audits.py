# SPDX-License-Identifier: Apache-2.0
"""Users' questions that are scored: a share of them, drawn by chance, put to other miners too and judged beside them.

Whoever can ask can also choose what to ask, so a user is given no say in scores beyond this: which questions count is
drawn here, they count no more often than the validator's own rounds, no key gets more of that than another that waits,
and what an answer is worth is decided by what the other miners say, never by the user.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from protocols.clock import Clock
from protocols.errors import SubnetError
from protocols.task import Task
from validators.query import Heard

__all__ = ["Audits"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Case:
    task: Task
    given: Heard


class Audits:
    """What waits to be scored, and who sees to it."""

    def __init__(
        self,
        judge: Callable[[Task, Heard], Awaitable[object]],
        clock: Clock,
        rng: np.random.Generator,
        *,
        share: float,
        size: int,
        every_s: float,
    ) -> None:
        self._judge = judge
        self._clock = clock
        self._rng = rng
        self._share = share
        self._size = size
        self._every_s = every_s
        self._cases: dict[int, deque[_Case]] = {}
        self._come = asyncio.Event()
        self.outcomes = {"scored": 0, "failed": 0, "dropped": 0}
        """What became of questions that were drawn."""

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return sum(map(len, self._cases.values()))

    def offer(self, key: int, task: Task, given: Heard) -> None:
        """Take up a question of a key and what came of it, if chance has it."""
        if self._rng.random() >= self._share:
            return
        if self.waiting >= self._size:
            # Of whoever has the most, so that a flood drops its own.
            most = max(self._cases, key=lambda one: len(self._cases[one]))
            self._cases[most].popleft()
            self._forget_if_empty(most)
            self.outcomes["dropped"] += 1
        self._cases.setdefault(key, deque()).append(_Case(task, given))
        self._come.set()

    async def run(self) -> None:
        """Score one question after another, with a pause between any two, until cancelled."""
        while True:
            while not self._cases:
                self._come.clear()
                await self._come.wait()
            began = self._clock.monotonic()
            await self._score(self._next())
            await self._clock.sleep(max(0.0, began + self._every_s - self._clock.monotonic()))

    async def _score(self, case: _Case) -> None:
        try:
            await self._judge(case.task, case.given)
        except SubnetError as error:
            self.outcomes["failed"] += 1
            _LOG.warning("a user's question was not scored: %s: %s", error.code, error.message)
        except Exception:
            self.outcomes["failed"] += 1
            _LOG.exception("a user's question was not scored")
        else:
            self.outcomes["scored"] += 1

    def _next(self) -> _Case:
        """The oldest question of the key whose turn it is."""
        key = next(iter(self._cases))
        case = self._cases[key].popleft()
        self._cases[key] = self._cases.pop(key)
        self._forget_if_empty(key)
        return case

    def _forget_if_empty(self, key: int) -> None:
        if not self._cases[key]:
            del self._cases[key]
