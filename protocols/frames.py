# SPDX-License-Identifier: Apache-2.0
"""How a stream travels: frames with a kind and a length, the last one signed.

A body that simply ends cannot be told from one that was cut. So a stream is a sequence of frames, and only the END
frame, which carries the miner's signature over all frames before it, makes it whole. A FAIL frame says in a signed
way that the miner could not go on.

    frame  =  kind (1 byte)  length (4 bytes, big-endian)  payload
    ITEM 1 a reply, encoded as the request was     FAIL 2 an error as JSON     END 3 the seal as JSON
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from protocols.errors import BrokenStream, ReplyTooLarge
from protocols.faults import MAX_FAULT_BYTES
from protocols.keys import Scheme

ITEM: Final = 1
FAIL: Final = 2
END: Final = 3

_HEADER = struct.Struct(">BI")


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of an END frame."""

    status: int
    frames: int
    hotkey: str
    signature: str
    crypto: Scheme = "sr25519"


def media_type(codec_media_type: str) -> str:
    """The content type of a stream of items in this encoding."""
    return codec_media_type.replace("application/", "application/vnd.subnet.stream+", 1)


def pack(kind: int, payload: bytes) -> bytes:
    """One frame."""
    return _HEADER.pack(kind, len(payload)) + payload


class Unpacker:
    """Cuts a body that arrives in chunks of any size into its frames, up to the END frame."""

    __slots__ = ("_buffer", "_max_item")

    def __init__(self, max_item: int) -> None:
        self._buffer = bytearray()
        self._max_item = max_item

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """The frames that this chunk completes, as (kind, whole frame)."""
        buffer = self._buffer
        buffer += chunk
        while len(buffer) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(buffer)
            if kind not in (ITEM, FAIL, END):
                raise BrokenStream(f"frame kind is {kind}, expected {ITEM}, {FAIL} or {END}")
            # What ends a stream is no item: it must fit however small a subnet's items are.
            limit = self._max_item if kind == ITEM else MAX_FAULT_BYTES
            if length > limit:
                raise ReplyTooLarge(f"frame has {length} bytes, at most {limit} are allowed")
            if len(buffer) < _HEADER.size + length:
                return
            frame = bytes(buffer[: _HEADER.size + length])
            del buffer[: len(frame)]
            yield kind, frame

    def cut(self) -> BrokenStream:
        """The error for a body that ends here, without its END frame."""
        return BrokenStream(f"stream ended without its signed last frame, {len(self._buffer)} bytes into the next")


def payload_of(frame: bytes) -> bytes:
    """A frame without its header."""
    return frame[_HEADER.size :]


__all__ = ["END", "FAIL", "ITEM", "Seal", "Unpacker", "media_type", "pack", "payload_of"]
