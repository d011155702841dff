# SPDX-License-Identifier: Apache-2.0
"""A miner put together from an operator's settings: the definition, the engine, the hotkey, the chain.

What can be wrong is found in the order of its cost: names and ports before the chain is asked, the chain before a model
is loaded. A hotkey is all that is ever read here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from miners.admission import Rules
from miners.engines.opening import EngineOptions, open_engine
from miners.miner import Miner
from miners.options import MinerOptions
from protocols.clock import SystemClock
from protocols.endpoint import Endpoint
from protocols.errors import UsageError
from protocols.keys import decode_address
from protocols.model import Sampling
from protocols.registry import load
from protocols.replay import SqliteReplay
from protocols.types import NetUid
from subnet.chain.connect import connect
from subnet.sections import listed
from subnet.services.preflight import (
    check_clock,
    check_packages,
    check_port,
    check_registered,
    hang_up,
    probe,
    state_folder,
)
from subnet.settings import ChainSettings, MinerSettings, PathSettings
from subnet.telemetry import LoopLag, Writer, show_process
from subnet.wallet import signing_key

__all__ = ["engine_options", "opened", "options", "rules"]

_LOG: Final = logging.getLogger(__name__)
_CLOCK: Final = SystemClock()


@asynccontextmanager
async def opened(
    app: str,
    chain_settings: ChainSettings,
    settings: MinerSettings,
    paths: PathSettings,
    lines: Writer | None = None,
) -> AsyncIterator[Miner]:
    """A miner that serves; the steps of a start that may take a while are logged."""
    check_packages()
    definition = load(app)()
    engine = open_engine(settings.engine, engine_options(settings))
    check_port(settings.host, settings.port)
    async with AsyncExitStack() as stack:
        _LOG.info("asking the chain", extra={"network": chain_settings.network})
        chain = await connect(chain_settings.network)
        stack.push_async_callback(hang_up, chain)
        key = signing_key(chain_settings.key, chain)
        await check_clock(chain, _CLOCK)
        await check_registered(chain, chain_settings, key)
        replay = SqliteReplay(state_folder(paths) / f"replay-{key.ss58_address}.db")
        stack.callback(replay.close)
        _LOG.info("loading the engine", extra={"engine": settings.engine, "model": settings.model})
        lag = LoopLag(_CLOCK)
        miner = Miner(
            definition,
            chain=chain,
            netuid=NetUid(chain_settings.netuid),
            key=key,
            engine=engine,
            options=options(settings, replay),
        )
        show_process(miner.server.meters, lag, lines)
        await stack.enter_async_context(miner)
        watching = asyncio.create_task(lag.run())
        stack.callback(watching.cancel)
        if miner.endpoint is not None:
            await probe(miner.endpoint.url())
        yield miner


def rules(settings: MinerSettings) -> Rules:
    """Whom to serve."""
    return Rules(
        permit=settings.permit,
        min_stake=settings.min_stake,
        allow=_listed(settings.allow),
        closed=settings.closed,
        deny=_listed(settings.deny),
        requests=settings.requests,
        tokens=settings.tokens,
        concurrency=settings.concurrency,
    )


def options(settings: MinerSettings, replay: SqliteReplay) -> MinerOptions:
    """Where and on what terms to serve."""
    return MinerOptions(
        host=settings.host,
        port=settings.port,
        published=_endpoint(settings.published) if settings.published else None,
        refresh_s=settings.refresh,
        drain_s=settings.drain,
        sampling=Sampling(temperature=settings.temperature, top_p=settings.top_p),
        rules=rules(settings),
        replay=replay,
        commits=settings.commit,
    )


def engine_options(settings: MinerSettings) -> EngineOptions:
    """What does the work, and how."""
    return EngineOptions(
        model=settings.model,
        device=settings.device,
        dtype=settings.dtype,
        batch=settings.batch,
        waiting=settings.waiting,
        context=settings.context,
        threads=settings.threads,
        url=settings.url,
        api_key=settings.api_key.get_secret_value(),
    )


def _endpoint(text: str) -> Endpoint:
    ip, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and len(port) <= 5):
        raise UsageError(f"--published is {text!r}, expected IP:PORT", help="--published 203.0.113.7:8091")
    return Endpoint(ip.strip("[]"), int(port))


def _listed(text: str) -> frozenset[str]:
    addresses = frozenset(listed(text))
    for address in addresses:
        decode_address(address)  # a slip in a list of who may call must not pass in silence
    return addresses
