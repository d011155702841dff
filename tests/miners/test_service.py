# SPDX-License-Identifier: Apache-2.0
"""A miner's life: it starts or says why not, keeps its place on the chain, outlives the chain's absence, and drains."""

from __future__ import annotations

import asyncio
import json
import logging
import math

import pytest
from yarl import URL

from miners.engines.echo import Echo
from miners.miner import Miner
from miners.options import MinerOptions
from protocols.calls import ServeAxon
from protocols.clock import SystemClock, VirtualClock
from protocols.endpoint import Endpoint
from protocols.errors import (
    BindFailed,
    ChainUnreachable,
    DevKeyRefused,
    ExtrinsicFailed,
    LedgerError,
    NotRegistered,
    PeerError,
    ServiceError,
    SubnetError,
    Unreachable,
    UsageError,
)
from protocols.keys import Keypair
from protocols.metagraph import Metagraph
from protocols.replay import MemoryReplay
from tests.attacks.miner import until
from tests.attacks.raw import get
from tests.miners.town import (
    MINER,
    NETUID,
    OTHER,
    STRANGER,
    Ask,
    Gate,
    Ledger,
    Plain,
    address,
    enrol,
    ledger,
    mine,
    said,
)

ELSEWHERE = Endpoint("127.0.0.1", 9)


def endpoint(url: str) -> Endpoint:
    """The endpoint that a URL names."""
    return Endpoint(URL(url).host or "", URL(url).port or 0)


@pytest.fixture
async def chain() -> Ledger:
    """A chain on which the miner is registered."""
    return await ledger(SystemClock(), MINER)


async def test_the_endpoint_is_published_once_however_often_the_miner_starts(chain: Ledger) -> None:
    async with mine(chain, Plain()) as first:
        url = first.url
        await first.refresh()  # from a block before the publication, which cannot know of it
        assert await chain.published(MINER) == endpoint(url)
        await first.refresh()
    async with mine(chain, Plain(), port=endpoint(url).port) as second:
        assert second.url == url
    assert chain.served == [endpoint(url)]


async def test_the_endpoint_is_published_again_once_the_chain_has_lost_it() -> None:
    clock = VirtualClock()
    chain = await ledger(clock, MINER)
    async with mine(chain, Plain(), clock=clock) as miner:
        running = asyncio.create_task(miner.run())
        assert await chain.published(MINER) == endpoint(miner.url)
        (await chain.submit(ServeAxon(NETUID, ELSEWHERE), MINER)).raise_for_error()
        assert await chain.published(MINER) == ELSEWHERE
        await clock.advance(60.0)
        assert await chain.published(MINER) == endpoint(miner.url)
    await running
    assert chain.served == [endpoint(miner.url), ELSEWHERE, endpoint(miner.url)]


async def test_a_publication_that_the_chain_refuses_is_tried_again() -> None:
    clock = VirtualClock()
    chain = await ledger(clock, MINER)
    async with mine(chain, Plain(), clock=clock) as miner:
        running = asyncio.create_task(miner.run())
        for port in (9, 10):  # the second one stays in the open block, where the miner's own would be one too many
            chain.seal()
            (await chain.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", port)), MINER)).raise_for_error()
        await clock.advance(60.0)
        assert (await get(miner.url, "/readyz")).status == 503
        assert await chain.published(MINER) == Endpoint("127.0.0.1", 10)
        await clock.advance(60.0)
        assert (await get(miner.url, "/readyz")).status == 200
        assert await chain.published(MINER) == endpoint(miner.url)
    await running


async def test_what_the_operator_says_is_published_and_not_where_the_miner_listens(chain: Ledger) -> None:
    public = Endpoint("8.8.8.8", 80)
    async with mine(chain, Plain(), published=public):
        assert await chain.published(MINER) == public


async def test_an_unregistered_hotkey_is_told_what_to_type_and_nothing_is_left_running(chain: Ledger) -> None:
    miner = mine(chain, Plain(), key=STRANGER)
    with pytest.raises(NotRegistered, match="not registered on subnet 1") as refused:
        await miner.start()
    assert refused.value.help == "subnet miner register --netuid 1"
    async with mine(chain, Plain()) as holder:
        with pytest.raises(NotRegistered):  # and not that its port is taken: it was never to listen
            await mine(chain, Plain(), key=STRANGER, port=endpoint(holder.url).port).start()
    assert chain.served == [endpoint(holder.url)]
    await nothing_is_left()


async def test_a_port_in_use_is_named_and_nothing_is_published(chain: Ledger) -> None:
    await enrol(chain, OTHER)
    async with mine(chain, Plain()) as holder:
        with pytest.raises(BindFailed, match="in use"):
            await mine(chain, Plain(), key=OTHER, port=endpoint(holder.url).port).start()
    assert chain.served == [endpoint(holder.url)]


@pytest.mark.parametrize(("host", "port", "error"), [("0.0.0.0", 0, LedgerError), ("127.0.0.1", 1 << 17, BindFailed)])
async def test_a_start_that_fails_leaves_nobody_listening(
    chain: Ledger, host: str, port: int, error: type[SubnetError]
) -> None:
    with pytest.raises(error):
        await mine(chain, Plain(), host=host, port=port).start()
    assert chain.served == []
    await nothing_is_left()


async def test_a_start_without_the_chain_or_against_its_will_leaves_nobody_listening(chain: Ledger) -> None:
    chain.away = True
    with pytest.raises(ChainUnreachable):
        await mine(chain, Plain()).start()
    chain.away = False
    (await chain.submit(ServeAxon(NETUID, ELSEWHERE), MINER)).raise_for_error()
    with pytest.raises(ExtrinsicFailed, match="ServingRateLimitExceeded"):
        await mine(chain, Plain()).start()
    await nothing_is_left()


async def test_on_a_public_chain_neither_a_private_address_nor_a_published_key_will_do() -> None:
    chain = await ledger(SystemClock(), MINER, is_local=False)
    with pytest.raises(LedgerError, match="is not public") as refused:
        await mine(chain, Plain()).start()
    assert "--published" in refused.value.help
    with pytest.raises(DevKeyRefused):
        await mine(chain, Plain(), key=Keypair.from_uri("//Bob")).start()
    async with mine(chain, Plain(), published=Endpoint("8.8.8.8", 80)):
        assert chain.served == [Endpoint("8.8.8.8", 80)]


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_a_miner_that_would_ask_the_chain_without_a_pause_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="refresh_s is"):
        MinerOptions(refresh_s=seconds)


async def test_a_miner_is_started_once(chain: Ledger) -> None:
    async with mine(chain, Plain()) as miner:
        with pytest.raises(ServiceError, match="started before"):
            await miner.start()
        assert (await said(miner.url, Ask(prompt="hello"))).ok


async def test_close_lets_a_query_under_way_end_and_takes_no_other(chain: Ledger) -> None:
    gate = Gate()
    async with mine(chain, Plain(), gate) as miner:
        asked = asyncio.create_task(said(miner.url, Ask(prompt="hello")))
        await until(lambda: gate.entered == 1)
        closing = asyncio.create_task(miner.close())
        await asyncio.sleep(0)
        late = (await said(miner.url, Ask(prompt="late"))).error
        gate.opened.set()
        assert (await asked).unwrap().text == "hello"
        await closing
    assert isinstance(late, Unreachable | PeerError)
    await nothing_is_left()


async def test_run_outlives_the_chain_and_tries_again_ever_more_slowly(caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    chain = await ledger(clock, MINER)
    async with mine(chain, Plain(), clock=clock, refresh_s=10.0) as miner:
        running = asyncio.create_task(miner.run())
        chain.away = True
        chain.read_at.clear()
        await clock.advance(40.0)
        assert chain.read_at == [10.0, 11.0, 13.0, 17.0, 25.0, 35.0]
        assert (await said(miner.url, Ask(prompt="still here"), clock=clock)).unwrap().text == "STILL HE"
        assert (await get(miner.url, "/readyz")).status == 503
        chain.away = False
        await clock.advance(20.0)
        assert chain.read_at[6:] == [45.0, 55.0]
        assert (await get(miner.url, "/readyz")).status == 200
        assert not running.done()
    await running
    first, last = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert "chain_unreachable" in first
    assert "again" in last


async def test_run_learns_who_came_and_survives_having_been_pruned() -> None:
    clock = VirtualClock()
    chain = await ledger(clock, MINER)
    before = await chain.metagraph(NETUID)
    async with mine(chain, Plain(), clock=clock) as miner:
        running = asyncio.create_task(miner.run())
        assert not (await said(miner.url, Ask(prompt="hello"), by=OTHER, clock=clock)).ok
        await enrol(chain, OTHER)
        await clock.advance(60.0)
        assert (await said(miner.url, Ask(prompt="hello"), by=OTHER, clock=clock)).ok
        chain.shown = before.of(NETUID, before.block, [next(iter(before))])  # the validator alone is left
        await clock.advance(60.0)
        assert not (await said(miner.url, Ask(prompt="hello"), by=OTHER, clock=clock)).ok
        assert (await get(miner.url, "/readyz")).status == 503
        chain.shown = None
        await clock.advance(60.0)
        assert (await get(miner.url, "/readyz")).status == 200
        assert not running.done()
    await running


async def nothing_is_left() -> None:
    """No task but this one."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Hashed(Echo):
    """An engine with a digest."""

    name = "hashed"

    def facts(self) -> dict[str, str]:
        """Its digest."""
        return {"digest": "ab" * 32}


async def test_the_digest_of_a_model_is_committed_once_and_shown(chain: Ledger) -> None:
    miner = mine(chain, Plain(), commits=True)
    miner.engine = Hashed()
    async with miner:
        chain.seal()
        held = (await chain.commitments(NETUID))[address(MINER)]
        chain.seal()
        await miner.refresh()
        assert (await chain.commitments(NETUID))[address(MINER)] == held
        info = json.loads((await get(miner.url, "/info")).body)
    assert held.data == b"model:sha256:" + b"ab" * 32
    assert info["engine"] == {"name": "hashed", "digest": "ab" * 32}
    assert (info["netuid"], info["uid"], info["endpoint"]) == (NETUID, miner.facts()["uid"], miner.url)


async def test_who_is_no_longer_registered_is_not_ready_and_goes_on_until_it_is_again(chain: Ledger) -> None:
    async with mine(chain, Plain()) as miner:
        gone = await chain.metagraph(NETUID)
        chain.shown = Metagraph.of(NETUID, gone.block, [one for one in gone if one.hotkey != address(MINER)])
        with pytest.raises(NotRegistered):
            await miner.refresh()
        ready = await get(miner.url, "/readyz")
        assert (ready.status, json.loads(ready.body)["checks"]["registered"]) == (503, False)
        assert (await said(miner.url, Ask(prompt="still"))).error is None
        chain.shown = None
        await miner.refresh()
        assert (await get(miner.url, "/readyz")).status == 200


async def test_a_miner_whose_model_was_long_in_loading_begins_with_what_the_chain_says_by_then() -> None:
    clock = VirtualClock()
    chain = await ledger(clock, MINER)

    class Large(Echo):
        async def start(self) -> None:
            await enrol(chain, OTHER)
            await clock.advance(200.0)

    terms = MinerOptions(port=0, replay=MemoryReplay.never_served_before())
    miner = Miner(Plain(), chain=chain, netuid=NETUID, key=MINER, engine=Large(), clock=clock, options=terms)
    async with miner:
        assert (await get(miner.url, "/readyz")).status == 200
        assert (await said(miner.url, Ask(prompt="hello"), by=OTHER, clock=clock)).ok
