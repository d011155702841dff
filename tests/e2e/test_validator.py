# SPDX-License-Identifier: Apache-2.0
"""A validator as an operator runs one: weights land in its first epoch, and it may be killed, stopped and asked.

The chain, the miners and the validator are processes; nothing here reaches into them.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from protocols.calls import Register
from protocols.clock import SystemClock
from protocols.keys import Keypair
from protocols.types import Hotkey, NetUid
from subnet.chain.connect import connect
from subnet.services.preflight import hang_up
from tests.attacks.raw import connect as dial
from tests.attacks.raw import exchange, get
from tests.e2e.mining import PATIENCE_S, answered, measures, ready
from tests.e2e.service import MINERS, VALIDATOR, mined, neuron, said, status, validator, weights

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a chain with three miners."""
    with mined(tmp_path_factory.mktemp("network")) as url:
        yield url


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it holds."""
    end = CLOCK.monotonic() + PATIENCE_S
    while not await holds():
        assert CLOCK.monotonic() < end, "it never came to hold"
        await CLOCK.sleep(0.2)


def settings(folder: Path) -> list[str]:
    """The epochs whose weights a validator says that it has set."""
    lines = [line["event"] for line in said(folder) if line["logger"] == "validators.weights"]
    return [found[1] for line in lines if (found := re.search(r"weights of epoch (\d+) were set in block", line))]


async def test_weights_land_in_the_first_epoch_with_a_permit_and_a_killed_validator_goes_on_where_it_was(
    network: str, tmp_path: Path
) -> None:
    async def weighed() -> bool:
        return set(await weights(network)) == set(MINERS)

    async def permitted() -> bool:
        return (await neuron(network)).validator_permit

    await until(permitted)
    with validator(network, tmp_path) as first:
        url = await asyncio.to_thread(lambda: first.url)
        began = int(first.told()["epoch"])
        await until(weighed)
        assert await weights(network) == pytest.approx(dict.fromkeys(MINERS, 1 / 3), abs=1e-3)
        first.signal(signal.SIGKILL)
        assert await asyncio.to_thread(first.finish) == -signal.SIGKILL
    rounds = [line["round"] for line in said(tmp_path) if "round" in line]
    times = settings(tmp_path)
    assert int(times[0]) - began <= 1
    with validator(network, tmp_path, "--port", url.rpartition(":")[2]) as second:
        assert await asyncio.to_thread(lambda: second.url) == url
        await answered(url, "/readyz", 200)

        async def resumed() -> bool:
            return any(line.get("round", 0) > rounds[-1] for line in said(tmp_path))

        await until(resumed)
        updated = (await neuron(network)).last_update

        async def again() -> bool:
            return (await neuron(network)).last_update > updated

        await until(again)
        second.signal(signal.SIGTERM)
        assert await asyncio.to_thread(second.finish) == 143
    times += settings(tmp_path)
    assert len(times) >= 2
    assert len(times) == len(set(times)), "an epoch has weights once, whoever of the two set them"
    lines = (tmp_path / "out").read_text().splitlines()
    told = [json.loads(line) for line in lines[1:]]
    assert [line["round"] for line in told] == sorted({line["round"] for line in told})
    assert {line["answered"] for line in told if line["asked"]} == {3}
    last = [line for line in said(tmp_path) if "round" in line][-1]
    assert last.keys() >= {"round", "block", "epoch", "asked", "answered", "struck", "reward", "weights", "seconds"}


async def test_status_says_how_a_validator_stands_and_garbage_at_its_port_moves_nothing(
    network: str, tmp_path: Path
) -> None:
    with validator(network, tmp_path) as program:
        url = await ready(program)
        async with dial(url) as line:
            await line.send(b"\x16\x03\x01\x00\xff" * 500)
            await line.ended()
        assert (await exchange(url, b"POST /Double HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}")).status == 404
        assert (await exchange(url, b"DELETE /metrics HTTP/1.1\r\nhost: a\r\n\r\n", method="DELETE")).status == 405

        async def done() -> bool:
            return (await measures(url)).get("subnet_validator_rounds_total done", 0) >= 2

        await until(done)
        code, told = await asyncio.to_thread(status, url)
        assert (code, told["ready"], told["subnet"]) == (0, True, "doubles@1")
        assert told["hotkey"] == Keypair.from_uri(VALIDATOR).ss58_address
        assert told["rounds"]["done"] >= 2
        assert told["replies"]["ok"] >= 6
        shown = await measures(url)
        assert shown["subnet_validator_healthy"] == 1.0
        assert shown["subnet_validator_weights_age_tempos"] <= 2.0
        program.signal(signal.SIGINT)
        assert await asyncio.to_thread(program.finish) == 130
    code, error = await asyncio.to_thread(status, url)
    assert (code, error["code"], error["help"]) == (1, "unreachable", "start one: subnet validator run")


async def test_a_hotkey_without_a_place_and_a_store_in_use_end_the_start_with_what_to_do(
    network: str, tmp_path: Path
) -> None:
    with validator(network, tmp_path / "stranger", key="//Nobody") as program:
        error = await asyncio.to_thread(program.error)
        assert (program.finish(), error["code"]) == (78, "not_registered")
        assert error["help"].startswith(f"subnet miner register --network {network} --netuid 1 --key //Nobody")
    with validator(network, tmp_path / "one") as first:
        await ready(first)
        with validator(network, tmp_path / "two", "--state", str(tmp_path / "one" / "state")) as second:
            error = await asyncio.to_thread(second.error)
        assert "in use by another validator" in error["message"]
        assert first.lives


async def test_a_validator_that_loses_its_place_says_so_turns_red_and_tries_on(network: str, tmp_path: Path) -> None:
    with validator(network, tmp_path, key="//Other0") as program:
        url = await ready(program)
        await _crowd(network, "//Other0")
        page = await answered(url, "/readyz", 503)
        assert page.json()["checks"]["registered"] is False
        code, told = await asyncio.to_thread(status, url)
        assert (code, told["trouble"]) == (1, "this hotkey is not registered on subnet 1")
        assert (await get(url, "/livez")).status == 200
        assert program.lives
        assert any("has no place" in line["event"] for line in said(tmp_path))


async def _crowd(url: str, key: str) -> None:
    """Register newcomers until somebody has been replaced."""
    ledger = await connect(url)
    leaving = Hotkey(Keypair.from_uri(key).ss58_address)
    try:
        for at in range(16):
            if leaving not in await ledger.metagraph(NetUid(1)):
                return
            newcomer = Hotkey(Keypair.from_uri(f"//Newcomer{at}").ss58_address)
            (await ledger.submit(Register(NetUid(1), newcomer), Keypair.from_uri("//Alice"))).raise_for_error()
        raise AssertionError(f"{key} still has its place")
    finally:
        await hang_up(ledger)
