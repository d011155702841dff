# SPDX-License-Identifier: Apache-2.0
"""The watchdog: who hangs is named, who only fails is not, and the chain alone says how old our weights are."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from protocols.chain import Epoch
from protocols.clock import SystemClock, VirtualClock
from protocols.errors import ChainUnreachable, Stuck
from protocols.task import Replies, Task, TaskContext
from protocols.types import Block, NetUid, Uid
from tests.validators.world import ME, NETUID, Doubling, WatchedChain, hotkey, off_by, world
from validators.options import ValidatorOptions
from validators.place import Place
from validators.stacks import stacks
from validators.watchdog import Watchdog

LIMIT_S = 60.0


class Hanging(Doubling):
    """Its author waits for something that never comes, in a thread."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        self.let_go.wait(30.0)
        return super().score(task, replies)


class Blocking(Doubling):
    """Its author forgot that a loop is shared."""

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        time.sleep(1.5)  # noqa: ASYNC251  (what this is about)
        async for task in super().tasks(ctx):
            yield task


class Silent(WatchedChain):
    """A chain that takes a question and is never heard of again."""

    async def epoch(self, netuid: NetUid) -> Epoch:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


def place(block: int, **known: object) -> Place:
    """What the chain says at a block of one who is registered and may set weights."""
    told = {"uid": Uid(3), "has_permit": True, "netuid": NETUID, "epoch": block // 10, "tempo": 10, **known}
    return Place(block=Block(block), **told)  # type: ignore[arg-type]  # a test names only what it is about


async def watched(clock: VirtualClock, dog: Watchdog, seconds: float) -> Stuck | None:
    """Look every second, as the thread does."""
    for _ in range(int(seconds)):
        await clock.advance(1.0)
        if (stuck := dog.check()) is not None:
            return stuck
    return None


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        ("round", "a round has been under way"),
        ("weights", "setting weights has been under way"),
        ("chain", "the chain has not answered"),
        ("loop", "the event loop has been held"),
    ],
)
async def test_whatever_takes_too_long_is_named_with_both_times(loop: str, words: str) -> None:
    clock = VirtualClock()
    dog = Watchdog(clock, limit_s=LIMIT_S)
    dog.seen(place(5))
    dog.beat(loop)
    assert await watched(clock, dog, 60) is None
    stuck = await watched(clock, dog, 5)
    assert stuck is not None
    assert stuck.message == f"{words} for 61 s, at most 60 s may pass"
    assert stuck.exit_code == 75
    assert dog.trouble().startswith(words)
    dog.beat(loop)
    assert dog.trouble() == ""


async def test_a_round_that_hangs_is_told_with_its_stage() -> None:
    clock = VirtualClock()
    dog = Watchdog(clock, limit_s=LIMIT_S)
    dog.began()
    dog.entered("ask")
    dog.left("ask", 1.0)
    dog.entered("score")
    stuck = await watched(clock, dog, 100)
    assert stuck is not None
    assert "(in stage score)" in stuck.message


async def test_rounds_that_fail_again_and_again_and_long_pauses_between_them_are_not_stuck() -> None:
    clock = VirtualClock()
    dog = Watchdog(clock, limit_s=LIMIT_S)
    for _ in range(5):
        dog.began()
        await watched(clock, dog, 40)
        dog.failed(ChainUnreachable("gone"))
        assert await watched(clock, dog, 10 * LIMIT_S) is None


async def test_a_process_that_stood_still_as_a_whole_is_given_its_time_again() -> None:
    clock = VirtualClock()
    dog = Watchdog(clock, limit_s=LIMIT_S)
    dog.beat("round")
    await clock.advance(3600.0)  # nobody looked: not even the watchdog's thread ran
    assert dog.check() is None
    assert await watched(clock, dog, 60) is None
    assert await watched(clock, dog, 5) is not None


async def test_the_age_of_weights_is_the_chain_s_and_red_beyond_two_tempos_with_a_permit_only() -> None:
    dog = Watchdog(VirtualClock(), limit_s=LIMIT_S)
    assert math.isnan(dog.weights_age())
    assert dog.trouble() == "the chain has not been read yet"
    dog.seen(place(120, last_update=100, registered_at=7))
    assert (dog.weights_age(), dog.trouble()) == (2.0, "")
    dog.seen(place(125, last_update=100, registered_at=7))
    assert dog.trouble() == "the chain has had no weights of this hotkey for 2.5 tempos, at most 2 may pass"
    dog.seen(place(126, last_update=100, registered_at=7, has_permit=False))
    assert (dog.weights_age(), dog.trouble()) == (2.6, "")
    dog.seen(place(140, last_update=100, registered_at=7))
    assert dog.trouble() == ""  # the permit has only just come
    dog.seen(place(161, last_update=100, registered_at=7))
    assert "2.1 tempos" in dog.trouble()


async def test_weights_grow_old_while_the_chain_is_away_as_fast_as_its_blocks_came() -> None:
    clock = VirtualClock()
    dog = Watchdog(clock, limit_s=LIMIT_S)
    dog.seen(place(100, last_update=100))
    await clock.advance(20.0)
    dog.seen(place(110, last_update=110))  # two seconds each
    await clock.advance(39.0)
    assert dog.trouble() == ""
    await clock.advance(3.0)
    assert dog.weights_age() == pytest.approx(2.1)
    assert "2.1 tempos" in dog.trouble()


async def test_who_loses_its_place_is_told_so_once_and_recovers(caplog: pytest.LogCaptureFixture) -> None:
    dog = Watchdog(VirtualClock(), limit_s=LIMIT_S)
    dog.seen(place(100, last_update=100))
    for block in (101, 102):
        dog.seen(place(block, uid=None, has_permit=False))
        assert dog.trouble() == "this hotkey is not registered on subnet 1"
    dog.seen(place(103, registered_at=103))
    assert dog.trouble() == ""
    assert len([line for line in caplog.records if "no place on subnet 1" in line.getMessage()]) == 1


async def test_a_look_at_the_chain_survives_its_absence_and_sees_what_it_says_then(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with world(tmp_path) as here:
        await here.add_validator()
        chain = WatchedChain(here.chain)
        dog = Watchdog(clock, limit_s=LIMIT_S)
        line: Any = chain
        looking = asyncio.create_task(dog.look(line, NETUID, hotkey(ME), every_s=12.0))
        chain.before = _away
        await clock.advance(100.0)
        assert (dog.chain_trouble, dog.place) == ("chain_unreachable", None)
        assert dog.check() is None
        chain.before = lambda _: None
        await clock.advance(12.0)
        assert dog.chain_trouble == ""
        assert dog.place is not None
        assert dog.place.has_permit
        looking.cancel()


async def test_a_look_at_the_chain_that_never_comes_back_is_found(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with world(tmp_path) as here:
        dog = Watchdog(clock, limit_s=LIMIT_S)
        silent: Any = Silent(here.chain)
        looking = asyncio.create_task(dog.look(silent, NETUID, hotkey(ME), every_s=12.0))
        stuck = await watched(clock, dog, 100)
        looking.cancel()
    assert stuck is not None
    assert stuck.message == "the chain has not answered for 61 s, at most 60 s may pass"


async def test_a_place_is_that_of_this_hotkey_and_none_where_it_has_none(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (await Place.read(here.chain, NETUID, hotkey(ME))).uid is None
        await here.add_validator()
        found = await Place.read(here.chain, NETUID, hotkey(ME))
        assert (found.uid, found.has_permit, found.tempo) == (1, True, 10)
        assert found.age_at(found.registered_at + 5) == 0.5


async def test_a_score_that_hangs_in_a_thread_is_found_and_its_stack_names_the_line(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.add_miner("m", off_by(0))
        await here.add_validator()
        definition, dog, found = Hanging(), Watchdog(SystemClock(), limit_s=2.0), asyncio.Event()
        validator = here.validator(await here.store(), definition=definition)
        validator.observers.append(dog)
        said: list[Stuck] = []
        texts: list[str] = []

        def alarm(stuck: Stuck) -> None:
            said.append(stuck)
            texts.extend(one.text for one in stacks(loop))
            loop.call_soon_threadsafe(found.set)

        loop = asyncio.get_running_loop()
        with dog.watching(alarm):
            running = asyncio.create_task(validator.run())
            async with asyncio.timeout(30.0):
                await found.wait()
        definition.let_go.set()
        running.cancel()
        await asyncio.wait([running])
    assert "(in stage score)" in said[0].message
    assert any("self.let_go.wait(30.0)" in text for text in texts)
    assert any("await score(" in text for text in texts)  # what the task waits for, which the thread cannot tell


async def test_a_loop_that_is_held_is_found_while_it_is_held(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.add_miner("m", off_by(0))
        await here.add_validator()
        dog, held = Watchdog(SystemClock(), limit_s=0.5), threading.Event()
        validator = here.validator(await here.store(), definition=Blocking())
        validator.observers.append(dog)
        said: list[tuple[Stuck, bool]] = []
        with dog.watching(lambda stuck: said.append((stuck, held.is_set()))):
            await validator.step()
            held.set()
    stuck, was_over = said[0]
    assert "the event loop has been held" in stuck.message
    assert not was_over


async def test_a_validator_that_does_its_work_troubles_nobody_and_its_watcher_ends_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path) as here:
        await here.add_miner("m", off_by(0))
        await here.add_validator()
        dog, said = Watchdog(SystemClock(), limit_s=10.0), list[Stuck]()
        options = ValidatorOptions(seed=1, timeout_s=2.0, interval_s=0.3)
        validator = here.validator(await here.store(), options=options)
        validator.observers.append(dog)
        with caplog.at_level(logging.ERROR), dog.watching(said.append):
            await validator.run(until=lambda done: done.number == 5)
        dog.seen(await Place.read(here.chain, NETUID, hotkey(ME)))
    assert (said, dog.trouble(), caplog.records) == ([], "", [])
    await asyncio.sleep(0.3)
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


def _away(_: str) -> None:
    raise ChainUnreachable("gone")
