# SPDX-License-Identifier: Apache-2.0
"""What the store keeps of a round: all of it, to the last digit and byte, within its room, and readable meanwhile."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import NothingKnown, ServiceError
from protocols.keys import Keypair
from protocols.seal import Evidence, StreamEvidence
from protocols.types import Block, Hotkey, NetUid
from tests.validators.test_store import ALICE, BOB, ROOT, journal_of, killed_after, round_of
from validators.store import Archive, Journal, Mark, Proof, RoundRecord, Standing, Store, Unsigned
from validators.store.proofs import packed_proofs, proofs_of

DATA = Path(__file__).parents[1] / "data"
MINERS = [Hotkey(Keypair.from_uri(f"//Miner{at}").ss58_address) for at in range(5)]

# Brings a file up to date, and is still within the transaction when it says so.
MIGRATION = """
import sqlite3, sys, time
from validators.store.schema import migrate

file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("PRAGMA cache_size = 1")
file.execute("BEGIN IMMEDIATE")
migrate(file)
print("moved", flush=True)
time.sleep(60)
"""

finite = st.floats(0.0, 1e6, allow_subnormal=False)
reasons = st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False), max_size=3)
seconds = st.one_of(finite, st.just(float("inf")))
marks = st.builds(
    Mark, st.just(ALICE), st.floats(0.0, 1.0), seconds, st.text(max_size=8), st.text(max_size=8), seconds, reasons
)
common = {
    "target": st.text(max_size=8),
    "nonce_ns": st.integers(0, 2**63 - 1),
    "validator": st.just(ALICE),
    "validator_scheme": st.sampled_from(["sr25519", "ed25519"]),
    "request_signature": st.binary(min_size=64, max_size=64),
    "request_body": st.binary(max_size=40),
    "miner": st.sampled_from(MINERS),
    "miner_scheme": st.just("sr25519"),
    "reply_signature": st.binary(min_size=64, max_size=64),
    "status": st.integers(100, 599),
    "content_type": st.sampled_from(["application/json", "application/msgpack"]),
}
proofs: st.SearchStrategy[Proof | None] = st.one_of(
    st.none(),
    st.builds(Evidence, **common, reply_body=st.binary(max_size=40)),
    st.builds(StreamEvidence, **common, frames=st.lists(st.binary(max_size=20), max_size=3).map(tuple)),
    st.builds(Unsigned, st.binary(max_size=40), st.lists(st.binary(max_size=20), max_size=3).map(tuple)),
)


@st.composite
def records(draw: st.DrawFn) -> RoundRecord:
    """A round in which some of five miners were asked."""
    asked = draw(st.permutations(MINERS))[: draw(st.integers(0, 5))]
    return RoundRecord(
        number=0,
        block=Block(draw(st.integers(0, 2**40))),
        epoch=draw(st.integers(0, 2**40)),
        definition=draw(st.text(max_size=8)),
        marks=[draw(marks)._replace(hotkey=hotkey) for hotkey in asked],
        standings={hotkey: Standing(draw(finite), Block(draw(st.integers(0, 9)))) for hotkey in MINERS},
        before={hotkey: draw(finite) for hotkey in MINERS},
        query=draw(st.binary(max_size=20)),
        is_organic=draw(st.booleans()),
        seed=draw(st.one_of(st.none(), st.integers(0, 2**128 - 1))),
        proofs=[draw(proofs) for _ in asked],
    )


@settings(max_examples=40, deadline=None)
@given(record=records())
def test_what_is_written_of_a_round_is_read_again(
    record: RoundRecord, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "v.db"

    async def written() -> tuple[RoundRecord | None, dict[Hotkey, int]]:
        store = Store(path)
        journal = await journal_of(store, ALICE)
        await journal.record(record)
        read, asked_in = await journal.round(0), await journal.asked_in()
        assert await journal.standings() == record.standings
        await store.close()
        return read, asked_in

    read, asked_in = asyncio.run(written())
    assert read == replace(record, proofs=())
    assert asked_in == {mark.hotkey: 0 for mark in record.marks}
    with Archive(path) as archive:
        (owner,) = archive.owners()
        (recorded,) = archive.rounds(owner)
        assert recorded.record == read
        assert archive.proofs(owner, recorded) == list(record.proofs)


def test_replies_too_large_to_keep_are_left_out_and_the_others_are_kept() -> None:
    large = [Unsigned(b"", (bytes(12 * 1024 * 1024 + at),)) for at in range(3)]
    small = Unsigned(b"q", (b"a",))
    assert proofs_of(packed_proofs(MINERS[:4], [*large, small]), MINERS[:4]) == [*large[:2], None, small]


def copied(tmp_path: Path) -> Path:
    """A store that version 1 wrote."""
    return Path(shutil.copyfile(DATA / "validator_store_v1.db", tmp_path / "v.db"))


async def moved(path: Path) -> None:
    """Open a store of version 1 and look whether everything in it is there."""
    store = Store(path)
    journal = await store.journal("0xabc", NetUid(1), ALICE)
    assert journal.seed == 0x379E74D6D6476C3551597CC6ECC788DA
    names = [Hotkey(f"miner{at}") for at in range(4)]
    assert await journal.standings() == {name: Standing(2.0, Block(0)) for name in names}
    assert await journal.asked_in() == dict.fromkeys(names, 2)
    for number in range(3):
        assert await journal.marks(number) == [Mark(name, number / 1e6, 0.1, "") for name in names]
    landed, (intended,) = await journal.landed_in(1), await journal.unsettled()
    assert landed is not None
    assert (landed.state, intended.epoch) == ("confirmed", 2)
    assert await journal.begin() == 3
    await journal.record(replace(round_of(3), before={}))
    assert {standing.score for standing in (await journal.standings()).values()} == {3.0}
    assert len(await journal.marks(3)) == 50
    assert len(await journal.marks(2)) == 4
    await store.close()


async def test_a_store_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    await moved(copied(tmp_path))


def test_a_process_that_is_killed_while_it_brings_a_store_up_to_date_leaves_the_old_one(tmp_path: Path) -> None:
    path = copied(tmp_path)
    command = [sys.executable, "-c", MIGRATION, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "moved\n"
        os.kill(process.pid, signal.SIGKILL)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM rewards").fetchone() == (12,)
    asyncio.run(moved(path))


def test_an_old_store_is_not_read_before_a_validator_has_brought_it_up_to_date(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="earlier format than 2"):
        Archive(copied(tmp_path))


def test_a_store_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(NothingKnown, match="no validator's store"):
        Archive(tmp_path / "v.db")
    assert not list(tmp_path.iterdir())


async def test_a_reader_sees_one_moment_while_the_validator_writes(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    store = Store(path)
    journal = await journal_of(store, ALICE)
    await journal.record(round_of(await journal.begin()))
    with Archive(path) as early:
        (owner,) = early.owners()
        for _ in range(3):
            await journal.record(round_of(await journal.begin()))
        assert [recorded.record.number for recorded in early.rounds(owner)] == [0]
        assert {known.asked_in for known in early.miners(owner)} == {0}
        with Archive(path) as late:
            (owner,) = late.owners()
            assert [recorded.record.number for recorded in late.rounds(owner)] == [3, 2, 1, 0]
            assert [recorded.record.number for recorded in late.rounds(owner, by=Block(1))] == [1, 0]
    await store.close()
    with Archive(path) as archive:
        assert archive.owners() == [owner]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            archive._connection.execute("DELETE FROM rounds")


def test_what_a_killed_validator_left_is_read_before_anybody_repairs_it(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    promised = killed_after(0.2, path)
    with Archive(path) as archive:
        (owner,) = archive.owners()
        newest = next(archive.rounds(owner)).record
        assert newest.number >= promised
        assert [mark.reward for mark in newest.marks] == [newest.number / 1e6] * 50


async def test_what_stages_keep_is_replaced_with_the_round_and_belongs_to_one_validator(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db")
    journal, other = await journal_of(store, ALICE), await journal_of(store, BOB)
    assert await journal.kept("vetting") is None
    for content in (b"one", b"two"):
        await journal.record(replace(round_of(await journal.begin()), kept={"vetting": content}))
    await journal.record(round_of(await journal.begin()))
    with pytest.raises(ServiceError, match="UNIQUE"):
        await journal.record(replace(round_of(0), kept={"vetting": b"of a round that failed"}))
    assert (await journal.kept("vetting"), await other.kept("vetting")) == (b"two", None)
    await store.close()


def with_evidence(number: int, size: int = 20_000) -> RoundRecord:
    """A round with this many bytes of evidence, which nothing can compress."""
    record = round_of(number, miners=4)
    return replace(record, proofs=[Unsigned(b"q", (os.urandom(size // 4),)) for _ in record.marks])


async def kept_in(journal: Journal, path: Path) -> tuple[list[int], list[int]]:
    """The numbers of the rounds, and of those with evidence."""
    with Archive(path) as archive:
        owner = next(owner for owner in archive.owners() if owner.seed == journal.seed)
        rounds = list(archive.rounds(owner))
        proven = [row.record.number for row in rounds if any(archive.proofs(owner, row))]
        return [row.record.number for row in rounds], proven


async def test_evidence_is_let_go_before_rounds_and_the_file_stays_as_large_as_it_once_was(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    store = Store(path, retained_rounds=40, retained_bytes=500_000)
    journal = await journal_of(store, ALICE)
    sizes = []
    for _ in range(120):
        await journal.record(with_evidence(await journal.begin()))
        sizes.append(path.stat().st_size)
    rounds, proven = await kept_in(journal, path)
    assert rounds == list(range(119, 79, -1))
    assert proven == rounds[: len(proven)]
    assert 10 <= len(proven) <= 15
    await store.close()
    assert path.stat().st_size <= 1.2 * 500_000
    assert sizes[-1] <= sizes[60] + 16 * 4096


async def test_rounds_that_are_over_their_bytes_go_whatever_their_number(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    store = Store(path, retained_bytes=100_000)
    journal = await journal_of(store, ALICE)
    for _ in range(30):
        await journal.record(round_of(await journal.begin()))
    rounds, _ = await kept_in(journal, path)
    assert rounds == list(range(29, 19, -1))
    await store.close()


async def test_who_has_left_is_known_while_a_round_tells_of_it_and_then_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    store = Store(path, retained_rounds=3)
    journal = await journal_of(store, ALICE)
    await journal.record(round_of(await journal.begin(), miners=5))
    for known in ({4: False}, {4: False}, {}, {}):
        await journal.record(round_of(await journal.begin(), miners=4))
        with Archive(path) as archive:
            miners = {row.hotkey: row.is_here for row in archive.miners(archive.owners()[0])}
        assert miners == {f"miner{at}": True for at in range(4)} | {f"miner{at}": here for at, here in known.items()}
        assert len(await journal.standings()) == 4
    await store.close()


async def test_a_full_disk_is_told_changes_nothing_and_is_no_end(tmp_path: Path) -> None:
    store = Store(tmp_path / "v.db")
    journal = await journal_of(store, ALICE)
    await journal.record(with_evidence(await journal.begin()))
    before = await journal.standings()

    def room(pages: int) -> Any:
        return lambda file: file.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    (used,) = await store.transact(room(1))  # never less than there are
    with pytest.raises(ServiceError, match="there is no room on the disk") as caught:
        await journal.record(with_evidence(1))
    assert "df -h" in caught.value.help
    assert await journal.standings() == before
    assert await journal.round(1) is None
    await store.transact(room(used + 1000))
    await journal.record(with_evidence(1))
    assert len(await journal.marks(1)) == 4
    await store.close()
