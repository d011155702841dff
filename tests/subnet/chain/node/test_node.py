# SPDX-License-Identifier: Apache-2.0
"""The node as its RPC uses it: blocks, storage at any block, pages of keys, listeners, and what a failure leaves."""

from __future__ import annotations

import asyncio
import statistics
import time
import tracemalloc
from itertools import pairwise

import pytest

from protocols.clock import VirtualClock
from protocols.errors import UnknownBlock
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.history import HeadStorage
from subnet.chain.node.listening import Told
from subnet.chain.node.node import Node
from tests.subnet.chain.node.founded import RICH, purse_node
from tests.subnet.chain.node.purse import ALICE, BOB, CAROL, Accounts, give

ACCOUNTS = Accounts.Account.prefix
NUMBER = Accounts.Number.key(())


async def test_a_transfer_enters_a_block_and_is_read_back_by_hash_number_and_storage() -> None:
    node = purse_node()
    genesis = node.head.hash
    extrinsic = give(ALICE, 0, amount=5)
    assert await node.submit(extrinsic) == blake2_256(extrinsic)
    head = node.seal()
    block = node.block(head.hash)
    assert block is not None
    assert block.extrinsics[1:] == (extrinsic,)
    assert block.header == node.header(head.hash)
    assert block.header.parent_hash == genesis == node.hash_at(0)
    assert node.finalized == node.head == head
    assert node.runtime.system.Account[BOB].free == RICH + 5
    key = Accounts.Account.key(BOB)
    assert node.storage(key) == Accounts.Account.data(node.runtime.system.Account[BOB])
    assert node.storage(key, genesis) == Accounts.Account.data(node.runtime_at(genesis).system.Account[BOB])
    assert node.runtime_at(genesis).system.Account[BOB].free == RICH
    assert node.runtime_at(head.hash) is node.runtime


def test_keys_come_in_pages_in_order_at_the_head_and_at_older_blocks() -> None:
    node = purse_node()
    node.skip(3)
    genesis = node.hash_at(0)
    accounts = sorted(Accounts.Account.key(who) for who in (ALICE, BOB, CAROL))
    for at in (None, genesis):
        first = node.keys(ACCOUNTS, None, 2, at)
        rest = node.keys(ACCOUNTS, first[-1], 2, at)
        assert first + rest == accounts
        assert node.keys(ACCOUNTS, accounts[-1], 10, at) == []
        assert node.keys(ACCOUNTS, b"", 10, at) == accounts
    assert NUMBER in node.keys(b"", None, 1000)
    assert NUMBER not in node.keys(b"", None, 1000, genesis)


def test_a_listing_knows_of_keys_that_came_and_went_since_the_last_one() -> None:
    storage = HeadStorage([(b"b", b"1"), (b"d", b"1")])
    assert storage.keys(b"", None, 9) == [b"b", b"d"]
    storage.apply([(b"a", b"1"), (b"b", None), (b"c", b"1")])
    storage.apply([(b"c", None), (b"b", b"2"), (b"zz", None)])
    assert storage.keys(b"", None, 9) == [b"a", b"b", b"d"]
    assert list(storage.items()) == [(b"a", b"1"), (b"b", b"2"), (b"d", b"1")]


def test_a_block_that_is_not_there_is_named() -> None:
    node = purse_node()
    unknown = b"\x01" * 32
    assert [node.header(unknown), node.block(unknown), node.hash_at(7)] == [None] * 3
    with pytest.raises(UnknownBlock, match=f"no block 0x{unknown.hex()}"):
        node.storage(NUMBER, unknown)


def test_a_runtime_that_breaks_in_a_block_leaves_the_chain_as_it_was() -> None:
    node = purse_node()
    node.seal()
    before, entries = node.head, list(node.entries())
    finish = node.runtime.finish

    def broken() -> None:
        node.runtime.system.Account[ALICE] = node.runtime.system.Account[ALICE]._replace(free=0)
        raise ZeroDivisionError

    node.runtime.finish = broken  # type: ignore[method-assign]
    for make in (node.seal, lambda: node.skip(3)):
        with pytest.raises(ZeroDivisionError):
            make()
    node.runtime.finish = finish  # type: ignore[method-assign]
    assert node.head == before
    assert list(node.entries()) == entries
    assert node.runtime.system.Account[ALICE].free == RICH
    assert node.seal().number == before.number + 1


def test_blocks_of_one_call_are_all_announced_and_chained() -> None:
    node, told = purse_node(), list[Told]()
    stop = node.listen(told.append)
    node.skip(600)
    assert [block.head.number for block in told] == list(range(1, 601))
    assert all(later.header.parent_hash == block.head.hash for block, later in pairwise(told))
    assert all(block.changes[NUMBER] == block.head.number.to_bytes(4, "little") for block in told)
    stop()
    node.seal()
    assert len(told) == 600


def test_a_listener_that_fails_is_reported_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    node, told = purse_node(), list[Told]()

    def broken(block: Told) -> None:
        raise KeyError(block.head.number)

    node.listen(broken)
    node.listen(told.append)
    assert node.seal().number == len(told) == 1
    assert "a listener failed at block 1" in caplog.text


async def test_a_reader_that_does_not_keep_up_misses_blocks_and_no_change() -> None:
    node = purse_node()
    blocks = node.blocks()
    reading = asyncio.ensure_future(anext(blocks))
    await asyncio.sleep(0)
    await node.submit(give(ALICE, 0))
    node.seal()
    assert (await reading).head.number == 1
    await node.submit(give(ALICE, 1))
    node.skip(5_000)
    told = [await anext(blocks) for _ in range(1_024)]
    assert told[-1].head == node.head
    seen: dict[bytes, bytes | None] = {}
    for block in told:
        seen |= block.changes
    assert seen[Accounts.Account.key(ALICE)] == node.storage(Accounts.Account.key(ALICE))
    assert seen[NUMBER] == node.storage(NUMBER)


async def test_a_block_has_room_for_so_many_bytes_and_the_rest_goes_into_the_next() -> None:
    node = purse_node(sealing=Sealing(mode=Mode.INSTANT))
    task = asyncio.create_task(node.author.run())
    extrinsics = [give(who, nonce) for who in (ALICE, BOB, CAROL) for nonce in range(100)]
    for extrinsic in extrinsics:
        await node.submit(extrinsic)
    await asyncio.sleep(0.05)
    task.cancel()
    assert not len(node.pool)
    included = [extrinsic for number in range(1, node.head.number + 1) for extrinsic in body(node, number)]
    assert sorted(included) == sorted(extrinsics)


def body(node: Node, number: int) -> tuple[bytes, ...]:
    """What a block holds beside the time."""
    hash = node.hash_at(number)
    assert hash is not None
    block = node.block(hash)
    assert block is not None
    return block.extrinsics[1:]


@pytest.mark.serial
async def test_an_instant_transfer_is_in_a_block_within_twenty_milliseconds() -> None:
    node = purse_node(sealing=Sealing(mode=Mode.INSTANT))
    task = asyncio.create_task(node.author.run())
    spent = []
    for nonce in range(50):
        began = time.perf_counter()
        async for status in node.watch(give(ALICE, nonce)):
            if status.kind == "inBlock":
                spent.append(time.perf_counter() - began)
    task.cancel()
    assert statistics.median(spent) < 0.020


@pytest.mark.serial
def test_an_idle_block_costs_less_than_two_milliseconds_and_memory_stays_flat() -> None:
    node = purse_node(keep=16, clock=VirtualClock())
    node.skip(2_000)
    began = time.process_time()
    node.skip(2_000)
    assert (time.process_time() - began) / 2_000 < 0.002
    tracemalloc.start()
    node.skip(1_000)
    first = tracemalloc.get_traced_memory()[0]
    node.skip(4_000)
    grown = tracemalloc.get_traced_memory()[0] - first
    tracemalloc.stop()
    assert grown < 500_000
