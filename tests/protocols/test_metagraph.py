# SPDX-License-Identifier: Apache-2.0
"""Columns and rows say the same, identity follows the hotkey, and nothing damaged is read as a metagraph."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.endpoint import Endpoint
from protocols.errors import LedgerError, NotRegistered
from protocols.metagraph import Metagraph, Neuron, Replaced
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid

NET = NetUid(3)
SHARE = st.floats(0.0, 1.0)
RAO = st.integers(0, 2**63 - 1)
ENDPOINTS = st.none() | st.builds(Endpoint, st.sampled_from(["203.0.113.7", "2001:db8::1"]), st.integers(1, 65_535))
ROWS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "hotkey": st.text(max_size=3),
        "coldkey": st.text(max_size=3),
        "endpoint": ENDPOINTS,
        "active": st.booleans(),
        "validator_permit": st.booleans(),
    }
    | dict.fromkeys(("stake", "alpha_stake", "emission", "last_update", "block_at_registration"), RAO)
    | dict.fromkeys(("incentive", "dividends", "consensus", "trust", "validator_trust"), SHARE)
)
NEURONS = st.lists(ROWS, max_size=8, unique_by=lambda row: row["hotkey"]).map(
    lambda rows: [Neuron(Uid(uid), **row) for uid, row in enumerate(rows)]
)


def hot(name: str) -> Hotkey:
    return Hotkey(name)


def row(uid: int, name: str, **values: Any) -> Neuron:
    return Neuron(Uid(uid), hot(name), Coldkey(f"cold-{name}"), **values)


def subnet(*names: str, **first: Any) -> Metagraph:
    return Metagraph.of(NET, Block(7), [row(uid, name, **({} if uid else first)) for uid, name in enumerate(names)])


@given(NEURONS)
def test_rows_columns_and_bytes_hold_the_same(neurons: list[Neuron]) -> None:
    metagraph = Metagraph.of(NET, Block(7), neurons)
    assert list(metagraph) == neurons
    assert [metagraph[uid] for uid in metagraph.uids] == neurons
    assert [metagraph.by_hotkey(neuron.hotkey) for neuron in neurons] == neurons
    restored = Metagraph.from_bytes(metagraph.to_bytes())
    assert list(restored) == neurons
    assert (restored, hash(restored)) == (metagraph, hash(metagraph))
    assert not metagraph.diff(restored)


@given(NEURONS, NEURONS)
def test_a_diff_accounts_for_every_hotkey(before: list[Neuron], after: list[Neuron]) -> None:
    old, new = Metagraph.of(NET, Block(7), before), Metagraph.of(NET, Block(8), after)
    diff = old.diff(new)
    was, now = {neuron.hotkey: neuron for neuron in before}, {neuron.hotkey: neuron for neuron in after}
    stayed = was.keys() & now.keys()
    assert (set(diff.joined), set(diff.left)) == (now.keys() - was.keys(), was.keys() - now.keys())
    assert set(diff.renumbered) == {hotkey for hotkey in stayed if was[hotkey].uid != now[hotkey].uid}
    assert set(diff.moved) == {hotkey for hotkey in stayed if was[hotkey].endpoint != now[hotkey].endpoint}
    assert set(diff.restaked) == {hotkey for hotkey in stayed if was[hotkey].stake != now[hotkey].stake}
    permits = {hotkey: (was[hotkey].validator_permit, now[hotkey].validator_permit) for hotkey in stayed}
    assert set(diff.permit_gained) == {hotkey for hotkey, permit in permits.items() if permit == (False, True)}
    assert set(diff.permit_lost) == {hotkey for hotkey, permit in permits.items() if permit == (True, False)}
    assert [change.uid for change in diff.replaced] == [
        uid for uid in range(min(len(before), len(after))) if before[uid].hotkey != after[uid].hotkey
    ]


def test_a_uid_that_passed_to_another_hotkey_is_replaced_and_one_that_grew_is_joined() -> None:
    diff = subnet("a", "b").diff(subnet("a", "x", "c"))
    assert diff.replaced == (Replaced(Uid(1), hot("b"), hot("x")),)
    assert (diff.joined, diff.left) == ((hot("x"), hot("c")), (hot("b"),))


def test_a_subnet_that_shrank_lost_its_last_and_renumbered_who_moved_up() -> None:
    diff = subnet("a", "b", "c").diff(subnet("c"))
    assert (diff.joined, diff.left, diff.renumbered) == ((), (hot("a"), hot("b")), (hot("c"),))


def test_a_diff_tells_what_changed_of_one_neuron() -> None:
    old = subnet("a", "b", endpoint=Endpoint("203.0.113.7", 1), stake=5)
    new = subnet("a", "b", endpoint=Endpoint("203.0.113.7", 2), stake=6, validator_permit=True)
    diff = old.diff(new)
    assert (diff.moved, diff.restaked, diff.permit_gained) == ((hot("a"),),) * 3
    assert new.diff(old).permit_lost == (hot("a"),)
    assert diff
    assert not old.diff(old)


def test_other_subnets_are_not_compared() -> None:
    with pytest.raises(LedgerError, match="subnet 3 with subnet 4"):
        subnet("a").diff(Metagraph.of(NetUid(4), Block(7), []))


def test_a_hotkey_or_uid_that_is_not_there_is_not_registered() -> None:
    metagraph = subnet("a", "b")
    assert hot("a") in metagraph
    assert hot("x") not in metagraph
    assert metagraph.uid_of(hot("b")) == 1
    with pytest.raises(NotRegistered, match="hotkey x is not registered on subnet 3"):
        metagraph.by_hotkey(hot("x"))
    for uid in (2, -1):
        with pytest.raises(NotRegistered, match=f"uid {uid} is nobody's on subnet 3, which has 2 neurons"):
            metagraph[uid]


def test_where_gives_the_rows_under_a_mask() -> None:
    metagraph = subnet("a", "b", "c", validator_permit=True)
    assert [neuron.hotkey for neuron in metagraph.where(~metagraph.validator_permit)] == ["b", "c"]
    assert metagraph.where(np.zeros(3, dtype=np.bool_)) == ()
    for mask in (np.ones(2, dtype=np.bool_), np.array([0, 1, 2])):
        with pytest.raises(LedgerError, match=r"expected bool of shape \(3,\)"):
            metagraph.where(mask)


def test_no_column_can_be_changed_or_replaced() -> None:
    metagraph = subnet("a")
    with pytest.raises(ValueError, match="read-only"):
        metagraph.stake[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        metagraph.stake = np.zeros(1, dtype=np.int64)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stake": np.array([1, 2, 3])}, r"column stake has shape \(3,\), expected 2 rows"),
        ({"coldkeys": ("x",)}, "column coldkeys has 1 rows, expected 2"),
        ({"endpoints": (None,) * 3}, "column endpoints has 3 rows, expected 2"),
        ({"incentive": np.array([0.5, np.nan])}, "column incentive is nan at row 1"),
        ({"trust": np.array([0, 65_535], np.uint16)}, "column trust holds uint16, expected float64"),
        ({"hotkeys": ("a", "a")}, "hotkey a has several uids on subnet 3"),
    ],
)
def test_a_metagraph_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        dataclasses.replace(subnet("a", "b"), **changes)


def test_rows_out_of_order_and_amounts_with_decimals_are_refused() -> None:
    with pytest.raises(LedgerError, match="row 0 of subnet 3 is of uid 1, expected 0"):
        Metagraph.of(NET, Block(7), [row(1, "a")])
    with pytest.raises(LedgerError, match="column stake holds float64, expected int64"):
        subnet("a", stake=1.5)


def test_bytes_that_are_no_metagraph_are_refused() -> None:
    whole = subnet("a", "b").to_bytes()
    stored = msgspec.msgpack.decode(whole)
    columns = stored[-1]
    damaged = [
        b"",
        whole[:-1],
        msgspec.msgpack.encode([2, *stored[1:]]),
        msgspec.msgpack.encode([*stored[:-1], {name: data for name, data in columns.items() if name != "trust"}]),
        msgspec.msgpack.encode([*stored[:-1], columns | {"stake": columns["stake"][:-1]}]),
        msgspec.msgpack.encode([*stored[:-1], columns | {"stake": columns["stake"][:-8]}]),
        msgspec.msgpack.encode([*stored[:-1], columns | {"trust": np.array([0.5, np.nan]).tobytes()}]),
    ]
    for data in damaged:
        with pytest.raises(LedgerError):
            Metagraph.from_bytes(data)
