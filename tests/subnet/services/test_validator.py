# SPDX-License-Identifier: Apache-2.0
"""A validator as a service within this process: what settings become, what its page says, how it ends when stuck."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from protocols.balance import Balance
from protocols.calls import AddStake, Register
from protocols.columns import Floats
from protocols.errors import BindFailed, NotRegistered, OutOfRange, ServiceError, Stuck
from protocols.keys import Keypair
from protocols.task import Replies
from protocols.types import Hotkey, NetUid
from subnet.chain.local import LocalChain
from subnet.localnet.port import Port
from subnet.services.roundlog import RoundLog
from subnet.services.validator import Validating, opened, options
from subnet.settings import ChainSettings, PathSettings, ValidatorSettings
from tests.attacks.raw import get
from tests.validators.world import Doubling, off_by, world
from validators.options import ValidatorOptions
from validators.sampling import SamplingOptions
from validators.vetting import VettingOptions

BOB = Keypair.from_uri("//Bob")
DOUBLING = f"{Path(__file__).parents[2] / 'validators' / 'world.py'}:Doubling"


class Hanging(Doubling):
    """Takes much longer than anything may."""

    def likeness(self, replies: Replies) -> Floats:
        time.sleep(4.0)
        return super().likeness(replies)


@asynccontextmanager
async def network() -> AsyncIterator[tuple[LocalChain, str]]:
    """A chain on which //Bob has a place and a stake, and its URL."""
    chain = LocalChain(block_time=1.0)
    for call in (
        Register(NetUid(1), Hotkey(BOB.ss58_address)),
        AddStake(NetUid(1), Hotkey(BOB.ss58_address), Balance.tao(100)),
    ):
        (await chain.submit(call, BOB)).raise_for_error()
    making = asyncio.create_task(chain.run())
    async with Port.of(chain.node, "127.0.0.1", 0) as port:
        yield chain, port.url
    making.cancel()


@asynccontextmanager
async def serving(
    tmp_path: Path, key: str = "//Bob", app: str = DOUBLING, **settings: float
) -> AsyncIterator[Validating]:
    """A validator on such a chain, opened and not yet run."""
    mine = ValidatorSettings(port=0, interval=0.3, **settings)  # type: ignore[arg-type]  # as the test names them
    async with AsyncExitStack() as stack:
        _, url = await stack.enter_async_context(network())
        chain = ChainSettings(network=url, netuid=1, key=key)
        yield await stack.enter_async_context(opened(app, chain, mine, PathSettings(state=tmp_path / "state")))


def test_without_a_setting_everything_is_as_a_program_has_it_by_default() -> None:
    assert options(ValidatorSettings()) == ValidatorOptions(most_backoff_s=60.0)


def test_each_setting_becomes_the_option_that_it_is_named_for() -> None:
    made = options(
        ValidatorSettings(
            interval=90.0,
            sample=5,
            deadline=3.0,
            strategy="stale",
            explore=0.5,
            together=False,
            variants=False,
            canaries=False,
            precedence="reply",
            window=16,
            at_once=4,
            thin=0.25,
            v10="prompt, roles ,",
        )
    )
    assert made == ValidatorOptions(
        interval_s=90.0,
        most_backoff_s=90.0,
        timeout_s=3.0,
        sampling=SamplingOptions(size=5, strategy="stale", explore=0.5, together=False),
        vetting=VettingOptions(canaries=False, precedence="reply", window=16),
        variants=False,
        most_at_once=4,
        thin=0.25,
        v10_fields=("prompt", "roles"),
    )


async def test_a_validator_s_pages_say_who_it_is_and_that_it_does_its_work_and_it_answers_no_query(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as validating:
        running = asyncio.create_task(validating.run())
        pages = {path: await get(validating.url, path) for path in ("/livez", "/readyz", "/info", "/metrics", "/Guess")}
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
    assert {path: page.status for path, page in pages.items()} == dict.fromkeys(pages, 200) | {"/Guess": 404}
    checks = pages["/readyz"].json()["checks"]
    assert checks.keys() == {"warm", "serving", "chain", "registered", "healthy"}
    info = pages["/info"].json()
    assert (info["hotkey"], info["subnet"], info["netuid"]) == (BOB.ss58_address, "doubling@1", 1)
    assert "trouble" not in info
    assert b"subnet_validator_healthy 1.0" in pages["/metrics"].body
    assert (tmp_path / "state" / "validator.db").is_file()


async def test_rounds_come_as_data_one_after_the_other(tmp_path: Path) -> None:
    async with serving(tmp_path) as validating:
        rounds = validating.rounds()
        told = [await anext(rounds), await anext(rounds)]
        await rounds.aclose()
    assert [one["round"] for one in told] == [0, 1]
    assert told[0].keys() == {
        "round",
        "block",
        "epoch",
        "asked",
        "answered",
        "struck",
        "reward",
        "weights",
        "seconds",
    }


async def test_a_validator_that_hangs_raises_why_and_leaves_the_process_to_whoever_embeds_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path, app=f"{__file__}:Hanging", stuck=0.5) as validating:
        with caplog.at_level(logging.ERROR), pytest.raises(Stuck, match="a round has been under way"):
            async with asyncio.timeout(20.0):
                await validating.run()
    assert any("time.sleep(4.0)" in str(record.__dict__.get("stack", "")) for record in caplog.records)


async def test_what_is_wrong_is_found_before_the_first_miner_is_asked(tmp_path: Path) -> None:
    with pytest.raises(NotRegistered, match="is not registered on subnet 1"):
        async with serving(tmp_path, key="//Nobody"):
            pass
    with pytest.raises(OutOfRange, match="window is 3"):
        async with serving(tmp_path, window=3):
            pass
    async with serving(tmp_path) as first:
        port = int(first.url.rpartition(":")[2])
        chain = ChainSettings(network="memory", netuid=1, key="//Bob")
        with pytest.raises(BindFailed):
            async with opened("text", chain, ValidatorSettings(port=port), PathSettings(state=tmp_path)):
                pass
        with pytest.raises(ServiceError, match="in use by another validator"):
            async with serving(tmp_path):
                pass


async def test_a_reader_of_rounds_who_is_slow_misses_the_oldest_and_holds_up_nobody(tmp_path: Path) -> None:
    log = RoundLog()
    async with world(tmp_path) as here:
        await here.add_miner("m", off_by(0))
        await here.add_validator()
        done = await here.validator(await here.store()).step()
    for _ in range(300):
        log.completed(done)
    assert (await log.next())["answered"] == 1


def test_nothing_else_of_these_threads_is_left() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name in ("watchdog", "leave")]
