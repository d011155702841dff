# SPDX-License-Identifier: Apache-2.0
"""The port: taken, found, shared by two protocols, and given back in bounded time."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed

from protocols.errors import BindFailed
from subnet.chain.node.rpc import Methods, RpcServer
from tests.attacks.miner import until
from tests.subnet.chain.node.rpc.room import JSON, Room, ask, opened, post, request, serving, tell


async def test_a_port_in_use_says_how_to_take_another() -> None:
    async with serving() as node:
        with pytest.raises(BindFailed) as failed:
            await RpcServer(Methods(Room())).start("127.0.0.1", node.port)
        assert str(node.port) in failed.value.message
        assert "--port" in failed.value.help
        assert "result" in (await post(node, request("echo")))[1]


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65_536), ("127.0.0.1", -1), ("192.0.2.1", 0)])
async def test_an_address_that_cannot_be_had_is_a_typed_error(host: str, port: int) -> None:
    with pytest.raises(BindFailed, match="cannot listen on"):
        await RpcServer(Methods(Room())).start(host, port)


async def test_one_connection_may_speak_http_first_and_websocket_then() -> None:
    async with serving() as node, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http:
        for number in range(3):
            async with http.post(node.http, json=request("echo", number), headers=JSON) as response:
                assert (await response.json())["result"] == [number]
        async with http.get(node.http) as page:
            assert (await page.text()).startswith("this is a subnet node, JSON-RPC over POST and WebSocket")
        assert node.server.connections == 1
        async with http.ws_connect(node.http) as socket:
            await socket.send_json(request("echo", "ws"))
            assert (await socket.receive_json())["result"] == ["ws"]
            assert node.server.connections == 1
        await until(lambda: node.server.connections == 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/x", 404), ("PUT", "/", 405), ("DELETE", "/", 405)],
)
async def test_what_is_not_a_call_is_told_so(method: str, path: str, status: int) -> None:
    async with serving() as node, aiohttp.ClientSession() as http:
        async with http.request(method, node.http + path) as response:
            assert response.status == status
            assert response.content_type == "text/plain"
        async with http.post(node.http + "/any/path", json=request("echo")) as response:
            assert (await response.json())["result"] == []


async def test_an_upgrade_to_something_else_or_a_broken_one_is_refused() -> None:
    async with serving() as node:
        for lines in (
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
            b"Connection: Upgrade\r\nUpgrade: websocket",
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % lines)
            assert (await asyncio.wait_for(reader.read(), 5))[:11] in (b"HTTP/1.1 40", b"HTTP/1.1 42")
            writer.close()
        await until(lambda: node.server.connections == 0)


async def test_a_caller_who_leaves_ends_what_was_asked() -> None:
    async with serving() as node:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(node, request("wait")), 0.2)
        await until(lambda: node.room.running == 0)


async def test_stopping_says_goodbye_and_waits_for_nobody_for_long() -> None:
    async with serving() as node, opened(node) as (_, writer), node.connect() as client:
        await ask(client, "sub_count", 0)
        await tell(client, request("wait"))
        asked = asyncio.create_task(post(node, request("wait")))
        await until(lambda: node.room.running == 2)
        writer.transport.pause_reading()
        started = time.monotonic()
        await node.server.stop()
        assert time.monotonic() - started < 8.0
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert (await asked)[1]["error"]["code"] == -32009
        await until(lambda: node.room.running == node.room.feeds == node.server.connections == 0)
        again = RpcServer(Methods(Room()))
        assert await again.start("127.0.0.1", node.port) == node.port
        await again.stop()
