# SPDX-License-Identifier: Apache-2.0
"""What a validator works with once its store is open: the stages of a round, each made once, with its own memory."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from validators.load import Load
from validators.query import Asker
from validators.sampling import Past, Sampler
from validators.store import Journal
from validators.tasks import TaskSource
from validators.timelock import timelock_of
from validators.vetting import Vetter
from validators.weights import Setter

if TYPE_CHECKING:
    from validators.base import Validator

__all__ = ["Stages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages of one validator, and what they have in common."""

    journal: Journal
    seed: int
    sampler: Sampler
    tasks: TaskSource
    asker: Asker
    vetter: Vetter
    setter: Setter
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)
    judge: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="subnet-validator-judge"))
    """One thread, whose memory is used again: each of several would keep a round's tables of its own."""

    @classmethod
    async def opened(cls, of: Validator) -> Self:
        """Those of a validator, which go on where an earlier process left them."""
        definition, options, chain = of.definition, of.options, of.chain
        journal = await of.store.journal(chain.genesis, of.netuid, of.hotkey)
        seed = journal.seed if options.seed is None else options.seed
        vetter = Vetter(definition=definition, options=options.vetting)
        vetter.load(await journal.kept("vetting"))
        return cls(
            journal=journal,
            seed=seed,
            sampler=Sampler(definition=definition, me=of.hotkey, options=options.sampling),
            tasks=TaskSource(definition, of.clock, seed, varies=options.variants),
            vetter=vetter,
            asker=Asker(
                client=of.client,
                timeout_s=options.timeout_s,
                most_stream_bytes=options.most_stream_bytes,
                is_streaming=definition.is_streaming,
                is_local=chain.is_local,
                v10=of.v10,
                load=Load(options.most_at_once, options.timeout_s),
            ),
            setter=Setter(
                definition=definition,
                chain=chain,
                netuid=of.netuid,
                key=of.key,
                journal=journal,
                settle_blocks=options.settle_blocks,
                thin=options.thin,
                timelock=timelock_of(chain),
            ),
        )

    async def past(self, number: int) -> Past:
        """What is known when whom to ask is chosen."""
        return Past(number=number, asked_in=await self.journal.asked_in(), likely=self.vetter.likely)
