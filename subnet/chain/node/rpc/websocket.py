# SPDX-License-Identifier: Apache-2.0
"""One WebSocket connection: frames to messages, answers to frames, and neither side waits for the other for ever.

The protocol itself is the `websockets` library's, without its own tasks and queues: a call that can be answered at once
costs no task, and the answers to everything that arrived together leave together. Reading pauses while the peer leaves
its answers unread or has enough requests under way, so what one connection holds in memory is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from protocols.clock import Clock
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.dispatch import Dispatcher
from subnet.chain.node.rpc.origins import Gate
from subnet.chain.node.rpc.session import Report, Session

__all__ = ["Office", "WebSocket"]

_SILENT: Final = logging.Logger("subnet.chain.node.rpc.websocket", level=logging.CRITICAL + 1)
_JOINED_BYTES: Final = 65_536
_CLOSE_S: Final = 1.0
"""How long a peer has to take its leave."""


@dataclass(frozen=True, slots=True)
class Office:
    """What all connections of one server share."""

    dispatcher: Dispatcher
    gate: Gate
    bounds: Bounds
    clock: Clock
    report: Report


class WebSocket(asyncio.Protocol):
    """One connection from its handshake on; `ended` is called once when it is gone."""

    def __init__(self, office: Office, transport: asyncio.Transport, ended: Callable[[Exception | None], None]) -> None:
        self._office = office
        self._transport = transport
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._wire = ServerProtocol(max_size=office.bounds.message_bytes, logger=_SILENT)
        self.session = Session(self, office.bounds, office.report)
        self._inbox: deque[bytes] = deque()
        self._partial: bytearray | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending = 0
        self._pumping = self._turned = self._stalled = self._unread = self._whole = False
        self._stall: asyncio.TimerHandle | None = None
        self._arrival: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and with it all that was asked on it."""
        for timer in (self._stall, self._arrival, self._closing):
            if timer is not None:
                timer.cancel()
        self._inbox.clear()
        self.session.end()
        for task in self._tasks:
            task.cancel()
        self._ended(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived and answer what is whole."""
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif isinstance(event, Request):
                self._shake_hands(event)
        self._pump()
        self._watch_arrival()

    def eof_received(self) -> None:
        """The peer sends nothing more, and so nobody waits for an answer."""
        self._wire.receive_eof()

    def pause_writing(self) -> None:
        """The peer does not read: nothing more is answered until it does, or until it is dropped."""
        self._stalled = True
        self._stall = self._loop.call_later(self._office.bounds.stall_s, self._transport.abort)

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._stalled = False
        if self._stall is not None:
            self._stall.cancel()
        self._pump()

    def write(self, message: bytes) -> None:
        """Send one message; a peer that leaves too much unread loses its connection."""
        if self._wire.state is not State.OPEN or self._transport.is_closing():
            return
        self._wire.send_text(message)
        self._pending += len(message)
        if not self._pumping or self._pending > _JOINED_BYTES:
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and let go soon after."""
        try:
            self._wire.send_close(code, reason)
        except InvalidState:
            self._transport.close()
        self._flush()

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            if frame.fin:
                self._deliver(bytes(frame.data))
            else:
                self._partial = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._partial is not None:
            self._partial += frame.data
            if frame.fin:
                self._deliver(bytes(self._partial))
                self._partial = None

    def _deliver(self, message: bytes) -> None:
        self._inbox.append(message)
        self._whole = True

    def _shake_hands(self, request: Request) -> None:
        refusal = self._office.gate.refusal(request.headers.raw_items())
        if refusal is None:
            self._wire.send_response(self._wire.accept(request))
        else:
            self._wire.send_response(self._wire.reject(403, f"{refusal}\n"))

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            self._answer_inbox()
        finally:
            self._pumping = False
        self._flush()
        self._regulate()

    def _answer_inbox(self) -> None:
        office, inbox = self._office, self._inbox
        until = office.clock.monotonic() + office.bounds.slice_s
        while inbox and not self._stalled and len(self._tasks) < office.bounds.in_flight:
            if office.clock.monotonic() > until:
                self._turn()
                return
            work = office.dispatcher.serve(self.session, inbox.popleft(), self.write)
            if work is not None:
                task = self._loop.create_task(work)
                self._tasks.add(task)
                task.add_done_callback(self._done)

    def _turn(self) -> None:
        # The rest waits until every other connection has had its turn.
        if not self._turned:
            self._turned = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turned = False
        self._pump()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._office.report("an answer was not written", error)
        if self._inbox:
            self._pump()
        else:
            self._regulate()

    def _regulate(self) -> None:
        pause = bool(self._inbox) or self._stalled or len(self._tasks) >= self._office.bounds.in_flight
        if pause is self._unread or self._transport.is_closing():
            return
        self._unread = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _flush(self) -> None:
        self._pending = 0
        chunks = self._wire.data_to_send()
        if not chunks:
            return
        if not self._transport.is_closing():
            self._transport.write(b"".join(chunks))
            if self._transport.get_write_buffer_size() > self._office.bounds.unsent_bytes:
                self._transport.abort()
                return
        if chunks[-1] == b"":
            self._transport.close()
        if self._closing is None and self._wire.close_expected():
            self._closing = self._loop.call_later(_CLOSE_S, self._transport.abort)

    def _watch_arrival(self) -> None:
        # Where messages follow each other closely there is always the beginning of another.
        if self._whole and self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        self._whole = False
        if self._arrival is None and (self._partial is not None or self._wire.reader.buffer):
            self._arrival = self._loop.call_later(self._office.bounds.arrival_s, self._too_slow)

    def _too_slow(self) -> None:
        self._arrival = None
        if self._unread:
            # We are the ones who do not read.
            self._watch_arrival()
            return
        self.close(CloseCode.POLICY_VIOLATION, f"a message took over {self._office.bounds.arrival_s:g} s to arrive")
