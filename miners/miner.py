# SPDX-License-Identifier: Apache-2.0
"""The miner's service: it serves a subnet's definition, says on the chain where, and keeps both true.

Chain, key, model and clock are handed in, so that the same service runs in a test, in a local network and on a public
chain. What a stranger can send is the server's business (`protocols.server`), what an answer is the definition's;
here is only what joins them. A chain that is away stops nobody from being answered.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import KW_ONLY, dataclass, field
from types import TracebackType
from typing import Any, Final, Self, cast

from miners.admission import Members
from miners.desk import Desk, Terms
from miners.draws import draws
from miners.engines.engine import Engine
from miners.meters import Measured, show_place
from miners.options import MinerOptions
from miners.publication import Publication, listening_at
from protocols.chain import Chain, check_signer
from protocols.clock import Clock, SystemClock
from protocols.endpoint import Endpoint
from protocols.errors import ChainUnreachable, LedgerError, ServiceError
from protocols.keys import Signer
from protocols.metagraph import Metagraph
from protocols.server import Context, Server, ServerOptions
from protocols.spec import Subnet
from protocols.synapse import Reply, Synapse
from protocols.task import AnswerContext
from protocols.types import NetUid

__all__ = ["Miner", "MinerOptions"]

_LOG = logging.getLogger(__name__)
_STALE: Final = 3.0
"""How many refreshes may fail before the miner no longer counts as ready."""


@dataclass(slots=True, eq=False)
class Miner:
    """Answers for one hotkey on one subnet; started once, closed once.

    async with Miner(Text(), chain=chain, netuid=netuid, key=hotkey, engine=Echo()) as miner:
        await miner.run()
    """

    definition: Subnet
    _: KW_ONLY
    chain: Chain
    """Its methods end or raise by themselves, as `Chain` promises, so nothing here limits their time again."""
    netuid: NetUid
    key: Signer
    """The hotkey; a coldkey has no place in a running miner."""
    engine: Engine
    """What does the work; started before the first query comes, closed after the last has gone."""
    clock: Clock = field(default_factory=SystemClock)
    options: MinerOptions = field(default_factory=MinerOptions)
    server: Server = field(init=False, repr=False)
    """What answers; its `app` can be mounted where there is no socket."""
    url: str = field(init=False, default="")
    """Where it answers, once it is started."""
    _work: Measured = field(init=False, repr=False)
    _members: Members = field(init=False, repr=False)
    _publication: Publication = field(init=False, repr=False)
    _read_at: float = field(init=False, default=-math.inf, repr=False)
    _trouble: str | None = field(init=False, default=None, repr=False)
    _closing: asyncio.Event = field(init=False, default_factory=asyncio.Event, repr=False)

    def __post_init__(self) -> None:
        self._work = Measured(self.engine, self.clock)
        self._members = Members(self.definition, self.options.rules, self.clock)
        self._publication = Publication(self.chain, self.netuid, self.key)
        terms = ServerOptions(
            admission=self._members,
            replay=self.options.replay,
            limits=self.options.limits,
            legacy=self.options.legacy,
            checks={
                "chain": lambda: self._trouble is None,
                "registered": lambda: self._publication.place is not None,
                "synced": lambda: self._age_s() < _STALE * self.options.refresh_s,
            },
            facts=self.facts,
            clock=self.clock,
        )
        work = self.stream if self.definition.is_streaming else self.answer
        self.server = Server(self.key, {self.definition.synapse: work}, terms)
        self.server.meters.add(self._work)
        show_place(self.server.meters, lambda: self._publication.place, self._age_s)

    @property
    def endpoint(self) -> Endpoint | None:
        """What the chain is told, once it is started; None where nobody could reach it."""
        return self._publication.endpoint

    def facts(self) -> dict[str, Any]:
        """Who this miner is, what it works with, and what it last read of itself on the chain."""
        place = self._publication.place
        known: dict[str, Any] = {
            "hotkey": self.key.ss58_address,
            "subnet": self.definition.ref(),
            "netuid": self.netuid,
        }
        if place is not None:
            known |= {"uid": place.uid, "incentive": place.incentive}
        if self.endpoint is not None:
            known["endpoint"] = self.endpoint.url()
        return {**known, "engine": {"name": self.engine.name, **self.engine.facts()}}

    async def start(self) -> str:
        """Serve, publish where unless the chain has it, and return the URL.

        Raises `NotRegistered`, `BindFailed`, or what the chain answers; then nothing is left running.
        """
        if self.url:
            raise ServiceError("this miner was started before", help="make a new Miner for each start")
        check_signer(self.chain, self.key)
        try:
            metagraph = await self._read()
            self._publication.row(metagraph)
            await self._work.start()
            if self._age_s() >= self.options.refresh_s:  # a large model has been loaded since
                metagraph = await self._read()
            self.url = await self.server.start(self.options.host, self.options.port)
            self._publication.endpoint = self.options.published or listening_at(self.url)
            digest = self.engine.facts().get("digest")
            if self.options.commits and digest:
                self._publication.commitment = f"model:sha256:{digest}".encode()
            await self._publication.renew(metagraph)
        except BaseException:
            await self.server.stop(0.0)
            await self._work.close()
            raise
        return self.url

    async def close(self) -> None:
        """Take nothing new, let queries under way end, and end `run`; what is published stays on the chain."""
        self._closing.set()
        await self.server.stop(self.options.drain_s)
        await self._work.close()

    async def run(self) -> None:
        """Refresh until closed; what the chain refuses or fails to answer is logged once and tried again."""
        wait_s, retry_s = self.options.refresh_s, self.options.retry_s
        while await self._rested(wait_s):
            wait_s = self.options.refresh_s
            try:
                await self.refresh()
            except ChainUnreachable as error:
                self._note(error)
                wait_s = min(retry_s, wait_s)
                retry_s = 2 * wait_s
            except LedgerError as error:
                self._note(error)
            else:
                self._note(None)
                retry_s = self.options.retry_s

    async def refresh(self) -> None:
        """Read who is on the subnet, and publish where this miner answers if the chain does not say so."""
        await self._publication.renew(await self._read())

    async def answer(self, ask: Synapse, context: Context) -> Reply:
        """Answer a query as the definition does."""
        return await cast("Awaitable[Reply]", self.definition.answer(ask, self.answer_context(ask, context)))

    async def stream(self, ask: Synapse, context: Context) -> AsyncGenerator[Reply, None]:
        """Answer a query in the items that the definition yields."""
        items = cast("AsyncGenerator[Reply, None]", self.definition.answer(ask, self.answer_context(ask, context)))
        # A caller who leaves closes this generator, which must not leave the definition's own one to the collector.
        async with aclosing(items):
            async for item in items:
                yield item

    def answer_context(self, ask: Synapse, context: Context) -> AnswerContext:
        """What the definition may use for a query; its random numbers follow from the query and the hotkey alone."""
        deadline, rng = self.clock.monotonic() + context.remaining_s, draws(self.key.ss58_address, ask)
        terms = Terms(
            priority=context.priority,
            deadline=deadline,
            sampling=self.options.sampling,
            rng=rng,
            charge=lambda tally: self._members.charge(context.caller.hotkey, tally.prompt + tally.generated),
        )
        return AnswerContext(
            caller=context.caller,
            request_id=context.request_id,
            model=Desk(self._work, terms),
            rng=rng,
            clock=self.clock,
            deadline=deadline,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _age_s(self) -> float:
        return self.clock.monotonic() - self._read_at

    async def _read(self) -> Metagraph:
        metagraph = await self.chain.metagraph(self.netuid)
        self._read_at = self.clock.monotonic()
        # Only budgets need to know how long a tempo is.
        is_metered = self.options.rules.are_metered
        tempo = (await self.chain.hyperparameters(self.netuid)).tempo if is_metered else 0
        self._members.renew(metagraph, tempo)
        return metagraph

    async def _rested(self, seconds: float) -> bool:
        waits = [asyncio.ensure_future(wait) for wait in (self.clock.sleep(seconds), self._closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not self._closing.is_set()

    def _note(self, error: LedgerError | None) -> None:
        trouble = None if error is None else error.code
        if trouble != self._trouble:
            said = "the chain answers as it should again" if error is None else error.render()
            _LOG.warning("miner of subnet %d: %s", self.netuid, said)
        self._trouble = trouble
