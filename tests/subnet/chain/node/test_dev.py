# SPDX-License-Identifier: Apache-2.0
"""What a developer may do to a local chain, in Python and over RPC."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from protocols.clock import VirtualClock
from protocols.errors import ChainWriteFailed, DumpRefused, LedgerError
from protocols.keys import Keypair
from protocols.types import Json
from subnet.chain.node.dev import Dev
from subnet.chain.node.dump import pack
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.dev import DevMethods
from subnet.chain.node.rpc.errors import RpcError
from subnet.chain.node.rpc.methods import Methods
from subnet.chain.node.rpc.session import Session
from tests.subnet.chain.node.founded import RICH, purse_node
from tests.subnet.chain.node.purse import ALICE, BOB, Accounts, give
from tests.subnet.chain.node.whole import chain_node

GENESIS = Genesis(name="x", sudo="//Alice", accounts={"//Alice": 10})
ALICE_KEY = Keypair.from_uri("//Alice")


def silent(what: str, error: BaseException) -> None:
    """Nothing may fail in a way that only a log knows of."""
    raise AssertionError(what) from error


async def ask(dev: Dev, name: str, *params: Json) -> Json:
    """Call one method as a client does."""
    return await Methods(DevMethods(dev)).call(Session(None, Bounds(), silent), name, list(params))


@pytest.mark.parametrize("in_file", [False, True])
def test_a_revert_brings_back_state_blocks_and_time_and_the_chain_goes_on(tmp_path: Path, in_file: bool) -> None:
    path = tmp_path / "chain.db" if in_file else None
    node = purse_node(path, keep=5)
    dev = Dev(node)
    dev.new_block(3)
    before, entries = node.head, list(node.entries())
    snapshot = dev.snapshot()
    node.watch(give(ALICE, 0, amount=10))
    dev.fast_forward(40)
    after = node.head
    assert node.runtime.system.Account[BOB].free == RICH + 10
    assert dev.revert(snapshot) == before
    assert list(node.entries()) == entries
    assert node.runtime.system.Account[BOB].free == RICH
    assert node.block(after.hash) is None
    assert node.hash_at(4) is None
    assert dev.new_block(20).number == 23
    assert node.runtime_at(node.hash_at(20)).system.Number.value == 20
    node.store.close()
    if path is not None:
        again = purse_node(path, keep=5)
        assert again.head == node.head
        assert dict(again.entries()) == dict(node.entries())


def test_a_snapshot_is_used_once_and_takes_the_later_ones_with_it() -> None:
    dev = Dev(purse_node())
    first, second = dev.snapshot(), dev.snapshot()
    dev.new_block()
    third = dev.snapshot()
    dev.revert(second)
    for gone in (second, third, 99):
        with pytest.raises(LedgerError, match=f"there is no snapshot {gone}, known are {first}"):
            dev.revert(gone)
    dev.revert(first)
    with pytest.raises(LedgerError, match="known are none"):
        dev.revert(first)


def test_a_revert_looks_at_the_pool_anew() -> None:
    node = purse_node()
    dev = Dev(node)
    snapshot = dev.snapshot()
    node.watch(give(ALICE, 0))
    node.seal()
    kept = give(ALICE, 1)
    node.watch(kept)
    assert node.pool.pending() == [kept]
    dev.revert(snapshot)
    assert node.pool.pending() == []
    assert len(node.pool) == 1, "its turn comes after the one that was taken back"


def test_a_revert_that_cannot_be_written_leaves_the_chain_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    node = purse_node(path)
    dev = Dev(node)
    snapshot = dev.snapshot()
    head = dev.new_block(5)
    node.store.close()
    with pytest.raises((ChainWriteFailed, LedgerError, sqlite3.Error)):
        dev.revert(snapshot)
    assert node.head == head
    assert node.runtime.system.Number.value == head.number


def test_fast_forward_lets_the_time_of_its_blocks_pass() -> None:
    node = purse_node(clock=VirtualClock())
    dev = Dev(node)
    dev.new_block()
    now = node.runtime_at().timestamp.Now.value  # type: ignore[attr-defined]
    dev.fast_forward(100)
    assert node.runtime_at().timestamp.Now.value == now + 100 * 12_000  # type: ignore[attr-defined]
    with pytest.raises(LedgerError, match="make 1 to 10000000 blocks at once, got 0"):
        dev.fast_forward(0)


def test_time_can_be_set_and_travelled() -> None:
    node = purse_node(clock=VirtualClock(start_ns=10**18))
    dev = Dev(node)
    dev.set_time(2 * 10**12)
    dev.new_block()
    assert node.runtime_at().timestamp.Now.value == 2 * 10**12  # type: ignore[attr-defined]
    assert dev.travel(5_000) == 2 * 10**12 + 5_000
    with pytest.raises(LedgerError, match="cannot be at 5 ms"):
        dev.set_time(5)


def test_storage_is_written_at_once_at_the_head_and_survives(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    node = purse_node(path)
    dev, key = Dev(node), Accounts.Account.key(ALICE)
    dev.new_block(2)
    head, before, told = node.head, node.storage(key), list[bytes]()
    node.listen(lambda block: told.extend(block.changes))
    dev.set_storage(
        [(key, Accounts.Account.data(node.runtime.system.Account[ALICE]._replace(free=3))), (b":code", b"x")]
    )
    assert node.runtime.system.Account[ALICE].free == 3
    assert (node.head, told) == (head, [b":code", key])
    assert node.storage(key, node.hash_at(1)) == before
    dev.set_storage([(Accounts.Account.key(BOB), None)])
    node.store.close()
    again = purse_node(path)
    assert again.runtime.system.Account[ALICE].free == 3
    assert again.runtime.system.Account[BOB].free == 0
    assert again.storage(b":code") == b"x"


def test_storage_that_its_item_cannot_read_is_refused_and_nothing_changes() -> None:
    node = purse_node()
    entries = list(node.entries())
    with pytest.raises(LedgerError, match=r"storage Account at .* cannot be read"):
        Dev(node).set_storage([(b":code", b"x"), (Accounts.Account.key(ALICE), b"\x01")])
    assert list(node.entries()) == entries


def test_a_balance_is_set_and_what_circulates_follows() -> None:
    node = chain_node(GENESIS)
    dev = Dev(node)
    issued = node.runtime_at().balances.TotalIssuance  # type: ignore[attr-defined]
    before = issued.value
    dev.set_balance(BOB, 5_000)
    assert node.runtime.system.Account[BOB].data.free == 5_000
    assert issued.value == before + 5_000
    dev.new_block()
    dev.set_balance(BOB, 600)
    assert issued.value == before + 600
    for wrong in (499, -1, 2**64):
        with pytest.raises(LedgerError, match=f"got {wrong}"):
            dev.set_balance(BOB, wrong)


def test_a_dump_brings_the_state_to_another_chain_which_goes_on_from_it(tmp_path: Path) -> None:
    source, target = purse_node(), purse_node(tmp_path / "chain.db")
    source.watch(give(ALICE, 0, amount=7))
    Dev(source).new_block(50)
    file = tmp_path / "state"
    Dev(source).dump_to(file)
    Dev(target).new_block(2)
    parent = target.head
    head = Dev(target).load_from(file)
    assert head.number == 50
    assert target.runtime.system.Account[BOB].free == RICH + 7
    assert target.runtime.system.Number.value == 50
    header = target.header(head.hash)
    assert header is not None
    assert header.parent_hash == parent.hash == target.runtime.system.BlockHash[2]
    assert target.seal().number == 51
    target.store.close()
    again = purse_node(tmp_path / "chain.db")
    assert again.head.number == 51
    assert again.runtime.system.Account[ALICE].nonce == 1


def test_a_damaged_foreign_or_newer_dump_is_refused_and_nothing_changes() -> None:
    node = purse_node()
    dev = Dev(node)
    head, document = dev.new_block(), dev.dump()
    assert document == dev.dump()
    flipped = bytearray(document)
    flipped[-1] ^= 1
    newer = document.replace(b"subnet-chain\n\x01", b"subnet-chain\n\x02", 1)
    cases = {
        b"PK\x03\x04": "this is no dump",
        bytes(flipped): "is damaged",
        document[:-3]: "is damaged",
        newer: "has version 2, expected 1",
        pack("x", 2, 1, []): "of runtime 2, this node has 1",
    }
    for data, message in cases.items():
        with pytest.raises(DumpRefused, match=message):
            dev.load(data)
    assert node.head == head


async def test_rpc_drives_the_chain() -> None:
    node = purse_node(clock=VirtualClock(start_ns=10**18))
    dev = Dev(node)
    snapshot = await ask(dev, "dev_snapshot")
    assert await ask(dev, "dev_newBlock") == {"number": 1, "hash": f"0x{node.head.hash.hex()}"}
    await ask(dev, "dev_newBlock", {"count": 3})
    await ask(dev, "dev_fastForward", 10)
    await ask(dev, "dev_fastForward", {"blocks": 10})
    assert node.head.number == 24
    assert await ask(dev, "dev_setTime", 2 * 10**12) == 2 * 10**12
    assert await ask(dev, "dev_timeTravel", 1_000) == 2 * 10**12 + 1_000
    await ask(dev, "dev_setStorage", [["0x3a636f6465", "0x00"]])
    assert node.storage(b":code") == b"\0"
    document = await ask(dev, "dev_dumpState")
    await ask(dev, "dev_revert", snapshot)
    assert (node.head.number, node.storage(b":code")) == (0, None)
    await ask(dev, "dev_loadState", document)
    assert (node.head.number, node.storage(b":code")) == (24, b"\0")


async def test_rpc_sets_balances_by_address() -> None:
    node = chain_node(GENESIS)
    await ask(Dev(node), "dev_setBalance", ALICE_KEY.ss58_address, 777)
    assert node.runtime.system.Account[ALICE_KEY.public_key].data.free == 777


@pytest.mark.parametrize(
    ("name", "params", "code", "message"),
    [
        ("dev_revert", [9], -32_000, "there is no snapshot 9"),
        ("dev_revert", ["9"], -32_602, "Invalid params"),
        ("dev_newBlock", [0], -32_602, "Invalid params"),
        ("dev_fastForward", [{}], -32_602, "Invalid params"),
        ("dev_fastForward", [{"netuid": 1}], -32_000, "there is no pallet 'SubtensorModule'"),
        ("dev_setTime", [1], -32_000, "cannot be at 1 ms"),
        ("dev_setStorage", [["0x3a", "0x00"]], -32_602, "Invalid params"),
        ("dev_setStorage", [[["3a", "0x00"]]], -32_602, "Invalid params"),
        ("dev_loadState", ["0x00"], -32_000, "this is no dump"),
        ("dev_setBalance", ["nobody", 1], -32_000, "names no account"),
    ],
)
async def test_rpc_says_what_is_wrong(name: str, params: list[Json], code: int, message: str) -> None:
    node = purse_node()
    node.seal()
    with pytest.raises(RpcError, match=message) as refused:
        await ask(Dev(node), name, *params)
    assert refused.value.code == code


async def test_controls_that_are_switched_off_are_not_found() -> None:
    with pytest.raises(RpcError) as refused:
        await Methods().call(Session(None, Bounds(), silent), "dev_newBlock", [])
    assert refused.value.code == -32_601
