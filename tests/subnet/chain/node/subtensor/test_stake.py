# SPDX-License-Identifier: Apache-2.0
"""Staking: what is refused and in which order, what trades cost, and what becomes of stake."""

from __future__ import annotations

from typing import Any

import pytest

from incentive.emission.market import Pool, buy, price, sell
from incentive.fixed import U64F64
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.stake import MIN_STAKE
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HOT = key("hot")
MOST = 2**64 - 1


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.pay("cold", 500)
    scene.call("cold", "burned_register", 1, HOT)
    scene.chain.Burn[1] = TAO
    return scene


def staked(scene: Scene, tao: int = 100 * TAO, netuid: int = 1) -> int:
    scene.call("cold", "add_stake", HOT, netuid, tao)
    return scene.chain.stake_of(HOT, key("cold"), netuid)


def fields(scene: Scene, name: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = [one.event.fields[0] for one in scene.system.happened if one.event.fields[0].name == name][
        -1
    ].fields
    return found


def test_staking_buys_alpha_at_the_pools_price_and_recycles_the_fee(scene: Scene) -> None:
    chain, issued = scene.chain, scene.chain.TotalIssuance.value
    pool, held = chain.pool_of(1), scene.balances.free(key("cold"))
    trade = buy(pool, 100 * TAO)
    assert scene.call("cold", "add_stake", HOT, 1, 100 * TAO)[-1] == "StakeAdded"
    assert fields(scene, "StakeAdded") == (key("cold"), HOT, 100 * TAO, trade.received, 1, trade.fee)
    assert chain.pool_of(1) == Pool(pool.tao + trade.paid, pool.alpha - trade.received)
    assert chain.stake_of(HOT, key("cold"), 1) == chain.SubnetAlphaOut[1] == trade.received
    assert scene.balances.free(key("cold")) == held - 100 * TAO
    assert chain.TotalIssuance.value == scene.balances.TotalIssuance.value == issued - trade.fee
    assert chain.StakingHotkeys[key("cold")] == (HOT,)
    assert chain.LastColdkeyHotkeyStakeBlock[key("cold"), HOT] == 10
    assert (chain.SubnetVolume[1], chain.SubnetTaoFlow[1]) == (100 * TAO + TAO, trade.paid + TAO)


def test_unstaking_sells_alpha_and_tells_it_without_the_fee(scene: Scene) -> None:
    held, chain = staked(scene), scene.chain
    out, pool = chain.SubnetAlphaOut[1], chain.pool_of(1)
    free, trade = scene.balances.free(key("cold")), sell(chain.pool_of(1), held // 2)
    assert scene.call("cold", "remove_stake", HOT, 1, held // 2)[-1] == "StakeRemoved"
    assert fields(scene, "StakeRemoved") == (key("cold"), HOT, trade.received, trade.paid, 1, trade.fee)
    assert chain.stake_of(HOT, key("cold"), 1) == held - held // 2
    assert scene.balances.free(key("cold")) == free + trade.received
    assert chain.pool_of(1) == Pool(pool.tao - trade.received, pool.alpha + trade.paid)
    assert chain.SubnetAlphaOut[1] == out - held // 2


def test_the_fee_is_the_networks_own(scene: Scene) -> None:
    scene.chain.swap.FeeRate[1] = 6553
    assert scene.chain.quote_buy(1, TAO).fee == pytest.approx(TAO // 10, rel=1e-4)
    assert scene.chain.quote_buy(1, TAO, 0).fee == scene.chain.quote_buy(ROOT, TAO).fee == 0


def test_refusals_of_staking_come_in_the_chains_order(scene: Scene) -> None:
    deep = scene.chain.SubnetTAO[1] * 1000
    least = MIN_STAKE + scene.chain.quote_buy(1, MIN_STAKE).fee
    nobody = key("nobody")
    assert scene.refusal("cold", "add_stake", nobody, 1, deep + 1) == "InsufficientLiquidity"
    assert scene.refusal("cold", "add_stake", nobody, 7, 0) == "SubnetNotExists"
    scene.chain.SubtokenEnabled[1] = False
    assert scene.refusal("cold", "add_stake", nobody, 1, 0) == "SubtokenDisabled"
    scene.chain.SubtokenEnabled[1] = True
    assert scene.refusal("poor", "add_stake", nobody, 1, least - 1) == "AmountTooLow"
    assert scene.refusal("poor", "add_stake", nobody, 1, least) == "NotEnoughBalanceToStake"
    assert scene.refusal("cold", "add_stake", nobody, 1, least) == "HotKeyAccountNotExists"
    scene.call("cold", "add_stake", HOT, 1, least)
    scene.chain.SubnetAlphaIn[1] = 999_999
    assert scene.refusal("cold", "add_stake", HOT, 1, least) == "InsufficientLiquidity"


def test_refusals_of_unstaking_come_in_the_chains_order(scene: Scene) -> None:
    held, nobody = staked(scene), key("nobody")
    assert scene.refusal("cold", "remove_stake", nobody, 7, 5) == "SubtokenDisabled"
    assert scene.refusal("cold", "remove_stake", nobody, 1, 5) == "AmountTooLow"  # capped at nothing
    assert scene.refusal("cold", "remove_stake", HOT, 1, 0) == "AmountTooLow"
    assert scene.refusal("cold", "remove_stake", HOT, 1, MIN_STAKE // 2) == "AmountTooLow"
    limit = ("remove_stake_limit", HOT, 1)
    assert scene.refusal("cold", *limit, held + 1, 0, False) == "NotEnoughStakeToWithdraw"
    scene.call("cold", "remove_stake", HOT, 1, MOST)  # more than there is is all of it
    assert scene.chain.stake_of(HOT, key("cold"), 1) == 0


def test_a_last_crumb_may_leave_however_small_it_is(scene: Scene) -> None:
    held = staked(scene)
    scene.call("cold", "remove_stake", HOT, 1, held - 1000)
    assert scene.call("cold", "remove_stake", HOT, 1, 1000)[-1] == "StakeRemoved"
    assert scene.chain.stake_of(HOT, key("cold"), 1) == 0


def test_who_stakes_everything_keeps_what_an_account_needs_to_live(scene: Scene) -> None:
    everything = scene.balances.free(key("cold"))
    scene.call("cold", "add_stake", HOT, ROOT, everything)
    assert scene.balances.free(key("cold")) == 500
    assert scene.chain.stake_of(HOT, key("cold"), ROOT) == everything - 500


@pytest.mark.parametrize("limit", [1_100_000_000, 1_500_000_000, 4_000_000_000])
def test_a_limit_leaves_out_what_would_cost_more(scene: Scene, limit: int) -> None:
    scene.pay("cold", 10_000)
    arguments = ("add_stake_limit", HOT, 1, 9_000 * TAO, limit)
    assert scene.refusal("cold", *arguments, False) == "SlippageTooHigh"
    scene.call("cold", *arguments, True)
    bits = U64F64.divide(U64F64.of(limit), U64F64.of(TAO))
    assert price(scene.chain.pool_of(1)) == pytest.approx(bits, rel=1e-8)


@pytest.mark.parametrize("limit", [950_000_000, 500_000_000])
def test_a_limit_keeps_what_would_bring_less(scene: Scene, limit: int) -> None:
    scene.pay("cold", 5_000)
    held = staked(scene, 5_000 * TAO)
    scene.chain.SubnetTAO[1] = scene.chain.SubnetAlphaIn[1]
    assert scene.refusal("cold", "remove_stake_limit", HOT, 1, held, limit, False) == "SlippageTooHigh"
    assert scene.refusal("cold", "remove_stake_full_limit", HOT, 1, limit) == "SlippageTooHigh"
    scene.call("cold", "remove_stake_limit", HOT, 1, held, limit, True)
    bits = U64F64.divide(U64F64.of(limit), U64F64.of(TAO))
    assert price(scene.chain.pool_of(1)) == pytest.approx(bits, rel=1e-8)


def test_a_limit_that_is_passed_already_is_the_pools_own_refusal(scene: Scene) -> None:
    chain, held = scene.chain, staked(scene)
    with pytest.raises(Exception, match="Module"):
        chain.most_to_buy(1, TAO // 2)
    refusal = chain.swap.PriceLimitExceeded().reason
    for name, limit in (("add_stake_limit", TAO // 2), ("remove_stake_limit", 2 * TAO)):
        with pytest.raises(type(chain.swap.PriceLimitExceeded())) as caught:
            scene.call("cold", name, HOT, 1, held, limit, True)
        assert caught.value.reason == refusal


def test_on_root_a_limit_is_all_or_nothing(scene: Scene) -> None:
    assert scene.refusal("cold", "add_stake_limit", HOT, ROOT, TAO, TAO - 1, False) == "SlippageTooHigh"
    scene.call("cold", "add_stake_limit", HOT, ROOT, TAO, TAO, False)
    assert scene.refusal("cold", "remove_stake_limit", HOT, ROOT, TAO, TAO + 1, False) == "SlippageTooHigh"
    scene.call("cold", "remove_stake_limit", HOT, ROOT, TAO, TAO, False)
    assert scene.chain.stake_of(HOT, key("cold"), ROOT) == scene.chain.SubnetTAO[ROOT] == 0


def test_everything_leaves_at_once_and_what_cannot_be_sold_stays(scene: Scene) -> None:
    second = scene.network("owner 2", "own 2")
    for netuid in (ROOT, 1, second):
        staked(scene, 10 * TAO, netuid)
    scene.chain.SubtokenEnabled[second] = False
    assert scene.refusal("cold", "unstake_all", key("nobody")) == "HotKeyAccountNotExists"
    events = scene.call("cold", "unstake_all", HOT)
    assert events.count("StakeRemoved") == 2
    stakes = [scene.chain.stake_of(HOT, key("cold"), netuid) for netuid in (ROOT, 1, second)]
    assert [bool(stake) for stake in stakes] == [False, False, True]


def test_all_alpha_becomes_root_stake(scene: Scene) -> None:
    staked(scene, 10 * TAO, ROOT)
    held = staked(scene, 10 * TAO)
    brought = scene.chain.quote_sell(1, held).received
    assert scene.call("cold", "unstake_all_alpha", HOT)[-1] == "StakeAdded"
    assert scene.chain.stake_of(HOT, key("cold"), ROOT) == 10 * TAO + brought
    assert scene.refusal("cold", "unstake_all_alpha", HOT) == "AmountTooLow"


def test_alpha_is_recycled_or_burned_and_only_the_first_counts_as_not_issued(scene: Scene) -> None:
    held, chain = staked(scene), scene.chain
    out = chain.SubnetAlphaOut[1]
    assert scene.refusal("cold", "burn_alpha", HOT, 5, ROOT) == "CannotBurnOrRecycleOnRootSubnet"
    assert scene.refusal("cold", "burn_alpha", HOT, 5, 9) == "SubnetNotExists"
    assert scene.call("cold", "recycle_alpha", HOT, 1000, 1) == ["AlphaRecycled"]
    assert (chain.stake_on(HOT, 1), chain.SubnetAlphaOut[1]) == (held - 1000, out - 1000)
    assert scene.call("cold", "burn_alpha", HOT, MOST, 1) == ["AlphaBurned"]
    assert (chain.stake_on(HOT, 1), chain.SubnetAlphaOut[1]) == (0, out - 1000)


def test_a_dividend_is_shared_by_shares(scene: Scene) -> None:
    scene.pay("other", 500)
    mine = staked(scene, 100 * TAO)
    scene.call("other", "add_stake", HOT, 1, 100 * TAO)
    theirs = scene.chain.stake_of(HOT, key("other"), 1)
    scene.chain.pay_nominators(HOT, 1, 10 * TAO)
    gained = scene.chain.stake_of(HOT, key("cold"), 1) - mine, scene.chain.stake_of(HOT, key("other"), 1) - theirs
    assert sum(gained) == pytest.approx(10 * TAO, abs=2)
    assert gained[0] / gained[1] == pytest.approx(mine / theirs, rel=1e-6)


def test_a_dividend_on_a_hotkey_without_stake_is_its_owners(scene: Scene) -> None:
    scene.chain.pay_nominators(HOT, 1, TAO)
    assert scene.chain.stake_of(HOT, key("cold"), 1) == TAO


def test_small_nominations_are_given_back_when_the_rest_leaves(scene: Scene) -> None:
    scene.chain.NominatorMinRequiredStake.value = 1_000_000_000  # two tao
    scene.pay("other", 500)
    scene.call("other", "add_stake", HOT, 1, 10 * TAO)
    held = scene.chain.stake_of(HOT, key("other"), 1)
    events = scene.call("other", "remove_stake", HOT, 1, held - TAO)
    assert events.count("StakeRemoved") == 2
    assert scene.chain.stake_of(HOT, key("other"), 1) == 0
