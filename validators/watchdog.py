# SPDX-License-Identifier: Apache-2.0
"""Whether a validator still does its work: what is under way must end in time, and the chain must have our weights.

The costliest failure is a silent one: a process that lives, logs and sets no weights. So nothing here believes what a
loop says of itself. A thread of its own looks when each piece of work began, also while the event loop is held, and
the age of our weights is the one that the chain shows.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from protocols.chain import Chain
from protocols.clock import Clock
from protocols.errors import Stuck, SubnetError
from protocols.types import Hotkey, NetUid
from validators.observer import Observer
from validators.place import Place
from validators.round import Round

__all__ = ["MOST_TEMPOS", "Watchdog"]

_LOG: Final = logging.getLogger(__name__)

MOST_TEMPOS: Final = 2.0
"""Weights that are older than this many tempos are a fault."""

_LOOP_S: Final = 1.0
_PERIOD_S: Final = 1.0
_BLOCK_S: Final = 12.0
"""How long a block takes as long as none has been seen to come."""


class Watchdog(Observer):
    """Knows since when each loop has been at what it does; `round`, `weights` and `chain` rest in between."""

    def __init__(self, clock: Clock, *, limit_s: float) -> None:
        self._clock = clock
        self.limit_s = limit_s
        """How long anything may take."""
        self._period_s = min(_PERIOD_S, limit_s / 4)
        self._since: dict[str, float] = {}
        self._stage = ""
        self._checked = self._awake = clock.monotonic()
        self._first: tuple[Place, float] | None = None
        self._last: tuple[Place, float] | None = None
        self._permit_at = 0
        self.chain_trouble = ""
        """The code of what the chain last refused with; empty where it answers."""

    @property
    def place(self) -> Place | None:
        """What the chain last said of us."""
        return self._last[0] if self._last is not None else None

    def beat(self, loop: str) -> None:
        """This loop makes progress, and has as long again."""
        self._since[loop] = self._clock.monotonic()

    def rest(self, loop: str) -> None:
        """Nothing is expected of this loop before its next beat."""
        self._since.pop(loop, None)

    def began(self) -> None:
        """An attempt at a round is progress."""
        self.beat("round")

    def completed(self, done: Round) -> None:
        """So is its end, after which there is a pause."""
        self.rest("round")

    def failed(self, error: Exception) -> None:
        """A failed one has ended too: whoever goes on trying is not stuck."""
        self.rest("round")

    def entered(self, stage: str) -> None:
        """Setting weights has a deadline of its own."""
        self._stage = stage
        if stage == "weigh":
            self.beat("weights")

    def left(self, stage: str, seconds: float) -> None:
        """However it ended, it has."""
        self._stage = ""
        if stage == "weigh":
            self.rest("weights")

    async def look(self, chain: Chain, netuid: NetUid, hotkey: Hotkey, *, every_s: float) -> None:
        """Read the chain for as long as it is asked to; what it refuses is logged once, and it is asked again."""
        while True:
            await self._clock.sleep(every_s)
            self.beat("chain")
            try:
                self.seen(await Place.read(chain, netuid, hotkey))
            except SubnetError as error:
                self._note(error)
            except Exception as error:
                _LOG.exception("the chain could not be read")
                self.chain_trouble = type(error).__name__
            finally:
                self.rest("chain")

    def seen(self, place: Place) -> None:
        """The chain has answered."""
        before, now = self.place, self._clock.monotonic()
        self._note(None)
        if place.uid is None and (before is None or before.uid is not None):
            _LOG.error("this hotkey has no place on subnet %d any more; rounds fail until it has one", place.netuid)
        if before is not None and place.has_permit and not before.has_permit:
            self._permit_at = place.block  # who could set none until now is not late
        self._first = self._first or (place, now)
        self._last = (place, now)

    def check(self) -> Stuck | None:
        """What is to be said of a loop that takes too long; called again and again, a second apart."""
        now, before = self._clock.monotonic(), self._checked
        self._checked = now
        if now - before > max(2.0, 4 * self._period_s):
            self._awake = now  # the whole process stood still, and no loop of it is to blame
        for loop, since in sorted(self._since.items()):
            silent_s = now - max(since, self._awake)
            if silent_s > self.limit_s:
                return Stuck(f"{self._told(loop)} for {silent_s:.0f} s, at most {self.limit_s:g} s may pass")
        return None

    def weights_age(self) -> float:
        """Tempos since the chain took weights of us, or since we had a place; NaN where it has not said."""
        return self._age(0)

    def trouble(self) -> str:
        """Why this validator does not do its work, in words; empty where it does."""
        if (stuck := self._late()) is not None:
            return stuck
        if (place := self.place) is None:
            return "the chain has not been read yet"
        if place.uid is None:
            return f"this hotkey is not registered on subnet {place.netuid}"
        if place.has_permit and (age := self._age(self._permit_at)) > MOST_TEMPOS:
            return f"the chain has had no weights of this hotkey for {age:.1f} tempos, at most {MOST_TEMPOS:g} may pass"
        return ""

    @contextmanager
    def watching(self, alarm: Callable[[Stuck], None], tick: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Look, in a thread, until something takes too long; `alarm` is called there, and `tick` each time.

        The event loop itself is one of the loops, so this is entered where it runs.
        """
        over = threading.Event()
        tick()  # before anything runs that could keep the thread from it
        beating = asyncio.get_running_loop().create_task(self._keep())
        threading.Thread(target=self._watch, args=(over, alarm, tick), name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            beating.cancel()
            self.rest("loop")

    def _watch(self, over: threading.Event, alarm: Callable[[Stuck], None], tick: Callable[[], None]) -> None:
        self._checked = self._awake = self._clock.monotonic()
        while not over.wait(self._period_s):
            tick()
            if (stuck := self.check()) is not None:
                alarm(stuck)
                return

    async def _keep(self) -> None:
        while True:
            self.beat("loop")
            await self._clock.sleep(min(_LOOP_S, self.limit_s / 4))

    def _late(self) -> str | None:
        now = self._clock.monotonic()
        late = (loop for loop, since in sorted(self._since.items()) if now - max(since, self._awake) > self.limit_s)
        return next(map(self._told, late), None)

    def _told(self, loop: str) -> str:
        return {
            "loop": "the event loop has been held",
            "round": f"a round has been under way{f' (in stage {self._stage})' if self._stage else ''}",
            "weights": "setting weights has been under way",
        }.get(loop, f"the {loop} has not answered")

    def _note(self, error: SubnetError | None) -> None:
        trouble = "" if error is None else error.code
        if trouble != self.chain_trouble:
            _LOG.warning("%s", "the chain answers again" if error is None else error.render())
        self.chain_trouble = trouble

    def _age(self, since: int) -> float:
        if self._last is None or self._first is None:
            return math.nan
        (first, began), (place, then) = self._first, self._last
        # While the chain is away its blocks go on, and our weights grow old all the same.
        passed = place.block - first.block
        block_s = (then - began) / passed if passed > 0 and then > began else _BLOCK_S
        return place.age_at(place.block + (self._clock.monotonic() - then) / block_s, since)
