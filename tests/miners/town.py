# SPDX-License-Identifier: Apache-2.0
"""A small subnet to mine on: definitions, keys, and a chain in memory that can be away and lag behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec

from miners.engines.plain import Plain as Simple
from miners.miner import Miner, MinerOptions
from protocols import synapse
from protocols.balance import Balance
from protocols.calls import Call, Register, ServeAxon
from protocols.chain import Chain, Receipt
from protocols.client import Client, ClientOptions, Outcome, Peer
from protocols.clock import Clock, SystemClock
from protocols.endpoint import Endpoint
from protocols.errors import ChainUnreachable
from protocols.keys import Keypair, Signer
from protocols.metagraph import Metagraph
from protocols.model import Model, Sampling
from protocols.replay import MemoryReplay
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Block, Coldkey, Hotkey, NetUid
from subnet.chain.memory import Genesis, GenesisNetwork, MemoryChain

OWNER = Keypair.from_uri("//owner")
MINER = Keypair.from_uri("//miner")
OTHER = Keypair.from_uri("//other-miner")
VALIDATOR = Keypair.from_uri("//validator")
STRANGER = Keypair.from_uri("//stranger")
NETUID = NetUid(1)
NOW = SystemClock()


def address(key: Signer) -> Hotkey:
    """A key's address as the chain knows it."""
    return Hotkey(key.ss58_address)


class Ask(Synapse):
    prompt: str
    options: dict[str, int] = msgspec.field(default_factory=dict)

    class Reply(synapse.Reply):
        text: str


class Echo(Subnet):
    """Answer with a number drawn, and what the model says."""

    name, version = "echo", 1
    synapse = Ask

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        yield Task(Ask(prompt="hello"))

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=f"{await ctx.model.generate(ask.prompt, 8)} {ctx.rng.integers(2**32)}")

    def score(self, task: Task, replies: Replies) -> list[float]:
        return [1.0] * len(replies)


class Plain(Echo):
    """Answer with what the model says."""

    name = "plain"

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=await ctx.model.generate(ask.prompt, 8))


class Spell(Echo):
    """Answer letter by letter."""

    name = "spell"

    async def answer(self, ask: Ask, ctx: AnswerContext) -> AsyncIterator[Ask.Reply]:  # type: ignore[override]
        for letter in ask.prompt:
            yield Ask.Reply(text=await ctx.model.generate(letter, 1))


class Capitals(Model):
    """A model that is good at one thing."""

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        return prompt.upper()[:max_tokens]


class Gate(Model):
    """A model that works for as long as it is not let go."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.entered = 0

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        self.entered += 1
        await self.opened.wait()
        return prompt


class Ledger(MemoryChain):
    """A chain that remembers who did what, can be away, and may show an older block."""

    def __init__(self, genesis: Genesis, clock: Clock) -> None:
        super().__init__(genesis, clock=clock)
        self.watch = clock
        self.away = False
        self.shown: Metagraph | None = None
        self.read_at: list[float] = []
        self.served: list[Endpoint] = []

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        self.read_at.append(self.watch.monotonic())
        if self.away:
            raise ChainUnreachable("the chain is away")
        return self.shown or await super().metagraph(netuid, block)

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        if self.away:
            raise ChainUnreachable("the chain is away")
        if isinstance(call, ServeAxon):
            self.served.append(call.endpoint)
        return await super().submit(call, signer)

    async def published(self, key: Keypair) -> Endpoint | None:
        """What the chain tells of a miner, in the newest block."""
        self.seal()
        return (await super().metagraph(NETUID)).by_hotkey(address(key)).endpoint


async def ledger(clock: Clock, *keys: Keypair, is_local: bool = True) -> Ledger:
    """A chain with one subnet, on which the validator and these keys are registered."""
    founded = GenesisNetwork(owner=Coldkey(address(OWNER)), hotkey=address(VALIDATOR))
    accounts = {address(OWNER): Balance.tao(1000)}
    chain = Ledger(replace(Genesis.local(accounts=accounts, networks=(founded,)), is_local=is_local), clock)
    for key in keys:
        await enrol(chain, key)
    return chain


async def enrol(chain: Ledger, key: Keypair) -> None:
    """Register a hotkey, in a block of its own."""
    (await chain.submit(Register(NETUID, address(key)), OWNER)).raise_for_error()
    chain.seal()


def mine(
    chain: Chain,
    definition: Subnet,
    model: Model | None = None,
    *,
    key: Signer = MINER,
    clock: Clock = NOW,
    **options: Any,
) -> Miner:
    """A miner on a free port that accepts at once, with these of `MinerOptions`."""
    chosen = MinerOptions(**{"port": 0, "replay": MemoryReplay.never_served_before(), "drain_s": 2.0, **options})
    model = model or Capitals()
    return Miner(definition, chain=chain, netuid=NETUID, key=key, engine=Simple(model), clock=clock, options=chosen)


async def said(
    url: str, ask: Ask, *, by: Keypair = VALIDATOR, of: Keypair = MINER, within_s: float = 5.0, clock: Clock = NOW
) -> Outcome:
    """What came of asking a miner over HTTP."""
    async with Client(by, ClientOptions(clock=clock)) as client:
        return await client.outcome(Peer(of.ss58_address, url), ask, timeout_s=within_s)


async def spelled(url: str, ask: Ask, *, of: Keypair = MINER) -> list[str]:
    """The items of a miner's stream, whose signed end was checked."""
    peer = Peer(of.ss58_address, url)
    async with Client(VALIDATOR) as client, client.stream(peer, ask, timeout_s=5.0) as stream:
        texts = [item.text async for item in stream]
        assert stream.complete
    return texts
