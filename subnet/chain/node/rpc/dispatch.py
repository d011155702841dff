# SPDX-License-Identifier: Apache-2.0
"""From a message to its answer: the same for WebSocket and HTTP, for one request and for a batch.

What can be answered at once is, without a task: most calls read a map in memory, and a task would cost more than they
do. Whatever goes wrong within a method is told apart here: what it raised on purpose reaches the peer, anything else is
logged, and the peer learns only that the fault is ours.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias

import msgspec

from protocols.clock import Clock
from protocols.types import Json
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.envelope import Refused, Request, failure, parameters, read_batch, read_request, success
from subnet.chain.node.rpc.errors import (
    RpcError,
    internal_error,
    invalid_request,
    parse_error,
    too_large_batch,
    too_large_request,
    too_large_response,
)
from subnet.chain.node.rpc.methods import Methods
from subnet.chain.node.rpc.session import Feed, Session

__all__ = ["Dispatcher", "Write"]

Write: TypeAlias = Callable[[bytes], None]
_SPACE: Final = b" \t\r\n"


class Dispatcher:
    """Answers messages with the methods of one node."""

    def __init__(self, methods: Methods, bounds: Bounds, clock: Clock) -> None:
        self._methods = methods
        self._bounds = bounds
        self._clock = clock

    def serve(self, session: Session, message: bytes, write: Write) -> Coroutine[Any, Any, None] | None:
        """Write the answer, or return the work after which it is written; no answer is owed to a notification."""
        try:
            self._check(message)
            if not message.startswith(b"{") and message.lstrip(_SPACE).startswith(b"["):
                return self._serve_batch(session, read_batch(message), write)
            request = read_request(message)
        except Refused as refused:
            write(failure(refused.id, refused.error))
            return None
        answer = self._begin(session, request)
        if inspect.isawaitable(answer):
            return self._serve_later(session, request, answer, write)
        if request.id:
            write(self._response(session, request, answer))
        return None

    async def _serve_later(self, session: Session, request: Request, work: Awaitable[Any], write: Write) -> None:
        answer = await self._finish(session, request, work)
        feed, response = self._settle(session, request, answer)
        if response is not None:
            write(response)
        if feed is not None:
            feed.release()

    async def _serve_batch(self, session: Session, parts: list[msgspec.Raw], write: Write) -> None:
        if len(parts) > self._bounds.batch:
            write(failure(b"null", too_large_batch(self._bounds.batch)))
            return
        responses: list[bytes] = []
        feeds: list[Feed] = []
        left, since = self._bounds.message_bytes, self._clock.monotonic()
        for part in parts:
            feed, response = await self._answer_part(session, part)
            if feed is not None:
                feeds.append(feed)
            if response is not None:
                responses.append(response)
                left -= len(response) + 1
            if left < 0:
                for opened in feeds:
                    opened.cancel()
                write(failure(b"null", too_large_response(self._bounds.message_bytes)))
                return
            if self._clock.monotonic() - since > self._bounds.slice_s:
                await self._clock.sleep(0)
                since = self._clock.monotonic()
        if responses:
            write(b"[%b]" % b",".join(responses))
        for opened in feeds:
            opened.release()

    async def _answer_part(self, session: Session, part: msgspec.Raw) -> tuple[Feed | None, bytes | None]:
        try:
            request = read_request(part)
        except Refused as refused:
            return None, failure(refused.id, refused.error)
        answer = self._begin(session, request)
        if inspect.isawaitable(answer):
            answer = await self._finish(session, request, answer)
        return self._settle(session, request, answer)

    def _begin(self, session: Session, request: Request) -> Any:
        try:
            return self._methods.begin(session, request.method, parameters(request))
        except RpcError as error:
            return error
        except Exception as error:
            session.report(f"{request.method[:64]!r} failed", error)
            return internal_error()

    async def _finish(self, session: Session, request: Request, work: Awaitable[Any]) -> Any:
        limit = self._bounds.handler_s
        try:
            async with asyncio.timeout(limit) as deadline:
                return await work
        except RpcError as error:
            return error
        except Exception as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                return internal_error(f"no answer within {limit:g} s")
            session.report(f"{request.method[:64]!r} failed", error)
            return internal_error()

    def _settle(self, session: Session, request: Request, answer: Any) -> tuple[Feed | None, bytes | None]:
        if not isinstance(answer, Feed):
            return None, self._response(session, request, answer) if request.id else None
        if not request.id:
            # Nobody would learn its id, so nobody could end it.
            answer.cancel()
            return None, None
        return answer, self._response(session, request, answer.id)

    def _response(self, session: Session, request: Request, answer: Json | RpcError) -> bytes:
        try:
            if isinstance(answer, RpcError):
                return failure(request.id, answer)
            response = success(request.id, answer)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            session.report(f"{request.method[:64]!r} answered what JSON cannot hold", error)
            return failure(request.id, internal_error())
        if len(response) > self._bounds.message_bytes:
            return failure(request.id, too_large_response(self._bounds.message_bytes))
        return response

    def _check(self, message: bytes) -> None:
        if len(message) > self._bounds.message_bytes:
            raise Refused(too_large_request(self._bounds.message_bytes, "bytes"))
        if len(message) > self._bounds.values and message.count(b",") > self._bounds.values:
            raise Refused(too_large_request(self._bounds.values, "values"))
        if not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError:
                raise Refused(parse_error()) from None
        if not message:
            raise Refused(invalid_request("the message is empty"))
