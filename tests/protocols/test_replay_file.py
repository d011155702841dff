# SPDX-License-Identifier: Apache-2.0
"""The replay file within one process: many callers at once, a lock, a cancelled caller, a foreign or damaged file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from protocols.clock import VirtualClock
from protocols.errors import Overloaded, ReplayStoreError, StaleRequest
from protocols.replay import SqliteReplay
from tests.protocols.test_replay import ALICE, BOB, S, T, open_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a replay store will be."""
    return tmp_path / "replay.db"


async def test_the_file_stays_flat_while_time_goes_on(file: Path) -> None:
    replay = open_file(file)
    for second in range(240):
        now_ns = T + second * S
        assert all(await asyncio.gather(*[replay.accept(ALICE, now_ns + i, now_ns) for i in range(15)]))
        assert replay.held <= 62 * 15
    replay.close()
    assert os.stat(file).st_size <= 62 * 15 * 200
    other = sqlite3.connect(file)
    assert other.execute("SELECT count(*) FROM accepted").fetchone() == (replay.held,)
    other.close()


async def test_a_new_file_waits_once_and_serves_at_once_after_a_restart(file: Path) -> None:
    first = SqliteReplay(file, clock=VirtualClock(start_ns=T), skew_s=2.0)
    assert first.warm_at_ns == T + 2 * S
    with pytest.raises(StaleRequest):
        await first.accept(ALICE, T + 2 * S, T)
    assert await first.accept(ALICE, T + 3 * S, T + 3 * S)
    first.close()
    second = SqliteReplay(file, clock=VirtualClock(start_ns=T + 4 * S), skew_s=2.0)
    assert second.warm_at_ns <= T + 4 * S
    assert not await second.accept(ALICE, T + 3 * S, T + 4 * S)
    assert await second.accept(ALICE, T + 4 * S, T + 4 * S)
    second.close()


async def test_of_many_at_once_each_pair_is_accepted_once_and_no_more_than_fit(file: Path) -> None:
    replay = open_file(file, capacity=100)
    asked = [replay.accept(ALICE, T + i % 150, T) for i in range(600)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert outcomes.count(True) == 100
    assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) == 200
    assert outcomes.count(False) == 300
    replay.close()


async def test_two_event_loops_that_share_a_store_accept_each_pair_once(file: Path) -> None:
    replay = open_file(file)
    loops = [asyncio.to_thread(asyncio.run, accept_all(replay, 300)) for _ in range(2)]
    accepted = [nonce_ns for nonces in await asyncio.gather(*loops) for nonce_ns in nonces]
    assert sorted(accepted) == [T + i for i in range(300)]
    replay.close()


async def test_a_nonce_beyond_what_a_file_can_hold_is_stale(file: Path) -> None:
    replay = open_file(file)
    with pytest.raises(StaleRequest, match="last that can be remembered"):
        await replay.accept(ALICE, 2**63, T)
    assert await replay.accept(ALICE, 2**63 - 1, T)
    assert not await replay.accept(ALICE, 2**63 - 1, T)
    replay.close()


async def test_a_locked_file_fails_the_request_and_works_again_when_it_is_free(file: Path) -> None:
    replay = open_file(file, busy_s=0.05)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ReplayStoreError, match="database is locked"):
        await replay.accept(ALICE, T, T)
    other.close()
    assert await replay.accept(ALICE, T, T)
    replay.close()


async def test_a_cancelled_caller_leaves_its_request_refused_and_nobody_else_without_an_answer(file: Path) -> None:
    replay, other = open_file(file), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.create_task(replay.accept(ALICE, T + i, T)) for i in range(10)]
    await asyncio.sleep(0)
    for cancelled in waiting[:9]:
        cancelled.cancel()
    other.close()
    assert await waiting[9]
    assert all(cancelled.cancelled() for cancelled in waiting[:9])
    assert not await replay.accept(ALICE, T, T)
    assert await replay.accept(BOB, T, T)
    replay.close()


async def test_a_request_that_comes_while_the_store_closes_is_refused_at_once(file: Path) -> None:
    replay, other = open_file(file), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.create_task(replay.accept(ALICE, T, T))]
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(replay.close))
    while not waiting[-1].done():
        waiting.append(asyncio.create_task(replay.accept(ALICE, T + len(waiting), T)))
        await asyncio.sleep(0.005)
    with pytest.raises(ReplayStoreError, match=r"replay\.db is closed"):
        await waiting.pop()
    other.close()
    assert all(await asyncio.gather(*waiting))
    await closing


async def test_closing_answers_who_waits_then_refuses_and_ends_the_thread(file: Path) -> None:
    threads = threading.active_count()
    replay = open_file(file)
    waiting = [asyncio.create_task(replay.accept(ALICE, T + i, T)) for i in range(50)]
    await asyncio.sleep(0)
    replay.close()
    replay.close()
    assert threading.active_count() == threads
    assert all(await asyncio.gather(*waiting))
    with pytest.raises(ReplayStoreError, match=r"replay\.db is closed"):
        await replay.accept(ALICE, T, T)


async def test_a_file_that_is_removed_or_replaced_while_in_use_is_not_trusted(file: Path) -> None:
    replay = open_file(file)
    assert await replay.accept(ALICE, T, T)
    os.remove(file)
    with pytest.raises(ReplayStoreError, match="removed or replaced") as refused:
        await replay.accept(BOB, T, T)
    assert str(file.parent) not in refused.value.message  # it is sent to a stranger
    open_file(file).close()
    with pytest.raises(ReplayStoreError, match="removed or replaced"):
        await replay.accept(BOB, T, T)
    replay.close()


def test_a_foreign_file_is_refused_by_name_and_left_as_it_is(file: Path) -> None:
    with sqlite3.connect(file) as foreign:
        foreign.execute("CREATE TABLE notes (text)")
    foreign.close()
    before = file.read_bytes()
    with pytest.raises(ReplayStoreError, match=r"replay\.db is not a replay store: .* 0, expected") as refused:
        open_file(file)
    assert "a file of its own" in refused.value.help
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like one" * 50, b""])
def test_a_file_that_is_no_database_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ReplayStoreError, match=r"replay\.db .*replay store"):
        open_file(file)
    assert file.read_bytes() == content


def test_a_damaged_file_is_refused(file: Path) -> None:
    replay = open_file(file)
    assert len(asyncio.run(accept_all(replay, 500))) == 500
    replay.close()
    damaged = bytearray(file.read_bytes())
    damaged[4096 * 3 : 4096 * 5] = os.urandom(4096 * 2)
    file.write_bytes(damaged)
    with pytest.raises(ReplayStoreError, match="cannot be used as a replay store"):
        open_file(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("user_version = 7", "has format 7, expected 1"),
        ("journal_mode = DELETE", "journal mode is delete, expected wal"),
    ],
)
def test_a_file_that_was_written_by_other_rules_is_refused(change: str, message: str, file: Path) -> None:
    open_file(file).close()
    with closing(sqlite3.connect(file)) as other:
        other.execute(f"PRAGMA {change}")
    with pytest.raises(ReplayStoreError, match=message):
        open_file(file)


def test_a_place_without_a_file_system_of_its_own_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "replay.db", tmp_path):
        with pytest.raises(ReplayStoreError, match="cannot be used as a replay store"):
            open_file(path)


async def accept_all(replay: SqliteReplay, count: int) -> list[int]:
    """Ask for the same pairs as everyone else, some at a time; those that were accepted here."""
    accepted: list[int] = []
    for first in range(T, T + count, 20):
        nonces = range(first, first + 20)
        outcomes = await asyncio.gather(*[replay.accept(ALICE, nonce_ns, T) for nonce_ns in nonces])
        accepted += [nonce_ns for nonce_ns, outcome in zip(nonces, outcomes, strict=True) if outcome]
    return accepted
