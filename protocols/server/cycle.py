# SPDX-License-Identifier: Apache-2.0
"""One response on its way out: head and body leave in one piece.

uvicorn writes the head as soon as it has it and the body after that, which costs our core a second system call and the
caller's a second wake-up. Here the head waits for the first piece of the body. There are two shapes: a whole response
with its length, and a stream, which is chunked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_JOINED_BYTES: Final = 65_536


class Cycle(RequestResponseCycle):
    """A request and its response as uvicorn keeps them, with its own way of writing."""

    _start: Mapping[str, Any] | None = None

    async def send(self, message: Any) -> None:
        """Take one ASGI message; waits while the peer does not read."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        body: bytes = message.get("body", b"")
        ends = not message.get("more_body", False)
        head = b"" if self.response_started else self._head(len(body), ends)
        if self.scope["method"] == "HEAD":
            body = b""
        elif self.chunked_encoding:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = framed + b"0\r\n\r\n" if ends else framed
        self._write(head, body)
        if ends:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _write(self, head: bytes, body: bytes) -> None:
        if len(body) > _JOINED_BYTES:
            self.transport.write(head)
            self.transport.write(body)
        else:
            self.transport.write(head + body)

    def _head(self, length: int, ends: bool) -> bytes:
        if self._start is None:
            raise RuntimeError("a body came before the head of its response")
        self.response_started = True
        self.waiting_for_100_continue = False
        headers: list[tuple[bytes, bytes]] = list(self._start["headers"])
        given = dict(headers)
        if given.get(b"connection") == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        self.chunked_encoding = b"content-length" not in given
        if self.chunked_encoding:
            headers.append((b"transfer-encoding", b"chunked"))
        elif not ends or int(given[b"content-length"]) != length:
            raise RuntimeError(f"a response has {length} bytes, its head says {given[b'content-length']!r}")
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        # A line break within a value would be a header that nobody meant to send.
        if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
            raise RuntimeError("a response header holds a line break")
        return STATUS_LINE[self._start["status"]] + lines + b"\r\n"


__all__ = ["Cycle"]
