# SPDX-License-Identifier: Apache-2.0
"""Voting power: a moving average of validators' stake, followed where an owner wants it and for a while after."""

from __future__ import annotations

import pytest

from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

ONE = 10**18
GRACE = 100_800


@pytest.fixture
def scene() -> Scene:
    """A network with a validator and a miner."""
    scene = Scene(block=1_000)
    netuid = scene.network()
    scene.call("owner", "add_stake", key("owner's"), netuid, 100 * TAO)
    scene.miners(netuid, 1)
    scene.chain.MaxAllowedValidators[netuid] = 1
    scene.call("owner", "enable_voting_power_tracking", netuid)
    scene.call("", "sudo_set_voting_power_ema_alpha", netuid, ONE // 2)
    return scene


def epoch(scene: Scene) -> int:
    """Run an epoch; the validator's voting power."""
    scene.wait(1)
    (netuid,) = scene.chain.subnets()
    scene.chain.run_epoch(netuid)
    return scene.chain.VotingPower[netuid, key("owner's")]


def test_an_epoch_moves_the_average_of_those_who_may_vote(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    stake = scene.chain.stake_on(key("owner's"), netuid)
    first = epoch(scene)
    assert first == stake // 2
    assert epoch(scene) == (stake + first) // 2
    assert [hotkey for hotkey, _ in scene.chain.VotingPower.under(netuid)] == [key("owner's")]


def test_power_is_counted_once_for_every_mechanism(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    scene.chain.MechanismCountCurrent[netuid] = 2
    assert epoch(scene) == scene.chain.stake_on(key("owner's"), netuid)


def test_nobody_is_followed_where_nobody_asked(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    scene.chain.VotingPowerTrackingEnabled[netuid] = False
    assert epoch(scene) == 0


def test_who_falls_below_the_least_stake_or_leaves_has_no_power(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    scene.chain.StakeThreshold.value = 10 * TAO
    scene.chain.VotingPower[netuid, key("gone")] = 5
    scene.chain.VotingPower[netuid, key(f"miner {netuid}/0")] = 5
    power = epoch(scene)
    assert power > 10 * TAO
    assert scene.chain.VotingPower[netuid, key("gone")] == 0
    assert scene.chain.VotingPower[netuid, key(f"miner {netuid}/0")] == 0
    scene.chain.StakeThreshold.value = power
    scene.chain.follow_voting_power(netuid, {key("owner's"): 0})
    assert (netuid, key("owner's")) not in scene.chain.VotingPower


def test_who_is_on_the_way_up_keeps_what_is_below_the_least(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    scene.chain.StakeThreshold.value = 100
    scene.chain.follow_voting_power(netuid, {key("owner's"): 100})
    assert scene.chain.VotingPower[netuid, key("owner's")] == 50


def test_power_is_followed_for_two_weeks_more_and_then_forgotten(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    epoch(scene)
    assert scene.call("owner", "disable_voting_power_tracking", netuid) == ["VotingPowerTrackingDisableScheduled"]
    assert scene.chain.VotingPowerDisableAtBlock[netuid] == scene.system.block + GRACE
    scene.wait(GRACE - 2)
    assert epoch(scene) > 0
    assert epoch(scene) == 0
    assert not scene.chain.VotingPowerTrackingEnabled[netuid]
    assert netuid not in scene.chain.VotingPowerDisableAtBlock
    assert scene.refusal("owner", "disable_voting_power_tracking", netuid) == "VotingPowerTrackingNotEnabled"


def test_asking_again_takes_the_end_back(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    scene.call("owner", "disable_voting_power_tracking", netuid)
    assert scene.call("", "enable_voting_power_tracking", netuid) == ["VotingPowerTrackingEnabled"]
    assert netuid not in scene.chain.VotingPowerDisableAtBlock


def test_only_the_owner_and_the_root_decide_and_only_the_root_how_fast(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    assert scene.refusal("nobody", "enable_voting_power_tracking", netuid) == "BadOrigin"
    assert scene.refusal("nobody", "disable_voting_power_tracking", netuid) == "BadOrigin"
    assert scene.refusal("owner", "sudo_set_voting_power_ema_alpha", netuid, 1) == "BadOrigin"
    too_fast = scene.refusal("", "sudo_set_voting_power_ema_alpha", netuid, ONE + 1)
    assert too_fast == "InvalidVotingPowerEmaAlpha"
    assert scene.call("", "sudo_set_voting_power_ema_alpha", netuid, ONE) == ["VotingPowerEmaAlphaSet"]


def test_power_goes_where_a_hotkeys_stake_goes(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    power = epoch(scene)
    scene.call("owner", "swap_hotkey", key("owner's"), key("fresh"), netuid)
    assert scene.chain.VotingPower[netuid, key("fresh")] == power
    assert (netuid, key("owner's")) not in scene.chain.VotingPower
