# SPDX-License-Identifier: Apache-2.0
"""Takes of delegates, where miners' pay goes, and what root's stakers claim."""

from __future__ import annotations

import pytest

from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import ROOT as ROOT_ORIGIN
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HOT = key("miner 1/0")
COLD = "miner 1/0 cold"


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.miners(1, 2)
    scene.pay(COLD, 1000)
    scene.pay("other", 1000)
    return scene


def test_a_take_is_lowered_at_any_time_and_raised_seldom(scene: Scene) -> None:
    chain = scene.chain
    assert scene.refusal(COLD, "increase_take", key("nobody"), 5) == "HotKeyAccountNotExists"
    assert scene.refusal("other", "increase_take", HOT, 5) == "NonAssociatedColdKey"
    assert scene.refusal(COLD, "increase_take", HOT, 11797) == "DelegateTakeTooHigh"
    assert scene.call(COLD, "decrease_take", HOT, 500) == ["TakeDecreased"]
    assert scene.refusal(COLD, "decrease_take", HOT, 500) == "DelegateTakeTooLow"
    assert scene.refusal(COLD, "increase_take", HOT, 500) == "DelegateTakeTooLow"
    assert scene.refusal(COLD, "increase_take", HOT, 600) == "DelegateTxRateLimitExceeded"
    scene.wait(chain.TxDelegateTakeRateLimit.value)
    assert scene.refusal(COLD, "increase_take", HOT, 600) == "DelegateTxRateLimitExceeded"
    scene.wait(1)
    assert scene.call(COLD, "increase_take", HOT, 600) == ["TakeIncreased"]
    chain.MinDelegateTake.value = 550
    assert scene.refusal(COLD, "decrease_take", HOT, 549) == "DelegateTakeTooLow"
    assert chain.Delegates[HOT] == 600


def test_a_coldkey_says_where_its_miners_pay_is_staked(scene: Scene) -> None:
    chain, choose = scene.chain, "set_coldkey_auto_stake_hotkey"
    assert scene.refusal(COLD, choose, 9, HOT) == "SubnetNotExists"
    assert scene.refusal(COLD, choose, 1, key("nobody")) == "HotKeyNotRegisteredInSubNet"
    scene.call(COLD, choose, 1, HOT)
    assert scene.refusal(COLD, choose, 1, HOT) == "SameAutoStakeHotkeyAlreadySet"
    scene.call(COLD, choose, 1, key("miner 1/1"))
    assert chain.AutoStakeDestination[key(COLD), 1] == key("miner 1/1")
    assert chain.AutoStakeDestinationColdkeys[HOT, 1] == ()
    assert chain.AutoStakeDestinationColdkeys[key("miner 1/1"), 1] == (key(COLD),)


def earned(scene: Scene) -> None:
    """Two have staked on root in equal parts, and the hotkey has earned a tao's alpha for each hundred."""
    for who in (COLD, "other"):
        scene.call(who, "add_stake", HOT, ROOT, 100 * TAO)
    scene.chain.SubnetAlphaOut[1] += 2 * TAO
    scene.chain.owe_root(HOT, 1, 2 * TAO)


def test_root_earns_in_proportion_and_new_stake_earned_nothing_before(scene: Scene) -> None:
    earned(scene)
    chain = scene.chain
    assert chain.root_owed(HOT, key(COLD), 1) == pytest.approx(TAO, abs=100)
    scene.pay("late", 500)
    scene.call("late", "add_stake", HOT, ROOT, 400 * TAO)
    assert chain.root_owed(HOT, key("late"), 1) <= 1
    before = chain.root_owed(HOT, key(COLD), 1)
    scene.call(COLD, "add_stake", HOT, ROOT, 50 * TAO)
    assert chain.root_owed(HOT, key(COLD), 1) == pytest.approx(before, abs=1)
    scene.call(COLD, "transfer_stake", key("heir"), HOT, ROOT, ROOT, 150 * TAO)
    assert chain.root_owed(HOT, key("heir"), 1) <= 1


def test_a_claim_is_kept_as_alpha_or_sold_for_root_stake(scene: Scene) -> None:
    earned(scene)
    chain, owed = scene.chain, scene.chain.root_owed(HOT, key(COLD), 1)
    out = chain.SubnetAlphaOut[1]
    scene.call(COLD, "set_root_claim_type", Variant("KeepSubnets", ((1,),)))
    scene.call(COLD, "claim_root", (1,))
    assert chain.stake_of(HOT, key(COLD), 1) == owed
    assert (chain.SubnetAlphaOut[1], chain.root_owed(HOT, key(COLD), 1)) == (out, 0)
    brought = chain.quote_sell(1, owed, 0).received
    scene.call("other", "claim_root", (1,))
    assert chain.stake_of(HOT, key("other"), ROOT) == 100 * TAO + brought
    assert chain.SubnetAlphaOut[1] == out - owed
    assert chain.SubnetTAO[ROOT] == scene.balances.free(chain.subnet_account(ROOT)) == 200 * TAO + brought
    assert chain.root_owed(HOT, key("other"), 1) <= 1


def test_small_claims_wait(scene: Scene) -> None:
    earned(scene)
    scene.chain.RootClaimableThreshold[1] = (2 * TAO) << 32
    scene.call(COLD, "claim_root", (1,))
    assert scene.chain.root_owed(HOT, key(COLD), 1) > 0
    assert scene.refusal(COLD, "claim_root", ()) == "InvalidSubnetNumber"
    assert scene.refusal(COLD, "claim_root", tuple(range(6))) == "InvalidSubnetNumber"
    assert scene.refusal(COLD, "set_root_claim_type", Variant("KeepSubnets", ((),))) == "InvalidSubnetNumber"
    scene.call("owner", "sudo_set_root_claim_threshold", 1, 10_000_000)
    refused = {"sudo_set_root_claim_threshold": (1, 10_000_001), "sudo_set_num_root_claims": (51,)}
    for name, arguments in refused.items():
        with pytest.raises(DispatchFailure, match="Module"):
            getattr(scene.chain, name)(ROOT_ORIGIN, *arguments)


def test_blocks_claim_for_a_few_by_themselves(scene: Scene) -> None:
    earned(scene)
    chain = scene.chain
    assert chain.NumStakingColdkeys.value == 2
    chain.NumRootClaim.value = 0
    chain.claim_by_itself()
    assert chain.root_owed(HOT, key(COLD), 1) > 0
    chain.NumRootClaim.value = 5
    scene.system.ParentHash.value = bytes(7) + b"\x01" + bytes(7) + b"\x01" + bytes(16)
    chain.claim_by_itself()
    assert chain.root_owed(HOT, key(COLD), 1) <= 1 >= chain.root_owed(HOT, key("other"), 1)


def test_who_has_left_root_is_forgotten_and_the_last_one_takes_the_place(scene: Scene) -> None:
    earned(scene)
    chain = scene.chain
    scene.call(COLD, "remove_stake", HOT, ROOT, 2**64 - 1)
    assert chain.StakingColdkeys[key(COLD)] is None
    assert (chain.StakingColdkeysByIndex[0], chain.StakingColdkeys[key("other")]) == (key("other"), 0)
    assert chain.NumStakingColdkeys.value == 1


def test_more_than_root_stake_can_carry_is_the_owners(scene: Scene) -> None:
    scene.chain.owe_root(HOT, 1, TAO)
    assert scene.chain.RootClaimable[HOT] == ()
    assert scene.chain.stake_of(HOT, key(COLD), 1) == TAO
