# SPDX-License-Identifier: Apache-2.0
"""The validator: a loop over rounds, each of which reads from top to bottom in `Validator.step`.

Chain, key, client, store and clock come from outside. Nothing is kept in memory that the next round needs, so a
validator may die anywhere and go on where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import Final

from protocols.chain import Chain, Epoch
from protocols.client import Client
from protocols.clock import Clock
from protocols.errors import KeyMaterialError, LedgerError, NotRegistered, SubnetError
from protocols.keys import Signer, short
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.task import Task
from protocols.types import Hotkey, NetUid
from validators.chance import Purpose, chance
from validators.moment import check_fresh
from validators.observer import Observer, observed, tell
from validators.options import ValidatorOptions
from validators.query import Asker, Heard, v10
from validators.round import Judged, Round, Setting
from validators.scoring import score
from validators.stages import Stages
from validators.store import Store
from validators.weights import Weighed

__all__ = ["Validator"]

_LOG: Final = logging.getLogger(__name__)


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
    observers: list[Observer] = field(default_factory=list, repr=False)
    """Who is told of stages and rounds."""
    _stages: Stages | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.hotkey = Hotkey(self.key.ss58_address)
        self.v10 = v10(self.definition, self.options.v10_fields)
        if self.client.hotkey != self.hotkey:
            raise KeyMaterialError(
                f"the client signs as {short(self.client.hotkey)}, the validator is {short(self.hotkey)}",
                help="Client(key) with the validator's key",
            )

    async def step(self) -> Round:
        """One round: whom to ask, what, what came, what it is worth, and weights if it is time."""
        stages, began = await self._ready(), self.clock.monotonic()
        metagraph, epoch = await self._read()
        setting = await self._setting(metagraph, epoch)
        asked = await self._sample(setting, metagraph)
        task = await stages.tasks.draw(setting.number)
        with self._stage("ask"):
            heard = await stages.asker.ask(stages.tasks.each(task, setting.number, asked), asked, metagraph)
        judged = await self._judge(setting, task, heard, metagraph)
        with self._stage("weigh"):
            weighed = await stages.setter.weigh(epoch, metagraph, judged.scored.standings)
        done = Round.of(setting, judged, weighed, elapsed_s=self.clock.monotonic() - began)
        tell(self.observers, lambda one: one.completed(done))
        return done

    async def organic(self, task: Task, given: Heard) -> Round:
        """Score what miners gave a user, beside what others give who are asked the same now."""
        stages, began = await self._ready(), self.clock.monotonic()
        metagraph, epoch = await self._read()
        setting = replace(await self._setting(metagraph, epoch), is_organic=True)
        given = given.of_those_in(metagraph)
        asked = await self._sample(setting, metagraph)
        others = [hotkey for hotkey in asked if hotkey not in given.replies.hotkeys]
        heard = given + await stages.asker.ask([task] * len(others), others, metagraph)
        judged = await self._judge(setting, task, heard, metagraph)
        done = Round.of(setting, judged, Weighed("a user's question"), elapsed_s=self.clock.monotonic() - began)
        tell(self.observers, lambda one: one.organic(done))
        return done

    async def asker(self) -> Asker:
        """How this validator asks; whoever asks for users asks in the same way."""
        return (await self._ready()).asker

    async def run(self, until: Callable[[Round], bool] = lambda _: False) -> None:
        """Go on, round after round, until one is the last or this task is cancelled.

        A round that fails is logged, and the next one waits longer. Only a key that cannot sign ends the loop.
        """
        failures, fault = 0, None
        try:
            while True:
                began = self.clock.monotonic()
                tell(self.observers, lambda one: one.began())
                try:
                    done = await self.step()
                except KeyMaterialError:
                    raise
                except Exception as error:
                    failures, fault = failures + 1, error
                    self._failed(error)
                else:
                    failures, fault = 0, None
                    if until(done):
                        return
                await self._rest(self._wait_s(began, failures), fault)
        finally:
            if self._stages is not None:
                await self._stages.tasks.close()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, SubnetError):
            _LOG.warning("round failed: %s: %s", error.code, error.message)
        else:
            _LOG.error("round failed", exc_info=error)
        tell(self.observers, lambda one: one.failed(error))

    async def _rest(self, seconds: float, fault: Exception | None) -> None:
        """Wait; while rounds fail, and the chain does not, weights are looked after as often as if they went well."""
        end = self.clock.monotonic() + seconds
        while fault is not None and not isinstance(fault, LedgerError):
            await self._weigh_still()
            if end - self.clock.monotonic() <= self.options.interval_s:
                break
            await self.clock.sleep(self.options.interval_s)
        await self.clock.sleep(end - self.clock.monotonic())

    async def _weigh_still(self) -> None:
        """Set the weights that are due, by the scores so far."""
        try:
            stages = await self._ready()
            metagraph, epoch = await self._read()
            with self._stage("weigh"):
                await stages.setter.weigh(epoch, metagraph, await stages.journal.standings())
        except KeyMaterialError:
            raise
        except Exception as error:
            _LOG.warning("weights were not looked after", exc_info=error)

    def _stage(self, name: str) -> AbstractContextManager[None]:
        return observed(name, self.observers, self.clock)

    async def _ready(self) -> Stages:
        if self._stages is None:
            self._stages = await Stages.opened(self)
        return self._stages

    async def _sample(self, setting: Setting, metagraph: Metagraph) -> tuple[Hotkey, ...]:
        """Whom to ask."""
        stages = await self._ready()
        with self._stage("sample"):
            draw = chance(stages.seed, setting.number, Purpose.SAMPLE)
            return stages.sampler.pick(metagraph, draw, await stages.past(setting.number))

    async def _judge(self, setting: Setting, task: Task, heard: Heard, metagraph: Metagraph) -> Judged:
        """What came of it is worth, kept before anything acts on it."""
        stages, heard = await self._ready(), heard.of_those_asked()
        is_claimed = self.options.vetting.precedence == "model"
        claims = await self.chain.commitments(self.netuid) if is_claimed else None
        async with stages.judging:  # each round moves the scores that the one before it left
            with self._stage("vet"):
                vet = partial(stages.vetter.vet, heard, metagraph, claims)
                vetted = await asyncio.get_running_loop().run_in_executor(stages.judge, vet)
            with self._stage("score"):
                known = await stages.journal.standings()
                scored = await score(self.definition, task, vetted.replies, metagraph, known, stages.judge)
            judged = Judged(heard, vetted, scored)
            with self._stage("store"):
                kept = {"vetting": stages.vetter.dump()}
                await stages.journal.record(setting.record(task, judged, known, kept))
        return judged

    async def _setting(self, metagraph: Metagraph, epoch: Epoch) -> Setting:
        number = await (await self._ready()).journal.begin()
        return Setting(number, self.definition.ref(), metagraph.block, epoch.index, seed=self.options.seed)

    async def _read(self) -> tuple[Metagraph, Epoch]:
        with self._stage("read"):
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
