# SPDX-License-Identifier: Apache-2.0
"""Asking all miners of a round at once, each with a deadline of its own, and keeping what each can be held to.

A refusal, a broken seal, a stream without its end and silence are alike: nothing came, and nothing is worth nothing.
Times are those that we measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from protocols.client import Client, Outcome, Peer
from protocols.codec import MSGPACK
from protocols.errors import ReplyTooLarge, WireError
from protocols.metagraph import Metagraph, Neuron
from protocols.synapse import Synapse
from protocols.task import Replies, Returned
from protocols.types import Hotkey

__all__ = ["Asker", "Heard"]

_ITEM_BYTES: Final = 64
_Answer: TypeAlias = tuple[Returned, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, and for those of whom nothing came the code of the reason, both in the order of asking."""

    replies: Replies
    misses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """How a validator asks."""

    client: Client
    timeout_s: float
    most_stream_bytes: int
    is_streaming: bool
    is_local: bool
    """Whether addresses within our own network may be asked; on a public chain a stranger chose them."""

    async def ask(self, query: Synapse, asked: Sequence[Hotkey], metagraph: Metagraph) -> Heard:
        """The replies of these miners, once all are there or late."""
        peers = [peer for hotkey in asked if (peer := self._peer(metagraph.by_hotkey(hotkey))) is not None]
        answers = await (self._streams(peers, query) if self.is_streaming else self._replies(peers, query))
        heard = {returned.hotkey: (returned, miss) for returned, miss in answers}
        rows = [heard.get(hotkey, (Returned(hotkey), "no_endpoint")) for hotkey in asked]
        return Heard(Replies(tuple(returned for returned, _ in rows)), tuple(miss for _, miss in rows))

    def _peer(self, neuron: Neuron) -> Peer | None:
        endpoint = neuron.endpoint
        if endpoint is None or not (self.is_local or endpoint.is_public):
            return None
        return Peer(neuron.hotkey, endpoint.url())

    async def _replies(self, peers: Sequence[Peer], query: Synapse) -> list[_Answer]:
        outcomes = await self.client.ask_all(peers, query, timeout_s=self.timeout_s)
        return [_answer(outcome) for outcome in outcomes]

    async def _streams(self, peers: Sequence[Peer], query: Synapse) -> list[_Answer]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._stream(peer, query)) for peer in peers]
        return [task.result() for task in tasks]

    async def _stream(self, peer: Peer, query: Synapse) -> _Answer:
        hotkey, items, size = Hotkey(peer.hotkey), [], 0
        try:
            async with self.client.stream(peer, query, timeout_s=self.timeout_s, idle_s=self.timeout_s) as stream:
                async for item in stream:
                    # An item is bounded where it is read; a stream without end would fill our memory all the same.
                    size += len(MSGPACK.encode(item)) + _ITEM_BYTES
                    if size > self.most_stream_bytes:
                        raise ReplyTooLarge(f"stream has over {size} bytes, at most {self.most_stream_bytes} are read")
                    items.append(item)
        except WireError as error:
            return Returned(hotkey), error.code
        if not items:
            return Returned(hotkey), "empty_stream"
        return Returned(hotkey, tuple(items), stream.item_times_s[-1], stream.item_times_s[0]), ""


def _answer(outcome: Outcome) -> _Answer:
    hotkey, elapsed_s = Hotkey(outcome.peer.hotkey), outcome.timing.elapsed_s
    if outcome.error is not None:
        return Returned(hotkey), outcome.error.code
    return Returned(hotkey, (outcome.reply,), elapsed_s, elapsed_s), ""
