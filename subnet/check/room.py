# SPDX-License-Identifier: Apache-2.0
"""An event loop in a thread of its own, in which a definition's coroutines run for as long as they may.

The caller may have a loop of its own running, as a notebook and an asynchronous test have; and a coroutine that holds
its loop for good must not take the caller with it. All coroutines of one check share the loop, since a model may have
opened its connections on it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from protocols.errors import InvalidSubnet

__all__ = ["Room"]

T = TypeVar("T")

_GRACE_S: Final = 1.0
_CANCEL: Final = "await what takes long, and let asyncio.CancelledError pass"


class Room:
    """Runs coroutines one after another.

    with Room() as room:
        room.run(definition.answer(ask, ctx), 12.0, "answer")
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="subnet-check", daemon=True)
        self._stuck = ""

    def run(self, work: Coroutine[Any, Any, T], limit_s: float, what: str) -> T:
        """What the coroutine returns or raises; `InvalidSubnet` where it takes longer than that."""
        if self._stuck:
            work.close()
            raise InvalidSubnet(f"not tried: {self._stuck} still holds the event loop", help=_CANCEL)
        future = asyncio.run_coroutine_threadsafe(_limited(work, limit_s, what), self._loop)
        try:
            return future.result(limit_s + _GRACE_S)
        except TimeoutError:
            if future.done():  # their own error, and not ours about them
                raise
        self._stuck = what
        raise InvalidSubnet(f"{what} cannot be stopped {_GRACE_S:g} s after its {limit_s:g} s", help=_CANCEL)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        # One that is stuck closes itself, if ever it gets there.
        self._thread.join(0.0 if self._stuck else _GRACE_S)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_swept())
            self._loop.close()


async def _limited(work: Coroutine[Any, Any, T], limit_s: float, what: str) -> T:
    try:
        async with asyncio.timeout(limit_s) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
    except SystemExit as error:  # would end the loop, and with it everything else
        raise InvalidSubnet(f"{what} called sys.exit({error.code!r})", help="raise an error instead") from error
    raise InvalidSubnet(f"{what} did not end within {limit_s:g} s", help="do less, or ask a faster model")


async def _swept() -> None:
    """End what a definition has left running."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
