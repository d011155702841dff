# SPDX-License-Identifier: Apache-2.0
"""What carries a signed query to its receiver and the answer back: the seam between the client and the world.

HTTP is one implementation (`protocols.client.http`), one process another (`protocols.memory`). A transport knows
nothing of signatures; it calls `depart` at the moment in which it really sends, because that is when the nonce is
made and the deadline begins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from protocols.dialect import Arrived
from protocols.errors import ReplyTooLarge

Depart = Callable[[], Mapping[str, str]]


class Arrival(Protocol):
    """A response whose head is here and whose body is still to be read."""

    head: Arrived

    async def read(self, limit: int) -> bytes:
        """The whole body; raises `ReplyTooLarge` as soon as it is larger than `limit`."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it comes."""
        ...

    def release(self) -> None:
        """Let go; where the body was not read to its end the connection is closed, so that the sender can stop."""
        ...


class Transport(Protocol):
    """Sends one request at a time for as many callers as ask."""

    async def send(self, url: str, body: bytes, depart: Depart) -> Arrival:
        """Send a POST with the headers that `depart` returns; raises `TransportError`."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


async def read_whole(pieces: AsyncIterator[bytes], limit: int) -> bytes:
    """A body in one piece; raises `ReplyTooLarge` as soon as it is larger than `limit`."""
    kept, size = [], 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise ReplyTooLarge(f"reply has over {size} bytes, at most {limit} are read")
        kept.append(piece)
    return kept[0] if len(kept) == 1 else b"".join(kept)


__all__ = ["Arrival", "Depart", "Transport", "read_whole"]
