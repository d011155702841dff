# SPDX-License-Identifier: Apache-2.0
"""How a miner begins, is killed, comes back and loses its place; and with which words and exit code it does not begin.

Where the model is not what a test is about, the miner works with none: a process that loads one takes seconds more.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from protocols.calls import Register
from protocols.keys import Keypair
from protocols.types import Hotkey, NetUid
from subnet.chain.asking import ask
from subnet.chain.connect import connect
from tests.attacks.raw import exchange, get
from tests.e2e.mining import (
    CROWDED,
    KILLED,
    MINER,
    MODEL,
    ROOT,
    SHRIMP,
    UNSERVED,
    answered,
    asking,
    chain,
    letter,
    miner,
    peer,
    question,
    ready,
)

pytestmark = pytest.mark.timeout(240)

WEIGHTS: Final = "model.safetensors"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a chain."""
    with chain(tmp_path_factory.mktemp("network") / "chain") as program:
        yield program.url


async def test_a_killed_miner_serves_again_at_its_port_and_knows_the_requests_that_it_has_answered(
    network: str, tmp_path: Path
) -> None:
    with miner(network, tmp_path, KILLED) as first:
        url = await ready(first)
        # As new as a request may be, for it must not be too old when the second miner gets it.
        request = letter(SHRIMP, KILLED, ahead_s=1.5)
        assert (await exchange(url, request)).status == 200
        first.signal(signal.SIGKILL)
        assert await asyncio.to_thread(first.finish) == -signal.SIGKILL
    with miner(network, tmp_path, KILLED, "--port", url.rpartition(":")[2]) as second:
        assert await asyncio.to_thread(lambda: second.url) == url
        again = await exchange(url, request)
        async with asking(SHRIMP) as client:
            assert (await client.outcome(peer(KILLED, url), question(1))).ok
    # A machine so busy that a start takes ten seconds has made the request too old.
    assert (again.status, again.code) in {(409, "replayed_request"), (401, "stale_request")}


async def test_a_model_that_is_not_there_or_damaged_ends_the_start_with_its_name_and_nothing_is_published(
    network: str, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(ROOT / "configs" / "models" / "reader", damaged)
    (damaged / WEIGHTS).write_bytes((damaged / WEIGHTS).read_bytes()[:10_000])
    missing = tmp_path / "missing"
    with (
        miner(network, tmp_path / "first", UNSERVED, *MODEL[:2], "--model", str(missing)) as first,
        miner(network, tmp_path / "second", UNSERVED, *MODEL[:2], "--model", str(damaged)) as second,
    ):
        for program, folder in ((first, missing), (second, damaged)):
            error = await asyncio.to_thread(program.error)
            assert (program.finish(), error["code"]) == (78, "model_unloadable")
            assert str(folder) in error["message"]
    assert await _published(network, UNSERVED) is None


async def test_a_port_in_use_is_worth_another_try_and_the_owner_of_the_port_stays_published(
    network: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with miner(network, tmp_path, UNSERVED, *MODEL, "--port", str(port)) as program:
            error = await asyncio.to_thread(program.error)
    assert (program.finish(), error["code"]) == (75, "bind_failed")
    assert f"127.0.0.1:{port}" in error["message"]
    assert await _published(network, UNSERVED) is None


async def test_a_hotkey_without_a_place_is_told_the_command_that_buys_one(network: str, tmp_path: Path) -> None:
    with miner(network, tmp_path, "//Nobody", *MODEL) as program:
        error = await asyncio.to_thread(program.error)
    assert (program.finish(), error["code"]) == (78, "not_registered")
    assert error["help"] == f"subnet miner register --network {network} --netuid 1 --key //Nobody"


async def test_a_block_from_the_future_tells_that_this_clock_is_wrong(tmp_path: Path) -> None:
    ahead_ms = time.time_ns() // 1_000_000 + 3_600_000
    with chain(tmp_path / "chain") as program:
        url = program.url
        await ask(url, [("dev_setTime", [ahead_ms]), ("dev_newBlock", [])])
        with miner(url, tmp_path, MINER, *MODEL) as program:
            error = await asyncio.to_thread(program.error)
    assert (program.finish(), error["code"]) == (75, "clock_skewed")
    assert "behind the chain's newest block" in error["message"]


async def test_a_miner_that_loses_its_place_says_so_and_lives_on(network: str, tmp_path: Path) -> None:
    words = ("--netuid", str(CROWDED), "--refresh", "0.5")
    with miner(network, tmp_path, MINER, *words) as program:
        url = await ready(program)
        await _register(network, "//Newcomer")
        page = await answered(url, "/readyz", 503)
        assert page.json()["checks"]["registered"] is False
        assert (await get(url, "/livez")).status == 200
        assert program.lives


async def _register(url: str, hotkey: str) -> None:
    """Take the place of whoever has earned least."""
    ledger = await connect(url)
    call = Register(NetUid(CROWDED), Hotkey(Keypair.from_uri(hotkey).ss58_address))
    (await ledger.submit(call, Keypair.from_uri("//Alice"))).raise_for_error()
    await _close(ledger)


async def _published(url: str, key: str) -> object:
    """Where the chain says that a hotkey serves."""
    ledger = await connect(url)
    found = (await ledger.metagraph(NetUid(1))).by_hotkey(Hotkey(Keypair.from_uri(key).ss58_address)).endpoint
    await _close(ledger)
    return found


async def _close(ledger: object) -> None:
    close = getattr(ledger, "close", None)
    if close is not None:
        await close()
