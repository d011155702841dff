# SPDX-License-Identifier: Apache-2.0
"""One request and its response, between ASGI's messages and our types."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from protocols.dialect import Caller, Heard, Hearing, Outgoing, StreamWriter
from protocols.errors import BodyTooLarge, MalformedAuth, MalformedBody, SubnetError, UnsupportedMedia
from protocols.faults import plain_refusal
from protocols.server.leash import CallerLeft

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Exchange:
    """What is known of one request so far, and what was written in return."""

    __slots__ = ("_body_read", "_send", "_started", "_writer", "caller", "heard", "hearing", "receive")

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.hearing: Hearing | None = None
        self.heard: Heard | None = None
        self.caller: Caller | None = None
        self._send = send
        self._started = False
        self._body_read = False
        self._writer: StreamWriter | None = None

    async def read_body(self, limit: int) -> bytes:
        """The whole body, refused as soon as it is too large whatever its headers promised."""
        message = await self.receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise BodyTooLarge(f"body has {len(body)} bytes, at most {limit} are read")
            self._body_read = True
            return body
        chunks, size = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise CallerLeft
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > limit:
                raise BodyTooLarge(f"body has over {size} bytes, at most {limit} are read")
            if not message.get("more_body", False):
                self._body_read = True
                return b"".join(chunks)
            message = await self.receive()

    async def write(self, outgoing: Outgoing) -> None:
        """Send a whole response."""
        self._started = True
        await self._send({"type": "http.response.start", "status": outgoing.status, "headers": outgoing.headers})
        await self._send({"type": "http.response.body", "body": outgoing.body})

    async def refuse(self, error: SubnetError) -> None:
        """Send an error: as a response, or as the end of the stream that has begun."""
        if self._writer is not None:
            await self.end_stream(self._writer.fail(error))
        elif self._started:
            return
        else:
            # In the words of whoever asks, as far as it is known who that is.
            voice = self.heard or self.hearing
            outgoing = plain_refusal(error) if voice is None else voice.refuse(error)
            if not self._body_read:
                # The rest of the body is still to come, so nothing more can be read from this connection.
                outgoing.headers.append((b"connection", b"close"))
            await self.write(outgoing)

    async def start_stream(self, writer: StreamWriter) -> None:
        """Send the head of a streamed response."""
        self._started, self._writer = True, writer
        headers = [(b"content-type", writer.content_type.encode()), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write_chunk(self, chunk: bytes) -> None:
        """Send one item; waits while the caller reads slowly."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        # A generator that never waits would otherwise hold the loop, its own deadline and the caller's leaving with it.
        await asyncio.sleep(0)

    async def end_stream(self, chunk: bytes) -> None:
        """Send the sealed last chunk."""
        self._writer = None
        await self._send({"type": "http.response.body", "body": chunk})


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Headers by lower-case name; one that is given twice could be read one way by a proxy and another way by us."""
    # Decoded in one piece, which costs a quarter of decoding each; a header cannot hold a line feed.
    words = b"\n".join([word for header in raw for word in header]).decode("latin-1").split("\n")
    headers = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) != 2 * len(headers):
        twice = sorted({name[:32] for name in words[::2] if words[::2].count(name) > 1})[:3]
        raise MalformedAuth(f"header {', '.join(twice) or 'line'} is given more than once, expected once")
    return headers


def check_encoding(headers: Mapping[str, str]) -> None:
    """Refuse a body that is not simply what was signed: a small one could unpack into a huge one."""
    encoding = headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise UnsupportedMedia(f"content encoding is {encoding[:32]!r}, expected identity")
    transfer = headers.get("transfer-encoding", "chunked")
    if transfer.lower() != "chunked":
        raise UnsupportedMedia(f"transfer encoding is {transfer[:32]!r}, expected chunked")


def check_size(headers: Mapping[str, str], limit: int) -> None:
    """Refuse a body that says it is too large before any of it is read."""
    length = headers.get("content-length")
    if length is None:
        return
    if not (length.isascii() and length.isdigit()):
        raise MalformedBody(f"Content-Length is {length[:32]!r}, expected a number")
    if len(length) > 15 or int(length) > limit:
        raise BodyTooLarge(f"body has {length[:20]} bytes, at most {limit} are read")


def client_address(scope: Scope) -> str:
    """The address at the other end of the connection."""
    client = scope.get("client")
    return client[0] if client else ""


__all__ = [
    "Exchange",
    "Receive",
    "Scope",
    "Send",
    "check_encoding",
    "check_size",
    "client_address",
    "read_headers",
]
