# SPDX-License-Identifier: Apache-2.0
"""The same contract within one process: servers and clients meet in a `MemoryNetwork`, without sockets.

Everything but the socket is real: the same signatures, codecs, pipeline and errors. Tests and simulations run on it,
so that what they prove is true of the network too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from protocols.dialect import Arrived
from protocols.errors import Disconnected, Unreachable
from protocols.server.listener import App
from protocols.transport import Depart, read_whole

_SCHEME: Final = "memory://"
_UNREAD: Final = 8


class MemoryNetwork:
    """Addresses within a process."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}

    def serve(self, name: str, app: App) -> str:
        """Put an application at an address; returns its URL."""
        self._apps[name] = app
        return f"{_SCHEME}{name}"

    def leave(self, name: str) -> None:
        """Take it away again."""
        self._apps.pop(name, None)

    def find(self, name: str) -> App:
        """What is at an address, or `Unreachable`."""
        app = self._apps.get(name)
        if app is None:
            raise Unreachable(f"nobody is at {_SCHEME}{name[:200]!a}")
        return app


class MemoryTransport:
    """Carries queries through a `MemoryNetwork`."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._open: set[MemoryArrival] = set()
        # An event loop holds its tasks weakly, and an application may outlive the caller who asked it.
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def send(self, url: str, body: bytes, depart: Depart) -> MemoryArrival:
        """Run the application at this URL until its response begins."""
        if self._closed:
            raise Unreachable(f"this client is closed, nothing was sent to {url[:200]!a}")
        name, _, target = url.removeprefix(_SCHEME).partition("/")
        app = self._network.find(name)
        arrival = MemoryArrival(self._open.discard)
        self._open.add(arrival)
        try:
            task = arrival.begin(app, _scope(f"/{target}", depart(), body), body)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await arrival.started()
        except BaseException:
            arrival.release()
            raise
        return arrival

    async def close(self) -> None:
        """Let go of all that is under way; the applications learn that their callers have gone."""
        self._closed = True
        for arrival in tuple(self._open):
            arrival.release()


class MemoryArrival:
    """One request to an application, and its response."""

    def __init__(self, on_release: Callable[[MemoryArrival], None]) -> None:
        self.head = Arrived(0, {})
        self._on_release = on_release
        self._messages: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue(maxsize=_UNREAD)
        self._left = asyncio.Event()
        self._failure: Exception | None = None
        self._ended = False

    def begin(self, app: App, scope: Mapping[str, Any], body: bytes) -> asyncio.Task[None]:
        """Call the application."""
        return asyncio.create_task(self._run(app, scope, body))

    async def started(self) -> None:
        """Wait for the head of the response."""
        start = await self._messages.get()
        if start is None:
            raise self._cut("without a response")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        self.head = Arrived(start["status"], headers)

    async def read(self, limit: int) -> bytes:
        """The whole body, up to `limit`."""
        return await read_whole(self, limit)

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        return self

    def __aiter__(self) -> MemoryArrival:
        return self

    async def __anext__(self) -> bytes:
        while not self._ended:
            message = await self._messages.get()
            if message is None:
                raise self._cut("within its response")
            self._ended = not message.get("more_body", False)
            body: bytes = message.get("body", b"")
            if body:
                return body
        raise StopAsyncIteration

    def release(self) -> None:
        """Leave; an application that still works learns that its caller has gone."""
        self._left.set()
        # Whoever waits for a message learns that there will be none, and the application is not stuck in sending.
        while not self._messages.empty():
            self._messages.get_nowait()
        self._messages.put_nowait(None)
        self._on_release(self)

    def _cut(self, when: str) -> Disconnected:
        why = "" if self._failure is None else f": {self._failure!r}"
        return Disconnected(f"the application ended {when}{why}"[:300])

    async def _run(self, app: App, scope: Mapping[str, Any], body: bytes) -> None:
        request: list[Mapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Mapping[str, Any]:
            if request:
                return request.pop()
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            if self._left.is_set():
                # To nobody, but others get a turn: an application that only ever sends would keep them all waiting.
                await asyncio.sleep(0)
            else:
                await self._messages.put(message)

        try:
            await app(scope, receive, send)
        except Exception as error:
            self._failure = error
        if not self._left.is_set():
            await self._messages.put(None)


def _scope(target: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    path, _, query = target.partition("?")
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [*raw, (b"content-length", str(len(body)).encode())],
        "client": ("memory", 0),
    }


__all__ = ["MemoryArrival", "MemoryNetwork", "MemoryTransport"]
