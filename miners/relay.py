# SPDX-License-Identifier: Apache-2.0
"""A miner that does no work: it asks another miner the same and passes the answer on as its own.

This is the copier that rewards must not pay twice, so tests and local networks need a real one: it has its own key,
asks over the network as anybody may, and is in time. It lives here because it is also an honest proxy.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from protocols.client import Client, Peer
from protocols.errors import HandlerFailed, WireError
from protocols.spec import Subnet
from protocols.synapse import Reply, Synapse
from protocols.task import AnswerContext

__all__ = ["Relay"]

_SHARE: Final = 0.9
"""Of the time that remains, what the victim gets; in the rest our own reply is signed and sent."""
_EMPTY: Final[tuple[object, ...]] = ("", 0, False, [], {}, None)


class Relay:
    """Answers what the victim answers, and nothing where it refuses, fails or is late.

    client = Client(copier_key)
    copier = Miner(Relay(client, Peer(victim_hotkey, victim_url)).instead_of(Echo()), key=copier_key, ...)

    The client signs the forwarded queries, so its key is the one that the victim admits or not; whoever made it
    closes it.
    """

    def __init__(self, client: Client, victim: Peer) -> None:
        self._client = client
        self._victim = victim

    def instead_of(self, definition: Subnet) -> Subnet:
        """The same definition, but answered by the victim; the one given is not changed."""
        copied = copy.copy(definition)
        vars(copied)["answer"] = self.stream if definition.is_streaming else self.answer
        return copied

    async def answer(self, ask: Synapse, ctx: AnswerContext) -> Reply:
        """The victim's reply, or an empty one."""
        left_s = ctx.remaining_s * _SHARE
        try:
            # Around all of it: the client's own deadline begins when the query is sent, after connecting.
            async with asyncio.timeout(left_s):
                reply: Reply = await self._client.ask(self._victim, ask, timeout_s=left_s)
        except (WireError, TimeoutError):
            return _empty(ask)
        return reply

    async def stream(self, ask: Synapse, ctx: AnswerContext) -> AsyncGenerator[Reply, None]:
        """The victim's items as they come, until it ends or fails."""
        left_s = ctx.remaining_s * _SHARE
        until = asyncio.get_running_loop().time() + left_s
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout_at(until):
                    asked = self._client.stream(self._victim, ask, timeout_s=left_s, idle_s=left_s)
                    items = await stack.enter_async_context(asked)
                while True:
                    # Never around the `yield`: a timeout there would cancel whoever reads us.
                    async with asyncio.timeout_at(until):
                        item: Reply = await anext(items)
                    yield item
            except (WireError, TimeoutError, StopAsyncIteration):
                return


def _empty(ask: Synapse) -> Reply:
    """A reply with nothing in it; raises `HandlerFailed` for a type that cannot be empty, such as one with an enum."""
    required = [field for field in msgspec.structs.fields(ask.Reply) if field.required]
    return ask.Reply(**{field.name: _nothing(field.type, ask) for field in required})


def _nothing(kind: Any, ask: Synapse) -> Any:
    for value in _EMPTY:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            continue
    raise HandlerFailed(f"nothing came back to relay, and {type(ask).__name__}.Reply cannot be empty")
