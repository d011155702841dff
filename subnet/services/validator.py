# SPDX-License-Identifier: Apache-2.0
"""A validator put together from an operator's settings: the definition, the hotkey, the chain, the store, its watchdog.

What can be wrong is found in the order of its cost, before the first miner is asked. A hotkey is all that is ever read
here. Beside the rounds run a look at the chain that is independent of them, and a page that says how things stand.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from protocols.chain import check_signer
from protocols.client import Client, ClientOptions
from protocols.clock import SystemClock
from protocols.errors import Stuck, SubnetError
from protocols.registry import load
from protocols.replay import MemoryReplay
from protocols.server import Server, ServerOptions
from protocols.types import NetUid
from subnet.chain.connect import connect
from subnet.sections import listed
from subnet.services.leaving import Leave
from subnet.services.preflight import check_clock, check_packages, check_port, check_registered, hang_up, state_folder
from subnet.services.roundlog import RoundLog
from subnet.settings import ChainSettings, PathSettings, ValidatorSettings
from subnet.telemetry import LoopLag, Writer, show_process
from subnet.wallet import signing_key
from validators.base import Validator
from validators.meters import RoundMeters, show_watchdog
from validators.options import ValidatorOptions
from validators.place import Place
from validators.sampling import SamplingOptions
from validators.stacks import stacks
from validators.store import Store
from validators.vetting import VettingOptions
from validators.watchdog import Watchdog

__all__ = ["Validating", "opened", "options"]

_LOG: Final = logging.getLogger(__name__)
_CLOCK: Final = SystemClock()
_STOP_S: Final = 5.0
_STOPPED: Final = 143
_MOST_BACKOFF_S: Final = 60.0
"""Between rounds that fail; a chain that comes back is not to be missed for long."""


@dataclass(eq=False, kw_only=True)
class Validating:
    """A validator at work: itself, what it works with, and the page that tells of it."""

    validator: Validator
    client: Client
    store: Store
    watchdog: Watchdog
    server: Server
    url: str = ""
    """Where the page is."""
    leave: Leave | None = None
    """What ends this process where it cannot end by itself; without it nothing does."""
    lag: LoopLag = field(default_factory=lambda: LoopLag(_CLOCK))
    log: RoundLog = field(default_factory=RoundLog)

    def facts(self) -> dict[str, Any]:
        """Who this validator is, what the chain last said of it, and what is wrong."""
        known: dict[str, Any] = {
            "hotkey": self.validator.hotkey,
            "subnet": self.validator.definition.ref(),
            "netuid": self.validator.netuid,
        }
        if (place := self.watchdog.place) is not None:
            age = self.watchdog.weights_age()
            known |= {"uid": place.uid, "permit": place.has_permit, "block": place.block, "epoch": place.epoch}
            known["weights age"] = None if math.isnan(age) else round(age, 2)
        if trouble := self.watchdog.trouble():
            known["trouble"] = trouble
        return known

    async def run(self) -> None:
        """Round after round until cancelled; raises `Stuck` once something makes no progress any more."""
        loop = asyncio.get_running_loop()
        alarm: asyncio.Future[None] = loop.create_future()
        validator, watchdog = self.validator, self.watchdog
        with watchdog.watching(lambda stuck: self._alarmed(stuck, loop, alarm), self._tick):
            every_s = validator.options.interval_s
            look = watchdog.look(validator.chain, validator.netuid, validator.hotkey, every_s=every_s)
            works = [asyncio.create_task(work) for work in (validator.run(), look, self.lag.run())]
            try:
                done, _ = await asyncio.wait([*works, alarm], return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    ended.result()
            except BaseException as error:
                if self.leave is not None:
                    self.leave(_code(error))
                raise
            finally:
                for work in works:
                    work.cancel()
                await asyncio.wait(works, timeout=_STOP_S)
                if self.leave is not None:
                    self.leave.stay()

    async def rounds(self) -> AsyncGenerator[dict[str, Any], None]:
        """What each round came to, as it ends; `run` runs meanwhile, and whoever reads slowly misses some."""
        running = asyncio.create_task(self.run())
        try:
            while not running.done():
                waiting = asyncio.create_task(self.log.next())
                await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    yield waiting.result()
                waiting.cancel()
            running.result()
        finally:
            running.cancel()
            await asyncio.wait([running])

    def _tick(self) -> None:
        if self.leave is not None:
            self.leave.unless_within(2 * self.watchdog.limit_s)

    def _alarmed(self, stuck: Stuck, loop: asyncio.AbstractEventLoop, alarm: asyncio.Future[None]) -> None:
        """Say where everything stands and end; in the watchdog's thread, for the loop may be what is stuck."""
        _LOG.error("%s", stuck.render(), extra={"code": stuck.code})
        for one in stacks(loop):
            _LOG.error("%s stands here", one.of, extra={"stack": one.text})
        if self.leave is not None:
            self.leave(stuck.exit_code)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(_fail, alarm, stuck)


@asynccontextmanager
async def opened(
    app: str,
    chain_settings: ChainSettings,
    settings: ValidatorSettings,
    paths: PathSettings,
    lines: Writer | None = None,
    leave: Leave | None = None,
) -> AsyncIterator[Validating]:
    """A validator that is ready to run, with its page served; each check is made before the next, dearer one."""
    check_packages()
    definition, terms = load(app)(), options(settings)
    check_port(settings.host, settings.port)
    async with AsyncExitStack() as stack:
        _LOG.info("asking the chain", extra={"network": chain_settings.network})
        chain = await connect(chain_settings.network)
        stack.push_async_callback(hang_up, chain)
        key = signing_key(chain_settings.key, chain)
        check_signer(chain, key)
        await check_clock(chain, _CLOCK)
        await check_registered(chain, chain_settings, key)
        path = state_folder(paths) / "validator.db"
        store = await asyncio.to_thread(Store, path, retained_rounds=settings.rounds_kept)
        stack.push_async_callback(store.close)
        client = await stack.enter_async_context(Client(key, ClientOptions(timeout_s=settings.deadline)))
        validator = Validator(
            definition,
            chain=chain,
            netuid=NetUid(chain_settings.netuid),
            key=key,
            client=client,
            store=store,
            clock=_CLOCK,
            options=terms,
        )
        serving = _watched(validator, settings, leave)
        serving.watchdog.seen(await Place.read(chain, validator.netuid, validator.hotkey))
        _show(serving, path, lines)
        stack.push_async_callback(serving.server.stop, _STOP_S)
        serving.url = await serving.server.start(settings.host, settings.port)
        yield serving


def _code(error: BaseException) -> int:
    """The exit code of a process that ends with this."""
    if isinstance(error, SubnetError):
        return error.exit_code
    return _STOPPED if isinstance(error, asyncio.CancelledError) else 1


def _fail(alarm: asyncio.Future[None], stuck: Stuck) -> None:
    if not alarm.done():
        alarm.set_exception(stuck)


def options(settings: ValidatorSettings) -> ValidatorOptions:
    """How it goes about its work."""
    return ValidatorOptions(
        sampling=SamplingOptions(
            size=settings.sample,
            strategy=settings.strategy,
            explore=settings.explore,
            together=settings.together,
        ),
        vetting=VettingOptions(canaries=settings.canaries, precedence=settings.precedence, window=settings.window),
        timeout_s=settings.deadline,
        interval_s=settings.interval,
        most_backoff_s=max(settings.interval, _MOST_BACKOFF_S),
        thin=settings.thin,
        variants=settings.variants,
        most_at_once=settings.at_once,
        v10_fields=listed(settings.v10),
    )


def _watched(validator: Validator, settings: ValidatorSettings, leave: Leave | None) -> Validating:
    watchdog, meters, log = Watchdog(_CLOCK, limit_s=settings.stuck), RoundMeters(), RoundLog()
    validator.observers += [watchdog, meters, log]
    terms = ServerOptions(
        checks={
            "chain": lambda: not watchdog.chain_trouble,
            "registered": lambda: watchdog.place is not None and watchdog.place.uid is not None,
            "healthy": lambda: not watchdog.trouble(),
        },
        facts=lambda: serving.facts(),
        replay=MemoryReplay.never_served_before(),  # it takes no queries
        clock=_CLOCK,
    )
    server = Server(validator.key, {}, terms)
    server.meters.add(meters)
    serving = Validating(
        validator=validator,
        client=validator.client,
        store=validator.store,
        watchdog=watchdog,
        server=server,
        leave=leave,
        log=log,
    )
    return serving


def _show(serving: Validating, store: Path, lines: Writer | None) -> None:
    show_watchdog(serving.server.meters, serving.watchdog, lambda: _bytes(store))
    show_process(serving.server.meters, serving.lag, lines)


def _bytes(path: Path) -> float:
    """What the store takes, with what SQLite has not yet moved into its file."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return float(sum(file.stat().st_size for file in files if file.exists()))
