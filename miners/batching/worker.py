# SPDX-License-Identifier: Apache-2.0
"""The thread of a model: asleep while there is nothing to do, never on the event loop, and never ended by a model.

Work comes in from the loop under a lock that is held for moments; results go back to the loop as calls. What a model
raises ends the work under way and no other, and closing tells everybody.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol, TypeAlias

import torch

from protocols.errors import Draining, EngineFailed, SubnetError

__all__ = ["Reason", "Work", "Worker"]

_LOG: Final = logging.getLogger(__name__)

Reason: TypeAlias = Callable[[], SubnetError]


class Work(Protocol):
    """What a worker does."""

    def is_waiting(self) -> bool:
        """Whether there is anything to do."""
        ...

    def turn(self) -> None:
        """Do a little of it."""
        ...

    def give_up(self, reason: Reason) -> None:
        """Tell everybody whose work is under way that it will not be finished."""
        ...

    def turn_away(self, reason: Reason) -> None:
        """Tell everybody who waits that nothing will come."""
        ...


class Worker:
    """Does turns of some work until it is closed; started once, on the loop that gets the results."""

    def __init__(self, work: Work, name: str) -> None:
        self._work = work
        self._awake = threading.Condition()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Tell everybody that it is over, and end the thread after the turn that it is in."""
        with self._awake:
            self._closing = True
            self._awake.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Bring work in, and wake the thread; raises `Draining` once it is closed."""
        with self._awake:
            if self._closing:
                raise Draining("the engine is closing")
            yield
            self._awake.notify()

    def call(self, what: Callable[[], None]) -> None:
        """Have something called on the loop."""
        # Without a loop there is nobody left to be told.
        with suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        with torch.inference_mode():
            while self._is_wanted():
                try:
                    self._work.turn()
                except Exception as error:
                    _LOG.exception("the model failed in the middle of its work")
                    message = f"the model failed: {type(error).__name__}"
                    self._work.give_up(lambda message=message: EngineFailed(message))  # type: ignore[misc]
        for end in (self._work.turn_away, self._work.give_up):
            end(lambda: Draining("the engine is closing"))

    def _is_wanted(self) -> bool:
        with self._awake:
            while not self._closing and not self._work.is_waiting():
                self._awake.wait()
            return not self._closing
