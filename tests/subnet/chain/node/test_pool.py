# SPDX-License-Identifier: Apache-2.0
"""Who waits for a block, in which order, how many of them, and what they are told."""

from __future__ import annotations

import pytest

from protocols.clock import VirtualClock
from protocols.errors import PoolRefusal
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.pool import Pool, PoolBounds, Waiting
from subnet.chain.node.status import Watch
from subnet.chain.node.validity import InvalidTransaction, Validity
from tests.subnet.chain.node.founded import purse_node
from tests.subnet.chain.node.purse import ALICE, BOB, CAROL, give

BLOCK = b"#" * 32


def put(pool: Pool, sender: bytes, nonce: int, *, tip: int = 0, text: bytes = b"", longevity: int = 64) -> Waiting:
    """Add an extrinsic of an account whose next nonce is 0, at block 0."""
    data = sender[:8] + bytes([nonce, tip]) + text
    return pool.add(data, Validity(sender, nonce, tip, longevity, (), (), True), 0, 0)


def watched(pool: Pool, waiting: bytes, validity: Validity) -> Watch:
    """Add one and follow it."""
    watch = Watch(blake2_256(waiting))
    pool.add(waiting, validity, 0, 0, watch)
    return watch


def told(watch: Watch) -> list[str]:
    """What it has been told so far."""
    found = []
    while not watch.is_empty:
        found.append(watch.take().kind)
    return found


def validity(sender: bytes, nonce: int, tip: int = 0) -> Validity:
    """What a runtime says of an extrinsic."""
    return Validity(sender, nonce, tip, 64, (), (), True)


def test_an_account_goes_by_its_nonces_and_accounts_by_priority_and_then_arrival() -> None:
    pool = Pool(VirtualClock())
    second = put(pool, ALICE, 1, tip=9)
    first, poor, equal = put(pool, ALICE, 0, tip=1), put(pool, BOB, 0), put(pool, CAROL, 0, tip=1)
    assert pool.pending() == [waiting.data for waiting in (first, second, equal, poor)]


def test_what_comes_before_its_turn_waits_as_future_and_is_ready_when_the_gap_is_filled() -> None:
    pool = Pool(VirtualClock())
    late = watched(pool, b"late", validity(ALICE, 2))
    put(pool, ALICE, 0)
    assert told(late) == ["future"]
    assert not pool.pending()[1:]
    assert pool.next_nonce(ALICE, 0) == 1
    put(pool, ALICE, 1)
    assert told(late) == ["ready"]
    assert pool.next_nonce(ALICE, 0) == 3


def test_the_same_extrinsic_twice_is_1013() -> None:
    pool = Pool(VirtualClock())
    known = put(pool, ALICE, 0)
    with pytest.raises(PoolRefusal, match="Transaction Already Imported") as refused:
        put(pool, ALICE, 0)
    assert (refused.value.number, refused.value.data) == (1013, f"0x{known.hash.hex()}")


def test_another_of_the_same_nonce_needs_a_higher_tip_and_usurps() -> None:
    pool = Pool(VirtualClock())
    old = watched(pool, b"old", validity(ALICE, 0, tip=3))
    with pytest.raises(PoolRefusal, match=r"Priority is too low: \(3 vs 3\)") as refused:
        put(pool, ALICE, 0, tip=3)
    assert refused.value.number == 1014
    new = put(pool, ALICE, 0, tip=4)
    assert told(old) == ["ready", "usurped"]
    assert pool.pending() == [new.data]


def test_a_full_pool_pushes_out_who_offers_least_for_who_offers_more() -> None:
    pool = Pool(VirtualClock(), PoolBounds(count=2))
    cheap = watched(pool, b"cheap", validity(ALICE, 0, tip=1))
    put(pool, BOB, 0, tip=2)
    with pytest.raises(PoolRefusal, match="Immediately Dropped") as refused:
        put(pool, CAROL, 0, tip=1)
    assert refused.value.number == 1016
    put(pool, CAROL, 0, tip=3)
    assert told(cheap) == ["ready", "dropped"]
    assert len(pool) == 2


def test_a_future_one_makes_room_for_a_ready_one_and_bytes_are_bounded_too() -> None:
    pool = Pool(VirtualClock(), PoolBounds(bytes=100))
    put(pool, ALICE, 5, tip=9, text=b"." * 80)
    put(pool, BOB, 0, text=b"." * 80)
    assert [waiting[:3] for waiting in pool.pending()] == [BOB[:3]]
    with pytest.raises(PoolRefusal, match="because of the limit"):
        put(pool, CAROL, 0, tip=200, text=b"." * 101)
    assert len(pool) == 1


def test_what_was_invalid_is_banned_for_a_while_and_what_follows_it_is_future_again() -> None:
    clock = VirtualClock()
    pool = Pool(clock, PoolBounds(ban_s=60.0))
    bad = put(pool, ALICE, 0)
    after = watched(pool, b"after", validity(ALICE, 1))
    pool.drop_invalid(bad)
    assert told(after) == ["ready", "future"]
    with pytest.raises(PoolRefusal, match="temporarily banned") as refused:
        put(pool, ALICE, 0)
    assert refused.value.number == 1012
    clock.jump(-3600)
    with pytest.raises(PoolRefusal, match="temporarily banned"):
        put(pool, ALICE, 0)


async def test_a_ban_ends() -> None:
    clock = VirtualClock()
    pool = Pool(clock, PoolBounds(ban_s=60.0))
    pool.drop_invalid(put(pool, ALICE, 0))
    await clock.advance(61.0)
    put(pool, ALICE, 0)
    assert len(pool) == 1


def test_a_mortal_extrinsic_leaves_when_its_time_is_over() -> None:
    pool = Pool(VirtualClock())
    put(pool, ALICE, 0, longevity=2)
    put(pool, BOB, 0, longevity=2**64 - 1)
    for head, left in ((1, 2), (2, 1), (1_000_000, 1)):
        pool.refresh(dict.fromkeys(pool.senders(), 0), head)
        assert len(pool) == left, head


def test_one_whose_nonce_was_used_elsewhere_leaves() -> None:
    pool = Pool(VirtualClock())
    stale = watched(pool, b"stale", validity(ALICE, 0))
    next_one = watched(pool, b"next", validity(ALICE, 1))
    pool.refresh({ALICE: 1}, 1)
    assert (told(stale), told(next_one)) == (["ready", "invalid"], ["ready"])
    assert pool.pending() == [b"next"]


def test_inclusion_is_told_with_the_block_and_is_final() -> None:
    pool = Pool(VirtualClock())
    watch = watched(pool, b"mine", validity(ALICE, 0))
    pool.included([watch.extrinsic, bytes(32)], BLOCK)
    assert [watch.take().to_json() for _ in range(3)] == [
        "ready",
        {"inBlock": f"0x{BLOCK.hex()}"},
        {"finalized": f"0x{BLOCK.hex()}"},
    ]
    assert watch.is_over
    assert not len(pool)


def test_what_follows_one_that_was_pushed_out_waits_and_so_does_what_a_lower_nonce_of_the_head_put_back() -> None:
    pool = Pool(VirtualClock(), PoolBounds(count=2))
    put(pool, ALICE, 0, tip=1)
    follower = watched(pool, b"follower", validity(ALICE, 1, tip=5))
    put(pool, BOB, 0, tip=3)
    assert told(follower) == ["ready", "future"]
    pool.refresh({ALICE: 1, BOB: 0}, 0)
    assert told(follower) == ["ready"]
    pool.refresh({ALICE: 0, BOB: 0}, 0)
    assert told(follower) == ["future"]


def test_a_node_refuses_what_its_runtime_finds_invalid_and_leaves_no_trace() -> None:
    node = purse_node()
    with pytest.raises(InvalidTransaction, match="Inability to pay"):
        node.watch(give(ALICE, 0, amount=10**9))
    assert not len(node.pool)


def test_what_becomes_invalid_within_a_block_is_dropped_and_the_others_go_in() -> None:
    node = purse_node()
    rich, poor = node.watch(give(ALICE, 0, amount=900_000)), node.watch(give(ALICE, 1, amount=900_000))
    other = node.watch(give(CAROL, 0))
    node.seal()
    assert [told(watch) for watch in (rich, poor, other)] == [
        ["ready", "inBlock", "finalized"],
        ["ready", "invalid"],
        ["ready", "inBlock", "finalized"],
    ]
    assert not len(node.pool)
