# SPDX-License-Identifier: Apache-2.0
"""A validator of the text subnet under measurement: a process that does one round after the other as commanded.

The validator is the one that ships, with its file on the disk; the chain is in its memory, where reading it costs next
to nothing. A rehearsal asks the miners of `readers` the coming round's questions, so that in the round itself they
answer at once.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import uvloop

from protocols.balance import Balance
from protocols.calls import AddStake, Call, Register, ServeAxon
from protocols.client import Client, Peer
from protocols.clock import SystemClock
from protocols.columns import Flags, Floats
from protocols.endpoint import Endpoint
from protocols.judgement import Judgement
from protocols.keys import Keypair, Signer
from protocols.metagraph import Metagraph, Neuron
from protocols.synapse import Synapse
from protocols.task import Replies, Task
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid
from subnet.chain.memory import Genesis, GenesisNetwork, MemoryChain
from subnet.templates.text.text import Text
from tests.bench.harness.child import Channel
from tests.bench.readers import miner_hotkey, miner_key
from validators.base import Validator
from validators.observer import Observer
from validators.options import ValidatorOptions
from validators.sampling import SamplingOptions
from validators.store import Store
from validators.tasks import TaskSource

__all__ = ["Validating", "main"]

T = TypeVar("T")

_NETUID: Final = NetUid(1)
_SEED: Final = 7
_OWNER: Final = Keypair.from_uri("//Alice")
_ME: Final = Keypair.from_uri("//Alice//validator")
_CLOCK: Final = SystemClock()
_PLACES: Final = 256
_TICK_S: Final = 0.001


class _Measured(Text):
    """The text subnet, which notes how long its arithmetic takes; the last miner is paid, but gets no weight."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def judge(self, task: Task, replies: Replies) -> Judgement:
        return _timed(self.spent, "judge_s", lambda: super(_Measured, self).judge(task, replies))

    def likeness(self, replies: Replies) -> Floats:
        return _timed(self.spent, "likeness_s", lambda: super(_Measured, self).likeness(replies))

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        return _timed(self.spent, "aggregate_s", lambda: super(_Measured, self).aggregate(scores, rewards, asked))

    def weigh(self, scores: Floats) -> Floats:
        # A subnet has places for the validator and 255 miners; the chain here knows nothing of one more.
        return super().weigh(np.concatenate([scores[..., :_PLACES], np.zeros_like(scores[..., _PLACES:])], axis=-1))


class _Store(Store):
    """The store, which notes how long its caller waits for it."""

    def __init__(self, path: Path, retained_bytes: int | None, spent: dict[str, float]) -> None:
        if retained_bytes is None:
            super().__init__(path)
        else:
            super().__init__(path, retained_bytes=retained_bytes)
        self._spent = spent

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        began = time.perf_counter()
        try:
            return await super().transact(work)
        finally:
            self._spent["store_s"] = self._spent.get("store_s", 0.0) + time.perf_counter() - began


class _Crowded(MemoryChain):
    """A chain that shows as many miners as are given, beyond the places that a subnet has."""

    def crowd(self, ports: Sequence[int]) -> None:
        """Take them in."""
        self._extra = [
            Neuron(Uid(uid), miner_hotkey(uid), Coldkey(_OWNER.ss58_address), Endpoint("127.0.0.1", port))
            for uid, port in enumerate(ports, 1)
            if uid >= _PLACES
        ]
        self._shown: Metagraph | None = None

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        """All neurons, those without a place behind the others."""
        known = await super().metagraph(netuid, block)
        if self._shown is None or self._shown.block != known.block:
            self._shown = Metagraph.of(netuid, known.block, [*known, *self._extra])
        return self._shown


class _Stages(Observer):
    """Notes how long each stage takes."""

    def __init__(self, spent: dict[str, float]) -> None:
        self._spent = spent

    def left(self, stage: str, seconds: float) -> None:
        """Note it."""
        self._spent[f"stage_{stage}_s"] = seconds


class _Ticker:
    """Notes the longest stretch in which the event loop came to nothing else: by the clock, and of its own work.

    The clock also counts what other programs on the machine took from it; the second is what the loop itself did.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.held_s = self.worked_s = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            before, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_TICK_S)
            self.held_s = max(self.held_s, time.perf_counter() - before - _TICK_S)
            self.worked_s = max(self.worked_s, time.thread_time() - cpu)


class Validating:
    """A validator, and what is commanded of it."""

    def __init__(
        self, folder: Path, chain: _Crowded, client: Client, ports: Sequence[int], retained_bytes: int | None
    ) -> None:
        self._definition, self._chain, self._client, self._folder = _Measured(), chain, client, folder
        self._peers = {
            miner_hotkey(at): Peer(miner_hotkey(at), f"http://127.0.0.1:{port}") for at, port in enumerate(ports, 1)
        }
        self._store = _Store(folder / "validator.db", retained_bytes, self._definition.spent)
        sampling = SamplingOptions(size=len(ports))
        self._validator = Validator(
            self._definition,
            chain=chain,
            netuid=_NETUID,
            key=_ME,
            client=client,
            store=self._store,
            clock=_CLOCK,
            options=ValidatorOptions(seed=_SEED, sampling=sampling),
        )
        self._validator.observers.append(_Stages(self._definition.spent))
        self._ticker = _Ticker()
        self._watching = asyncio.create_task(self._ticker.run())
        self._coming: list[tuple[list[Peer], Synapse]] = []
        self._rounds = 0

    async def do(self, do: str, **command: Any) -> dict[str, Any]:
        """Carry out a command by its name."""
        actions: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "rehearse": self.rehearse,
            "bare": self.bare,
            "step": self.step,
            "rounds": self.rounds,
            "held": self.held,
        }
        return await actions[do](**command)

    async def rehearse(self) -> dict[str, Any]:
        """Ask what the coming round will ask, so that connections are open and answers made."""
        source, hotkeys = TaskSource(self._definition, _CLOCK, _SEED), sorted(self._peers)
        each = source.each(await source.draw(self._rounds), self._rounds, hotkeys)
        await source.close()
        same: dict[Synapse, list[Peer]] = {}
        for hotkey, task in zip(hotkeys, each, strict=True):
            same.setdefault(task.ask, []).append(self._peers[hotkey])
        self._coming = [(peers, ask) for ask, peers in same.items()]
        return await self.bare()

    async def bare(self) -> dict[str, Any]:
        """Ask the same with the client alone."""
        self._ticker.reset()
        began, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._client.ask_all(peers, ask)) for peers, ask in self._coming]
        turn = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
        lost = sum(not outcome.ok for task in asked for outcome in task.result())
        return {**turn, "lost": lost, "held_s": self._ticker.held_s, "worked_s": self._ticker.worked_s}

    async def step(self) -> dict[str, Any]:
        """One round of the validator."""
        spent = self._definition.spent
        spent.clear()
        self._ticker.reset()
        began, cpu = time.perf_counter(), time.process_time()
        done = await self._validator.step()
        turn = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu, **spent}
        self._rounds += 1
        self._chain.seal()
        lost = len(self._peers) - done.answered + len(done.struck)
        paid = sum(reward > 0 for reward in done.rewards.values())
        held = {"held_s": self._ticker.held_s, "worked_s": self._ticker.worked_s}
        return {**turn, **held, "lost": lost, "paid": paid}

    async def rounds(self, count: int) -> dict[str, Any]:
        """So many rounds, whose questions the miners have not seen."""
        steps = [await self.step() for _ in range(count)]
        return {"lost": sum(step["lost"] for step in steps), "worked_s": max(step["worked_s"] for step in steps)}

    async def held(self) -> dict[str, Any]:
        """What the process holds, and what its file."""
        return {
            "handles": len(os.listdir("/proc/self/fd")),
            "tasks": len(asyncio.all_tasks()),
            "store_bytes": sum(path.stat().st_size for path in self._folder.iterdir()),
            "database_bytes": (self._folder / "validator.db").stat().st_size,
            "retained_bytes": self._store.retained_bytes,
            "rounds": self._rounds,
        }

    async def close(self) -> None:
        """End."""
        self._watching.cancel()
        await self._store.close()


async def validate(channel: Channel, retained_bytes: int | None, ports: Sequence[int]) -> None:
    """Be a validator until told to stop."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rounds-")))
        chain, client = await _founded(ports), await stack.enter_async_context(Client(_ME))
        validating = Validating(folder, chain, client, ports, retained_bytes)
        stack.push_async_callback(validating.close)
        channel.say({"ready": True})
        async for command in channel.commands():
            channel.say(await validating.do(**command))


async def _founded(ports: Sequence[int]) -> _Crowded:
    """A chain on which all miners are, and a validator with the permit."""
    network = GenesisNetwork(owner=Coldkey(_OWNER.ss58_address), hotkey=Hotkey(_ME.ss58_address))
    chain = _Crowded(Genesis.local(networks=(network,)))

    async def submit(call: Call, signer: Signer) -> None:
        (await chain.submit(call, signer)).raise_for_error()

    for uid, port in enumerate(ports[: _PLACES - 1], 1):
        await submit(Register(_NETUID, miner_hotkey(uid)), _OWNER)
        await submit(ServeAxon(_NETUID, Endpoint("127.0.0.1", port)), miner_key(uid))
    await submit(AddStake(_NETUID, Hotkey(_ME.ss58_address), Balance.tao(100)), _OWNER)
    chain.seal(20)
    chain.crowd(ports)
    return chain


def _timed(spent: dict[str, float], what: str, work: Callable[[], T]) -> T:
    began = time.perf_counter()
    try:
        return work()
    finally:
        spent[what] = spent.get(what, 0.0) + time.perf_counter() - began


def main() -> None:
    """The bytes that the store keeps, 0 for its default, and the ports of the miners."""
    retained_bytes, *ports = map(int, sys.argv[1:])
    uvloop.run(validate(Channel(), retained_bytes or None, ports))


if __name__ == "__main__":
    main()
