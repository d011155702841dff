# SPDX-License-Identifier: Apache-2.0
"""The miner's server: signed queries in, sealed replies out, and nothing a stranger can do about it.

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text=ask.prompt.upper())

    async with Server(key, {Ask: answer}) as server:
        await server.start("0.0.0.0", 8091)
        ...

A server is an ASGI application too: `app` can be mounted or tested without a socket.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any

from protocols.allocator import keep_large_blocks
from protocols.clock import Clock, SystemClock
from protocols.dialect import Hearing
from protocols.errors import InvalidSynapse
from protocols.keys import Signer
from protocols.native import NativeHearing
from protocols.replay import MemoryReplay, Replay
from protocols.server.complaints import Complaints
from protocols.server.door import Door
from protocols.server.exchange import Exchange, Receive, Scope, Send
from protocols.server.limits import Limits
from protocols.server.listener import Listener
from protocols.server.meters import Meters
from protocols.server.pages import Check, Pages
from protocols.server.pipeline import Parts, Pipeline
from protocols.server.route import Admission, AdmitAll, Answer, Context, Route
from protocols.synapse import Synapse


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """On what terms a server serves; each default is the safe one."""

    admission: Admission = field(default_factory=AdmitAll)
    """Who may call, and with which priority."""
    replay: Replay | None = None
    """What remembers accepted requests. By default memory, which makes the server wait out the clock skew after each
    start (2 s of `warming_up`); give a `SqliteReplay` to serve at once and to share it between processes."""
    limits: Limits = field(default_factory=Limits)
    """How much a stranger may cost."""
    legacy: Sequence[Hearing] = ()
    """Dialects of older peers, served besides our own."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    """What `/readyz` asks, by name."""
    facts: Callable[[], Mapping[str, Any]] = dict
    """What `/info` tells besides, asked each time."""
    clock: Clock = field(default_factory=SystemClock)
    """What time it is, for freshness and for the replay window."""


class Server:
    """Serves queries of the given types with the given handlers."""

    def __init__(
        self, key: Signer, answers: Mapping[type[Synapse], Answer], options: ServerOptions | None = None
    ) -> None:
        options = options or ServerOptions()
        self.hotkey = key.ss58_address
        self.meters = Meters()
        self._routes = {query.route(): Route.of(query, answer) for query, answer in answers.items()}
        if len(self._routes) != len(answers):
            raise InvalidSynapse(f"{len(answers)} queries share {len(self._routes)} names, expected one name each")
        clock = options.clock
        replay = options.replay or MemoryReplay.after_restart(clock.time_ns(), skew_s=options.limits.max_skew_s)
        self._pool = ThreadPoolExecutor(options.limits.threads, thread_name_prefix="subnet-answer")
        dialects = (*options.legacy, NativeHearing())
        complaints = Complaints(clock, options.limits.complaints_burst, options.limits.complaints_per_minute)
        self._pipeline = Pipeline(
            Parts(key, clock, options.limits, dialects, replay, options.admission, self._pool, self.meters, complaints)
        )
        pipeline = self._pipeline
        self.meters.gauge("subnet_queries_in_flight", "Queries under way", lambda: len(pipeline.running))
        self.meters.gauge("subnet_queries_waiting", "Queries that wait for a slot", lambda: pipeline.turnstile.waiting)
        checks = {
            "warm": lambda: clock.time_ns() >= replay.warm_at_ns,
            "serving": lambda: not self._pipeline.draining,
            **options.checks,
        }
        info = self._info(key, dialects)
        self._pages = Pages(
            lambda: {**options.facts(), **info}, self._routes, checks, meters=self.meters, complaints=complaints
        )
        self.meters.gauge("subnet_ready", "Whether every check of /readyz holds", self._pages.is_ready)
        self._listener = Listener(self.app, Door(options.limits, self.meters))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server as an ASGI application."""
        if scope["type"] != "http":
            return
        route = self._routes.get(scope["path"])
        if route is not None and scope["method"] == "POST":
            await self._pipeline.serve(route, scope, receive, send)
        else:
            await self._pages.serve(scope, Exchange(receive, send))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the URL; raises `BindFailed`, and never returns before the socket accepts."""
        keep_large_blocks()
        address, chosen = await self._listener.start(host, port)
        return f"http://[{address}]:{chosen}" if ":" in address else f"http://{address}:{chosen}"

    async def stop(self, drain_s: float = 10.0) -> None:
        """Take nothing new, let running queries end within `drain_s`, then cut them; it is not started again."""
        until = time.monotonic() + drain_s
        self._pipeline.draining = True
        await self._listener.stop(drain_s, self._pipeline.cut)
        # What came in without our own socket, mounted elsewhere or within the process, has the same time.
        await self._pipeline.finished(until - time.monotonic())
        self._pipeline.cut()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _info(self, key: Signer, dialects: Sequence[Hearing]) -> Mapping[str, Any]:
        return {
            "hotkey": key.ss58_address,
            "crypto": key.scheme,
            "version": _version(),
            "dialects": [dialect.name for dialect in dialects],
            "queries": {route.name: {"path": path, "streams": route.streams} for path, route in self._routes.items()},
        }


def _version() -> str:
    try:
        return version("subnet")
    except PackageNotFoundError:
        return "unknown"


__all__ = [
    "Admission",
    "AdmitAll",
    "Answer",
    "Context",
    "Limits",
    "Meters",
    "Route",
    "Server",
    "ServerOptions",
]
