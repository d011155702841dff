# SPDX-License-Identifier: Apache-2.0
"""A validator with its door for users: miners that answer over real HTTP on this machine, and the official client.

The chain is in memory and everything else is as an operator has it; a miner is a function of what it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from openai import AsyncOpenAI

from protocols import synapse
from protocols.calls import Register, ServeAxon
from protocols.client import Client
from protocols.endpoint import Endpoint
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Block, Hotkey
from subnet.templates.text.text import Ask, Text
from tests.validators.world import ME, NETUID, PAYER, World, hotkey, miner_key, world
from validators.base import Validator
from validators.gateway.gateway import Gateway
from validators.gateway.keys import Allowance, Keys
from validators.gateway.options import GatewayOptions
from validators.options import ValidatorOptions
from validators.store import RoundRecord, Standing, Store

__all__ = [
    "Ask",
    "Gone",
    "Placing",
    "Say",
    "Tell",
    "Telling",
    "Town",
    "Where",
    "chance",
    "eventually",
    "saying",
    "slowly",
    "telling",
    "town",
]


class Tell(Synapse):
    """Asks for a text in pieces."""

    prompt: Annotated[str, msgspec.Meta(max_length=500)]
    max_tokens: int = 32

    class Reply(synapse.Reply):
        """A piece."""

        text: str


class Telling(Subnet):
    """Pays for every text."""

    name, version = "telling", 1
    synapse = Tell

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """The same for ever."""
        while True:
            yield Task(Tell(prompt="a story"))

    async def answer(self, ask: Tell, ctx: AnswerContext) -> AsyncIterator[Tell.Reply]:
        """One piece."""
        yield Tell.Reply(text=ask.prompt)

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        """One for each that came."""
        return [1.0 if text else 0.0 for text in replies.texts]


class Where(Synapse):
    """Asks for vectors."""

    texts: tuple[str, ...]

    class Reply(synapse.Reply):
        """A vector for each text."""

        vectors: tuple[tuple[float, ...], ...]


class Placing(Subnet):
    """Pays for all vectors; users get them in the order of their texts."""

    name, version = "placing", 1
    synapse = Where

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """The same for ever."""
        while True:
            yield Task(Where(texts=("a",)))

    async def answer(self, ask: Where, ctx: AnswerContext) -> Where.Reply:
        """The length of each text, and one."""
        return Where.Reply(vectors=tuple((float(len(text)), 1.0) for text in ask.texts))

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        """One for each that came."""
        return [1.0 for _ in replies]


class Gone(Exception):
    """What a miner raises that fails."""


Say = Callable[[Any, Context], Any]


def saying(text: str | Callable[[str], str]) -> Say:
    """A miner that says this, or what it makes of the prompt."""

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text=text if isinstance(text, str) else text(ask.prompt))

    return answer


def slowly(seconds: float, text: str, ended: list[str] | None = None) -> Say:
    """A miner that takes its time, and notes how it ended."""

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        how = "cancelled"
        try:
            await asyncio.sleep(seconds)
            how = "done"
        finally:
            if ended is not None:
                ended.append(how)
        return Ask.Reply(text=text)

    return answer


def telling(pieces: Iterable[str], pause_s: float = 0.0, breaks: bool = False) -> Say:
    """A miner that streams these pieces, and may fail after them."""
    said = list(pieces)

    async def answer(ask: Tell, ctx: Context) -> AsyncIterator[Tell.Reply]:
        for piece in said:
            await asyncio.sleep(pause_s)
            yield Tell.Reply(text=piece)
        if breaks:
            raise Gone("in the midst of it")

    return answer


@dataclass
class Town:
    """The world, a validator in it, its gateway, and users."""

    world: World
    validator: Validator
    keys: Keys
    gateway: Gateway = field(init=False)
    asked: dict[str, list[Any]] = field(default_factory=dict)
    """What each miner was asked."""

    async def add_miner(self, name: str, say: Say | None) -> Hotkey:
        """A miner that is registered and serves; without `say` nobody is where it says."""
        key, query = miner_key(name), self.validator.definition.synapse
        await self.world.submit(Register(NETUID, hotkey(key)), PAYER)
        port = 9
        if say is not None:
            server = Server(
                key, {query: self._noting(name, say)}, ServerOptions(replay=MemoryReplay.never_served_before())
            )
            url = await server.start("127.0.0.1", 0)
            self.world.stack.push_async_callback(server.stop, 0.0)
            port = int(url.rpartition(":")[2])
        await self.world.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", port)), key)
        return hotkey(key)

    async def scores(self, **scores: float) -> None:
        """Let the validator think this of its miners."""
        mine, metagraph = self.validator, await self.world.chain.metagraph(NETUID)
        journal = await mine.store.journal(mine.chain.genesis, mine.netuid, mine.hotkey)
        rows = {hotkey(miner_key(name)): score for name, score in scores.items()}
        standings = {
            one: Standing(score, Block(int(metagraph.by_hotkey(one).block_at_registration)))
            for one, score in rows.items()
        }
        number = await journal.begin()
        record = RoundRecord(
            number=number,
            block=metagraph.block,
            epoch=0,
            definition=mine.definition.ref(),
            marks=[],
            standings=standings,
        )
        await journal.record(record)
        await self.gateway.desk.refresh()

    async def score(self, name: str) -> float:
        """What it thinks of one."""
        mine = self.validator
        journal = await mine.store.journal(mine.chain.genesis, mine.netuid, mine.hotkey)
        standing = (await journal.standings()).get(hotkey(miner_key(name)))
        return 0.0 if standing is None else standing.score

    def user(self, key: str, retries: int = 0) -> AsyncOpenAI:
        """The official client."""
        user = AsyncOpenAI(api_key=key, base_url=f"{self.gateway.url}/v1", max_retries=retries, timeout=20.0)
        self.world.stack.push_async_callback(user.close)
        return user

    async def member(self, allowance: Allowance | None = None) -> AsyncOpenAI:
        """A client with a key of its own."""
        count = len(await self.keys.holders())
        return self.user(await self.keys.add(f"user{count}", allowance or Allowance(requests=0, tokens=0)))

    def _noting(self, name: str, say: Say) -> Say:
        notes = self.asked.setdefault(name, [])
        if not isinstance(self.validator.definition, Telling):

            async def answer(ask: Any, ctx: Context) -> Any:
                notes.append((ask, ctx))
                return await say(ask, ctx)

            return answer

        async def stream(ask: Any, ctx: Context) -> AsyncIterator[Any]:
            notes.append((ask, ctx))
            async for item in say(ask, ctx):
                yield item

        return stream


@asynccontextmanager
async def town(
    folder: Path,
    miners: dict[str, Say | None],
    definition: Subnet | None = None,
    options: GatewayOptions | None = None,
    scores: dict[str, float] | None = None,
) -> AsyncIterator[Town]:
    """A town with these miners, of whom the validator thinks this; nothing is scored unless it is told to."""
    async with world(folder) as made:
        await made.add_validator()
        client = await made.stack.enter_async_context(Client(ME))
        store = Store(folder / "validator.db")
        made.stack.push_async_callback(store.close)
        keys = Keys(folder / "gateway.db", made.clock)
        made.stack.push_async_callback(keys.close)
        validator = Validator(
            definition or Text(),
            chain=made.chain,
            netuid=NETUID,
            key=ME,
            client=client,
            store=store,
            clock=made.clock,
            options=ValidatorOptions(seed=1, timeout_s=3.0),
        )
        place = Town(made, validator, keys)
        for name, say in miners.items():
            await place.add_miner(name, say)
        place.gateway = Gateway(validator, keys, options or GatewayOptions(audit=0.0, explore=0.0), seed=1)
        await made.stack.enter_async_context(place.gateway)
        await place.scores(**(dict.fromkeys(miners, 1.0) if scores is None else scores))
        yield place


def chance(seed: int) -> np.random.Generator:
    """Random numbers of a test."""
    return np.random.default_rng(seed)


async def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until it does."""
    for _ in range(int(within_s / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")
