# SPDX-License-Identifier: Apache-2.0
"""What a server says of itself to anyone who asks with GET: alive, ready, who, how much, and how to call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from time import perf_counter
from typing import Any, Final

import msgspec

from protocols.dialect import Outgoing
from protocols.errors import MessageError, MethodNotAllowed, UnknownRoute
from protocols.faults import plain_refusal
from protocols.server.complaints import Complaints
from protocols.server.docpage import render
from protocols.server.exchange import Exchange, Scope
from protocols.server.meters import Meters
from protocols.server.openapi import describe
from protocols.server.route import Route

Check = Callable[[], bool]

_FRESH_A_S: Final = 4.0
"""How often a page is made anew each second: the time this takes must stay below the slowest hundredth of queries."""
_FRESH_AT_ONCE: Final = 5.0
"""How often at once after a pause."""


class Pages:
    """The GET routes of one server."""

    def __init__(
        self,
        info: Callable[[], Mapping[str, Any]],
        routes: Mapping[str, Route],
        checks: Mapping[str, Check],
        *,
        meters: Meters,
        complaints: Complaints,
    ) -> None:
        self._checks = checks
        self._complaints = complaints
        self._meters = meters
        self._pages: dict[str, Callable[[], Outgoing]] = {
            # Costly to make and always the same; anybody may ask for them as often as they like.
            "/docs": cache(lambda: _text(200, "text/html; charset=utf-8", render(self._describe()))),
            "/info": _Kept(lambda: _json(200, dict(self._info()))),
            "/livez": lambda: _json(200, {"live": True}),
            "/metrics": _Kept(lambda: _text(200, "text/plain; version=0.0.4; charset=utf-8", meters.render().decode())),
            "/openapi.json": cache(lambda: _json(200, self._describe())),
            "/readyz": _Kept(self._ready),
        }
        self._info = info
        self._routes = routes

    async def serve(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request to anything that is not a query."""
        path, method = scope["path"], scope["method"]
        page = self._pages.get(path)
        if page is not None and method in ("GET", "HEAD"):
            await exchange.write(page())
            return
        allowed = "GET, HEAD" if page is not None else "POST" if path in self._routes else ""
        error: MessageError = UnknownRoute(f"nothing is served at {path[:64]!r}")
        if allowed:
            error = MethodNotAllowed(f"{method[:16]} {path[:64]} is not served, expected {allowed}")
        self._meters.refused(error.code)
        outgoing = plain_refusal(error)
        if allowed:
            outgoing.headers.append((b"allow", allowed.encode()))
        outgoing.headers.append((b"connection", b"close"))
        await exchange.write(outgoing)

    def is_ready(self) -> bool:
        """Whether every check holds."""
        return all(self._checked().values())

    def _checked(self) -> dict[str, bool]:
        return {name: self._holds(name, check) for name, check in self._checks.items()}

    def _ready(self) -> Outgoing:
        checks = self._checked()
        ready = all(checks.values())
        return _json(200 if ready else 503, {"ready": ready, "checks": checks})

    def _holds(self, name: str, check: Check) -> bool:
        try:
            return bool(check())
        except Exception as error:
            self._complaints.report(f"readiness check {name} failed", error)
            return False

    def _describe(self) -> dict[str, Any]:
        return describe(self._routes.values(), str(self._info()["version"]))


class _Kept:
    """A page that anybody may ask for as often as they like: asked too often, it is the last one again."""

    def __init__(self, make: Callable[[], Outgoing]) -> None:
        self._make = make
        self._left = _FRESH_AT_ONCE
        self._since = perf_counter()
        self._last: Outgoing | None = None

    def __call__(self) -> Outgoing:
        now = perf_counter()
        self._left = min(_FRESH_AT_ONCE, self._left + (now - self._since) * _FRESH_A_S)
        self._since = now
        if self._last is None or self._left >= 1.0:
            self._left -= 1.0
            self._last = self._make()
        return self._last


def _json(status: int, value: object) -> Outgoing:
    return _bytes(status, "application/json", msgspec.json.encode(value))


def _text(status: int, content_type: str, text: str) -> Outgoing:
    return _bytes(status, content_type, text.encode())


def _bytes(status: int, content_type: str, body: bytes) -> Outgoing:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    return Outgoing(status, headers, body)


__all__ = ["Check", "Pages"]
