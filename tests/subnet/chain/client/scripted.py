# SPDX-License-Identifier: Apache-2.0
"""A node that is a real WebSocket server and does to its callers what the test tells it to.

It knows four requests, which are enough to say which chain it is of and how far it has come.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSMsgType, web

__all__ = ["Fault", "GENESIS", "ScriptedNode", "running"]

GENESIS = f"0x{'ab' * 32}"
Fault = Literal["hang", "drip", "cut", "close", "garbage", "refuse"]


@dataclass
class ScriptedNode:
    """What the node answers, and how it fails."""

    genesis: str = GENESIS
    kind: str = "Development"
    newest: int = 7
    faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    """By method, what goes wrong with its next requests; None is nothing, and the last one goes on for ever."""
    asked: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    url: str = ""

    def fault(self, method: str) -> Fault | None:
        """What happens to this request."""
        planned = self.faults.get(method)
        if not planned:
            return None
        return planned.pop(0) if len(planned) > 1 else planned[0]

    def once(self, method: str, fault: Fault) -> None:
        """Let a request fail, and the ones after it succeed."""
        self.faults[method] = [fault, None]

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of a request."""
        match method:
            case "chain_getBlockHash":
                return self.genesis if params == [0] else None
            case "system_chainType":
                return self.kind
            case "chain_getHead":
                return f"0x{self.newest:064x}"
            case "chain_getHeader":
                return {"number": hex(int(params[0], 16))}
        raise KeyError(method)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = json.loads(message.data)
            if not await self._respond(request, socket, asked):
                break
        return socket

    async def _respond(self, request: web.Request, socket: web.WebSocketResponse, asked: dict[str, Any]) -> bool:
        method = asked["method"]
        self.asked[method] += 1
        head = {"jsonrpc": "2.0", "id": asked["id"]}
        assert request.transport is not None
        match self.fault(method):
            case "hang":
                return True
            case "drip":  # a frame of 126 bytes, of which one comes now and then
                for byte in b"\x81\x7e\x00\x7e" + b" " * 120:
                    request.transport.write(bytes([byte]))
                    await asyncio.sleep(0.1)
            case "cut":
                request.transport.write(b'\x81\x7e\x00\x7e{"jsonrpc":')
                await asyncio.sleep(0.01)
                request.transport.close()
                return False
            case "close":
                return False
            case "garbage":
                await socket.send_str("<html>")
            case "refuse":
                await socket.send_json({**head, "error": {"code": -32000, "message": "State already discarded"}})
            case None:
                await socket.send_json({**head, "result": self.answer(method, asked["params"])})
        return True


@asynccontextmanager
async def running(node: ScriptedNode) -> AsyncIterator[ScriptedNode]:
    """The node on a free port of this machine."""
    app = web.Application()
    app.router.add_get("/", node.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    node.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield node
    finally:
        await runner.cleanup()
