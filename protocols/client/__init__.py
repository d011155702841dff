# SPDX-License-Identifier: Apache-2.0
"""The validator's client: asks miners signed questions, all at once, and believes only what they sealed.

    async with Client(key) as client:
        reply = await client.ask(Peer(hotkey, url), Ask(prompt="hello"))
        async for outcome in client.ask_each((peer, Ask(prompt="hello")) for peer in peers):
            print(outcome.peer.hotkey, outcome.reply if outcome.ok else outcome.error)

One client serves a whole process. It never raises for what a peer does unless asked to: a round over a thousand
miners yields a thousand outcomes, each with a reply or a typed reason, as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from protocols.client.attempt import Attempt, Deadline
from protocols.client.http import HttpOptions, HttpTransport
from protocols.client.outcome import Outcome, Peer, Timing, without_frames
from protocols.client.stream import Stream
from protocols.clock import Clock, SystemClock
from protocols.dialect import Composed, Speaking
from protocols.errors import WireError
from protocols.keys import Signer
from protocols.native import NativeSpeaking
from protocols.synapse import Synapse
from protocols.transport import Transport

# Signing and sending for a thousand peers takes longer than others in the process can wait for their turn.
_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How a client asks."""

    concurrency: int = 1024
    """Questions under way at once; more wait, and their wait is measured apart. Streams are not counted."""
    timeout_s: float = 12.0
    """Time for a whole reply, from the moment in which its question was sent."""
    transport: Transport | None = None
    """HTTP unless given: `MemoryTransport` stays within the process."""
    dialect: Speaking = field(default_factory=NativeSpeaking)
    """How peers are spoken to that have no dialect of their own."""
    clock: Clock = field(default_factory=SystemClock)
    """What time it is, for nonces and for measured times; deadlines run on the event loop's own clock."""


class Client:
    """Asks peers; made once, closed once."""

    def __init__(self, key: Signer, options: ClientOptions | None = None) -> None:
        self.hotkey = key.ss58_address
        self._key = key
        self._options = options or ClientOptions()
        self._transport = self._options.transport or HttpTransport(HttpOptions())
        self._slots = asyncio.Semaphore(self._options.concurrency)

    async def ask(self, peer: Peer, query: Synapse, *, timeout_s: float | None = None) -> Any:
        """The reply of one peer, or raise what went wrong."""
        return (await self.outcome(peer, query, timeout_s=timeout_s)).unwrap()

    async def outcome(self, peer: Peer, query: Synapse, *, timeout_s: float | None = None) -> Outcome:
        """What came of asking one peer."""
        return await self._outcome(peer, self._speaking(peer).compose(query), timeout_s)

    async def ask_all(self, peers: Sequence[Peer], query: Synapse, *, timeout_s: float | None = None) -> list[Outcome]:
        """The outcomes of asking many the same, in their order, once all are there."""
        composed = {speaking: speaking.compose(query) for speaking in {self._speaking(peer) for peer in peers}}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._outcome(p, composed[self._speaking(p)], timeout_s)) for p in peers]
        return [task.result() for task in tasks]

    async def ask_each(
        self, asks: Iterable[tuple[Peer, Synapse]], *, timeout_s: float | None = None
    ) -> AsyncGenerator[Outcome, None]:
        """The outcomes of asking each its own, as they come; leaving early cancels what is still under way."""
        composed: dict[tuple[int, int], Composed] = {}
        tasks: set[asyncio.Task[Outcome]] = set()
        done: asyncio.Queue[asyncio.Task[Outcome]] = asyncio.Queue()
        try:
            for begun, (peer, query) in enumerate(asks, 1):
                speaking = self._speaking(peer)
                key = (id(speaking), id(query))
                if key not in composed:
                    composed[key] = speaking.compose(query)
                task = asyncio.create_task(self._outcome(peer, composed[key], timeout_s))
                task.add_done_callback(done.put_nowait)
                tasks.add(task)
                if begun % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            for _ in range(len(tasks)):
                yield (await done.get()).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stream(
        self, peer: Peer, query: Synapse, *, timeout_s: float | None = None, idle_s: float = 10.0, kept_bytes: int = 0
    ) -> Stream:
        """Ask for a stream: `async with client.stream(...) as stream: async for item in stream: ...`.

        With `kept_bytes` it is kept whole for `stream.evidence`, and one that has more is refused.
        """
        deadline = self._deadline(peer, timeout_s)
        attempt = self._attempt(self._speaking(peer).compose(query), peer, deadline)
        return Stream(attempt, deadline, self._transport, idle_s=idle_s, kept_bytes=kept_bytes)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _outcome(self, peer: Peer, composed: Composed, timeout_s: float | None) -> Outcome:
        called = self._options.clock.monotonic()
        deadline = self._deadline(peer, timeout_s)
        attempt = self._attempt(composed, peer, deadline)
        opened, error = None, None
        async with self._slots:
            try:
                with deadline:
                    opened = await attempt.ask(self._transport, attempt.read)
            except WireError as problem:
                error = without_frames(problem)
        timing = self._timing(called, attempt)
        if opened is None:
            return Outcome(peer, composed.query, timing, error=error)
        return Outcome(peer, composed.query, timing, opened.reply, opened.evidence)

    def _deadline(self, peer: Peer, timeout_s: float | None) -> Deadline:
        return Deadline(self._options.timeout_s if timeout_s is None else timeout_s, peer.hotkey)

    def _attempt(self, composed: Composed, peer: Peer, deadline: Deadline) -> Attempt:
        clock, speaking = self._options.clock, self._speaking(peer)
        return Attempt(composed, peer, deadline, key=self._key, clock=clock, speaking=speaking)

    def _speaking(self, peer: Peer) -> Speaking:
        return peer.dialect or self._options.dialect

    def _timing(self, called: float, attempt: Attempt) -> Timing:
        now = self._options.clock.monotonic()
        sent = now if attempt.sent_at is None else attempt.sent_at
        first_byte = None if attempt.arrived_at is None else attempt.arrived_at - sent
        return Timing(waited_s=sent - called, first_byte_s=first_byte, elapsed_s=now - sent)


__all__ = ["Client", "ClientOptions", "HttpOptions", "HttpTransport", "Outcome", "Peer", "Stream", "Timing"]
