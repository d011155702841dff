# SPDX-License-Identifier: Apache-2.0
"""A small world for a validator: a chain in memory, miners that answer over a transport, and a chain that can fail.

Everything is real but the distance: keys sign, servers verify, the chain keeps its rules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from protocols import synapse
from protocols.balance import Balance
from protocols.calls import AddStake, Call, Register, ServeAxon
from protocols.chain import Commitment, Epoch, Receipt, SubnetInfo
from protocols.client import Client, ClientOptions
from protocols.clock import Clock, SystemClock
from protocols.endpoint import Endpoint
from protocols.errors import NotAdmitted
from protocols.hyperparameters import Hyperparameters, Value
from protocols.keys import Keypair, Signer
from protocols.memory import MemoryNetwork, MemoryTransport
from protocols.metagraph import Metagraph
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.sparse import SparseRows
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.transport import Depart
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58
from subnet.chain.memory import Genesis, GenesisNetwork, MemoryChain
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.round import Round
from validators.store import Store

NETUID = NetUid(1)
OWNER = Keypair.from_uri("//Alice")
OWNER_HOTKEY = Keypair.from_uri("//Alice//hot")
PAYER = Keypair.from_uri("//Bob")
ME = Keypair.from_uri("//Charlie")


class Guess(Synapse):
    """Asks for the double of a number."""

    number: int

    class Reply(synapse.Reply):
        """The answer."""

        number: float


class Doubling(Subnet):
    """Pays for the double of a number, less the further off."""

    name, version = "doubling", 1
    synapse = Guess
    alpha = 0.5

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            number = int(ctx.rng.integers(1000))
            yield Task(Guess(number=number), reference=2 * number)

    async def answer(self, ask: Guess, ctx: AnswerContext) -> Guess.Reply:
        return Guess.Reply(number=2 * ask.number)

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        return [0.0 if reply is None else 1 / (1 + abs(reply.number - task.reference)) for reply in replies.replies]


class Wire(MemoryTransport):
    """Carries what is addressed to an IP address and port within the process."""

    async def send(self, url: str, body: bytes, depart: Depart) -> Any:
        return await super().send(url.replace("http://", "memory://"), body, depart)


Answer = Callable[[Guess, Context], Any]


def off_by(distance: float) -> Answer:
    """A miner that errs by so much."""

    async def answer(ask: Guess, ctx: Context) -> Guess.Reply:
        return Guess.Reply(number=2 * ask.number + distance)

    return answer


async def refusing(ask: Guess, ctx: Context) -> Guess.Reply:
    """A miner that answers nobody."""
    raise NotAdmitted("not you")


def miner_key(name: str) -> Keypair:
    """The hotkey of a miner."""
    return Keypair.from_uri(f"//Bob//{name}")


def hotkey(key: Signer) -> Hotkey:
    """Its address."""
    return Hotkey(key.ss58_address)


@dataclass
class World:
    """One subnet, its miners and what a validator needs."""

    folder: Path
    chain: MemoryChain
    stack: AsyncExitStack
    clock: Clock = field(default_factory=SystemClock)
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    servers: dict[str, Server] = field(default_factory=dict)

    async def submit(self, call: Call, signer: Signer = PAYER) -> Receipt:
        """Have a call carried out and sealed."""
        receipt = (await self.chain.submit(call, signer)).raise_for_error()
        self.chain.seal()
        return receipt

    async def add_miner(self, name: str, answer: Answer | None) -> Hotkey:
        """Register a miner; without an answer it publishes an address at which nobody is."""
        key, port = miner_key(name), 9000 + len(self.servers)
        await self.chain.submit(Register(NETUID, hotkey(key)), PAYER)
        receipt = await self.chain.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", port)), key)
        receipt.raise_for_error()
        replay = MemoryReplay.never_served_before()
        server = Server(key, {Guess: answer or off_by(0)}, ServerOptions(replay=replay))
        await self.stack.enter_async_context(server)
        if answer is not None:
            self.network.serve(f"127.0.0.1:{port}", server.app)
        self.servers[name] = server
        return hotkey(key)

    async def add_validator(self, *, stake: int = 100) -> None:
        """Register ourselves, and with stake wait for the permit that an epoch gives."""
        await self.submit(Register(NETUID, hotkey(ME)))
        if stake:
            await self.submit(AddStake(NETUID, hotkey(ME), Balance.tao(stake)))
            await self.next_epoch()

    async def next_epoch(self) -> int:
        """Let blocks pass until another epoch has run."""
        begun = (await self.chain.epoch(NETUID)).index
        while (await self.chain.epoch(NETUID)).index == begun:
            self.chain.seal()
        return begun + 1

    def client(self) -> Client:
        """A client within the process."""
        return Client(ME, ClientOptions(transport=Wire(self.network), clock=self.clock))

    async def store(self) -> Store:
        """The validator's file, opened anew."""
        store = Store(self.folder / "validator.db")
        self.stack.push_async_callback(store.close)
        return store

    def validator(
        self, store: Store, chain: Any = None, definition: Subnet | None = None, options: ValidatorOptions | None = None
    ) -> Validator:
        """A validator as it is after a start of its process."""
        return Validator(
            definition or Doubling(),
            chain=chain or self.chain,
            netuid=NETUID,
            key=ME,
            client=self.client(),
            store=store,
            clock=self.clock,
            options=options or ValidatorOptions(seed=1, timeout_s=2.0),
        )

    async def steps(self, validator: Validator, blocks: int) -> list[Round]:
        """One round in each of so many blocks."""
        rounds = []
        for _ in range(blocks):
            rounds.append(await validator.step())
            self.chain.seal()
        return rounds

    async def replaced_round(self) -> tuple[Round, Round]:
        """A round whose block another block replaces, and the round after it."""
        before, store = self.chain.snapshot(), await self.store()
        first = await self.validator(store).step()
        self.chain = MemoryChain.restore(before)
        self.chain.seal(2)
        return first, await self.validator(store).step()

    async def my_weights(self) -> dict[Hotkey, int]:
        """What the chain holds of us, by hotkey."""
        metagraph = await self.chain.metagraph(NETUID)
        uids, values = (await self.chain.weights(NETUID)).row(metagraph.uid_of(hotkey(ME)))
        return {metagraph.hotkeys[uid]: int(value) for uid, value in zip(uids.tolist(), values.tolist(), strict=True)}


@asynccontextmanager
async def world(folder: Path, dials: Mapping[str, Value] | None = None) -> AsyncIterator[World]:
    """A subnet with its owner on it, epochs every 10 blocks unless told."""
    network = GenesisNetwork(owner=Coldkey(OWNER.ss58_address), hotkey=hotkey(OWNER_HOTKEY))
    chain = MemoryChain(Genesis.local(networks=(network,), hyperparameters=dials or {}))
    async with AsyncExitStack() as stack:
        yield World(folder, chain, stack)


class WatchedChain:
    """The same chain, seen through a line that can break: `before` and `after` each call may raise.

    What is raised before a call keeps it from the chain; what is raised after it loses the answer only.
    """

    def __init__(self, chain: MemoryChain) -> None:
        self._chain = chain
        self.taken: list[tuple[Call, Receipt, int]] = []
        """Calls that the chain took, each with the epoch that its block belongs to."""
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    @property
    def genesis(self) -> str:
        return self._chain.genesis

    @property
    def is_local(self) -> bool:
        return self._chain.is_local

    async def block(self) -> Block:
        self.before("block")
        return await self._chain.block()

    async def wait_for_block(self, block: Block) -> Block:
        self.before("wait_for_block")
        return await self._chain.wait_for_block(block)

    async def subnets(self) -> tuple[SubnetInfo, ...]:
        self.before("subnets")
        return await self._chain.subnets()

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        self.before("metagraph")
        return await self._chain.metagraph(netuid, block)

    async def hyperparameters(self, netuid: NetUid) -> Hyperparameters:
        self.before("hyperparameters")
        return await self._chain.hyperparameters(netuid)

    async def epoch(self, netuid: NetUid) -> Epoch:
        self.before("epoch")
        return await self._chain.epoch(netuid)

    async def weights(self, netuid: NetUid) -> SparseRows:
        self.before("weights")
        return await self._chain.weights(netuid)

    async def bonds(self, netuid: NetUid) -> SparseRows:
        self.before("bonds")
        return await self._chain.bonds(netuid)

    async def commitments(self, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
        self.before("commitments")
        return await self._chain.commitments(netuid)

    async def balance(self, address: Ss58) -> Balance:
        self.before("balance")
        return await self._chain.balance(address)

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        self.before("submit")
        receipt = await self._chain.submit(call, signer)
        if receipt.error is None:
            epoch = await self._chain.epoch(NETUID)
            is_due = epoch.next is not None and receipt.block >= epoch.next
            self.taken.append((call, receipt, epoch.index + is_due))
        self.after("submit")
        return receipt

    def epochs_of(self, kind: type) -> list[int]:
        """The epochs in which the chain took calls of this kind, in order."""
        return [epoch for call, _, epoch in self.taken if isinstance(call, kind)]


def chance(seed: int) -> np.random.Generator:
    """Random numbers of a test."""
    return np.random.default_rng(seed)
