# SPDX-License-Identifier: Apache-2.0
"""Asking one peer: sign when it is sent, stop at the deadline, believe only what opens.

The deadline belongs to the peer: it begins when its request leaves, not when the round began, so that nobody fails for
being late in a list. If our own loop was busy when the deadline passed, what has meanwhile arrived is still read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, TypeVar

from protocols.client.outcome import Peer
from protocols.clock import Clock
from protocols.dialect import Asked, Composed, Opened, Speaking
from protocols.errors import Disconnected, PeerError, TimedOut, Unreachable
from protocols.faults import MAX_FAULT_BYTES
from protocols.keys import Signer, short
from protocols.native.speaking import check_arrival
from protocols.transport import Arrival, Transport

T = TypeVar("T")

# Refusals after which nothing was started at the miner: asking again is safe, and the miner said so.
_ASK_AGAIN: Final = frozenset({"overloaded", "warming_up"})
_LATE_S: Final = 0.005


class Deadline:
    """Cancels the task that enters it some time after `start`; leaving turns that into `TimedOut`."""

    __slots__ = ("_at", "_cancelling", "_expired", "_extended", "_loop", "_task", "_timer", "hotkey", "limit_s")

    def __init__(self, limit_s: float, hotkey: str) -> None:
        self.limit_s = limit_s
        self.hotkey = hotkey
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False
        self._extended = False

    def start(self) -> None:
        """Begin."""
        self._at = self._loop.time() + self.limit_s
        self._timer = self._loop.call_at(self._at, self._expire)

    @property
    def left_s(self) -> float:
        """Seconds until it expires; it has begun."""
        return self._at - self._loop.time()

    def __enter__(self) -> Deadline:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._loop = task.get_loop()
        self._cancelling = task.cancelling()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Whoever else wants this task cancelled comes first: only a cancellation that is all ours becomes an error.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimedOut(f"no whole reply of {short(self.hotkey)} within {self.limit_s:g} s of asking") from None

    def _expire(self) -> None:
        late = self._loop.time() - self._at
        # A late timer means that we were busy, and that replies may lie unread in their sockets.
        if late > _LATE_S and not self._extended:
            self._extended = True
            self._timer = self._loop.call_later(min(late, self.limit_s), self._expire)
            return
        self._expired = True
        self._task.cancel()


class Attempt:
    """One question to one peer, and the times at which things happened to it."""

    __slots__ = (
        "_asked",
        "_clock",
        "_composed",
        "_deadline",
        "_headers",
        "_key",
        "_peer",
        "_resent",
        "_speaking",
        "arrived_at",
        "sent_at",
    )

    def __init__(
        self, composed: Composed, peer: Peer, deadline: Deadline, *, key: Signer, clock: Clock, speaking: Speaking
    ) -> None:
        self._composed = composed
        self._peer = peer
        self._deadline = deadline
        self._key = key
        self._clock = clock
        self._speaking = speaking
        self._asked: Asked | None = None
        self._resent = False
        self.sent_at: float | None = None
        self.arrived_at: float | None = None

    async def ask(self, transport: Transport, receive: Callable[[Arrival], Awaitable[T]]) -> T:
        """Send the question and `receive` what arrives; ask anew where the peer says when, and that is in time."""
        while True:
            try:
                return await receive(await self._send(transport))
            except PeerError as error:
                wait_s = error.retry_after_s
                if wait_s is None or error.peer_code not in _ASK_AGAIN or wait_s >= self._deadline.left_s:
                    raise
            await self._clock.sleep(wait_s)
            self._asked, self._resent, self.arrived_at = None, False, None

    async def read(self, arrival: Arrival) -> Opened:
        """Read the reply and open it."""
        limit = self._composed.query.Reply.max_bytes if arrival.head.status == 200 else MAX_FAULT_BYTES
        try:
            body = await arrival.read(limit)
        finally:
            arrival.release()
        try:
            return self.asked.open(arrival.head, body)
        except PeerError as error:
            if self._resent and error.peer_code == "replayed_request":
                where = f"connection to {self._peer.url} ended before a reply"
                raise Disconnected(f"{where}, but after the miner had taken the query") from error
            raise

    def now(self) -> float:
        """The time on the clock that measures this attempt."""
        return self._clock.monotonic()

    @property
    def asked(self) -> Asked:
        """The signed question; there is one as soon as it was sent."""
        assert self._asked is not None
        return self._asked

    async def _send(self, transport: Transport) -> Arrival:
        url, body = self._peer.url + self._composed.target, self._composed.body
        try:
            arrival = await transport.send(url, body, self._depart)
        except Disconnected as error:
            arrival = await self._resend(transport, url, body, error)
        self.arrived_at = self._clock.monotonic()
        try:
            check_arrival(arrival.head, self._peer.hotkey)
        except BaseException:
            arrival.release()
            raise
        return arrival

    async def _resend(self, transport: Transport, url: str, body: bytes, first: Disconnected) -> Arrival:
        # A kept connection may have been closed under us. The same signed bytes are sent again, once: whether or not
        # the first arrived, the peer's replay window accepts them at most one time, if it has one.
        if self._resent or not self._speaking.accepts_once:
            raise first
        self._resent = True
        try:
            return await transport.send(url, body, self._depart)
        except Unreachable as error:
            raise first from error

    def _depart(self) -> Mapping[str, str]:
        if self._asked is None:
            self._asked = self._speaking.ask(self._composed, self._key, self._peer.hotkey, self._clock.time_ns())
            if self.sent_at is None:
                self.sent_at = self._clock.monotonic()
                self._deadline.start()
            # A miner that knows how long its answer is of use can drop what it would finish too late.
            timeout = f"{max(0.0, self._deadline.left_s):.3f}"
            self._headers = {**self._asked.headers, "X-Subnet-Timeout": timeout}
        return self._headers


__all__ = ["Attempt", "Deadline"]
