# SPDX-License-Identifier: Apache-2.0
"""Which methods a node answers: collected from the objects that hold them, found by name.

    class System:
        @method("system_chain")
        def chain(self, session: Session, params: list[Json]) -> Json:
            return "local"

        @subscription("chain_subscribeNewHeads", "chain_unsubscribeNewHeads", "chain_newHead")
        async def heads(self, feed: Feed) -> None:
            async for head in self.blocks.heads():
                feed.send(head)

A plain method is answered at once, in the order of requests. Both marks may be given several times for several names.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, cast

from protocols.types import Json
from subnet.chain.node.rpc.errors import invalid_params, method_not_found
from subnet.chain.node.rpc.session import Feed, Session, Source

__all__ = ["Answer", "Handler", "Methods", "method", "subscription"]

Handler: TypeAlias = "Callable[[Session, list[Json]], Json | Awaitable[Json]]"
"""What answers one method."""

Answer: TypeAlias = "Json | Feed | Awaitable[Json | Feed]"
"""What a call comes to: a value, a feed that has been opened, or either of them later."""

_Call: TypeAlias = "Callable[[Session, list[Json]], Answer]"
_H = TypeVar("_H", bound=Callable[..., Any])
_METHODS, _FEEDS = "_rpc_methods", "_rpc_feeds"


def method(name: str, *aliases: str) -> Callable[[_H], _H]:
    """Mark a method `(self, session, params)` of a class as the answer to these names."""

    def mark(function: _H) -> _H:
        setattr(function, _METHODS, (*getattr(function, _METHODS, ()), name, *aliases))
        return function

    return mark


def subscription(subscribe: str, unsubscribe: str, notification: str) -> Callable[[_H], _H]:
    """Mark a method `async (self, feed, *params)` as what feeds a subscription until it is cancelled or returns.

    An `RpcError` raised before its first wait is the answer to the subscribe request (see `Feed.defer` for later).
    """

    def mark(function: _H) -> _H:
        setattr(function, _FEEDS, (*getattr(function, _FEEDS, ()), (subscribe, unsubscribe, notification)))
        return function

    return mark


class Methods:
    """Every marked method of the given objects, and `rpc_methods`, which lists them."""

    def __init__(self, *rooms: object) -> None:
        self._calls: dict[str, _Call] = {}
        for room in (self, *rooms):
            for name, function in inspect.getmembers(type(room), callable):
                for known in getattr(function, _METHODS, ()):
                    self._add(known, getattr(room, name))
                for marked in getattr(function, _FEEDS, ()):
                    self._add_feed(marked, getattr(room, name))

    def names(self) -> list[str]:
        """Every name that is answered, sorted."""
        return sorted(self._calls)

    @method("rpc_methods")
    def listing(self, session: Session, params: list[Json]) -> Json:
        """What this node can be asked."""
        return {"methods": cast(list[Json], self.names())}

    async def call(self, session: Session, name: str, params: list[Json]) -> Json:
        """Answer one call; raises `RpcError`."""
        answer = self.begin(session, name, params)
        value = await answer if inspect.isawaitable(answer) else answer
        if isinstance(value, Feed):
            value.release()
            return value.id
        return value

    def begin(self, session: Session, name: str, params: list[Json]) -> Answer:
        """Answer one call as far as that needs no waiting; the caller awaits the rest and releases a feed."""
        known = self._calls.get(name)
        if known is None:
            raise method_not_found()
        return known(session, params)

    def _add(self, name: str, call: _Call) -> None:
        if name in self._calls:
            raise ValueError(f"two methods answer to {name!r}, expected one")
        self._calls[name] = call

    def _add_feed(self, names: tuple[str, str, str], source: Source) -> None:
        subscribe, unsubscribe, notification = names
        signature = inspect.signature(source)

        def begin(session: Session, params: list[Json]) -> Answer:
            try:
                signature.bind(None, *params)
            except TypeError as error:
                raise invalid_params(str(error)) from None
            return session.open(source, notification, params)

        def end(session: Session, params: list[Json]) -> Answer:
            if len(params) != 1 or not isinstance(params[0], str | int):
                raise invalid_params("give the id of one subscription")
            return session.close_feed(source, str(params[0]))

        self._add(subscribe, begin)
        self._add(unsubscribe, end)
