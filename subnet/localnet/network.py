# SPDX-License-Identifier: Apache-2.0
"""A local network from start to end: found the chain, register everybody, serve, validate, and watch the epochs.

On the machine's clock everything runs at once, as on a public network. In lockstep nothing moves but by turns: all
validators make a round, then blocks are made; so the same seed gives the same numbers, however slow the machine is.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from miners.miner import Miner
from miners.options import MinerOptions
from miners.relay import Relay
from protocols.chain import Chain
from protocols.client import Client, Peer
from protocols.clock import SystemClock
from protocols.errors import UsageError
from protocols.spec import Subnet
from protocols.types import Block, Hotkey, NetUid
from subnet.chain.local import LocalChain
from subnet.localnet.behaviours import behaviour
from subnet.localnet.casting import Part, parse
from subnet.localnet.founding import beginning, open_chain
from subnet.localnet.models import Kind, Models, chosen
from subnet.localnet.port import Port
from subnet.localnet.standing import Summary, standings
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.round import Round
from validators.sampling import SamplingOptions
from validators.store import Store

__all__ = ["Localnet", "LocalnetOptions"]

_NETUID: Final = NetUid(1)
_ROUNDS: Final = 4
_REMEMBERED: Final = 256
_CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalnetOptions:
    """Who takes part, how fast time passes, and what is kept."""

    miners: str = "good:3,weak:1,copier:2,silent:1,constant:1"
    validators: str = "honest:3"
    seed: int = 0
    tempo: int = 20
    """Blocks from one epoch to the next."""
    block_time: float = 0.25
    """Seconds from one block to the next; without meaning in lockstep."""
    lockstep: bool = False
    """Whether everybody takes turns, so that equal seeds give equal numbers."""
    timeout_s: float = 5.0
    model: Kind = "toy"
    """What miners work with: the models that are bundled, or toys, which need no weights and no time."""
    host: str = "127.0.0.1"
    state: Path | None = None
    """Folder for what a restart must not lose; without one nothing outlives the run."""
    rpc_port: int | None = None
    """Port of loopback where tools reach the chain, 0 for any that is free; without one it cannot be reached."""


@dataclass(slots=True, eq=False)
class _Seat:
    """A validator at work, and what it last did."""

    part: Part
    validator: Validator
    latest: Round | None = None
    updates: int = 0
    steps_s: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def note(self, done: Round) -> bool:
        """Remember a round; never the last one."""
        if self.latest is not None:  # the first one opens connections and compiles
            self.steps_s.append(done.elapsed_s)
        self.latest = done
        self.updates += done.submitted is not None and done.submitted.error is None
        return False


@dataclass(eq=False)
class Localnet:
    """A network of one subnet.

    async with Localnet(Text(), LocalnetOptions()) as network:
        async for summary in network.epochs():
            print(summary.share("good"))
    """

    definition: Subnet
    options: LocalnetOptions = field(default_factory=LocalnetOptions)
    chain: LocalChain = field(init=False, repr=False)
    port: Port | None = field(init=False, default=None, repr=False)
    """Where tools reach the chain."""
    miners: dict[str, Miner] = field(init=False, default_factory=dict, repr=False)
    _seats: list[_Seat] = field(init=False, default_factory=list, repr=False)
    _cast: dict[Hotkey, Part] = field(init=False, default_factory=dict, repr=False)
    _earned: dict[Hotkey, int] = field(init=False, default_factory=dict, repr=False)
    _stack: AsyncExitStack = field(init=False, default_factory=AsyncExitStack, repr=False)
    _tasks: list[asyncio.Task[None]] = field(init=False, default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self._miners = parse("miner", self.options.miners)
        self._validators = parse("validator", self.options.validators)
        self._models = Models(chosen(self.options.model, lockstep=self.options.lockstep))
        self._cast = {Hotkey(part.hotkey.ss58_address): part for part in (*self._miners, *self._validators)}

    @property
    def netuid(self) -> NetUid:
        """The number of its one subnet."""
        return _NETUID

    @property
    def steps_s(self) -> tuple[float, ...]:
        """Seconds that the validators' latest rounds took, each one's first round aside."""
        return tuple(took for seat in self._seats for took in seat.steps_s)

    async def start(self) -> None:
        """Found or reopen the chain, and start everybody."""
        options = self.options
        genesis = beginning(self.definition, self._cast.values(), tempo=options.tempo, seed=options.seed)
        folder = options.state or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="subnet-")))
        folder.mkdir(parents=True, exist_ok=True)
        self.chain = self._stack.enter_context(open_chain(genesis, folder, clock=_CLOCK, block_time=options.block_time))
        # The first epoch pays nobody; it gives validators their permits.
        while (epoch := await self.chain.epoch(_NETUID)).index == 0:
            self.chain.seal(max(1, (epoch.next or 1) - await self.chain.block()))
        await self._models.open(self._stack)
        await self._serve()
        await self._validate(folder / "validators.db")
        self.chain.seal()
        if options.rpc_port is not None:
            self.port = await self._stack.enter_async_context(Port.of(self.chain.node, options.host, options.rpc_port))

    async def close(self) -> None:
        """Stop everybody; queries under way may end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def epochs(self, count: int | None = None) -> AsyncIterator[Summary]:
        """A summary after each epoch, for so many epochs or without end."""
        if not self.options.lockstep and not self._tasks:
            self._run()
        done = 0
        while count is None or done < count:
            await (self._turn() if self.options.lockstep else self._next_epoch())
            done += 1
            metagraph = await self.chain.metagraph(_NETUID)
            for hotkey, amount in zip(metagraph.hotkeys, metagraph.emission.tolist(), strict=True):
                self._earned[hotkey] = self._earned.get(hotkey, 0) + amount
            yield await self.summary()

    async def summary(self) -> Summary:
        """Where everybody stands now; what was earned counts from the first of the `epochs` that were watched."""
        metagraph, epoch = await self.chain.metagraph(_NETUID), await self.chain.epoch(_NETUID)
        scores = [seat.latest.scores for seat in self._seats if seat.latest is not None]
        return Summary(
            subnet=self.definition.ref(),
            seed=self.options.seed,
            epoch=epoch.index,
            block=metagraph.block,
            rows=standings(metagraph, self._cast, scores, self._earned),
            weight_updates={seat.part.name: seat.updates for seat in self._seats},
        )

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self) -> None:
        # Copiers last: their victims' addresses must be known.
        copiers = [part for part in self._miners if part.role == "copier"]
        await self._start([(part, self.definition) for part in self._miners if part not in copiers])
        await self._start([(part, await self._copying(part)) for part in copiers])

    async def _start(self, parts: Iterable[tuple[Part, Subnet]]) -> None:
        """Start some miners, who publish where they are in one block."""
        refresh = self.options.tempo * self.options.block_time
        options = MinerOptions(host=self.options.host, port=0, refresh_s=refresh, drain_s=1.0)
        models = self._models
        new = {
            part.name: Miner(
                behaviour(definition, part),
                chain=self.chain,
                netuid=_NETUID,
                key=part.hotkey,
                engine=models.engine(part),
                options=replace(options, sampling=models.sampling(part)),
            )
            for part, definition in parts
        }
        for miner in new.values():
            self._stack.push_async_callback(miner.close)
        await self.chain.together(miner.start() for miner in new.values())
        self.miners |= new

    async def _copying(self, part: Part) -> Subnet:
        others = [other for other in self._miners if other.role != "copier"]
        if not others:
            raise UsageError("a network of copiers has nobody to copy", help="--miners good:3,copier:2")
        victim = max(others, key=lambda other: other.skill)  # the first of the best
        client = await self._stack.enter_async_context(Client(part.hotkey))
        peer = Peer(Hotkey(victim.hotkey.ss58_address), self.miners[victim.name].url)
        return Relay(client, peer).instead_of(self.definition)

    async def _validate(self, path: Path) -> None:
        store = Store(path)
        self._stack.push_async_callback(store.close)
        interval = self.options.tempo * self.options.block_time / _ROUNDS
        for at, part in enumerate(self._validators):
            client = await self._stack.enter_async_context(Client(part.hotkey))
            options = ValidatorOptions(
                sampling=SamplingOptions(size=max(64, len(self._miners))),
                timeout_s=self.options.timeout_s,
                interval_s=interval,
                most_backoff_s=4 * interval,
                seed=self.options.seed * 1000 + at,
            )
            validator = Validator(
                self.definition,
                chain=self.chain,
                netuid=_NETUID,
                key=part.hotkey,
                client=client,
                store=store,
                clock=_CLOCK,
                options=options,
            )
            self._seats.append(_Seat(part, validator))

    def _run(self) -> None:
        works = [self.chain.run(), *(miner.run() for miner in self.miners.values())]
        works += [seat.validator.run(until=seat.note) for seat in self._seats]
        self._tasks = [asyncio.create_task(work) for work in works]

    async def _next_epoch(self) -> None:
        waiting = asyncio.create_task(_epoch_passed(self.chain))
        try:
            await asyncio.wait({waiting, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:
                if task.done():
                    task.result()  # nobody's work ends while the network runs: this raises why
            await waiting
        finally:
            waiting.cancel()

    async def _turn(self) -> None:
        before = (await self.chain.epoch(_NETUID)).index
        step = max(1, self.options.tempo // _ROUNDS)
        while (await self.chain.epoch(_NETUID)).index == before:
            due = await self.chain.block() + step
            rounds = await self.chain.together(seat.validator.step() for seat in self._seats)
            for seat, done in zip(self._seats, rounds, strict=True):
                seat.note(done)
            self.chain.seal(max(0, due - await self.chain.block()))


async def _epoch_passed(chain: Chain) -> None:
    before = (await chain.epoch(_NETUID)).index
    while (await chain.epoch(_NETUID)).index == before:
        await chain.wait_for_block(Block(await chain.block() + 1))
