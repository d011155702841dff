# SPDX-License-Identifier: Apache-2.0
"""What a validator remembers: whole after any death, one process at a time, and everybody's own."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from protocols.calls import RevealWeights, SetWeights
from protocols.errors import ServiceError
from protocols.keys import Keypair
from protocols.types import Block, Hotkey, NetUid, Uid
from validators.store import Journal, Mark, RoundRecord, Standing, Store
from validators.submission import State, Submission, Weight

ROOT = Path(__file__).parents[2]
ALICE, BOB = (Hotkey(Keypair.from_uri(name).ss58_address) for name in ("//Alice", "//Bob"))
NETUID = NetUid(1)

# Records rounds as fast as it can, and says after each that it is kept.
WRITER = """
import asyncio, sys
from tests.validators.test_store import journal_of, round_of, ALICE
from validators.store import Store

async def main():
    journal = await journal_of(Store(sys.argv[1]), ALICE)
    while True:
        number = await journal.begin()
        await journal.record(round_of(number))
        print(number, flush=True)

asyncio.run(main())
"""


async def journal_of(store: Store, hotkey: Hotkey, genesis: str = "0x00") -> Journal:
    """One validator's part."""
    return await store.journal(genesis, NETUID, hotkey)


def round_of(number: int, miners: int = 50) -> RoundRecord:
    """A round in which every miner earns what its number says."""
    names = [Hotkey(f"miner{at}") for at in range(miners)]
    return RoundRecord(
        number=number,
        block=Block(number),
        epoch=0,
        definition="test@1",
        marks=[Mark(name, number / 1e6, 0.1, "") for name in names],
        standings={name: Standing(float(number), Block(0)) for name in names},
    )


def submission(epoch: int, landed_epoch: int | None = None) -> Submission:
    """Weights of an epoch."""
    call = SetWeights(NETUID, (Uid(1),), (65_535,))
    weights = (Weight(BOB, Block(3), 65_535),)
    state: State = "confirmed" if landed_epoch is not None else "intended"
    return Submission(
        epoch=epoch, call=call, weights=weights, intended_at=Block(epoch), state=state, landed_epoch=landed_epoch
    )


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Another process."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_file_is_for_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    command = ("-c", "import sys; from validators.store import Store; Store(sys.argv[1])", str(path))
    store = Store(path)
    with pytest.raises(ServiceError, match="in use by another validator"):
        Store(path)
    assert "in use by another validator" in python(*command).stderr
    asyncio.run(store.close())
    again = python(*command)
    assert again.returncode == 0, again.stderr


def killed_after(delay: float, path: Path) -> int:
    """Let another process record rounds, kill it, and return the last round that it said was kept."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.read()
    return int(said[: said.rindex("\n")].split()[-1])


async def last_whole_round(path: Path) -> int:
    """The number of the last round, if all that was kept of it agrees."""
    store = Store(path)
    journal = await journal_of(store, ALICE)
    (score,) = {standing.score for standing in (await journal.standings()).values()}
    last = int(score)
    assert [mark.reward for mark in await journal.marks(last)] == [last / 1e6] * 50
    assert await journal.marks(last + 1) == []
    assert await journal.begin() in (last + 1, last + 2)
    await store.close()
    return last


def test_a_process_that_is_killed_leaves_whole_rounds_and_no_lock(tmp_path: Path) -> None:
    path, kept = tmp_path / "v.db", -1
    for delay in (0.0, 0.01, 0.05, 0.1):
        promised = killed_after(delay, path)
        last = asyncio.run(last_whole_round(path))
        assert last >= promised > kept
        kept = last


def foreign(path: Path) -> None:
    """A database of somebody else's."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()


def newer(path: Path) -> None:
    """A store of a later version."""
    asyncio.run(Store(path).close())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign, "is not a validator's store"),
        (newer, "has format 3, expected 2"),
        (lambda path: path.write_bytes(b"no database" * 1000), "cannot be used as a validator's store"),
        (lambda path: path.mkdir(), "cannot be used as a validator's store"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "v.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ServiceError, match=message):
        Store(path)
    assert before == (path.read_bytes() if path.is_file() else None)


async def test_validators_in_one_store_and_chains_of_one_validator_do_not_mix(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db")
    journals = [await journal_of(store, *who) for who in ((ALICE,), (BOB,), (ALICE, "0x01"))]
    assert len({journal.seed for journal in journals}) == 3
    await journals[0].record(round_of(await journals[0].begin()))
    await journals[0].write(submission(1, landed_epoch=1))
    for other in journals[1:]:
        assert await other.standings() == {}
        assert await other.landed_in(1) is None
        assert await other.begin() == 0
    assert len(await (await journal_of(store, ALICE)).standings()) == 50
    await store.close()


async def test_old_rounds_are_forgotten_and_scores_are_not(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db", retained_rounds=3)
    journal = await journal_of(store, ALICE)
    for _ in range(5):
        await journal.record(round_of(await journal.begin()))
    assert [len(await journal.marks(number)) for number in range(5)] == [0, 0, 50, 50, 50]
    assert {standing.score for standing in (await journal.standings()).values()} == {4.0}
    await store.close()


async def test_a_submission_comes_back_as_it_was_written_salt_included(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    hidden = Submission(
        epoch=7,
        call=RevealWeights(NETUID, (Uid(2),), (9,), (1, 2, 3), 4),
        weights=(Weight(BOB, Block(5), 9),),
        intended_at=Block(70),
    )
    store = Store(path)
    journal = await journal_of(store, ALICE)
    for each in (submission(5, landed_epoch=6), hidden):
        await journal.write(each)
    await store.close()
    store = Store(path)
    journal = await journal_of(store, ALICE)
    assert await journal.unsettled() == [hidden]
    assert await journal.landed_in(6) == await journal.last_landed() == submission(5, landed_epoch=6)
    assert await journal.landed_in(5) is None
    await store.close()


async def test_the_event_loop_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db")
    slow = asyncio.create_task(store.transact(lambda _: time.sleep(0.3)))
    turns = 0
    while not slow.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 10
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db")
    journal = await journal_of(store, ALICE)
    await store.close()
    await store.close()
    with pytest.raises(ServiceError, match="is closed"):
        await journal.begin()


async def test_work_that_fails_half_way_has_changed_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db")
    journal = await journal_of(store, ALICE)
    await journal.record(round_of(await journal.begin()))
    before = await journal.standings()
    with pytest.raises(ServiceError, match="UNIQUE"):
        await journal.record(round_of(0, miners=3))
    assert await journal.standings() == before
    await store.close()
