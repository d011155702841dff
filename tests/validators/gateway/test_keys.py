# SPDX-License-Identifier: Apache-2.0
"""Keys cannot be read from their file, budgets hold over any window, and nothing of them is lost with a process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.clock import Clock, SystemClock, VirtualClock
from protocols.errors import ApiKeyRefused, BudgetSpent, ServiceError, UsageError
from validators.gateway.keys import Allowance, Keys

DAY_S, MINUTE_S = 86_400, 60


@asynccontextmanager
async def opened(path: Path, clock: Clock | None = None) -> AsyncIterator[Keys]:
    """The keys in this file."""
    keys = Keys(path, clock or SystemClock())
    try:
        yield keys
    finally:
        await keys.close()


async def test_a_key_is_known_again_and_its_file_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    async with opened(path) as keys:
        key = await keys.add("ada", Allowance())
        other = await keys.add("bob", Allowance())
        assert key != other
        assert (await keys.find(key)).name == "ada"
    held = path.read_bytes()
    assert key.removeprefix("sk-subnet-").encode() not in held
    assert path.stat().st_mode & 0o077 == 0
    async with opened(path) as keys:
        assert (await keys.find(key)).name == "ada"


async def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path / "gateway.db") as keys:
        key = await keys.add("ada", Allowance())
        for wrong in ("", "sk-", key[:-1], key + "A", key.lower(), "x" * 10_000, "sk-subnet-" + "é" * 43):
            with pytest.raises(ApiKeyRefused):
                await keys.find(wrong)


async def test_a_key_ends_when_it_is_revoked_by_another_process_or_expires(tmp_path: Path) -> None:
    clock = VirtualClock()
    now_s = clock.time_ns() // 10**9
    async with opened(tmp_path / "gateway.db", clock) as keys, opened(tmp_path / "gateway.db", clock) as command:
        forever = await command.add("ada", Allowance())
        short = await command.add("bob", Allowance(expires_s=now_s + 10))
        holder = await keys.find(forever)
        await keys.find(short)
        await clock.advance(10)
        with pytest.raises(ApiKeyRefused, match="bob has expired"):
            await keys.find(short)
        await command.revoke("ada")
        with pytest.raises(ApiKeyRefused, match="unknown here, or revoked"):
            await keys.find(forever)
        with pytest.raises(ApiKeyRefused, match="was revoked"):
            await keys.spend(holder, 1)
        with pytest.raises(UsageError, match="no key is named 'ada'"):
            await command.revoke("ada")
        with pytest.raises(UsageError, match="there is a key named bob"):
            await command.add("bob", Allowance())
        with pytest.raises(UsageError, match="name is"):
            await command.add("-- drop", Allowance())


async def test_a_key_of_the_same_name_owes_nothing_of_the_one_before_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "gateway.db") as keys:
        holder = await keys.find(await keys.add("ada", Allowance(tokens=100)))
        reserved = await keys.spend(holder, 100)
        await keys.revoke("ada")
        anew = await keys.find(await keys.add("ada", Allowance(tokens=100)))
        await keys.settle(reserved, 500)
        await keys.spend(anew, 100)
        assert [one.spent_tokens for one in await keys.holders()] == [100]


async def test_who_is_refused_learns_when_it_may_come_back_and_then_it_may(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "gateway.db", clock) as keys:
        holder = await keys.find(await keys.add("ada", Allowance(requests=3, tokens=0)))
        for _ in range(3):
            await keys.spend(holder, 10**9)
            await clock.advance(7)
        with pytest.raises(BudgetSpent, match="3 requests a minute") as spent:
            await keys.spend(holder, 1)
        wait_s = spent.value.retry_after_s
        assert wait_s is not None
        assert MINUTE_S - 21 <= wait_s <= MINUTE_S - 21 + 10
        await clock.advance(wait_s - 0.5)
        with pytest.raises(BudgetSpent):
            await keys.spend(holder, 1)
        await clock.advance(0.6)
        await keys.spend(holder, 1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 60), st.integers(0, 60)), min_size=1, max_size=25))
async def test_no_day_has_more_than_its_budget_however_it_is_spent(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]
) -> None:
    clock, spent = VirtualClock(), list[tuple[float, int]]()
    async with opened(tmp_path_factory.mktemp("keys") / "gateway.db", clock) as keys:
        holder = await keys.find(await keys.add("ada", Allowance(requests=0, tokens=100)))
        for pause_s, most, cost in steps:
            await clock.advance(pause_s)
            try:
                reserved = await keys.spend(holder, most)
            except BudgetSpent:
                continue
            await keys.settle(reserved, min(cost, most))
            spent.append((clock.monotonic(), min(cost, most)))
    for start, _ in spent:
        assert sum(cost for at, cost in spent if start <= at < start + DAY_S) <= 100


async def test_a_clock_that_is_set_back_gives_nothing_away(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "gateway.db", clock) as keys:
        holder = await keys.find(await keys.add("ada", Allowance(requests=0, tokens=100)))
        await keys.spend(holder, 100)
        clock.jump(-3 * DAY_S)
        with pytest.raises(BudgetSpent):
            await keys.spend(holder, 1)


_SPENDING = """
import asyncio, sys
from protocols.clock import SystemClock
from validators.gateway.keys import Keys

async def main():
    keys = Keys(sys.argv[1], SystemClock())
    holder = await keys.find(sys.argv[2])
    given = 0
    while True:
        reserved = await keys.spend(holder, 7)
        given += 5
        print(given, flush=True)
        await keys.settle(reserved, 5)

asyncio.run(main())
"""


async def test_processes_that_are_killed_forget_nothing_that_they_gave(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    async with opened(path) as keys:
        key = await keys.add("ada", Allowance(requests=0, tokens=10**9))
        given = 0
        two = [_spending(path, key) for _ in range(2)]
        for process in two:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "5\n"
        await asyncio.sleep(0.5)
        for process in two:
            process.send_signal(signal.SIGKILL)
            said, _ = await asyncio.to_thread(process.communicate)
            given += int(("5\n" + said).split("\n")[-2])
        (holder,) = await keys.holders()
        # What was given is counted; of what was under way when they were killed, at most the estimate besides.
        assert 10 <= given <= holder.spent_tokens <= given + 2 * 7


def _spending(path: Path, key: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SPENDING, os.fspath(path), key]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])


async def test_a_file_of_something_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"no database, whatever it is called" * 100)
    with pytest.raises(ServiceError, match="cannot be used as a gateway's file of keys") as error:
        Keys(path, SystemClock())
    assert f"mv {path}" in error.value.help
    with pytest.raises(ServiceError):
        Keys(path / "within a file" / "gateway.db", SystemClock())
