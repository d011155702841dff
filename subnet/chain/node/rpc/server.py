# SPDX-License-Identifier: Apache-2.0
"""The node's one port: JSON-RPC over WebSocket and HTTP, as wallets, SDKs and explorers expect of a Substrate node.

server = RpcServer(Methods(system, chain, state, author))
port = await server.start("127.0.0.1", 9944)
...
await server.stop()
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from typing import cast

from uvicorn import Config
from websockets.frames import CloseCode

from protocols.clock import Clock, SystemClock
from protocols.errors import BindFailed
from protocols.server.complaints import Complaints
from protocols.server.door import Door
from protocols.server.exchange import Receive, Scope, Send
from protocols.server.limits import Limits
from protocols.server.meters import Meters
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.connection import Connection
from subnet.chain.node.rpc.dispatch import Dispatcher
from subnet.chain.node.rpc.methods import Methods
from subnet.chain.node.rpc.origins import Gate, is_loopback
from subnet.chain.node.rpc.web import Web
from subnet.chain.node.rpc.websocket import Office

__all__ = ["RpcServer"]


class RpcServer:
    """Answers the given methods; pages of other machines only where `origins` names them."""

    def __init__(
        self,
        methods: Methods,
        *,
        bounds: Bounds | None = None,
        origins: Collection[str] = (),
        clock: Clock | None = None,
    ) -> None:
        self.bounds = bounds or Bounds()
        clock = clock or SystemClock()
        limits = _http_limits(self.bounds)
        report = Complaints(clock, limits.complaints_burst, limits.complaints_per_minute).report
        dispatcher = Dispatcher(methods, self.bounds, clock)
        self._gate = Gate(origins)
        self._web = Web(dispatcher, self._gate, self.bounds, report)
        self._office = Office(dispatcher, self._gate, self.bounds, clock, report)
        self._door = Door(limits, Meters())
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._door.state.connections)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is asked over plain HTTP, as an ASGI application."""
        if scope["type"] == "http":
            await self._web.app(scope, receive, send)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port; raises `BindFailed`, and never returns before the socket accepts."""
        # uvloop would listen on the remainder of a port that is too large.
        if not 0 <= port <= 65_535:
            raise BindFailed(
                f"cannot listen on {host}:{port}: a port is 0 to 65535", help="choose another: --port 9944"
            )
        config = _config(self)
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(config, self._door, self._office), host, port, backlog=512, reuse_address=True
            )
        except (OSError, UnicodeError) as error:
            raise BindFailed(
                f"cannot listen on {host}:{port}: {error}",
                help="choose another port: --port 0 takes a free one",
            ) from error
        listening: list[socket.socket] = list(self._server.sockets)
        names = [str(one.getsockname()[0]) for one in listening]
        self._gate.local_only = all(is_loopback(name) for name in names)
        return int(listening[0].getsockname()[1])

    async def stop(self) -> None:
        """Accept nothing more, let running requests end for a moment, close every connection; not started again."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in self._open():
            if connection.websocket is not None:
                connection.websocket.close(CloseCode.GOING_AWAY, "the node stops")
            else:
                connection.shutdown()
        tasks = set(self._door.state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=self.bounds.drain_s)
        self._web.cut()
        await self._door.emptied(self.bounds.cut_s)
        self._door.closed = True
        for connection in self._open():
            connection.abort()
        await self._door.emptied(self.bounds.cut_s)

    def _open(self) -> list[Connection]:
        return cast(list[Connection], list(self._door.state.connections))


def _config(server: RpcServer) -> Config:
    config = Config(
        server.app,
        loop="none",
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    config.load()
    return config


def _http_limits(bounds: Bounds) -> Limits:
    return Limits(
        head_bytes=bounds.head_bytes,
        request_s=bounds.arrival_s,
        write_stall_s=bounds.stall_s,
        connections=bounds.connections,
        connections_per_address=bounds.connections,
    )
