# SPDX-License-Identifier: Apache-2.0
"""A network that is out to mislead its validators: real services over signed HTTP, on the local chain.

Miners of many skills serve beside copiers, liars and rogues. Half of the validators reach the chain in their process,
half of them over its port, as on a public network. Time passes by turns: all make a round, then blocks are made.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import numpy as np

from miners.engines.plain import Plain
from miners.miner import Miner
from miners.options import MinerOptions
from miners.relay import Relay
from protocols.calls import ServeAxon
from protocols.chain import Chain
from protocols.client import Client, Peer
from protocols.clock import SystemClock
from protocols.columns import Floats
from protocols.endpoint import Endpoint
from protocols.judgement import Judgement
from protocols.replay import MemoryReplay
from protocols.spec import Subnet
from protocols.task import Replies, Task
from protocols.types import Block, Hotkey, NetUid
from subnet.chain.client import SubstrateChain
from subnet.chain.local import LocalChain
from subnet.localnet.casting import Part
from subnet.localnet.founding import beginning, open_chain
from subnet.localnet.port import Port
from subnet.templates.text.text import Text
from subnet.text import Extractive
from tests.attacks.hostile import misbehaving
from tests.e2e.rogues import SetBack, behaviours
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.round import Round
from validators.store import Journal, Store
from validators.vetting import VettingOptions

__all__ = ["DEADLINE_S", "NETUID", "Seat", "Town", "Update", "Watched", "cast", "hotkey", "miner"]

NETUID: Final = NetUid(1)
DEADLINE_S: Final = 1.0
TEMPO: Final = 20
ROUNDS: Final = 2
"""Rounds of each validator in an epoch."""

_CLOCK: Final = SystemClock()
_SERVED: Final = frozenset({"good", "mediocre", "copier", "unclocked"})
_NOBODY: Final = "nobody"


def miner(role: str, number: int = 1, skill: float = 0.9) -> Part:
    """One miner of the cast."""
    return Part("miner", role, number, skill)


def cast(**roles: Iterable[float]) -> tuple[Part, ...]:
    """A miner of each role for each of its skills."""
    return tuple(miner(role, at + 1, skill) for role, skills in roles.items() for at, skill in enumerate(skills))


def hotkey(part: Part) -> Hotkey:
    """The address of its key."""
    return Hotkey(part.hotkey.ss58_address)


class Watched(Text):
    """The text subnet; beside each round's rewards it notes what they would have been without the copies."""

    def __init__(self, parts: Iterable[Part], victims: Mapping[str, str]) -> None:
        """`victims` names whom each copier copies."""
        keys = {part.name: hotkey(part) for part in parts}
        self.copies = {keys[copier]: keys[victim] for copier, victim in victims.items()}
        self.families: dict[Hotkey, list[tuple[float, float]]] = defaultdict(list)
        """For each copied miner: what it and its copies got in a round, and what it got in the same round without."""

    def score(self, task: Task, replies: Replies) -> Floats:
        """As the text subnet pays; validators call it in threads, and appending is one step."""
        rewards = _paid(super().score(task, replies))
        own = Replies(tuple(row for row in replies if row.hotkey not in self.copies))
        alone = dict(zip(own.hotkeys, _paid(super().score(task, own)).tolist(), strict=True))
        for victim in set(self.copies.values()):
            family = [self.copies.get(hotkey, hotkey) == victim for hotkey in replies.hotkeys]
            if victim in alone:
                self.families[victim].append((float(rewards[family].sum()), alone[victim]))
        return rewards


@dataclass(frozen=True, slots=True)
class Update:
    """Weights of one validator as the chain held them at the end of an epoch, and when they came."""

    epoch: int
    blocks: tuple[int, ...]
    """All blocks of the epoch with an update of this validator."""
    row: dict[int, int]
    """What the chain stores, by uid."""


@dataclass(slots=True, eq=False)
class Seat:
    """A validator, and what was seen of it."""

    part: Part
    validator: Validator
    journal: Journal
    rounds: list[Round] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)


@dataclass(eq=False)
class Town:
    """The network, up while its block lasts."""

    folder: Path
    parts: tuple[Part, ...]
    victims: Mapping[str, str] = field(default_factory=dict)
    """Whom each copier relays, by name."""
    definition: Text = field(default_factory=Text)
    validators: int = 4
    vetting: VettingOptions = field(default_factory=VettingOptions)
    chain: LocalChain = field(init=False)
    seats: list[Seat] = field(init=False, default_factory=list)
    _stack: AsyncExitStack = field(init=False, default_factory=AsyncExitStack)
    _urls: dict[str, str] = field(init=False, default_factory=dict)

    async def epochs(self, count: int) -> None:
        """Let so many epochs pass, each with its rounds, and look at the chain at the end of each."""
        for _ in range(count):
            await self._epoch()

    def scores(self) -> dict[str, float]:
        """The mean of the validators' books at the end, by name."""
        return {part.name: self._mean(hotkey(part)) for part in self.parts}

    async def incentive(self) -> dict[str, float]:
        """The share of each miner in what the last epoch paid, by name."""
        metagraph = await self.chain.metagraph(NETUID)
        return {part.name: float(metagraph.by_hotkey(hotkey(part)).incentive) for part in self.parts}

    def misses(self) -> dict[str, dict[str, int]]:
        """How often nothing that counts came of a miner, by name and reason."""
        names, found = {hotkey(part): part.name for part in self.parts}, defaultdict[str, dict[str, int]](dict)
        for seat in self.seats:
            for done in seat.rounds:
                for who, why in {**done.misses, **done.struck}.items():
                    row = found[names[who]]
                    row[why.partition(":")[0]] = row.get(why.partition(":")[0], 0) + 1
        return dict(found)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        judges = tuple(Part("validator", "judge", at + 1, 1.0) for at in range(self.validators))
        genesis = beginning(self.definition, (*self.parts, *judges), tempo=TEMPO, seed=0)
        self.chain = self._stack.enter_context(open_chain(genesis, self.folder, clock=_CLOCK, block_time=1.0))
        while not (epoch := await self.chain.epoch(NETUID)).index:  # the first one gives the permits
            self.chain.seal(max(1, (epoch.next or 1) - await self.chain.block()))
        await self._serve([part for part in self.parts if part.role in _SERVED and part.role != "copier"])
        await self._serve([part for part in self.parts if part.role == "copier"])  # their victims are there by now
        await self._publish({part: await self._rogue(part) for part in self.parts if part.role not in _SERVED})
        port = await self._stack.enter_async_context(Port.of(self.chain.node, "127.0.0.1", 0))
        for at, judge in enumerate(judges):
            self.seats.append(await self._seat(judge, port.url if at % 2 else None))
        self.chain.seal()

    async def _serve(self, parts: Iterable[Part]) -> None:
        new = {part.name: await self._miner(part) for part in parts}
        for service in new.values():
            self._stack.push_async_callback(service.close)
        await self.chain.together(service.start() for service in new.values())
        self._urls |= {name: service.url for name, service in new.items()}

    async def _miner(self, part: Part) -> Miner:
        definition: Subnet = Text()
        if part.role == "copier":
            victim = next(one for one in self.parts if one.name == self.victims[part.name])
            client = await self._stack.enter_async_context(Client(part.hotkey))
            definition = Relay(client, Peer(hotkey(victim), self._urls[victim.name])).instead_of(definition)
        return Miner(
            definition,
            chain=self.chain,
            netuid=NETUID,
            key=part.hotkey,
            engine=Plain(Extractive(skill=part.skill, seed=zlib.crc32(part.name.encode()))),
            clock=SetBack() if part.role == "unclocked" else _CLOCK,
            options=MinerOptions(port=0, drain_s=0.1, replay=MemoryReplay.never_served_before()),
        )

    async def _rogue(self, part: Part) -> str:
        """Where a rogue answers."""
        if part.role == _NOBODY:
            return "http://127.0.0.1:9"
        behaviour = behaviours(part.hotkey, part.skill, DEADLINE_S)[part.role]
        return (await self._stack.enter_async_context(misbehaving(behaviour))).url

    async def _publish(self, urls: Mapping[Part, str]) -> None:
        places = {part: Endpoint("127.0.0.1", urlsplit(url).port or 0) for part, url in urls.items()}
        calls = [self.chain.submit(ServeAxon(NETUID, place), part.hotkey) for part, place in places.items()]
        for receipt in await self.chain.together(calls):
            receipt.raise_for_error()

    async def _seat(self, judge: Part, url: str | None) -> Seat:
        chain: Chain = self.chain
        if url is not None:
            chain = await self._stack.enter_async_context(await SubstrateChain.open([url]))
            await chain.metagraph(NETUID)  # seconds of work to learn the runtime, not to be taken from the first round
        store = Store(self.folder / f"{judge.name}.db")
        self._stack.push_async_callback(store.close)
        options: dict[str, Any] = {"timeout_s": DEADLINE_S, "seed": judge.number, "vetting": self.vetting}
        validator = Validator(
            self.definition,
            chain=chain,
            netuid=NETUID,
            key=judge.hotkey,
            client=await self._stack.enter_async_context(Client(judge.hotkey)),
            store=store,
            clock=_CLOCK,
            options=ValidatorOptions(**options),
        )
        return Seat(judge, validator, await store.journal(chain.genesis, NETUID, hotkey(judge)))

    async def _epoch(self) -> None:
        """From the block at which consensus ran to the one before it runs again, and then that one."""
        epoch = await self.chain.epoch(NETUID)
        assert epoch.next is not None
        for _ in range(ROUNDS):
            rounds = await self.chain.together(seat.validator.step() for seat in self.seats)
            for seat, done in zip(self.seats, rounds, strict=True):
                seat.rounds.append(done)
            self.chain.seal(max(0, min(TEMPO // ROUNDS, epoch.next - 1 - await self.chain.block())))
        self.chain.seal(max(0, epoch.next - 1 - await self.chain.block()))
        assert (await self.chain.epoch(NETUID)).index == epoch.index
        await self._look(epoch.index, range(epoch.last, epoch.next))
        self.chain.seal()

    async def _look(self, epoch: int, blocks: range) -> None:
        """What each validator put on the chain in these blocks."""
        metagraphs = {block: await self.chain.metagraph(NETUID, Block(block)) for block in blocks}
        rows = await self.chain.weights(NETUID)
        for seat in self.seats:
            uid = metagraphs[blocks[-1]].uid_of(hotkey(seat.part))
            came = tuple(block for block, seen in metagraphs.items() if seen.last_update[uid] == block)
            uids, values = rows.row(uid)
            held = dict(zip(uids.tolist(), map(int, values.tolist()), strict=True))
            seat.updates.append(Update(epoch, came, held))

    def _mean(self, who: Hotkey) -> float:
        return float(np.mean([seat.rounds[-1].scores[who] for seat in self.seats]))


def _paid(said: object) -> Floats:
    """The rewards alone of what a definition's `score` said."""
    return np.asarray(said.rewards if isinstance(said, Judgement) else said, dtype=np.float64)
