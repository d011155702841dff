# SPDX-License-Identifier: Apache-2.0
"""A WebSocket relay in front of a real node, which loses what the test wants lost, and counts what passes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

__all__ = ["Loss", "Relay", "relaying"]

Loss = Literal["unheard", "unanswered", "swallowed"]
"""Cut before the node hears a request, cut after it has answered, or answered without being passed on."""


@dataclass
class Relay:
    """What passes between clients and one node."""

    node: str
    losses: dict[str, list[Loss]] = field(default_factory=dict)
    """By method, what becomes of its next requests."""
    asked: Counter[str] = field(default_factory=Counter)
    sent: list[str] = field(default_factory=list)
    """All extrinsics that were handed in, lost ones too."""
    is_down: bool = False
    url: str = ""
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def counted(self, count: int) -> None:
        """Wait until so many extrinsics were handed in."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.sent) >= count)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection of a client, and one to the node for it."""
        if self.is_down:
            raise web.HTTPServiceUnavailable
        near = web.WebSocketResponse(max_msg_size=0)
        await near.prepare(request)
        async with ClientSession() as session, session.ws_connect(self.node, max_msg_size=0) as far:
            async for message in near:
                if message.type is not WSMsgType.TEXT or self.is_down:
                    break
                if not await self._pass(json.loads(message.data), near, far):
                    break
        return near

    async def _pass(self, asked: dict[str, Any], near: web.WebSocketResponse, far: ClientWebSocketResponse) -> bool:
        goes_on = await self._answer(asked, near, far)
        if asked["method"] == "author_submitExtrinsic":  # counted when the node has it, if it gets it at all
            self.sent.append(asked["params"][0])
            async with self._more:
                self._more.notify_all()
        return goes_on

    async def _answer(self, asked: dict[str, Any], near: web.WebSocketResponse, far: ClientWebSocketResponse) -> bool:
        method = asked["method"]
        self.asked[method] += 1
        losses = self.losses.get(method)
        loss = losses.pop(0) if losses else None
        if loss == "unheard":
            return False
        if loss == "swallowed":
            await near.send_json({"jsonrpc": "2.0", "id": asked["id"], "result": f"0x{'00' * 32}"})
            return True
        await far.send_json(asked)
        answer = await far.receive_str()
        if loss == "unanswered":
            return False
        await near.send_str(answer)
        return True


@asynccontextmanager
async def relaying(node: str) -> AsyncIterator[Relay]:
    """A relay to the node at a URL, on a free port of this machine."""
    relay = Relay(node)
    app = web.Application()
    app.router.add_get("/", relay.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    relay.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield relay
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
