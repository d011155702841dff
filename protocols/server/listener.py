# SPDX-License-Identifier: Apache-2.0
"""A listening socket with an orderly beginning and end.

uvicorn's own server takes over signals and reports a failed bind only in its log. Here `start` returns once the socket
listens and raises if it cannot, and `stop` lets running work end before it closes anything.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from uvicorn import Config

from protocols.errors import BindFailed, Draining
from protocols.server.door import Door
from protocols.server.guard import GuardedProtocol

_CUT_S: Final = 1.0
"""How long work that was cut may take to end, and at least how long a peer to take what it was sent."""

App = Callable[[Any, Any, Any], Awaitable[None]]


class Listener:
    """One socket that serves one ASGI application."""

    def __init__(self, app: App, door: Door) -> None:
        self._door = door
        self._config = Config(
            app,
            loop="none",
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address, with the port that was chosen where 0 was asked for."""
        # uvloop would listen on the remainder of a port that is too large.
        if not 0 <= port <= 65_535:
            raise BindFailed(f"cannot listen on {host}:{port}: a port is 0 to 65535", help="name another port")
        self._config.load()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: GuardedProtocol(self._config, self._door), host, port, backlog=2048, reuse_address=True
            )
        except (OSError, UnicodeError) as error:
            raise BindFailed(
                f"cannot listen on {host}:{port}: {error}", help=f"see who listens: ss -ltnp 'sport = :{port}'"
            ) from error
        listening: socket.socket = self._server.sockets[0]
        name = listening.getsockname()
        return str(name[0]), int(name[1])

    async def stop(self, drain_s: float, cut: Callable[[], None]) -> None:
        """Accept nothing more, wait for what runs, `cut` what outlasts `drain_s`, close every connection."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        loop, tasks = asyncio.get_running_loop(), self._door.state.tasks
        until = loop.time() + drain_s
        for connection in self._connections():
            if connection.answering:
                connection.shutdown()
        await _ended(tasks, drain_s)
        cut()
        for connection in self._connections():
            if connection.arriving:
                connection.refuse(Draining("this server stopped before the request was whole"))
        await _ended(tasks, _CUT_S)
        for task in set(tasks):
            task.cancel()
        await _ended(tasks, _CUT_S)
        await self._close_connections(max(_CUT_S, until - loop.time()))

    async def _close_connections(self, flush_s: float) -> None:
        # A connection that is accepted in this very moment would otherwise outlive the server.
        self._door.closed = True
        for connection in self._connections():
            if connection.unsent:
                connection.transport.close()
            else:
                connection.transport.abort()
        await self._door.emptied(flush_s)
        for connection in self._connections():
            connection.transport.abort()
        await self._door.emptied(_CUT_S)

    def _connections(self) -> list[GuardedProtocol]:
        return cast(list[GuardedProtocol], list(self._door.state.connections))


async def _ended(tasks: set[asyncio.Task[None]], limit_s: float) -> None:
    if tasks:
        await asyncio.wait(set(tasks), timeout=limit_s)


__all__ = ["App", "Listener"]
