# SPDX-License-Identifier: Apache-2.0
"""One connection and the one thread that owns it.

The library underneath blocks, and cannot be used by two threads at once. So what is to be asked is a function of a
`Session` that is put in this thread's queue. Whoever waits stops waiting at the deadline, and a node that has not
answered by then is hung up on, since the thread may be waiting for a byte that never comes.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from subnet.chain.client.faults import Lost
from subnet.chain.client.interface import Interface
from subnet.chain.client.session import Session

__all__ = ["Job", "Line"]

T = TypeVar("T")
_GRACE_S: Final = 0.2  # how much longer than the thread the one who waits is patient


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """Something to ask a node, and until when."""

    work: Callable[[Session], T]
    deadline: float
    done: Future[T] = field(default_factory=Future)

    def run(self, session: Session) -> None:
        """Do it, on the owner's thread."""
        try:
            with session.interface.at_work(self.deadline):
                result = self.work(session)
            self.done.set_result(result)
        except BaseException as error:
            self.done.set_exception(error)


class Line:
    """A connection to one node, which is made with the first request and ends with the first failure."""

    def __init__(self, url: str, connect_s: float) -> None:
        self.url = url
        self._connect_s = connect_s
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._session: Session | None = None
        self._is_broken = False
        # A daemon: a name server that hangs must not keep a program from ending.
        self._thread = threading.Thread(target=self._own, name=f"chain {url}", daemon=True)
        self._thread.start()

    @property
    def is_broken(self) -> bool:
        """Whether nothing more can be asked here."""
        return self._is_broken

    async def ask(self, work: Callable[[Session], T], seconds: float) -> T:
        """Have the owner do something with the connection; raises `Lost` where that takes too long."""
        if self._is_broken:
            raise Lost(f"the connection to {self.url} has ended")
        job = Job(work, time.monotonic() + seconds)
        self._queue.put(job)
        try:
            # Not `wait_for`: in Python 3.11 it forgets that it was cancelled where the answer comes at that moment.
            async with asyncio.timeout(seconds + _GRACE_S):
                return await asyncio.wrap_future(job.done)
        except TimeoutError:
            # A job that had not begun by then is cancelled, and says nothing about the node.
            if not job.done.cancelled():
                self.close()
            raise Lost(f"{self.url} gave no answer within {seconds:.1f} s") from None

    def close(self) -> None:
        """Hang up; whoever waits for an answer is told so."""
        self._is_broken = True
        if self._session is not None:
            self._session.interface.cut()
        self._queue.put(None)

    def _own(self) -> None:
        while (job := self._queue.get()) is not None:
            if not job.done.set_running_or_notify_cancel():
                continue
            if self._is_broken:
                job.done.set_exception(Lost(f"the connection to {self.url} has ended"))
            elif self._is_open(job):
                assert self._session is not None
                job.run(self._session)
                self._is_broken |= isinstance(job.done.exception(), Lost)
            if self._is_broken:  # whoever is still in the queue is told so, and then this thread ends
                self._queue.put(None)
        if self._session is not None:
            self._session.interface.close()

    def _is_open(self, job: Job[Any]) -> bool:
        if self._session is None:
            try:
                left = max(job.deadline - time.monotonic(), 0.001)
                self._session = Session(Interface(self.url, min(self._connect_s, left)))
            except BaseException as error:
                self._is_broken = True
                job.done.set_exception(error)
                return False
        return True
