# SPDX-License-Identifier: Apache-2.0
"""One chain behind several endpoints: connect, reconnect with growing pauses, and never change chains on the way.

What is asked through a link is asked again after a lost connection, at another endpoint if there is one, until the
deadline of the request. So only what may be asked twice goes through it: reads, and extrinsics that are already signed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import stamina
from stamina import instrumentation

from protocols.errors import ChainUnreachable, LedgerError, SubnetError
from subnet.chain.client.faults import Lost, NodeError
from subnet.chain.client.line import Line
from subnet.chain.client.session import Session

__all__ = ["Deadlines", "Identity", "Link"]

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_GRACE_S: Final = 0.4  # more than a line's own
_PUBLIC: Final = "Live"
_PRINTER: Final = "stamina.instrumentation._structlog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long what takes, in seconds, before it counts as failed."""

    connect_s: float = 10.0
    request_s: float = 30.0
    """A read or the sending of a call, with all attempts."""
    block_s: float = 60.0
    """The time between two blocks."""
    inclusion_s: float = 180.0
    """From sending a call until a block includes it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which chain answers, and whether it says that it is somebody's own."""

    genesis: str
    kind: str


class Link:
    """The way to one chain, to be used on one event loop."""

    def __init__(self, urls: Sequence[str], deadlines: Deadlines, genesis: str | None = None) -> None:
        """Of which chain, is told by `genesis` or else by the first endpoint that answers."""
        if not urls:
            raise LedgerError("a chain has at least one endpoint, got none", help="give a URL: ws://127.0.0.1:9944")
        self.urls = tuple(urls)
        self.deadlines = deadlines
        self._expected = genesis
        self._next = 0
        self._line: Line | None = None
        self._connecting = asyncio.Lock()
        self._is_closed = False
        _print_nothing()

    async def identify(self) -> Identity:
        """Connect, and say to which chain."""
        identity = await self.ask(_identity)
        self._expected = identity.genesis
        return identity

    async def ask(self, work: Callable[[Session], T]) -> T:
        """Ask the chain; raises `ChainUnreachable` where no endpoint answers in time."""
        patience = self.deadlines.request_s
        deadline, lost = time.monotonic() + patience, Lost("none has answered")
        try:
            # Each attempt ends by itself at the deadline; a pause between two of them would not.
            async with asyncio.timeout(patience + _GRACE_S):
                async for attempt in _attempts():
                    with attempt:
                        try:
                            return await self._ask(work, deadline)
                        except Lost as failure:
                            lost = failure
                            raise
        except TimeoutError:
            raise ChainUnreachable(
                f"no endpoint answered within {patience:g} s; the last one: {lost}",
                help=f"is the node running? Endpoints: {', '.join(self.urls)}",
            ) from lost
        raise AssertionError("unreachable")  # the loop ends by returning or raising

    async def ask_once(self, work: Callable[[Session], T]) -> T:
        """Ask, and raise `Lost` where it is not known whether the node heard."""
        return await self._ask(work, time.monotonic() + self.deadlines.request_s)

    async def close(self) -> None:
        """Hang up for good."""
        self._is_closed = True
        if self._line is not None:
            self._line.close()

    async def _ask(self, work: Callable[[Session], T], deadline: float) -> T:
        line = await self._connected(deadline)
        try:
            return await line.ask(work, max(deadline - time.monotonic(), 0.001))
        except (Lost, SubnetError):
            raise
        except NodeError as error:
            raise LedgerError(f"{line.url} answered with an error: {error}") from error
        except Exception as error:
            raise LedgerError(
                f"what {line.url} answered cannot be read: {type(error).__name__}: {error}",
                help="is it a node of a chain with SubtensorModule?",
            ) from error

    async def _connected(self, deadline: float) -> Line:
        if self._is_closed:
            raise LedgerError("the connection to the chain was closed", help="connect again")
        async with self._connecting:
            if self._line is not None and not self._line.is_broken:
                return self._line
            failures: list[Exception] = []
            for _ in self.urls:
                url, self._next = self.urls[self._next], (self._next + 1) % len(self.urls)
                try:
                    self._line = await self._opened(url, deadline)
                except (Lost, LedgerError) as failure:
                    failures.append(failure)
                    continue
                return self._line
            if all(isinstance(failure, LedgerError) for failure in failures):
                raise failures[0]
            raise Lost("; ".join(map(str, failures)))

    async def _opened(self, url: str, deadline: float) -> Line:
        line = Line(url, self.deadlines.connect_s)
        try:
            left = min(self.deadlines.connect_s, deadline - time.monotonic())
            identity = await line.ask(_identity, max(left, 0.001))
        except NodeError as error:
            line.close()
            raise LedgerError(f"{url} does not say which chain it is of: {error}") from error
        except BaseException:
            line.close()
            raise
        if self._expected not in (None, identity.genesis):
            line.close()
            _LOG.error("endpoint %s is of another chain and is not used", url)
            raise LedgerError(
                f"endpoint {url} is of the chain with genesis {identity.genesis}, expected {self._expected}",
                help="remove it from the endpoints of this chain",
            )
        _LOG.info("connected to %s", url)
        return line


def _print_nothing() -> None:
    # Where structlog is installed, stamina prints each attempt on stdout, which belongs to data; our own log tells it.
    hooks = [hook for hook in instrumentation.get_on_retry_hooks() if getattr(hook, "__module__", "") != _PRINTER]
    instrumentation.set_on_retry_hooks(hooks)


def _attempts() -> AsyncIterator[Any]:
    return stamina.retry_context(
        on=Lost,
        attempts=None,
        timeout=None,
        wait_initial=_FIRST_PAUSE_S,
        wait_max=_LONGEST_PAUSE_S,
        wait_jitter=_FIRST_PAUSE_S,
    )


def _identity(session: Session) -> Identity:
    genesis = session.hash_of(0)
    if genesis is None:
        raise LedgerError("a node without a block 0 answered")
    return Identity(genesis, str(session.rpc_if_known("system_chainType") or _PUBLIC))
