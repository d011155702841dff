# SPDX-License-Identifier: Apache-2.0
"""A held event loop: how long it was held is measured, and the code that held it is named while it does."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time

import pytest

from protocols.clock import SystemClock, VirtualClock
from subnet.telemetry import LoopLag
from tests.miners.town import MINER as KEY
from tests.miners.town import Ask, Echo, ledger, mine, said

# A machine that is busy with other tests is late too.
pytestmark = pytest.mark.serial


class Blocking(Echo):
    """A definition whose author forgot that a loop is shared."""

    name = "blocking"

    async def answer(self, ask: Ask, ctx: object) -> Ask.Reply:
        time.sleep(1.2)  # noqa: ASYNC251  (what this is about)
        return Ask.Reply(text="at last")


class Late(VirtualClock):
    """A clock whose first sleeper wakes a second too late."""

    __slots__ = ("_late_s",)

    def __init__(self) -> None:
        super().__init__()
        self._late_s = 1.0

    async def sleep(self, seconds: float) -> None:
        late_s, self._late_s = self._late_s, 0.0
        await super().sleep(seconds + late_s)


async def test_a_handler_that_blocks_is_named_once_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    lag = LoopLag(SystemClock())
    chain = await ledger(SystemClock(), KEY)
    with caplog.at_level(logging.WARNING, "subnet.telemetry"):
        async with mine(chain, Blocking()) as miner:
            watching = asyncio.create_task(lag.run())
            await asyncio.sleep(0.3)
            assert (await said(miner.url, Ask(prompt="x"))).ok
            await asyncio.sleep(0.4)
            watching.cancel()
    named, measured = [record for record in caplog.records if record.name == "subnet.telemetry.lag"]
    assert "by Blocking.answer" in named.getMessage()
    assert "time.sleep(1.2)" in named.__dict__["stack"]
    assert "was held for" in measured.getMessage()
    assert lag.worst_s > 0.8


async def test_a_loop_that_is_free_is_told_nothing_and_its_watcher_ends_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lag = LoopLag(SystemClock())
    watching = asyncio.create_task(lag.run())
    await asyncio.sleep(0.6)
    watching.cancel()
    await asyncio.sleep(0.4)
    assert not [record for record in caplog.records if record.name == "subnet.telemetry.lag"]
    assert lag.worst_s < 0.5
    assert "loop-watch" not in {thread.name for thread in threading.enumerate()}


async def test_the_worst_of_the_last_minute_is_forgotten_after_it() -> None:
    clock = Late()
    lag = LoopLag(clock)
    watching = asyncio.create_task(lag.run())
    await clock.advance(1.25)
    assert lag.worst_s == pytest.approx(1.0)
    await clock.advance(61.0)
    assert lag.worst_s == 0.0
    watching.cancel()


async def test_a_loop_held_twice_is_named_twice(caplog: pytest.LogCaptureFixture) -> None:
    lag = LoopLag(SystemClock())
    watching = asyncio.create_task(lag.run())
    with caplog.at_level(logging.WARNING, "subnet.telemetry"):
        for _ in range(2):
            await asyncio.sleep(0.3)
            time.sleep(1.2)  # noqa: ASYNC251  (what this is about)
        await asyncio.sleep(0.3)
        watching.cancel()
    named = [record for record in caplog.records if "has been held" in record.getMessage()]
    assert len(named) == 2
    assert sys._getframe().f_code.co_name in named[0].__dict__["stack"]
