# SPDX-License-Identifier: Apache-2.0
"""What a chain's file survives: being killed at any moment, a full disk, damage, strangers; and what it keeps."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from protocols.errors import ChainFileRefused, ChainWriteFailed, StateDiscarded
from subnet.chain.node.founding import Beginning, ensure_founded
from subnet.chain.node.header import Header, next_state_root, slot_log
from subnet.chain.node.store import Store
from subnet.chain.node.trie import ordered_root
from tests.subnet.chain.node.founded import BEGINNING, RICH, endowed, purse_node
from tests.subnet.chain.node.purse import ALICE, Purse, give

KILLS = int(os.environ.get("SUBNET_TEST_KILLS", "15"))
"""How often a node is killed; a long run takes 200."""

# Announces each block on stdout after it was made, with transfers in some of them and batches now and then.
WRITER = """
import asyncio, sys
from pathlib import Path
from tests.subnet.chain.node.founded import purse_node
from tests.subnet.chain.node.purse import ALICE, give

node = purse_node(Path(sys.argv[1]))
node.listen(lambda told: print(told.head.number, told.head.hash.hex(), flush=True))
while True:
    if node.head.number % 3 == 0:
        asyncio.run(node.submit(give(ALICE, node.next_nonce(ALICE))))
    node.seal()
    if node.head.number % 10 == 0:
        node.skip(7)
"""


def test_whoever_is_killed_at_any_moment_has_every_block_that_was_announced(tmp_path: Path) -> None:
    path, rng = tmp_path / "chain.db", random.Random(5)
    root = Path(__file__).parents[4]
    announced: dict[int, str] = {}
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            time.sleep(rng.random() * 0.05)
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.read().splitlines(keepends=True)
        whole = [line.split() for line in lines if line.endswith("\n")]
        announced.update({int(number): hash for number, hash in whole})
        node = purse_node(path)
        assert node.head.number >= max(announced)
        for number, hash in announced.items():
            assert node.hash_at(number) == bytes.fromhex(hash), number
        assert_sound(node.store, node.head.number)
        given = RICH - node.runtime.system.Account[ALICE].free
        assert given == node.runtime.system.Account[ALICE].nonce > 0
        node.store.close()


def assert_sound(store: Store, newest: int) -> None:
    """Every block follows from the one before it, and holds what its header says."""
    parent = b""
    for number in range(newest + 1):
        hash = store.hash_at(number)
        assert hash is not None
        block = store.block(hash)
        assert block is not None
        assert block.header.hash == hash
        assert (block.header.number, block.header.parent_hash) == (number, parent or bytes(32))
        assert block.header.extrinsics_root == ordered_root(block.extrinsics)
        parent = hash


def test_a_full_disk_costs_the_block_and_nothing_else_and_the_chain_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    node = purse_node(path)
    node.seal()
    head = node.head
    told: list[int] = []
    node.listen(lambda block: told.append(block.head.number))
    pages = node.store.limit_pages(0)
    extrinsic = give(ALICE, 0)
    watch = node.watch(extrinsic)
    with pytest.raises(
        ChainWriteFailed, match=r"block \d+ was not written to .*chain\.db: database or disk is full"
    ) as full:
        for _ in range(10_000):
            node.seal()
    assert "df -h" in full.value.help
    last = node.head.number
    assert told == list(range(head.number + 1, last + 1))
    assert node.runtime.system.Number.value == last
    node.store.limit_pages(pages)
    assert node.seal().number == last + 1
    assert watch.is_over
    node.store.close()
    again = purse_node(path)
    assert again.head == node.head
    assert again.runtime.system.Account[ALICE].nonce == 1


@pytest.mark.parametrize("damage", ["cut", "noise", "text", "empty tables"])
def test_a_damaged_file_is_refused_by_name_with_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "chain.db"
    node = purse_node(path)
    node.skip(300)
    node.store.close()
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "noise":
        data[4096:-4096] = random.Random(1).randbytes(len(data) - 8192)
        path.write_bytes(data)
    elif damage == "text":
        path.write_text("these are my notes, not a chain")
    else:
        with sqlite3.connect(path) as db:
            db.execute("DELETE FROM blocks")
        db.close()
    with pytest.raises(ChainFileRefused, match=r"chain\.db") as refused:
        purse_node(path)
    assert refused.value.help


def test_a_value_that_no_longer_decodes_is_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    purse_node(path).store.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE state SET value = x'00'")
    db.close()
    with pytest.raises(ChainFileRefused, match=r"storage .* cannot be read"):
        purse_node(path)


def test_a_file_of_another_program_a_later_release_or_another_chain_is_left_alone(tmp_path: Path) -> None:
    foreign, later, other = (tmp_path / name for name in ("foreign.db", "later.db", "other.db"))
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE photographs (name)")
    db.close()
    before = foreign.read_bytes()
    with pytest.raises(ChainFileRefused, match=r"foreign\.db belongs to another program"):
        Store(foreign)
    assert foreign.read_bytes() == before
    purse_node(later).store.close()
    with sqlite3.connect(later) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(ChainFileRefused, match=r"later release: it has version 2, this release reads 1"):
        Store(later)
    store = Store(other)
    ensure_founded(store, Purse, Beginning("another", b"\1" * 32, endowed))
    with pytest.raises(ChainFileRefused, match=r"other\.db holds the chain 'another'"):
        ensure_founded(store, Purse, BEGINNING)


def test_one_process_has_a_file_at_a_time(tmp_path: Path) -> None:
    node = purse_node(tmp_path / "chain.db")
    with pytest.raises(ChainFileRefused, match="in use by another process"):
        Store(tmp_path / "chain.db")
    node.store.close()
    purse_node(tmp_path / "chain.db").store.close()


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChainFileRefused, match=r"nowhere.chain\.db cannot be opened"):
        Store(tmp_path / "nowhere" / "chain.db")


@pytest.mark.parametrize("restarted", [False, True])
def test_old_states_go_and_recent_ones_and_all_blocks_stay(tmp_path: Path, restarted: bool) -> None:
    path = tmp_path / "chain.db"
    node = purse_node(path, keep=10)
    key = type(node.runtime.system).Number.key(())
    node.skip(40)
    if restarted:
        node.store.close()
        node = purse_node(path, keep=10)
        node.skip(5)
    head = node.head.number
    for past in range(head - 10, head + 1):
        assert node.storage(key, node.hash_at(past)) == past.to_bytes(4, "little")
        assert node.runtime_at(node.hash_at(past)).system.Number.value == past
    with pytest.raises(StateDiscarded, match=f"block {head - 11}, kept are {head - 10} and later"):
        node.storage(key, node.hash_at(head - 11))
    assert_sound(node.store, head)
    node.store.close()
    with sqlite3.connect(path) as db:
        (versions,) = db.execute("SELECT count(*) FROM state WHERE key = ?", (key,)).fetchone()
    db.close()
    assert versions == 11


def test_an_archive_keeps_every_state() -> None:
    node = purse_node(keep=None)
    key = type(node.runtime.system).Number.key(())
    node.skip(600)
    assert [node.storage(key, node.hash_at(past)) for past in (1, 300)] == [
        past.to_bytes(4, "little") for past in (1, 300)
    ]


def test_a_chain_of_ten_thousand_blocks_is_open_within_two_seconds(tmp_path: Path) -> None:
    node = purse_node(tmp_path / "chain.db")
    head = node.skip(10_000)
    node.store.close()
    spent = time.process_time()
    node = purse_node(tmp_path / "chain.db")
    assert time.process_time() - spent < 2
    assert node.head == head
    assert node.seal().number == 10_001


def test_roots_and_headers_are_those_of_substrate() -> None:
    # As published by Substrate's own trie (state version 0) for the same extrinsics.
    roots = {
        (b"abc",): "d4057d95c4237bfed34654dd5ffeba94ba564e3eab9ea2a43361f1cf8a602228",
        (b"x" * 40,): "2737ba9fe77f91c0032719911b43a44b4e17c243a0be7028bcbec5562cee8103",
        (b"0", b"1", b"2"): "737e30925a5c4177422e44dd34d39dad3d0b96fd528a192589ffed004361b513",
        (): "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314",
    }
    assert {values: ordered_root(values).hex() for values in roots} == roots
    many = [bytes([i % 256]) * (i % 70) for i in range(300)]
    assert ordered_root(many).hex() == "a8d7adbac695a895a4cf76a9f0b73dd90aea2372a079a5aa1a4b746f629296b3"
    header = Header(b"p" * 32, 70, b"s" * 32, b"e" * 32, (slot_log(5), b"\x08", b"\x00\x08ab"))
    assert Header.decode(header.encode()) == header
    assert header.to_json()["digest"] == {"logs": ["0x0661757261200500000000000000", "0x08", "0x00086162"]}
    assert next_state_root(bytes(32), [(b"b", None), (b"a", b"1")]) == next_state_root(
        bytes(32), [(b"a", b"1"), (b"b", None)]
    )
