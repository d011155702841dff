# SPDX-License-Identifier: Apache-2.0
"""Browsers: pages of this machine may ask, every other page is refused, however it came to know the address."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from subnet.chain.node.rpc import Methods, RpcServer
from tests.subnet.chain.node.rpc.room import JSON, Node, Room, ask, post, request, serving

LOCAL = [
    "http://localhost:3000",
    "https://localhost",
    "http://127.0.0.1:5173",
    "http://[::1]:80",
    "http://app.localhost",
]
FOREIGN = [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://localhost@evil.example",
    "http://127.0.0.1.evil.example",
    "http://0.0.0.0",
    "http://192.168.1.2",
    "file://",
    "chrome-extension://localhost",
    "",
    "http://[",
]


@pytest.mark.parametrize("origin", LOCAL)
async def test_a_page_of_this_machine_may_ask(origin: str) -> None:
    async with serving() as node:
        assert (await post(node, request("echo"), origin=origin))[0] == 200
        async with node.connect(origin=origin) as client:
            assert "result" in await ask(client, "echo")
        async with aiohttp.ClientSession() as http:
            wants = {"origin": origin, "access-control-request-method": "POST"}
            async with http.options(node.http, headers=wants) as response:
                assert response.status == 200
                assert response.headers["access-control-allow-origin"] == origin
                assert response.headers["vary"] == "Origin"
                assert "content-type" in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_is_refused_on_every_way_in(origin: str) -> None:
    async with serving() as node:
        assert (await post(node, request("echo"), origin=origin))[0] == 403
        with pytest.raises(InvalidStatus) as refused:
            await node.connect(additional_headers={"Origin": origin}).__aenter__()
        assert refused.value.response.status_code == 403
        async with aiohttp.ClientSession() as http, http.options(node.http, headers={"origin": origin}) as response:
            assert response.status == 403
            assert "access-control-allow-origin" not in response.headers
        assert node.room.heard == []


async def knock(node: Node, *lines: str) -> bytes:
    """The first line that a WebSocket handshake with these headers is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    writer.write("\r\n".join(["GET / HTTP/1.1", *lines, f"{upgrade}{key}", "", ""]).encode())
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    return line


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9944", "10.0.0.1", "localhost.evil.example", "", "["])
async def test_a_foreign_name_for_this_machine_is_refused(host: str) -> None:
    async with serving() as node:
        async with aiohttp.ClientSession(skip_auto_headers=["host"]) as http:
            for ask_for in (http.get, http.post):
                async with ask_for(node.http, headers={"host": host, **JSON}) as response:
                    assert response.status == 403
        assert b" 403 " in await knock(node, f"Host: {host}")
        assert node.room.heard == []


async def test_a_request_with_two_hosts_or_none_or_two_origins_is_refused() -> None:
    async with serving() as node:
        assert b" 101 " in await knock(node, "Host: localhost:1")
        assert b" 101 " in await knock(node, "Host: [::1]:9944")
        assert b" 403 " in await knock(node, "Host: localhost", "Host: evil.example")
        assert b" 403 " in await knock(
            node, "Host: localhost", "Origin: http://localhost", "Origin: http://evil.example"
        )
        assert b" 101 " not in await knock(node)


async def test_a_named_page_may_ask_and_its_neighbours_may_not() -> None:
    async with serving(origins=["https://Wallet.example/"]) as node:
        assert (await post(node, request("echo"), origin="https://wallet.example"))[0] == 200
        assert (await post(node, request("echo"), origin="https://wallet.example:444"))[0] == 403
        assert (await post(node, request("echo"), origin="http://wallet.example"))[0] == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("node.example", "", 200),
        ("node.example:9944", "http://node.example:9944", 403),
        ("192.168.1.2:9944", "http://192.168.1.2:9944", 200),
        ("192.168.1.2:9944", "http://192.168.1.3:9944", 403),
        ("192.168.1.2:9944", "http://192.168.1.2", 403),
        ("[fe80::1]:9944", "http://[fe80::1]:9944", 200),
        ("chain:9944", "http://chain:9944", 200),
        ("host.docker.internal:9944", "http://host.docker.internal:9944", 200),
        ("chain:9944", "http://evil.example", 403),
        ("127.0.0.1", "http://localhost:3000", 200),
    ],
)
async def test_a_node_on_every_address_answers_clients_of_its_network_and_no_foreign_page(
    host: str, origin: str, status: int
) -> None:
    room = Room()
    server = RpcServer(Methods(room))
    port = await server.start("0.0.0.0", 0)
    try:
        given = {"host": host, **({"origin": origin} if origin else {})}
        assert (await post(Node(server, room, port), request("echo"), **given))[0] == status
    finally:
        await server.stop()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_a_page_may_send_without_asking_is_not_read(kind: str) -> None:
    async with serving() as node:
        status, answer = await post(node, request("echo"), content_type=kind)
        assert (status, node.room.heard) == (415, [])
        assert b"application/json" in answer


async def test_json_may_name_its_charset() -> None:
    async with serving() as node:
        assert (await post(node, request("echo"), content_type="Application/JSON; charset=utf-8"))[0] == 200
