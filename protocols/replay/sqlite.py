# SPDX-License-Identifier: Apache-2.0
"""The replay window that several processes share and that survives `kill -9`.

The event loop never waits for the disk: one thread owns the file and decides, in one transaction, whatever has come in
while it was busy with the last one. The more callers wait, the cheaper each becomes.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from protocols.clock import Clock, SystemClock
from protocols.errors import ReplayStoreError, StaleRequest, SubnetError
from protocols.replay.ledger import Ask, Ledger
from protocols.replay.window import CAPACITY, RETENTION_S, SECOND_NS

__all__ = ["SqliteReplay"]

_LAST_NS = 2**63 - 1  # SQLite would round a larger integer, in the year 2262


class _Waiting(NamedTuple):
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[bool | SubnetError]
    ask: Ask


_Answer = tuple[asyncio.Future[bool | SubnetError], bool | SubnetError]


class SqliteReplay:
    """Remembers accepted requests in a file on a local disk, for all processes of one machine that name this file.

    A file that is not there yet proves nothing about what was served before: a new one refuses what could have been
    accepted until now, and its servers wait `skew_s` once. Each later start serves at once. Open it in the process that
    uses it, after any fork. The file grows to at most about 100 bytes for each of `capacity` requests.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        skew_s: float = 2.0,
        retention_s: float = RETENTION_S,
        capacity: int = CAPACITY,
        busy_s: float = 5.0,
    ) -> None:
        file = Path(path).absolute()  # found again wherever the process moves
        new_floor_ns = (clock or SystemClock()).time_ns() + round(skew_s * SECOND_NS)
        self._name = file.name
        self._ledger = Ledger(
            file, new_floor_ns=new_floor_ns, retention_s=retention_s, capacity=capacity, busy_s=busy_s
        )
        self.retention_s = retention_s
        self.warm_at_ns = self._ledger.floor_ns
        self._closed = False
        self._waiting: list[_Waiting] = []
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="subnet-replay", daemon=True)
        self._thread.start()

    @property
    def held(self) -> int:
        """How many requests the file held, for all processes, when this one last asked."""
        return self._ledger.held

    async def accept(self, hotkey: str, nonce_ns: int, now_ns: int) -> bool:
        """True the first time and False when seen; raises `StaleRequest`, `Overloaded` or `ReplayStoreError`.

        A caller that is cancelled while it waits may leave its request remembered: it can then only be refused.
        """
        if nonce_ns > _LAST_NS:
            raise StaleRequest(f"nonce {nonce_ns} is above {_LAST_NS}, the last that can be remembered")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool | SubnetError] = loop.create_future()
        with self._change:
            # A fork copies this object but not its thread, and nobody would answer.
            if self._closed or not self._thread.is_alive():
                raise ReplayStoreError(
                    f"{self._name} is closed in this process", help="open the store in the process that uses it"
                )
            self._waiting.append(_Waiting(loop, answer, Ask(nonce_ns, hotkey, now_ns)))
            self._change.notify()
        outcome = await answer
        if isinstance(outcome, SubnetError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Answer who waits, close the file and end the thread."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            outcomes = self._decide([waiting.ask for waiting in batch])
            answers: defaultdict[asyncio.AbstractEventLoop, list[_Answer]] = defaultdict(list)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                answers[waiting.loop].append((waiting.answer, outcome))
            for loop, for_loop in answers.items():
                with suppress(RuntimeError):  # this loop is closed, and nobody waits there any more
                    loop.call_soon_threadsafe(_give, for_loop)
        self._ledger.close()

    def _next_batch(self) -> list[_Waiting]:
        with self._change:
            while not (self._waiting or self._closed):
                self._change.wait()
            batch, self._waiting = self._waiting, []
            return batch

    def _decide(self, asks: Sequence[Ask]) -> Sequence[bool | SubnetError]:
        try:
            return self._ledger.accept(asks)
        except ReplayStoreError as error:
            return [ReplayStoreError(error.message, help=error.help) for _ in asks]
        except Exception as error:  # whatever failed, each caller must be told, and the next batch tried
            return [self._failed(error) for _ in asks]

    def _failed(self, error: Exception) -> ReplayStoreError:
        # The caller is a stranger: SQLite's words name no path, another error's might.
        reason = error if isinstance(error, sqlite3.Error) else type(error).__name__
        failed = ReplayStoreError(f"{self._name} could not remember a request: {reason}")
        failed.__cause__ = error
        return failed


def _give(answers: Sequence[_Answer]) -> None:
    for answer, outcome in answers:
        if not answer.done():  # cancelled while it waited
            answer.set_result(outcome)
