# SPDX-License-Identifier: Apache-2.0
"""Stake that moves: between hotkeys, coldkeys and networks, for one fee where it is traded."""

from __future__ import annotations

import pytest

from incentive.emission.market import buy, price, sell
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HOT, OTHER = key("hot"), key("other hot")
MOST = 2**64 - 1


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.network("owner 2", "own 2")
    scene.pay("cold", 1000)
    for hotkey in (HOT, OTHER):
        scene.call("cold", "burned_register", 1, hotkey)
    scene.call("cold", "add_stake", HOT, 1, 100 * TAO)
    return scene


def stake(scene: Scene, hotkey: bytes, netuid: int, who: str = "cold") -> int:
    return scene.chain.stake_of(hotkey, key(who), netuid)


def test_within_a_network_shares_change_hands_and_no_fee_is_taken(scene: Scene) -> None:
    held, pool = stake(scene, HOT, 1), scene.chain.pool_of(1)
    events = scene.call("cold", "move_stake", HOT, OTHER, 1, 1, held // 4)
    assert events == ["StakeRemoved", "StakeAdded", "StakeMoved"]
    assert (stake(scene, HOT, 1), stake(scene, OTHER, 1)) == (held - held // 4, held // 4)
    assert scene.chain.pool_of(1) == pool
    scene.call("cold", "transfer_stake", key("heir"), OTHER, 1, 1, MOST)
    assert (stake(scene, OTHER, 1), stake(scene, OTHER, 1, "heir")) == (0, held // 4)


def test_between_networks_it_is_sold_and_bought_and_the_first_trade_pays(scene: Scene) -> None:
    held, chain = stake(scene, HOT, 1), scene.chain
    sold = sell(chain.pool_of(1), held)
    bought = buy(chain.pool_of(2), sold.received, fee_rate=0)
    free = scene.balances.free(key("cold"))
    events = scene.call("cold", "swap_stake", HOT, 1, 2, held)
    assert [name for name in events if name.startswith("Stake")] == ["StakeRemoved", "StakeAdded", "StakeSwapped"]
    assert (stake(scene, HOT, 1), stake(scene, HOT, 2)) == (0, bought.received)
    assert scene.balances.free(key("cold")) == free


def test_from_root_the_second_trade_pays(scene: Scene) -> None:
    scene.call("cold", "add_stake", HOT, ROOT, 50 * TAO)
    bought = buy(scene.chain.pool_of(2), 50 * TAO)
    scene.call("cold", "swap_stake", HOT, ROOT, 2, 50 * TAO)
    assert (stake(scene, HOT, ROOT), stake(scene, HOT, 2)) == (0, bought.received)


def test_refusals_come_in_the_chains_order(scene: Scene) -> None:
    chain, nobody = scene.chain, key("nobody")
    assert scene.refusal("cold", "swap_stake", nobody, 9, 9, 5) == "SameNetuid"
    assert scene.refusal("cold", "swap_stake", nobody, 1, 9, 5) == "SubnetNotExists"
    chain.SubtokenEnabled[2] = False
    assert scene.refusal("cold", "swap_stake", nobody, 1, 2, 5) == "SubtokenDisabled"
    chain.SubtokenEnabled[2] = True
    assert scene.refusal("cold", "move_stake", HOT, nobody, 1, 2, 5) == "HotKeyAccountNotExists"
    assert scene.refusal("cold", "move_stake", HOT, OTHER, 1, 2, 5) == "AmountTooLow"
    assert scene.refusal("cold", "move_stake", HOT, OTHER, 1, 1, 5) == "AmountTooLow"
    assert scene.refusal("cold", "move_stake", OTHER, HOT, 1, 1, TAO) == "AmountTooLow"  # capped at nothing
    chain.TransferToggle[1] = False
    assert scene.refusal("cold", "transfer_stake", key("heir"), HOT, 1, 2, 5) == "AmountTooLow"
    assert scene.refusal("cold", "transfer_stake", key("heir"), HOT, 1, 2, TAO) == "TransferDisallowed"
    scene.call("cold", "move_stake", HOT, OTHER, 1, 1, TAO)


def test_a_limit_between_two_networks_is_on_what_one_alpha_brings_in_the_other(scene: Scene) -> None:
    scene.pay("cold", 20_000)
    scene.call("cold", "add_stake", HOT, 1, 20_000 * TAO)
    held, chain = stake(scene, HOT, 1), scene.chain
    now = price(chain.pool_of(1)) * TAO // price(chain.pool_of(2))
    limit = now * 3 // 4
    arguments = ("swap_stake_limit", HOT, 1, 2, held)
    assert scene.refusal("cold", *arguments, now + 2, False) == "SlippageTooHigh"
    assert scene.refusal("cold", *arguments, limit, False) == "SlippageTooHigh"
    scene.call("cold", *arguments, limit, True)
    moved, got = held - stake(scene, HOT, 1), stake(scene, HOT, 2)
    assert 0 < moved < held
    # The chain limits what one alpha brings on the whole, not the last one; the fee comes on top.
    assert got * TAO / moved == pytest.approx(limit, rel=1e-3)


def test_what_is_worth_too_little_to_stake_again_stays_money(scene: Scene) -> None:
    free = scene.balances.free(key("cold"))
    chain = scene.chain
    alpha = next(a for a in range(1_600_000, 3_000_000, 100) if chain.quote_sell(1, a).received > 2_000_000)
    scene.call("cold", "swap_stake", HOT, 1, ROOT, alpha)
    assert stake(scene, HOT, ROOT) + scene.balances.free(key("cold")) - free > 2_000_000


def test_a_hotkey_that_gets_others_stake_has_its_take_written_down(scene: Scene) -> None:
    assert HOT not in scene.chain.Delegates
    scene.call("cold", "transfer_stake", key("heir"), HOT, 1, 2, 10 * TAO)
    assert HOT in scene.chain.Delegates
    assert scene.chain.Delegates[HOT] == 11796
