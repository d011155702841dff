# SPDX-License-Identifier: Apache-2.0
"""The end of one connection: patient with who reads, short with who does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from protocols.server.line import Line

pytestmark = pytest.mark.serial


class Lost(asyncio.Protocol):
    """Tells when its connection is gone."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.lost.set()


@asynccontextmanager
async def line() -> AsyncIterator[tuple[Line, asyncio.Event, socket.socket]]:
    """A line, when it is lost, and the peer's socket, whose buffers are small."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with theirs:
        transport, protocol = await loop.create_connection(Lost, sock=ours)
        yield Line(transport, loop), protocol.lost, theirs
        if not protocol.lost.is_set():
            transport.abort()
        await protocol.lost.wait()


async def received(peer: socket.socket, size: int = 65_536) -> bytes:
    """The next bytes, or none where the other side has ended."""
    return await asyncio.get_running_loop().sock_recv(peer, size)


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it happens in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def test_the_last_words_arrive_and_then_the_end() -> None:
    async with line() as (ours, lost, peer):
        ours.write(b"goodbye")
        ours.close()
        assert ours.is_closing()
        assert await received(peer) == b"goodbye"
        assert await received(peer) == b""
        assert not lost.is_set()
        peer.close()
        assert await within(lost, 0.5)


async def test_a_peer_that_does_not_leave_is_left() -> None:
    async with line() as (ours, lost, _):
        ours.close()
        assert not await within(lost, 0.4)
        assert await within(lost, 0.4)


async def test_a_peer_that_does_not_read_is_left() -> None:
    async with line() as (ours, lost, _):
        ours.write(b"x" * 100_000)
        ours.close()
        assert ours.unsent > 0
        assert await within(lost, 1.3)


async def test_a_peer_that_reads_slowly_gets_all_of_it() -> None:
    async with line() as (ours, lost, peer):
        ours.write(b"x" * 60_000)
        ours.close()
        read = 0
        while read < 60_000:
            piece = await received(peer, 6_000)
            assert piece
            read += len(piece)
            await asyncio.sleep(0.08)
        assert await received(peer) == b""
        assert await within(lost, 0.5)


async def test_what_comes_after_the_end_is_thrown_away_up_to_a_megabyte() -> None:
    async with line() as (ours, lost, _):
        ours.close()
        ours.drop(1 << 20)
        assert not await within(lost, 0.05)
        ours.drop(1)
        assert await within(lost, 0.5)


async def test_a_line_is_closed_once_and_may_be_lost_before() -> None:
    async with line() as (ours, lost, peer):
        peer.close()
        assert await within(lost, 0.5)
        ours.lost()
        ours.close()
        assert ours.is_closing()
        assert ours.unsent == 0
