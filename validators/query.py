# SPDX-License-Identifier: Apache-2.0
"""Asking all miners of a round at once, each with a deadline of its own, and keeping what each can be held to.

A refusal, a broken seal, a stream without its end and silence are alike: nothing came, and nothing is worth nothing.
Times are those that we measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from protocols.client import Client, Outcome, Peer
from protocols.codec import MSGPACK
from protocols.errors import InvalidSubnet, ReplyTooLarge, Unreachable, WireError
from protocols.legacy.v10 import V10Speaking, published
from protocols.metagraph import Metagraph, Neuron
from protocols.seal import Evidence, StreamEvidence
from protocols.spec import Subnet
from protocols.task import Replies, Returned, Task
from protocols.types import Hotkey
from validators.load import Load

__all__ = ["Answer", "Asker", "Heard", "v10"]

_ITEM_BYTES: Final = 64
_CROWDED: Final = "crowded"
"""The code of those who were not asked, since too many queries of ours were under way at them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one miner gave: a reply, or the code of why there is none."""

    returned: Returned
    miss: str = ""
    evidence: Evidence | StreamEvidence | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, for those of whom nothing came the code of the reason, and the proofs; in the order of asking."""

    replies: Replies
    misses: tuple[str, ...]
    evidence: tuple[Evidence | StreamEvidence | None, ...]
    """The signed question and its signed answer; none of a peer that signs nothing."""

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> Heard:
        """All that several miners gave."""
        rows = tuple(answers)
        return cls(
            Replies(tuple(row.returned for row in rows)),
            tuple(row.miss for row in rows),
            tuple(row.evidence for row in rows),
        )

    def __add__(self, other: Heard) -> Heard:
        return Heard(
            Replies(self.replies.rows + other.replies.rows), self.misses + other.misses, self.evidence + other.evidence
        )

    def of_those_in(self, metagraph: Metagraph) -> Heard:
        """Without those who have left the subnet meanwhile."""
        rows = zip(self.replies, self.misses, self.evidence, strict=True)
        return Heard.of(Answer(row, miss, proof) for row, miss, proof in rows if row.hotkey in metagraph)

    def of_those_asked(self) -> Heard:
        """Without those who were not asked for the sake of our own load, for which nobody is to be paid less."""
        rows = zip(self.replies, self.misses, self.evidence, strict=True)
        return Heard.of(Answer(row, miss, proof) for row, miss, proof in rows if miss != _CROWDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """How a validator asks."""

    client: Client
    timeout_s: float
    most_stream_bytes: int
    is_streaming: bool
    is_local: bool
    """Whether addresses within our own network may be asked; on a public chain a stranger chose them."""
    v10: V10Speaking | None = None
    """How axons of bittensor 10 are asked; without it like everybody, which they do not understand."""
    load: Load = field(default_factory=Load)
    """What is under way at each miner."""

    async def ask(self, tasks: Sequence[Task], asked: Sequence[Hotkey], metagraph: Metagraph) -> Heard:
        """What each of these miners gives for its own task, once all have answered or are late."""
        rows = list(zip(asked, tasks, strict=True))
        if self.v10 is not None:
            places = zip(metagraph.hotkeys, metagraph.endpoints, strict=True)
            self.load.singles = frozenset(hotkey for hotkey, place in places if place and published(place))
        peers = {hotkey: peer for hotkey in asked if (peer := self.peer(metagraph.by_hotkey(hotkey))) is not None}
        questions = [(peers[hotkey], task) for hotkey, task in rows if hotkey in peers]
        answers = await (self._streams(questions) if self.is_streaming else self._replies(questions))
        heard = {answer.returned.hotkey: answer for answer in answers}
        return Heard.of(heard.get(hotkey, _none(hotkey, task, "no_endpoint")) for hotkey, task in rows)

    def peer(self, neuron: Neuron) -> Peer | None:
        """Where a miner can be asked, if it can."""
        endpoint = neuron.endpoint
        if endpoint is None or not (self.is_local or endpoint.is_public):
            return None
        return Peer(neuron.hotkey, endpoint.url(), self.v10 if published(endpoint) else None)

    async def stream(self, peer: Peer, task: Task, most_bytes: int, came: Callable[[Any, float], None]) -> Answer:
        """What one miner streams, in its turn; `came` is told each item and when it came, before the end proves any."""
        return await self._in_turn(peer, task, partial(self._stream, most_bytes=most_bytes, came=came))

    async def _replies(self, questions: Sequence[tuple[Peer, Task]]) -> list[Answer]:
        free = [(peer, task) for peer, task in questions if self.load.free(Hotkey(peer.hotkey))]
        busy = [(peer, task) for peer, task in questions if not self.load.free(Hotkey(peer.hotkey))]
        async with asyncio.TaskGroup() as group:
            late = [group.create_task(self._in_turn(peer, task, self._reply)) for peer, task in busy]
            answers = await self._at_once(free)
        return answers + [task.result() for task in late]

    async def _at_once(self, questions: Sequence[tuple[Peer, Task]]) -> list[Answer]:
        """Ask those who may be asked now; what many are asked alike is encoded once."""
        tasks, answers = {peer.hotkey: task for peer, task in questions}, list[Answer]()
        async with AsyncExitStack() as stack:
            turns = {peer: await stack.enter_async_context(self.load.at(Hotkey(peer))) for peer in tasks}
            asks = [(peer, task.ask) for peer, task in questions]
            async for outcome in self.client.ask_each(asks, timeout_s=self.timeout_s):
                turns[outcome.peer.hotkey]()
                answers.append(_answer(outcome, tasks[outcome.peer.hotkey]))
        return answers

    async def _reply(self, peer: Peer, task: Task) -> Answer:
        return _answer(await self.client.outcome(peer, task.ask, timeout_s=self.timeout_s), task)

    async def _in_turn(self, peer: Peer, task: Task, ask: Callable[[Peer, Task], Awaitable[Answer]]) -> Answer:
        try:
            async with self.load.at(Hotkey(peer.hotkey)):
                return await ask(peer, task)
        except Unreachable:  # it can only be the load's: asking itself raises nothing that a miner does
            return _none(Hotkey(peer.hotkey), task, _CROWDED)

    async def _streams(self, questions: Sequence[tuple[Peer, Task]]) -> list[Answer]:
        most = self.most_stream_bytes
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.stream(peer, task, most, _unheard)) for peer, task in questions]
        return [task.result() for task in tasks]

    async def _stream(self, peer: Peer, task: Task, most_bytes: int, came: Callable[[Any, float], None]) -> Answer:
        hotkey, items, size = Hotkey(peer.hotkey), [], 0
        try:
            stream = self.client.stream(
                peer, task.ask, timeout_s=self.timeout_s, idle_s=self.timeout_s, kept_bytes=most_bytes
            )
            async with stream:
                async for item in stream:
                    # An item is bounded where it is read; a stream without end would fill our memory all the same.
                    size += len(MSGPACK.encode(item)) + _ITEM_BYTES
                    if size > most_bytes:
                        raise ReplyTooLarge(f"stream has over {size} bytes, at most {most_bytes} are read")
                    items.append(item)
                    came(item, stream.item_times_s[-1])
        except WireError as error:
            return _none(hotkey, task, error.code)
        if not items:
            return _none(hotkey, task, "empty_stream")
        times_s = stream.item_times_s
        return Answer(Returned(hotkey, tuple(items), times_s[-1], times_s[0], task), evidence=stream.evidence)


def v10(definition: Subnet, fields: Sequence[str]) -> V10Speaking | None:
    """How axons of bittensor 10 are asked by their class's hash fields; with none named, not at all."""
    if not fields:
        return None
    if definition.is_streaming:
        raise InvalidSubnet(
            f"{definition.ref()} is answered by streams, axons of bittensor 10 answer by one object",
            help="name no v10 fields for it",
        )
    return V10Speaking({definition.synapse: fields})


def _answer(outcome: Outcome, task: Task) -> Answer:
    hotkey, elapsed_s = Hotkey(outcome.peer.hotkey), outcome.timing.elapsed_s
    if outcome.error is not None:
        return _none(hotkey, task, outcome.error.code)
    return Answer(Returned(hotkey, (outcome.reply,), elapsed_s, elapsed_s, task), evidence=outcome.evidence)


def _unheard(item: Any, at_s: float) -> None:
    """Where the items are of interest only together."""


def _none(hotkey: Hotkey, task: Task, miss: str) -> Answer:
    return Answer(Returned(hotkey, asked=task), miss)
