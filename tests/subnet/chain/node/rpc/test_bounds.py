# SPDX-License-Identifier: Apache-2.0
"""What one client may cost: floods, silence, and messages that never end meet a bound, and others are still served."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidMessage

from subnet.chain.node.rpc import Bounds
from tests.attacks.miner import until
from tests.subnet.chain.node.rpc.room import ask, frame, hear, opened, post, request, serving, tell


async def test_requests_under_way_are_bounded_and_none_is_lost() -> None:
    async with serving(Bounds(in_flight=5)) as node, node.connect() as client:
        for number in range(200):
            await tell(client, request("wait", id=number))
        await until(lambda: node.room.running == 5)
        node.room.gate.set()
        assert sorted([(await hear(client))["id"] for _ in range(200)]) == list(range(200))
        assert node.room.most == 5


async def test_a_request_that_takes_too_long_is_given_up() -> None:
    async with serving(Bounds(handler_s=0.05)) as node, node.connect() as client:
        assert (await ask(client, "wait"))["error"]["code"] == -32603
        assert (await post(node, request("wait")))[1]["error"]["data"] == "no answer within 0.05 s"
        assert node.room.running == 0


async def test_a_flood_is_answered_and_does_not_keep_others_waiting() -> None:
    flood = frame(b'{"jsonrpc":"2.0","id":1,"method":"digits","params":[10]}') * 20_000
    async with serving() as node, opened(node) as (reader, writer), node.connect() as other:
        writer.write(flood)
        await reader.read(100)
        started = time.monotonic()
        for _ in range(10):
            assert "result" in await ask(other, "echo")
        assert time.monotonic() - started < 2.0
        answer = len(b'{"jsonrpc":"2.0","id":1,"result":"0000000000"}') + 2
        await asyncio.wait_for(reader.readexactly(answer * 20_000 - 100), 20)


async def test_a_client_that_asks_for_megabytes_and_does_not_read_is_dropped() -> None:
    flood = frame(b'{"jsonrpc":"2.0","id":1,"method":"digits","params":[1000000]}') * 500
    async with serving(Bounds(stall_s=0.3)) as node, opened(node, read_ahead=1024) as (_, writer):
        writer.write(flood)
        await until(lambda: node.server.connections == 0)
        assert node.room.made <= 30_000_000  # what the system buffers, and one answer more


async def test_a_client_that_pings_and_does_not_read_is_dropped() -> None:
    async with serving(Bounds(stall_s=0.3)) as node, opened(node, read_ahead=1024) as (_, writer):
        sent = 0
        while node.server.connections and sent < 256 << 20:
            writer.write(frame(b"x" * 125, 0x89) * 1_000)
            sent += 131_000
            async with asyncio.timeout(5):
                try:
                    await writer.drain()
                except ConnectionError:
                    break
        await until(lambda: node.server.connections == 0)
        assert sent < 128 << 20


@pytest.mark.parametrize("pieces", [1, 20])
async def test_a_message_over_the_bound_ends_its_connection(pieces: int) -> None:
    async with serving(Bounds(message_bytes=100_000)) as node, node.connect() as client:
        part = "0" * (100_001 // pieces + 1)
        with pytest.raises(ConnectionClosedError) as closed:
            await client.send([part] * pieces if pieces > 1 else part)
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert (await post(node, b"0" * 100_001))[0] == 413


async def test_a_body_without_a_length_is_bounded_too() -> None:
    async def endless() -> object:
        for _ in range(1_000):
            yield b"0" * 10_000

    async with serving(Bounds(message_bytes=100_000)) as node, aiohttp.ClientSession() as http:
        try:
            async with http.post(node.http, data=endless(), headers={"content-type": "application/json"}) as response:
                assert response.status == 413
        except aiohttp.ClientError:
            pass  # told to stop before it had read the answer
        assert "result" in (await post(node, request("echo")))[1]


async def test_a_message_of_a_million_values_is_refused_unread() -> None:
    async with serving() as node:
        body = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":[' + b"[]," * 1_000_000 + b"0]}"
        assert (await post(node, body))[1]["error"]["code"] == -32007
        assert node.room.heard == []


async def test_a_message_that_does_not_come_to_its_end_ends_its_connection() -> None:
    async with serving(Bounds(arrival_s=0.2)) as node:
        async with opened(node) as (reader, writer):
            writer.write(frame(b"x" * 1_000)[:500])
            assert await asyncio.wait_for(reader.read(), 5)
        async with opened(node) as (reader, writer):
            writer.write(frame(b"[", 0x01))
            assert await asyncio.wait_for(reader.read(), 5)
        async with opened(node) as (reader, writer):
            await asyncio.sleep(0.4)
            writer.write(frame(b"{"))
            assert b"-32700" in await asyncio.wait_for(reader.read(200), 5)


async def test_a_stream_of_messages_in_odd_pieces_is_never_too_slow() -> None:
    async with serving(Bounds(arrival_s=0.2)) as node, opened(node) as (reader, writer):
        stream = frame(b'{"jsonrpc":"2.0","id":1,"method":"echo"}') * 100
        step = len(stream) // 40 + 1
        for start in range(0, len(stream), step):
            writer.write(stream[start : start + step])
            await asyncio.sleep(0.02)
        await asyncio.wait_for(reader.readexactly(38 * 100), 5)


async def test_a_message_that_we_leave_unread_is_not_too_slow() -> None:
    async with serving(Bounds(arrival_s=0.1, in_flight=1)) as node, opened(node) as (reader, writer):
        waits = frame(b'{"jsonrpc":"2.0","id":1,"method":"wait"}')
        writer.write(waits * 2 + waits[:20])
        await asyncio.sleep(0.4)
        node.room.gate.set()
        writer.write(waits[20:])
        await asyncio.wait_for(reader.readexactly(38 * 3), 5)


@pytest.mark.parametrize("head", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"POST / HTTP/1.1\r\n"])
async def test_a_request_that_never_comes_is_given_up(head: bytes) -> None:
    async with serving(Bounds(arrival_s=0.2)) as node:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(head)
        await asyncio.wait_for(reader.read(), 5)
        await until(lambda: node.server.connections == 0)
        writer.close()


async def test_a_head_without_end_is_refused() -> None:
    async with serving() as node:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"x: y\r\n" * 10_000)
        assert b" 431 " in (await asyncio.wait_for(reader.read(), 5))[:20]
        writer.close()


async def test_connections_are_bounded() -> None:
    async with serving(Bounds(connections=2)) as node, node.connect() as first, node.connect():
        with pytest.raises((ConnectionError, InvalidMessage)):
            await asyncio.wait_for(node.connect().__aenter__(), 5)
        assert "result" in await ask(first, "echo")


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 20,
        frame(b"x", 0x83),
        b"\x81\x05hello",
        frame(b"x", 0x80),
        frame(b"x" * 126, 0x89),
        frame(b"\x00", 0x88),
        frame(b"a", 0xC1),
    ],
    ids=["noise", "reserved", "unmasked", "continued", "long-ping", "short-close", "compressed"],
)
async def test_frames_that_break_the_protocol_end_their_connection_only(data: bytes) -> None:
    async with serving() as node, node.connect() as other:
        async with opened(node) as (reader, writer):
            writer.write(data)
            assert (await asyncio.wait_for(reader.read(), 5))[:1] == b"\x88"
        assert "result" in await ask(other, "echo")


async def test_messages_in_pieces_and_in_binary_are_read() -> None:
    begin = b'{"jsonrpc":"2.0","id":1,'
    async with serving() as node, opened(node) as (reader, writer):
        parts = [frame(begin, 0x01), frame(b"", 0x00), frame(b"hi", 0x89), frame(b'"method":"echo"}', 0x80)]
        for byte in b"".join(parts):
            writer.write(bytes((byte,)))
            await writer.drain()
        assert await reader.readexactly(4) == b"\x8a\x02hi"
        assert await reader.readexactly(38) == b'\x81\x24{"jsonrpc":"2.0","id":1,"result":[]}'
        writer.write(frame(b'{"jsonrpc":"2.0","id":1,"method":"echo"}', 0x82))
        assert await reader.readexactly(38) == b'\x81\x24{"jsonrpc":"2.0","id":1,"result":[]}'
