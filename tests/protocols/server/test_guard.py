# SPDX-License-Identifier: Apache-2.0
"""How connections end: with the last words read, in bounded time, and with nothing of them left in memory."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import time

import pytest

from protocols.server import Context, Limits, ServerOptions
from protocols.server.door import Door
from protocols.server.guard import GuardedProtocol
from protocols.server.meters import Meters
from tests.attacks.miner import Ask, Gate, Letter, serving, until
from tests.attacks.raw import Connection, connect, exchange, request


class Large(Ask):
    """Asks for more than any buffer holds."""

    class Reply(Ask.Reply):
        """Megabytes."""

        max_bytes = max_field_bytes = 1 << 25


async def large(ask: Large, ctx: Context) -> Large.Reply:
    """Sixteen megabytes."""
    return Large.Reply(text="x" * (16 << 20))


def reset_on_close(connection: Connection) -> None:
    """Make closing this connection a reset, as a crashed peer's is."""
    sock: socket.socket = connection.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def protocols_in_memory() -> int:
    """How many connections are still held by anything."""
    gc.collect()
    return sum(type(thing) is GuardedProtocol for thing in gc.get_objects())


async def test_a_reply_that_ends_its_connection_is_delivered_to_a_slow_reader() -> None:
    async with serving({Large: large}) as target, connect(target.url, read_ahead=65_536) as connection:
        await connection.send(Letter(target="/Large").bytes({"Connection": "close"}))
        read = 0
        for _ in range(4):
            read += len(await connection.reader.read(1 << 18))
            await asyncio.sleep(0.2)
        rest = await connection.ended()
        assert read + len(rest) > 16 << 20
        assert rest.endswith(b'"caller":""}')


@pytest.mark.parametrize("how", ["refused", "answered"])
async def test_a_peer_that_is_told_to_go_and_stays_is_let_go(how: str) -> None:
    data = b"GARBAGE\r\n\r\n" if how == "refused" else Letter().bytes({"Connection": "close"})
    async with serving() as target, connect(target.url) as connection:
        started = time.monotonic()
        await connection.send(data)
        assert (await connection.response()).status == (400 if how == "refused" else 200)
        assert await connection.reader.read() == b""
        await until(lambda: target.server.meters.connections == 0)
        assert time.monotonic() - started < 2.0


async def test_a_peer_that_is_told_to_stop_and_sends_on_is_cut_off() -> None:
    async with serving() as target, connect(target.url) as connection:
        await connection.send(b"GARBAGE\r\n\r\n")
        assert (await connection.response()).status == 400
        sent = 0
        while not connection.writer.is_closing() and sent < 256 << 20:
            await connection.send(b"x" * 65_536)
            sent += 65_536
        assert sent < 32 << 20
        await until(lambda: target.server.meters.connections == 0)


async def test_nothing_is_written_after_a_refusal() -> None:
    entered = asyncio.Event()

    async def stubborn(ask: Ask, ctx: Context) -> Ask.Reply:
        entered.set()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            return Ask.Reply(text="all the same")
        raise AssertionError

    async with serving({Ask: stubborn}) as target, connect(target.url) as connection:
        await connection.send(Letter().bytes())
        await entered.wait()
        await connection.send(b"GARBAGE\r\n\r\n")
        answers = await connection.ended()
        assert answers.startswith(b"HTTP/1.1 400 ")
        assert b"all the same" not in answers


async def test_a_peer_that_stops_sending_for_good_has_left() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}) as target, connect(target.url) as connection:
        await connection.send(Letter().bytes())
        await until(lambda: gate.entered == 1)
        connection.writer.write_eof()
        await until(lambda: gate.left == ["cancelled"])
        assert await connection.ended() == b""


async def test_peers_that_reset_their_connections_leave_nothing_in_memory() -> None:
    async with serving(options=ServerOptions(limits=Limits(request_s=60.0))) as target:
        letter = Letter().bytes
        beginnings = [b"", b"POST /A", b"GARBAGE\r\n\r\n", letter()[:-3], letter(), letter(), b"\r\n", request("/docs")]
        for at, data in enumerate(beginnings * 6):
            async with connect(target.url) as connection:
                reset_on_close(connection)
                await connection.send(data)
                if at % 2 and data.endswith(b"}"):
                    await connection.last()
        await until(lambda: target.server.meters.connections == 0)
        # uvicorn's timer for idle connections would hold each for a minute.
        assert protocols_in_memory() == 0
        assert (await exchange(target.url, letter())).status == 200


async def test_connections_are_counted_by_network_and_forgotten() -> None:
    door = Door(Limits(), Meters())
    for network in ("192.0.2.1", "192.0.2.1", "2001:db8::/64"):
        door.by_network[network] += 1
        door.meters.connections += 1
    for network in ("192.0.2.1", "2001:db8::/64", "192.0.2.1"):
        door.left(network)
    assert not door.by_network
    assert door.meters.connections == 0


async def test_a_port_of_the_peer_says_nothing_about_who_it_is() -> None:
    async with serving(options=ServerOptions(limits=Limits(connections_per_address=2))) as target:
        async with connect(target.url), connect(target.url):
            await until(lambda: target.server.meters.connections == 2)
            async with connect(target.url) as third:
                assert await third.ended(2.0) == b""
        await until(lambda: target.server.meters.connections == 0)
        assert (await exchange(target.url, Letter().bytes())).status == 200
