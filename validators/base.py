# SPDX-License-Identifier: Apache-2.0
"""The validator: a loop over rounds, each of which reads from top to bottom in `Validator.step`.

Chain, key, client, store and clock come from outside. Nothing is kept in memory that the next round needs, so a
validator may die anywhere and go on where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import Final

from protocols.chain import Chain, Epoch
from protocols.client import Client
from protocols.clock import Clock
from protocols.errors import KeyMaterialError, NotRegistered, SubnetError
from protocols.keys import Signer, short
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.task import Task
from protocols.types import Hotkey, NetUid
from validators.chance import Purpose, chance
from validators.moment import check_fresh, coming
from validators.query import Asker, Heard
from validators.round import Judged, Round, Setting
from validators.sampling import Sampler, SamplingOptions
from validators.scoring import score
from validators.store import Journal, Store
from validators.tasks import TaskSource
from validators.vetting import Vetter, VettingOptions
from validators.weights import Setter, Weighed

__all__ = ["Validator", "ValidatorOptions"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatorOptions:
    """How a validator goes about its work."""

    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    vetting: VettingOptions = field(default_factory=VettingOptions)
    timeout_s: float = 12.0
    """Time for a miner's whole reply, from the moment in which its question was sent."""
    most_stream_bytes: int = 16 * 1024 * 1024
    """Of a streamed reply, all items together."""
    interval_s: float = 12.0
    """From the beginning of one round to that of the next."""
    most_backoff_s: float = 300.0
    """The longest wait after rounds that failed."""
    settle_blocks: int = 4
    """For how many blocks a call that got no receipt is waited for, before it is sent again."""
    seed: int | None = None
    """What the choices of each round follow from. By default the store draws one, once, that nobody can foretell."""


@dataclass(eq=False)
class Validator:
    """One validator on one subnet.

    async with Client(key) as client:
        validator = Validator(Echo(), chain=chain, netuid=netuid, key=key, client=client, store=Store("v.db"), ...)
        await validator.run()
    """

    definition: Subnet
    _: KW_ONLY
    chain: Chain
    netuid: NetUid
    key: Signer
    """The hotkey; a coldkey is never needed."""
    client: Client
    store: Store
    clock: Clock
    options: ValidatorOptions = field(default_factory=ValidatorOptions)
    _parts: _Parts | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.hotkey = Hotkey(self.key.ss58_address)
        if self.client.hotkey != self.hotkey:
            raise KeyMaterialError(
                f"the client signs as {short(self.client.hotkey)}, the validator is {short(self.hotkey)}",
                help="Client(key) with the validator's key",
            )

    async def step(self) -> Round:
        """One round: whom to ask, what, what came, what it is worth, and weights if it is time."""
        parts, began = await self._ready(), self.clock.monotonic()
        metagraph, epoch = await self._read()
        setting = Setting(await parts.journal.begin(), self.definition.ref(), metagraph.block, epoch.index)
        asked = parts.sampler.pick(
            metagraph, chance(parts.seed, setting.number, Purpose.SAMPLE), await parts.journal.asked_in()
        )
        task = await parts.tasks.draw(setting.number)
        heard = await parts.asker.ask(parts.tasks.each(task, setting.number, asked), asked, metagraph)
        judged = await self._judge(setting, task, heard, metagraph)
        weighed = await parts.setter.weigh(coming(epoch, metagraph.block), judged.scored.standings)
        return Round.of(setting, judged, weighed, elapsed_s=self.clock.monotonic() - began)

    async def organic(self, task: Task, given: Heard) -> Round:
        """Score what miners gave a user, beside what others give who are asked the same now."""
        parts, began = await self._ready(), self.clock.monotonic()
        metagraph, epoch = await self._read()
        setting = Setting(await parts.journal.begin(), self.definition.ref(), metagraph.block, epoch.index)
        given = given.of_those_in(metagraph)
        asked = parts.sampler.pick(
            metagraph, chance(parts.seed, setting.number, Purpose.SAMPLE), await parts.journal.asked_in()
        )
        others = [hotkey for hotkey in asked if hotkey not in given.replies.hotkeys]
        heard = given + await parts.asker.ask([task] * len(others), others, metagraph)
        judged = await self._judge(setting, task, heard, metagraph)
        return Round.of(setting, judged, Weighed("a user's question"), elapsed_s=self.clock.monotonic() - began)

    async def run(self, until: Callable[[Round], bool] = lambda _: False) -> None:
        """Go on, round after round, until one is the last or this task is cancelled.

        A round that fails is logged, and the next one waits longer. Only a key that cannot sign ends the loop.
        """
        failures = 0
        try:
            while True:
                began = self.clock.monotonic()
                try:
                    done = await self.step()
                except KeyMaterialError:
                    raise
                except SubnetError as error:
                    failures += 1
                    _LOG.warning("round failed: %s: %s", error.code, error.message)
                except Exception:
                    failures += 1
                    _LOG.exception("round failed")
                else:
                    failures = 0
                    if until(done):
                        return
                await self.clock.sleep(self._wait_s(began, failures))
        finally:
            if self._parts is not None:
                await self._parts.tasks.close()

    async def _ready(self) -> _Parts:
        if self._parts is None:
            journal = await self.store.journal(self.chain.genesis, self.netuid, self.hotkey)
            seed = journal.seed if self.options.seed is None else self.options.seed
            self._parts = _Parts(
                journal=journal,
                seed=seed,
                sampler=Sampler(definition=self.definition, me=self.hotkey, options=self.options.sampling),
                tasks=TaskSource(self.definition, self.clock, seed),
                vetter=Vetter(definition=self.definition, options=self.options.vetting),
                asker=Asker(
                    client=self.client,
                    timeout_s=self.options.timeout_s,
                    most_stream_bytes=self.options.most_stream_bytes,
                    is_streaming=self.definition.is_streaming,
                    is_local=self.chain.is_local,
                ),
                setter=Setter(
                    definition=self.definition,
                    chain=self.chain,
                    netuid=self.netuid,
                    key=self.key,
                    journal=journal,
                    settle_blocks=self.options.settle_blocks,
                ),
            )
        return self._parts

    async def _judge(self, setting: Setting, task: Task, heard: Heard, metagraph: Metagraph) -> Judged:
        """What came of it is worth, kept before anything acts on it."""
        parts = await self._ready()
        async with parts.judging:  # each round moves the scores that the one before it left
            vetted = await asyncio.to_thread(parts.vetter.vet, heard, metagraph)
            known = await parts.journal.standings()
            scored = await score(self.definition, task, vetted.replies, metagraph, known)
            judged = Judged(heard, vetted, scored)
            await parts.journal.record(setting.record(heard, vetted, scored))
        return judged

    async def _read(self) -> tuple[Metagraph, Epoch]:
        epoch = await self.chain.epoch(self.netuid)  # first: the metagraph is to be of this epoch, or later
        metagraph = await self.chain.metagraph(self.netuid)
        # Miners rightly refuse a stranger, and would lose their scores for it.
        if self.hotkey not in metagraph:
            raise NotRegistered(f"validator {short(self.hotkey)} is not registered on subnet {self.netuid}")
        check_fresh(metagraph, epoch)
        return metagraph, epoch

    def _wait_s(self, began: float, failures: int) -> float:
        if failures:
            return min(self.options.interval_s * 2.0 ** min(failures - 1, 32), self.options.most_backoff_s)
        return max(0.0, self.options.interval_s - (self.clock.monotonic() - began))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a validator works with once its store is open."""

    journal: Journal
    seed: int
    sampler: Sampler
    tasks: TaskSource
    asker: Asker
    vetter: Vetter
    setter: Setter
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)
