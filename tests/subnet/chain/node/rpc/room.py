# SPDX-License-Identifier: Apache-2.0
"""Methods that a test can see through, a server that answers them, and the two kinds of client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from protocols.types import Json
from subnet.chain.node.rpc import Bounds, Feed, Methods, RpcError, RpcServer, Session, method, subscription

__all__ = ["JSON", "Node", "Room", "ask", "frame", "hear", "opened", "post", "request", "serving", "tell"]

JSON = {"content-type": "application/json"}


class Room:
    """What the test server can be asked."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.running = 0
        self.most = 0
        self.heard: list[Json] = []
        self.feeds = 0
        self.made = 0

    @method("echo", "test_echo")
    def echo(self, session: Session, params: list[Json]) -> Json:
        """The parameters."""
        self.heard.append(list(params))
        return params

    @method("digits")
    def digits(self, session: Session, params: list[Json]) -> Json:
        """As much hexadecimal text as is asked for."""
        size = params[0]
        assert isinstance(size, int)
        self.made += size
        return "0" * size

    @method("wait")
    async def wait(self, session: Session, params: list[Json]) -> Json:
        """The parameters, once the gate opens."""
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        return params

    @method("invalid")
    def invalid(self, session: Session, params: list[Json]) -> Json:
        """An error on purpose."""
        raise RpcError(1010, "Invalid Transaction", "Transaction has a bad signature")

    @method("broken")
    def broken(self, session: Session, params: list[Json]) -> Json:
        """An error of ours."""
        raise RuntimeError("the secret of the machine room")

    @method("strange")
    def strange(self, session: Session, params: list[Json]) -> Any:
        """Something that JSON cannot hold."""
        return object()

    @subscription("sub_count", "unsub_count", "count")
    @subscription("sub_tally", "unsub_tally", "count")
    async def count(self, feed: Feed, numbers: Json = 3, size: Json = 0) -> None:
        """Numbers, then silence."""
        assert isinstance(numbers, int)
        assert isinstance(size, int)
        self.feeds += 1
        try:
            for number in range(numbers):
                feed.send("0" * size if size else number)
            await asyncio.Event().wait()
        finally:
            self.feeds -= 1

    @subscription("sub_other", "unsub_other", "other")
    async def other(self, feed: Feed) -> None:
        """Never says anything."""
        await asyncio.Event().wait()

    @subscription("sub_picky", "unsub_picky", "picky")
    async def picky(self, feed: Feed, when: Json) -> None:
        """Refuses, at once or after a wait."""
        if when == "later":
            feed.defer()
            await asyncio.sleep(0.02)
        raise RpcError(1010, "Invalid Transaction", when)


class Node:
    """A running server, what stands behind it and where it is."""

    def __init__(self, server: RpcServer, room: Room, port: int) -> None:
        self.server, self.room, self.port = server, room, port
        self.ws, self.http = f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}"

    def connect(self, **options: Any) -> connect:
        """A WebSocket client."""
        return connect(self.ws, **{"max_size": 32 << 20, "proxy": None, **options})


@asynccontextmanager
async def serving(bounds: Bounds | None = None, *, origins: Collection[str] = ()) -> AsyncIterator[Node]:
    """A server on a free port."""
    room = Room()
    server = RpcServer(Methods(room), bounds=bounds, origins=origins)
    port = await server.start("127.0.0.1", 0)
    try:
        yield Node(server, room, port)
    finally:
        await server.stop()


def request(name: str, *params: Json, id: Json = 1) -> dict[str, Json]:
    """One request."""
    return {"jsonrpc": "2.0", "id": id, "method": name, "params": list(params)}


async def tell(client: ClientConnection, message: Json) -> None:
    """Send one message."""
    await client.send(msgspec.json.encode(message).decode())


async def hear(client: ClientConnection) -> Any:
    """Receive one message."""
    async with asyncio.timeout(10):
        return msgspec.json.decode(await client.recv())


async def ask(client: ClientConnection, name: str, *params: Json, id: Json = 1) -> Any:
    """Send one request and receive one message."""
    await tell(client, request(name, *params, id=id))
    return await hear(client)


async def post(node: Node, body: bytes | Json, **headers: str) -> tuple[int, Any]:
    """POST a message; returns the status and the answer, read as JSON where it is any."""
    data = BytesIO(body if isinstance(body, bytes) else msgspec.json.encode(body))
    async with aiohttp.ClientSession() as http:
        given = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with http.post(node.http, data=data, headers=given) as response:
            text = await response.read()
            is_json = response.content_type == "application/json" and text
            return response.status, msgspec.json.decode(text) if is_json else text


@asynccontextmanager
async def opened(node: Node, *, read_ahead: int = 65_536) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """A WebSocket connection of bare bytes, past its handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port, limit=read_ahead)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def frame(payload: bytes, opcode: int = 0x81) -> bytes:
    """One masked frame with a mask of zeros."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, 0x80 | size)) + bytes(4) + payload
    if size < 1 << 16:
        return bytes((opcode, 0xFE)) + size.to_bytes(2, "big") + bytes(4) + payload
    return bytes((opcode, 0xFF)) + size.to_bytes(8, "big") + bytes(4) + payload
