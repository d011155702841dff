# SPDX-License-Identifier: Apache-2.0
"""The node over plain HTTP: one POST a message, a page for people, and what browsers ask before they let a page ask.

An ASGI application without routes. A POST must say that it is JSON: a browser lets any page send a form or plain text
to any address without asking first, and JSON only after it has asked.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from protocols.dialect import Outgoing
from protocols.errors import BodyTooLarge, Draining, SubnetError
from protocols.server.exchange import Exchange, Receive, Scope, Send
from protocols.server.leash import CallerLeft, Leash
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.dispatch import Dispatcher
from subnet.chain.node.rpc.envelope import failure
from subnet.chain.node.rpc.errors import busy, internal_error, too_large_request
from subnet.chain.node.rpc.origins import Gate
from subnet.chain.node.rpc.session import Report, Session

__all__ = ["Web"]

_PAGE: Final = b"""this is a subnet node, JSON-RPC over POST and WebSocket on this very address

  curl -H 'content-type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"rpc_methods"}' http://HOST
"""
_GRACE_S: Final = 5.0
_TEXT: Final = b"text/plain; charset=utf-8"
_JSON: Final = b"application/json"
_ALLOW: Final = (b"allow", b"GET, HEAD, OPTIONS, POST")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-allow-private-network", b"true"),
    (b"access-control-max-age", b"600"),
)


class Web:
    """Answers HTTP requests."""

    def __init__(self, dispatcher: Dispatcher, gate: Gate, bounds: Bounds, report: Report) -> None:
        self._dispatcher = dispatcher
        self._gate = gate
        self._bounds = bounds
        self._report = report
        self._running: set[Leash] = set()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        exchange = _Answering(Exchange(receive, send), headers)
        refusal = self._gate.refusal(headers)
        try:
            if refusal is not None:
                await exchange.say(HTTPStatus.FORBIDDEN, refusal.encode())
            elif scope["method"] == "POST":
                await self._post(exchange)
            else:
                await self._page(exchange, scope)
        except CallerLeft:
            return

    def cut(self) -> None:
        """End the requests that run, because the node stops."""
        for leash in self._running:
            leash.drain()

    async def _page(self, exchange: _Answering, scope: Scope) -> None:
        if scope["method"] == "OPTIONS":
            await exchange.say(HTTPStatus.OK, b"", extra=_PREFLIGHT)
        elif scope["method"] not in ("GET", "HEAD"):
            await exchange.say(HTTPStatus.METHOD_NOT_ALLOWED, b"POST a JSON-RPC request\n", extra=(_ALLOW,))
        elif scope["path"] == "/":
            host = exchange.header("host") or "localhost"
            await exchange.say(HTTPStatus.OK, _PAGE.replace(b"HOST", host.encode("latin-1")))
        else:
            await exchange.say(HTTPStatus.NOT_FOUND, b"there is one page: /\n")

    async def _post(self, exchange: _Answering) -> None:
        kind = exchange.header("content-type").partition(";")[0].strip().lower()
        if kind not in ("application/json", "application/json-rpc"):
            await exchange.say(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"send it with content-type: application/json\n")
            return
        try:
            message = await exchange.body(self._bounds.message_bytes)
        except BodyTooLarge:
            refused = failure(b"null", too_large_request(self._bounds.message_bytes, "bytes"))
            await exchange.say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refused, kind=_JSON)
            return
        written: list[bytes] = []
        session = Session(None, self._bounds, self._report)
        work = self._dispatcher.serve(session, message, written.append)
        if work is not None:
            try:
                await self._finish(work, exchange)
            except SubnetError as error:
                why = busy("the node stops") if isinstance(error, Draining) else internal_error(error.message)
                written = [failure(b"null", why)]
        await exchange.say(HTTPStatus.OK, written[0] if written else b"", kind=_JSON)

    async def _finish(self, work: Any, exchange: _Answering) -> None:
        leash = Leash(self._bounds.handler_s + _GRACE_S, exchange.receive)
        self._running.add(leash)
        try:
            async with leash:
                await work
        finally:
            work.close()
            self._running.discard(leash)


class _Answering:
    """One request and its response."""

    def __init__(self, exchange: Exchange, headers: list[tuple[str, str]]) -> None:
        self._exchange = exchange
        self._headers = headers
        self._unread = self.header("content-length") not in ("", "0") or bool(self.header("transfer-encoding"))
        self.receive = exchange.receive

    def header(self, name: str) -> str:
        """The first header of this name, or nothing."""
        return next((value for known, value in self._headers if known == name), "")

    async def body(self, limit: int) -> bytes:
        """The whole body."""
        length = self.header("content-length")
        if length.isdigit() and len(length) < 16 and int(length) > limit:
            raise BodyTooLarge(f"body has {length} bytes, at most {limit} are read")
        body = await self._exchange.read_body(limit)
        self._unread = False
        return body

    async def say(
        self, status: int, body: bytes, *, kind: bytes = _TEXT, extra: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """Answer; a page that was let in may read the answer."""
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"vary", b"Origin"), *extra]
        headers.append((b"x-content-type-options", b"nosniff"))
        origin = self.header("origin")
        if origin and status != HTTPStatus.FORBIDDEN:
            headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
        if self._unread:
            # The rest of the body is still to come, so nothing more can be read from this connection.
            headers.append((b"connection", b"close"))
        await self._exchange.write(Outgoing(status, headers, body))
