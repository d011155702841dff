# SPDX-License-Identifier: Apache-2.0
"""A validator's process that is killed at any moment, again and again: weights stay right, and no round is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.validators.lives import MINERS
from tests.validators.reach import Reach, reach
from tests.validators.test_faults import GOOD, HIDDEN, OPEN, epochs_of_rounds

KILLS = int(os.environ.get("SUBNET_TEST_KILLS", "15"))
"""How often validators are killed, half of them while weights are hidden; a long run takes 50."""

_ROUND_S = 0.15


@asynccontextmanager
async def lives(found: Reach, folder: Path) -> AsyncIterator[Process]:
    """Whoever starts validators."""
    command = (sys.executable, "-m", "tests.validators.lives", found.line.url, str(folder))
    root, one_thread = Path(__file__).parents[2], {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=root, env=one_thread)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def killed(process: Process, found: Reach, rng: random.Random) -> list[int]:
    """A life that ends at some moment; the rounds that it says it has done."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"live\n")
    (_, pid) = (await process.stdout.readline()).split()
    rounds: list[int] = []
    left = rng.randint(-1, 5)
    if left < 0:  # while it connects
        await asyncio.sleep(rng.random() * _ROUND_S * 3)
    while left > 0:
        left -= 1
        line = await process.stdout.readline()
        rounds.append(int(line.split()[1]))
        if b"*" in line:  # time passes with rounds that reach the chain, so that each epoch can have its weights
            found.local.seal()
    await asyncio.sleep(rng.random() * _ROUND_S)
    os.kill(int(pid), signal.SIGKILL)
    while (line := await process.stdout.readline()) != b"dead\n":
        rounds.append(int(line.split()[1]))
    return rounds


@pytest.mark.timeout(60 + 12 * KILLS)
@pytest.mark.parametrize("rules", [OPEN, HIDDEN])
async def test_a_validator_that_is_killed_at_any_moment_sets_each_epochs_weights_once_and_forgets_no_round(
    tmp_path: Path, rules: dict[str, bool]
) -> None:
    rng, rounds = random.Random(len(rules)), list[int]()
    async with reach(tmp_path, rules, miners=MINERS) as found:
        async with lives(found, tmp_path) as process:
            for _ in range((KILLS + 1) // 2):
                rounds += await killed(process, found, rng)
        store = await found.world.store()
        await epochs_of_rounds(found, found.validator(store), 3)
        journal = await found.journal(store)
        assert len(set(rounds)) == len(rounds) > KILLS // 2
        assert [number for number in rounds if await journal.round(number) is None] == []
        assert len(found.updates) >= 4
        await found.check(store, hidden=bool(rules))
        assert found.shown[await found.epoch()] == GOOD
