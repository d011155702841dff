# SPDX-License-Identifier: Apache-2.0
"""What happens to a query, from its first byte to its signed reply, each step cheaper than the one after it.

    size -> header shape -> freshness -> rate -> body -> signature -> who it is -> replay -> admission -> parse -> turn
    -> handler -> sealed reply

A step either passes the query on or raises a typed error, which is counted and answered in one place. Identity comes
from verified headers only, nothing is signed for a caller who has not proved a key, and the handler is the first code
of the miner that sees anything. Who is not served is turned away before its nonce is remembered, for keys cost nothing
and memory does; whose query is a replay is turned away before it is counted as its sender's.
"""

from __future__ import annotations

import logging
import re
from asyncio import CancelledError, Event, current_task, timeout
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeVar

from protocols.auth import check_freshness
from protocols.clock import Clock
from protocols.dialect import Caller, Head, Heard, Hearing, Outgoing
from protocols.errors import (
    AuthError,
    Draining,
    HandlerError,
    HandlerFailed,
    MalformedAuth,
    MalformedBody,
    MessageError,
    Refusal,
    ReplayedRequest,
    SubnetError,
    Unregistered,
    WarmingUp,
    WireError,
)
from protocols.keys import Signer
from protocols.replay import Replay
from protocols.server.complaints import Complaints
from protocols.server.exchange import (
    Exchange,
    Receive,
    Scope,
    Send,
    check_encoding,
    check_size,
    client_address,
    read_headers,
)
from protocols.server.leash import CallerLeft, Leash
from protocols.server.limits import Limits
from protocols.server.meters import Meters
from protocols.server.route import Admission, Context, Route
from protocols.server.strikes import Strikes
from protocols.server.turnstile import Turnstile
from protocols.synapse import Reply

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)

# What a handler may tell its caller by raising it; anything else is a fault of the miner's.
_SAYABLE: Final = (Refusal, MessageError, HandlerError)
# `sys.exit` deep in somebody's library must not end in silence, and a handler may lose a task of its own.
_FAULTS: Final = (Exception, CancelledError, SystemExit)
_SECONDS: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pipeline is made of; all of it is given, nothing is looked up."""

    key: Signer
    clock: Clock
    limits: Limits
    dialects: Sequence[Hearing]
    replay: Replay
    admission: Admission
    pool: Executor
    meters: Meters
    complaints: Complaints


class Pipeline:
    """Serves queries; one for each server."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        limits = parts.limits
        self._strikes = Strikes(limits.failures_per_s, limits.failures_burst, limits.addresses)
        self.turnstile = Turnstile(limits.slots, limits.waiting)
        self.running: set[Leash] = set()
        self.draining = False
        self._warm = False
        self._none_running = Event()

    async def serve(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to a query's path."""
        started = perf_counter()
        # What is counted where even the refusal was cut short.
        outcome = "cut"
        exchange = Exchange(receive, send)
        try:
            await self._serve(route, scope, exchange)
            outcome = "ok"
        except CallerLeft:
            outcome = "caller_left"
        except WireError as error:
            outcome = error.code
            self._charge(error, client_address(scope))
            await exchange.refuse(error)
        except Exception as error:
            # A policy or a store of the miner's that failed: the caller learns that it did, the log learns why.
            outcome = error.code if isinstance(error, SubnetError) else HandlerFailed.code
            about = _about(route, exchange.caller)
            self._parts.complaints.report(f"query {route.name}: the server could not do its part", error, about)
            await exchange.refuse(HandlerFailed("the miner could not do its part"))
        finally:
            seconds = perf_counter() - started
            self._parts.meters.answered(route.name, outcome, seconds)
            if _LOG.isEnabledFor(logging.DEBUG):
                fields = {**_about(route, exchange.caller), "outcome": outcome, "seconds": round(seconds, 6)}
                _LOG.debug("query %s: %s", route.name, outcome, extra=fields)

    async def finished(self, limit_s: float) -> None:
        """Wait until nothing runs, at most so long; for a pipeline that is draining."""
        if self.running:
            with suppress(TimeoutError):
                async with timeout(limit_s):
                    await self._none_running.wait()

    def cut(self) -> None:
        """Cut all running work, because the server stops."""
        for leash in tuple(self.running):
            leash.drain()

    async def _serve(self, route: Route, scope: Scope, exchange: Exchange) -> None:
        head = self._head(route, scope)
        exchange.heard = heard = self._hear(head, exchange)
        self._check_strikes(heard.sender, client_address(scope))
        body = await exchange.read_body(route.query.max_bytes)
        exchange.caller = caller = heard.authenticate(body)
        self._parts.admission.check(caller, route.query)
        await self._remember(caller)
        priority = self._parts.admission.admit(caller, route.query)
        try:
            ask = heard.read(body, route.query)
            leash = Leash(self._limit_s(head), exchange.receive)
            context = Context(caller, caller.request_id, lambda: leash.remaining_s, priority)
            outgoing = await self._work(route, ask, context, exchange, leash)
        finally:
            self._parts.admission.left(caller)
        if outgoing is not None:
            await exchange.write(outgoing)

    async def _work(
        self, route: Route, ask: Any, context: Context, exchange: Exchange, leash: Leash
    ) -> Outgoing | None:
        """The reply to be sent, or None where it was streamed."""
        assert exchange.heard is not None
        self.running.add(leash)
        try:
            async with leash:
                await self.turnstile.enter(context.priority)
                try:
                    if route.streams:
                        await self._stream(route, ask, context, exchange, exchange.heard)
                        return None
                    reply = await self._answer(route, ask, context)
                finally:
                    self.turnstile.leave()
                return self._encoded(route, context, exchange.heard.answer, reply)
        finally:
            self.running.discard(leash)
            if self.draining and not self.running:
                self._none_running.set()

    def _head(self, route: Route, scope: Scope) -> Head:
        if self.draining:
            raise Draining("this server is stopping", retry_after_s=5.0)
        self._check_warm()
        headers = read_headers(scope["headers"])
        check_size(headers, route.query.max_bytes)
        check_encoding(headers)
        target, query = scope["raw_path"], scope["query_string"]
        return Head("POST", (target + b"?" + query if query else target).decode("latin-1"), headers)

    def _check_warm(self) -> None:
        if self._warm:
            return
        wait_s = (self._parts.replay.warm_at_ns - self._parts.clock.time_ns()) / 1e9
        if wait_s > 0:
            raise WarmingUp(f"this server has just started, ready in {wait_s:.1f} s", retry_after_s=wait_s)
        self._warm = True

    def _hear(self, head: Head, exchange: Exchange) -> Heard:
        parts = self._parts
        now_ns, limits = parts.clock.time_ns(), parts.limits
        for dialect in parts.dialects:
            if dialect.speaks(head.headers):
                exchange.hearing = dialect
                heard = dialect.hear(head, parts.key, now_ns)
                # One window for all dialects: what the replay store forgets, no dialect may still find fresh.
                check_freshness(heard.nonce_ns, now_ns, max_age_s=limits.max_age_s, max_skew_s=limits.max_skew_s)
                return heard
        raise MalformedAuth("request is not signed in a dialect that is served here")

    def _check_strikes(self, sender: str, address: str) -> None:
        # Many may share an address, so a neighbour's garbage is no reason to leave a caller unheard who may be known
        # here. Anybody can say a known name, and then the signature has to tell; it costs less than the HTTP around it.
        if not self._parts.admission.knows(sender):
            self._strikes.check(address, self._parts.clock.monotonic())

    async def _remember(self, caller: Caller) -> None:
        parts = self._parts
        if not await parts.replay.accept(caller.hotkey, caller.nonce_ns, parts.clock.time_ns()):
            raise ReplayedRequest(f"nonce {caller.nonce_ns} of this hotkey was accepted before")

    def _limit_s(self, head: Head) -> float:
        asked = head.headers.get("x-subnet-timeout")
        if asked is None:
            return self._parts.limits.handler_s
        if _SECONDS.fullmatch(asked) is None:
            raise MalformedBody(f"X-Subnet-Timeout is {asked[:32]!r}, expected seconds in decimal")
        return min(self._parts.limits.handler_s, float(asked))

    async def _answer(self, route: Route, ask: Any, context: Context) -> Any:
        try:
            return await route.reply(ask, context, self._parts.pool)
        except _SAYABLE:
            raise
        except _FAULTS as error:
            if _is_cut(error):
                raise
            raise self._failed(route, context, error) from error

    async def _stream(self, route: Route, ask: Any, context: Context, exchange: Exchange, heard: Heard) -> None:
        writer = heard.stream()
        await exchange.start_stream(writer)
        try:
            async with aclosing(route.items(ask, context)) as items:
                async for item in items:
                    await exchange.write_chunk(self._encoded(route, context, writer.item, route.checked(item)))
        except _SAYABLE:
            raise
        except _FAULTS as error:
            if _is_cut(error):
                raise
            raise self._failed(route, context, error) from error
        await exchange.end_stream(writer.end())

    def _encoded(self, route: Route, context: Context, encode: Callable[[Reply], T], reply: Reply) -> T:
        try:
            return encode(reply)
        except MessageError as error:
            # A reply that breaks its own limits is the miner's mistake; the caller must not be charged for it.
            raise self._failed(route, context, error) from error

    def _failed(self, route: Route, context: Context, error: BaseException) -> HandlerFailed:
        about = _about(route, context.caller)
        self._parts.complaints.report(f"query {route.name} request {context.request_id}: handler failed", error, about)
        return HandlerFailed(f"handler of {route.name} failed, request {context.request_id}")

    def _charge(self, error: WireError, address: str) -> None:
        # A key costs nothing to make, so an unregistered one is worth no more than a bad signature.
        if isinstance(error, AuthError | MessageError | Unregistered):
            self._strikes.charge(address, self._parts.clock.monotonic())


def _about(route: Route, caller: Caller | None) -> dict[str, object]:
    """The fields of a log line; who called is said of proven callers only."""
    known = {} if caller is None else {"request": caller.request_id, "caller": caller.hotkey}
    return {"query": route.name, **known}


def _is_cut(error: BaseException) -> bool:
    # A handler may also see a cancellation that nobody asked of it, of a task that it waited for.
    task = current_task()
    return isinstance(error, CancelledError) and task is not None and task.cancelling() > 0


__all__ = ["Parts", "Pipeline"]
