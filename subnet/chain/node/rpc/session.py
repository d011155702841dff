# SPDX-License-Identifier: Apache-2.0
"""One client's connection as methods see it, and the subscriptions that live and end with it.

A subscription is a task that feeds its client. Its id must reach the client before its first notification, and what is
wrong with it must be the answer to the request rather than a notification: so a feed holds back what it sends until the
response is written, and the response waits until the feed has had its first say.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from protocols.types import Json
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.envelope import encode, notification
from subnet.chain.node.rpc.errors import (
    RpcError,
    internal_error,
    method_not_found,
    too_large_response,
    too_many_subscriptions,
)

__all__ = ["Feed", "Link", "Report", "Session", "Source"]

Source: TypeAlias = Callable[..., Coroutine[Any, Any, None]]
"""What feeds a subscription: called with the feed and the parameters of the request."""

Report: TypeAlias = Callable[[str, BaseException], None]
"""What is told of our own faults."""


class Link(Protocol):
    """The way to a client that can be told something at any time."""

    def write(self, message: bytes) -> None:
        """Send one message; a client that does not read loses its connection instead."""
        ...


class Session:
    """One connection; one without a link (a single HTTP request) cannot subscribe."""

    def __init__(self, link: Link | None, bounds: Bounds, report: Report) -> None:
        self.bounds = bounds
        self.report = report
        self._link = link
        self._feeds: dict[str, Feed] = {}
        self._ended = False

    @property
    def subscriptions(self) -> int:
        """How many are open."""
        return len(self._feeds)

    async def open(self, source: Source, method: str, params: list[Json]) -> Feed:
        """Start a feed and wait for its first say; raises what it raised."""
        if self._link is None or self._ended:
            raise method_not_found("subscriptions need a WebSocket connection")
        if len(self._feeds) >= self.bounds.subscriptions:
            raise too_many_subscriptions(self.bounds.subscriptions)
        feed = Feed(self, method, source)
        self._feeds[feed.id] = feed
        feed.start(params)
        try:
            await feed.opened()
        except BaseException:
            feed.cancel()
            raise
        return feed

    def close_feed(self, source: Source, id: str) -> bool:
        """End a subscription of this connection; False where it has none of this id and kind."""
        feed = self._feeds.get(id)
        if feed is None or feed.source != source:
            return False
        feed.cancel()
        return True

    def write(self, message: bytes) -> None:
        """Send one message to the client, if it is still there."""
        if self._link is not None and not self._ended:
            self._link.write(message)

    def forget(self, feed: Feed) -> None:
        """A feed has ended."""
        self._feeds.pop(feed.id, None)

    def end(self) -> None:
        """The connection is gone: so are its subscriptions."""
        self._ended = True
        for feed in list(self._feeds.values()):
            feed.cancel()


class Feed:
    """One subscription, in the hands of what feeds it."""

    def __init__(self, session: Session, method: str, source: Source) -> None:
        self.session = session
        self.id = secrets.token_hex(8)
        self.source = source
        self._head = notification(method, self.id)
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deferred = False
        self._held: list[bytes] | None = []
        self._held_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def send(self, result: Json) -> None:
        """Notify the client, and accept the subscription if that has not been done."""
        self.accept()
        message = b"%b%b}}" % (self._head, encode(result))
        if len(message) > self.session.bounds.message_bytes:
            raise too_large_response(self.session.bounds.message_bytes)
        if self._held is None:
            self.session.write(message)
            return
        self._held_bytes += len(message)
        if self._held_bytes > self.session.bounds.unsent_bytes:
            raise internal_error(f"over {self.session.bounds.unsent_bytes} bytes before the response")
        self._held.append(message)

    def accept(self) -> None:
        """Let the subscribe request be answered with the id."""
        if not self._accepted.done():
            self._accepted.set_result(None)

    def defer(self) -> None:
        """Called before the first wait: the answer waits for `accept`, the first `send`, or an `RpcError`."""
        self._deferred = True

    def start(self, params: list[Json]) -> None:
        """Begin to feed."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(params))
        # The loop keeps the order of what it is given: this runs when the feed has come to its first wait.
        loop.call_soon(self._waited)

    async def opened(self) -> None:
        """Return when the subscription is accepted; raises what refused it."""
        await asyncio.shield(self._accepted)

    def release(self) -> None:
        """The response is written: notifications may follow."""
        held, self._held = self._held, None
        for message in held or ():
            self.session.write(message)

    def cancel(self) -> None:
        """End the subscription."""
        self.session.forget(self)
        if self._task is not None:
            self._task.cancel()

    async def _run(self, params: list[Json]) -> None:
        try:
            await self.source(self, *params)
        except Exception as error:
            self._refuse(error)
        finally:
            self.session.forget(self)
            self.accept()

    def _refuse(self, error: Exception) -> None:
        if not self._accepted.done():
            self._accepted.set_exception(error)
            self._accepted.exception()  # seen: whoever waited may have left in the same moment
        elif not isinstance(error, RpcError):
            self.session.report("a subscription failed", error)

    def _waited(self) -> None:
        if not self._deferred:
            self.accept()
