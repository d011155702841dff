# SPDX-License-Identifier: Apache-2.0
"""Never more than so many of our queries are under way at one miner, and nobody who waits in vain holds up another."""

from __future__ import annotations

import asyncio
import random

import pytest

from protocols.errors import OutOfRange, Unreachable
from protocols.types import Hotkey
from validators.load import Load

ANN, BOB = Hotkey("ann"), Hotkey("bob")


async def hold(load: Load, hotkey: Hotkey, until: asyncio.Event, entered: list[str], name: str = "") -> None:
    """Have a turn until told."""
    async with load.at(hotkey):
        entered.append(name)
        await until.wait()


async def turns() -> None:
    """Let whatever can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_at_one_miner_and_the_next_in_the_order_of_coming() -> None:
    load, until, entered = Load(2), [asyncio.Event() for _ in range(5)], list[str]()
    tasks = [asyncio.create_task(hold(load, ANN, until[at], entered, str(at))) for at in range(5)]
    await turns()
    assert entered == ["0", "1"]
    assert (load.free(ANN), load.free(BOB)) == (0, 2)
    until[1].set()
    await turns()
    assert entered == ["0", "1", "2"]
    for one in until:
        one.set()
    await asyncio.gather(*tasks)
    assert entered == ["0", "1", "2", "3", "4"]
    assert load.free(ANN) == 2


async def test_who_comes_when_others_wait_waits_behind_them() -> None:
    load, until, entered = Load(1), asyncio.Event(), list[str]()
    first = asyncio.create_task(hold(load, ANN, until, entered, "first"))
    await turns()
    second = asyncio.create_task(hold(load, ANN, until, entered, "second"))
    await turns()
    until.set()
    await first  # its turn is handed over before anybody else can ask
    third = asyncio.create_task(hold(load, ANN, until, entered, "third"))
    await asyncio.gather(second, third)
    assert entered == ["first", "second", "third"]


async def test_who_waits_in_vain_is_told_so_and_nothing_is_left_of_it() -> None:
    load, until, entered = Load(1, wait_s=0.02), asyncio.Event(), list[str]()
    task = asyncio.create_task(hold(load, ANN, until, entered))
    await turns()
    with pytest.raises(Unreachable, match=r"1 of our queries are under way at ann, and none ended in 0\.02 s"):
        await hold(load, ANN, until, entered)
    until.set()
    await task
    assert load.free(ANN) == 1


async def test_a_turn_can_be_ended_early_and_is_ended_once() -> None:
    load = Load(1)
    async with load.at(ANN) as end:
        end()
        assert load.free(ANN) == 1
        async with load.at(ANN):
            end()
            assert load.free(ANN) == 0
    assert load.free(ANN) == 1


async def test_a_turn_that_comes_together_with_a_cancellation_goes_to_the_next() -> None:
    load, until, entered = Load(1), asyncio.Event(), list[str]()
    async with load.at(ANN) as end:
        second, third = (asyncio.create_task(hold(load, ANN, until, entered, name)) for name in ("second", "third"))
        await turns()
        end()
        second.cancel()  # it has been given the turn and has not run since
        await turns()
        assert entered == ["third"]
    until.set()
    await asyncio.gather(second, third, return_exceptions=True)
    assert load.free(ANN) == 1


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_is_cancelled_or_late_the_limit_holds_and_all_turns_come_back(seed: int) -> None:
    chance, load = random.Random(seed), Load(2, wait_s=0.01)
    under_way = {ANN: 0, BOB: 0}

    async def one() -> None:
        hotkey = chance.choice([ANN, BOB])
        async with load.at(hotkey):
            under_way[hotkey] += 1
            assert under_way[hotkey] <= 2
            try:
                await asyncio.sleep(chance.random() * 0.005)
            finally:
                under_way[hotkey] -= 1

    tasks = [asyncio.create_task(one()) for _ in range(200)]
    for task in chance.sample(tasks, 60):
        await asyncio.sleep(0.0003)
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in done} <= {type(None), Unreachable, asyncio.CancelledError}
    assert (load.free(ANN), load.free(BOB)) == (2, 2)


def test_none_at_once_is_refused() -> None:
    with pytest.raises(OutOfRange, match="most_at_once is 0, expected 1 or more"):
        Load(0)
