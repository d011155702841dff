# SPDX-License-Identifier: Apache-2.0
"""Streams as OpenAI's interface words them: server-sent events of one line of JSON each, `[DONE]` after the last.

Nobody signs any of it. That a stream is whole is the peer's own word, and whoever is between us and it can change,
add or drop items unseen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

import msgspec

from protocols.codec import JSON
from protocols.errors import BrokenStream, MalformedReply, MessageError, PeerError, ReplyTooLarge, SubnetError
from protocols.faults import MAX_FAULT_BYTES, fault_body, peer_error
from protocols.keys import short
from protocols.seal import StreamEvidence
from protocols.synapse import Reply

MEDIA_TYPE: Final = "text/event-stream"

_DONE: Final = b"[DONE]"


class EventWriter:
    """Turns items into events."""

    content_type = MEDIA_TYPE

    def item(self, reply: Reply) -> bytes:
        """One event; our JSON holds no line break."""
        return _event(JSON.encode(reply))

    def fail(self, error: SubnetError) -> bytes:
        """The error, and no `[DONE]`: a reader that does not know errors finds the stream unfinished."""
        return _event(fault_body(error))

    def end(self) -> bytes:
        """The mark of a whole stream."""
        return _event(_DONE)


class EventReader:
    """Turns events into items; comments, and fields other than data, mean nothing here."""

    evidence: StreamEvidence | None = None

    def __init__(self, reply: type[Reply], peer: str, content_type: str) -> None:
        if content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
            raise MalformedReply(f"content type is {content_type[:64]!a}, expected {MEDIA_TYPE}")
        self._reply = reply
        self._peer = peer

    async def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Reply]:
        """The items as they come; raises `BrokenStream` where no `[DONE]` does."""
        lines = _Lines(max(self._reply.max_bytes, MAX_FAULT_BYTES) + len(_event(b"")))
        async for chunk in chunks:
            for line in lines.feed(chunk):
                field, _, data = line.partition(b":")
                if field != b"data":
                    continue
                if data.strip() == _DONE:
                    return
                yield self._item(data.strip())
        raise BrokenStream(f"stream of {short(self._peer)} ended without {_DONE.decode()}")

    def _item(self, data: bytes) -> Reply:
        try:
            return JSON.decode(data, self._reply)
        except MessageError as error:
            # Looked at second, because an item may have a field of this name.
            raise self._failure(data) or MalformedReply(
                f"stream item of {short(self._peer)}: {error.message}"
            ) from None

    def _failure(self, data: bytes) -> PeerError | None:
        try:
            msgspec.json.decode(data, type=_Failure)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return peer_error(self._peer, 200, data, "unsigned")


class _Failure(msgspec.Struct):
    error: msgspec.Raw


class _Lines:
    """Cuts a body that arrives in chunks of any size into its lines."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk completes."""
        buffer, searched = self._buffer, len(self._buffer)
        buffer += chunk
        while (end := buffer.find(b"\n", searched)) >= 0:
            self._check(end)
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            searched = 0
            yield line
        self._check(len(buffer))

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise ReplyTooLarge(f"line of a stream has {size} bytes, at most {self._limit} are allowed")


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


__all__ = ["EventReader", "EventWriter", "MEDIA_TYPE"]
