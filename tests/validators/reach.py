# SPDX-License-Identifier: Apache-2.0
"""A validator's chain as it is in the field: behind a port, over a line that can be cut, slow, or lead elsewhere.

The node is ours with all its rules, its blocks are made when the test says so or for whoever submits something, and
what it took from us is read off its blocks, not off what the validator believes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from protocols.errors import ChainUnreachable
from protocols.types import Hotkey
from subnet.chain.client import Deadlines, SubstrateChain
from subnet.chain.local import LocalChain, views
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.presets import LOCAL, preset
from tests.validators.world import ME, NETUID, World, hotkey, off_by
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.round import Round
from validators.store import Journal, Store

__all__ = ["Line", "QUICK", "Reach", "Update", "lined", "reach"]

QUICK: Final = Deadlines(connect_s=5.0, request_s=1.0, block_s=20.0, inclusion_s=20.0)
OPTIONS: Final = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2, interval_s=0.02, most_backoff_s=0.2)
_LOOK_S: Final = 0.005


@dataclass
class Line:
    """What lies between a client and a port of this machine."""

    port: int
    delay_s: float = 0.0
    """How much later everything arrives that the node says."""
    is_down: bool = False
    lasts: tuple[int, int] | None = None
    """How many pieces of what the node says get through before all is cut: at least, at most; none where it holds."""
    url: str = ""
    cuts: int = 0
    _left: int = 0
    _rng: random.Random = field(default_factory=lambda: random.Random(7))
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """End all connections, in the middle of whatever they carry."""
        for end in self._ends:
            end.transport.abort()

    async def serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """One connection of a client, and one to the node for it."""
        ends = [back]
        self._ends.add(back)
        try:
            if self.is_down:
                return
            far, forth = await asyncio.open_connection("127.0.0.1", self.port)
            ends.append(forth)
            self._ends.add(forth)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(near, forth, late=False))
                group.create_task(self._carry(far, back, late=True))
        except* OSError:
            pass  # cut
        finally:
            for end in ends:
                end.transport.abort()
                self._ends.discard(end)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, late: bool) -> None:
        while data := await source.read(65_536):
            if late:
                await asyncio.sleep(self.delay_s)
            sink.write(data)
            await sink.drain()
            if late and self.lasts:
                self._wear(self.lasts)
        sink.transport.abort()

    def _wear(self, lasts: tuple[int, int]) -> None:
        self._left -= 1
        if self._left < 0:
            self._left, self.cuts = self._rng.randint(*lasts), self.cuts + 1
            self.cut()


@asynccontextmanager
async def lined(port: int) -> AsyncIterator[Line]:
    """A line to a port."""
    line = Line(port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        line.cut()
        await server.wait_closed()
        await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Update:
    """Weights or a commitment of ours that the chain took."""

    block: int
    epoch: int


@dataclass
class Reach:
    """One subnet on the node, the way to it, and what it took."""

    world: World
    local: LocalChain
    line: Line
    chain: SubstrateChain
    port: int
    updates: list[Update] = field(default_factory=list)
    shown: dict[int, Mapping[Hotkey, int]] = field(default_factory=dict)
    """What the chain held of us at the end of each epoch."""

    def look(self) -> None:
        """See what the newest block brought."""
        runtime = self.local.node.runtime
        assert isinstance(runtime, Runtime)
        metagraph = views.metagraph(runtime, NETUID)
        if hotkey(ME) not in metagraph:
            return
        me, epoch = metagraph.by_hotkey(hotkey(ME)), views.epoch(runtime, NETUID).index
        if me.last_update == metagraph.block > me.block_at_registration:
            self.updates.append(Update(metagraph.block, epoch))
        uids, values = views.rows(runtime, NETUID, "Weights").row(me.uid)
        pairs = zip(uids.tolist(), values.tolist(), strict=True)
        self.shown[epoch] = {metagraph.hotkeys[uid]: value for uid, value in pairs if value}

    async def epoch(self) -> int:
        """The epoch of the node, whoever can reach it."""
        return (await self.local.epoch(NETUID)).index

    async def pass_epochs(self, count: int) -> None:
        """Let blocks pass."""
        end = await self.epoch() + count
        while await self.epoch() < end:
            self.local.seal()

    def pass_after(self, done: Round) -> bool:
        """Let a block pass after a round in which the chain could be reached."""
        if is_reached := ChainUnreachable.code not in done.reason:
            self.local.seal()
        return is_reached

    def validator(self, store: Store, **more: Any) -> Validator:
        """A validator that sees the chain through the line."""
        return self.world.validator(store, self.chain, **{"options": OPTIONS, **more})

    async def journal(self, store: Store) -> Journal:
        """What it wrote down."""
        return await store.journal(self.local.genesis, NETUID, hotkey(ME))

    def epochs(self) -> list[int]:
        """The epochs of our updates, in order."""
        return [update.epoch for update in self.updates]

    async def check(self, store: Store, *, gone: frozenset[int] = frozenset(), hidden: bool = False) -> None:
        """One update in each epoch but those, and each is what was written down, value for value."""
        epochs = self.epochs()
        assert len(set(epochs)) == len(epochs), f"twice in one epoch: {self.updates}"
        wanted = set(range(epochs[0], epochs[-1] + 1)) - gone
        assert set(epochs) - gone == wanted, f"{sorted(wanted - set(epochs))} were missed: {self.updates}"
        journal = await self.journal(store)
        for update in self.updates:
            kept = await journal.landed_in(update.epoch)
            assert kept is not None, update
            assert kept.landed_at == update.block
            held = self.shown.get(update.epoch + hidden)
            if held is not None and update is not self.updates[-1] and update.epoch + hidden not in gone:
                assert {row.hotkey: row.value for row in kept.weights} == held, update


@asynccontextmanager
async def reach(
    folder: Path, rules: Mapping[str, Any] | None = None, *, miners: int = 3, deadlines: Deadlines = QUICK
) -> AsyncIterator[Reach]:
    """A subnet with miners, each worse than the one before, ourselves on it with a permit, and a line to it."""
    local_genesis = preset(LOCAL)
    network = msgspec.structs.replace(
        local_genesis.networks[0], hyperparameters={"Tempo": 8, "ImmunityPeriod": 1, **(rules or {})}
    )
    genesis = msgspec.structs.replace(local_genesis, networks=(network,))
    async with AsyncExitStack() as stack:
        local = stack.enter_context(LocalChain(genesis))
        world = World(folder, cast(Any, local), stack)
        for at in range(miners):
            await world.add_miner(f"m{at}", off_by(at))
        await world.add_validator()
        server = RpcServer(methods_of(local.node))
        port = await server.start()
        stack.push_async_callback(server.stop)
        author = asyncio.create_task(_author(local))
        stack.push_async_callback(_ended, author)
        line = await stack.enter_async_context(lined(port))
        chain = await stack.enter_async_context(await SubstrateChain.open([line.url], deadlines=deadlines))
        found = Reach(world, local, line, chain, port)
        local.node.listen(lambda _: found.look())
        yield found


async def _author(local: LocalChain) -> None:
    """Make a block for whoever submits something."""
    while True:
        if local.node.pool.has_ready:
            local.seal()
        await asyncio.sleep(_LOOK_S)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
