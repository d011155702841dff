# SPDX-License-Identifier: Apache-2.0
"""The door: a uvicorn protocol that bounds what a stranger can cost before there is a request at all.

uvicorn parses HTTP quickly but trusts its peer: a connection may stay silent for ever, send headers without end,
pipeline, or never read what it asked for. Here each of these has a limit. In the usual case, a small request that
arrives in one piece, the guard does no work: timers exist only for what is unfinished.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from protocols.errors import HeadTooLarge, MalformedBody, SlowRequest, WireError
from protocols.faults import fault_body
from protocols.server.cycle import Cycle
from protocols.server.door import Door
from protocols.server.line import Line
from protocols.server.strikes import network_of

# uvicorn logs one line for each malformed request; a flood of them must not fill a disk. They are counted instead.
_SILENT: Final = logging.Logger("protocols.server.guard", level=logging.CRITICAL + 1)


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, config: Config, door: Door) -> None:
        super().__init__(config, door.state, {})
        self.logger = _SILENT
        self._door = door
        self._network = ""
        self._unfinished = False
        self._in_head = False
        self._overhead = 0
        self._idle_since: float | None = None
        self._arrival: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._line = Line(transport, self.loop)
        self.transport = cast(asyncio.Transport, self._line)
        limits, door = self._door.limits, self._door
        self._network = network_of(self.client[0]) if self.client else ""
        door.by_network[self._network] += 1
        door.meters.connections += 1
        if (
            door.closed
            or len(self.connections) > limits.connections
            or door.by_network[self._network] > limits.connections_per_address
        ):
            self._drop("too_many_connections")
            return
        self._arrival = self.loop.call_later(limits.request_s, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._stall is not None:
            self._stall.cancel()
        # Whatever ended the connection, no timer may keep it in memory.
        if self._idle is not None:
            self._idle.cancel()
        self._line.lost()
        super().connection_lost(exc)
        self._door.left(self._network)

    def data_received(self, data: bytes) -> None:
        if self._line.closing:
            self._line.drop(len(data))
            return
        self._idle_since = None
        self._unfinished = True
        self._overhead += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            self.refuse(_refusal_in(error))
            return
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.refuse(MalformedBody("request is not HTTP/1.1 as this server reads it", help="curl -v shows one"))
            return
        if not self._unfinished:
            self._overhead = 0
            self._disarm()
            return
        # Head, chunk sizes, trailers: whatever is not body has one budget, so that none of them can go on for ever.
        if self._overhead > self._door.limits.head_bytes:
            self.refuse(self._head_too_large())
        elif self._arrival is None:
            self._arrival = self.loop.call_later(self._door.limits.request_s, self._too_slow)

    def on_message_begin(self) -> None:
        self._unfinished = self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        self._check_head(version)
        target, scope = httptools.parse_url(self.url), self.scope
        path = target.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=_SILENT,
            access_logger=_SILENT,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._start_asgi_task(self.cycle, self.app)
        self._in_head = False
        # Trailers come as headers too; what follows the body must not speak for what came before it.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._unfinished = False
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        # One timer for as long as the connection lives: setting and cancelling one for each request costs more.
        self._idle_since = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(self._door.limits.keep_alive_s, self._check_idle)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(self._door.limits.write_stall_s, self._drop, "write_stalled")

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    @property
    def arriving(self) -> bool:
        """Whether a request has begun to arrive and is not whole."""
        return self._unfinished

    @property
    def answering(self) -> bool:
        """Whether a response is still to be finished."""
        return self._cycle_runs()

    @property
    def unsent(self) -> int:
        """Bytes of a response that the peer has yet to take."""
        return self._line.unsent

    def refuse(self, error: WireError) -> None:
        """Answer whatever is under way with an error, and end the connection."""
        self._door.meters.refused(error.code)
        self._disarm()
        if self._owes_answer() and not self._line.is_closing():
            body = fault_body(error)
            head = f"HTTP/1.1 {error.status} {error.code}\r\ncontent-type: application/json\r\n"
            self._line.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        self._leave_cycle()
        self._line.close()

    def _drop(self, reason: str) -> None:
        self._door.meters.refused(reason)
        self._leave_cycle()
        self._line.closing = True
        self._line.abort()

    def _leave_cycle(self) -> None:
        # What still works on this connection learns now that nobody listens, and writes nothing after our last words.
        if self._cycle_runs():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.flow.resume_writing()

    def _owes_answer(self) -> bool:
        # A second answer to one request would be taken for the answer to the next one.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or not cycle.response_started or (self._in_head and cycle.response_complete)

    def _cycle_runs(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _check_head(self, version: str) -> None:
        limits = self._door.limits
        if len(self.headers) > limits.head_count:
            raise _Refused(HeadTooLarge(f"{len(self.headers)} headers, at most {limits.head_count} are read"))
        # A body may follow in the same piece, so where much arrived at once the head itself is measured.
        if self._overhead > limits.head_bytes and self._head_size() > limits.head_bytes:
            raise _Refused(self._head_too_large())
        if version not in ("1.1", "1.0"):
            raise _Refused(MalformedBody("request is not HTTP/1.1", help="curl -v shows one"))
        if self.parser.should_upgrade():
            raise _Refused(MalformedBody("upgrade is not offered here", help="send plain HTTP/1.1"))
        if self._cycle_runs():
            raise _Refused(MalformedBody("pipelined requests are not served", help="send one request at a time"))

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _head_too_large(self) -> HeadTooLarge:
        return HeadTooLarge(f"request line, headers and framing have over {self._door.limits.head_bytes} bytes")

    def _check_idle(self) -> None:
        since, limit = self._idle_since, self._door.limits.keep_alive_s
        left = limit if since is None else since + limit - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._idle = self.loop.call_later(left, self._check_idle)

    def _too_slow(self) -> None:
        self.refuse(SlowRequest(f"request did not arrive whole in {self._door.limits.request_s:g} s"))

    def _disarm(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None


class _Refused(Exception):
    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


def _refusal_in(error: BaseException) -> WireError:
    cause: Any = error.__context__ or error.__cause__
    if isinstance(cause, _Refused):
        return cause.error
    return MalformedBody("request target or headers cannot be read", help="curl -v shows a readable one")


__all__ = ["GuardedProtocol"]
