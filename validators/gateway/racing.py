# SPDX-License-Identifier: Apache-2.0
"""The first good answer of several miners: one is asked, a second if that one is slow, the next at once if one fails.

Whoever is overtaken is let go, so that nobody works for nothing. There is an end to the number of attempts and to the
time, and nothing that was begun here outlives it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from protocols.clock import Clock
from protocols.errors import NobodyAnswered
from protocols.types import Hotkey
from validators.gateway.attempts import Attempt, Missed
from validators.gateway.paces import Paces
from validators.query import Answer, Heard

__all__ = ["Race", "Terms"]

A = TypeVar("A", bound=Attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a race may take, and how many may run in it."""

    deadline_s: float
    attempts: int


@dataclass(slots=True, eq=False)
class Race(Generic[A]):
    """One race; run once."""

    choose: Callable[[Collection[Hotkey]], A | None]
    """The next miner, given those that were asked; None where there is none."""
    is_free: Callable[[Hotkey], bool]
    """Whether a miner can be sent a question now."""
    paces: Paces
    clock: Clock
    terms: Terms
    missed: list[Answer] = field(default_factory=list)
    """What came of those that failed."""
    asked: list[Hotkey] = field(default_factory=list)
    """Who was asked, in order."""
    hedges: int = 0
    """How many were asked because another was slow."""
    _running: dict[asyncio.Task[None], tuple[A, float]] = field(default_factory=dict)
    _could_begin: set[Hotkey] = field(default_factory=set)
    """Those that had no other question of ours before this one."""

    async def winner(self) -> A:
        """The attempt that has an answer, or has begun one; raises `NobodyAnswered`."""
        until = self.clock.monotonic() + self.terms.deadline_s
        try:
            self._start()
            while self._running:
                left_s = until - self.clock.monotonic()
                if left_s <= 0.0:
                    break
                patience_s = self._patience_s()
                wait_s = left_s if patience_s is None else min(left_s, patience_s)
                done, _ = await asyncio.wait(self._running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                if (won := await self._over(done)) is not None:
                    return won
                is_slow = not done and patience_s is not None and patience_s < left_s
                if (done or is_slow) and self._start():  # whoever failed is followed at once
                    self.hedges += is_slow
            raise self._nobody()
        finally:
            await self._let_go()

    def _start(self) -> bool:
        """Ask one more, if one more may be."""
        attempt = self.choose(self.asked) if len(self.asked) < self.terms.attempts else None
        if attempt is None:
            return False
        self.asked.append(attempt.hotkey)
        if self.is_free(attempt.hotkey):
            self._could_begin.add(attempt.hotkey)
        self._running[asyncio.create_task(attempt.begin())] = (attempt, self.clock.monotonic())
        return True

    async def _over(self, done: set[asyncio.Task[None]]) -> A | None:
        """Note how attempts ended, and which has won."""
        won: A | None = None
        for task in [task for task in self._running if task in done]:
            attempt, _ = self._running.pop(task)
            try:
                task.result()
            except Missed as miss:
                self._note(miss.answer)
            else:
                self.paces.answered(attempt.hotkey, attempt.took_s)
                if won is None:
                    won = attempt
                else:  # a dead heat
                    await attempt.close()
        return won

    def _patience_s(self) -> float | None:
        """Seconds until the newest attempt has had its time; None where nobody else could be asked."""
        if len(self.asked) >= self.terms.attempts:
            return None
        attempt, began = list(self._running.values())[-1]
        patience_s = self.paces.patience_s(attempt.hotkey)
        return None if patience_s is None else max(0.0, began + patience_s - self.clock.monotonic())

    async def _let_go(self) -> None:
        now = self.clock.monotonic()
        for task, (attempt, began) in self._running.items():
            if attempt.hotkey in self._could_begin:  # else we waited for ourselves
                self.paces.overtaken(attempt.hotkey, now - began)
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _note(self, answer: Answer) -> None:
        self.missed.append(answer)
        # A miner that was not asked, since too much of ours was under way at it, has not failed.
        if len(Heard.of([answer]).of_those_asked().replies):
            self.paces.failed(answer.returned.hotkey, self.clock.monotonic())

    def _nobody(self) -> NobodyAnswered:
        if not self.asked:
            return NobodyAnswered("there is no miner that could be asked", retry_after_s=10.0)
        count, why = len(self.asked), ", ".join(sorted({one.miss for one in self.missed})) or "no answer in time"
        return NobodyAnswered(f"of {count} miners none answered: {why}", retry_after_s=1.0)
