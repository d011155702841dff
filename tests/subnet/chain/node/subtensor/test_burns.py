# SPDX-License-Identifier: Apache-2.0
"""Alpha that is bought to be destroyed: both happen, or neither."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.subtensor.accounts import ROOT
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key


@pytest.fixture
def scene() -> Scene:
    """A network, and somebody with money who has nothing to do with it."""
    scene = Scene(block=1_000)
    scene.network()
    scene.pay("buyer", 100)
    return scene


@pytest.mark.parametrize("limit", [None, 2**63])
def test_what_is_bought_is_burned_and_stays_issued(scene: Scene, limit: int | None) -> None:
    (netuid,) = scene.chain.subnets()
    out, tao = scene.chain.SubnetAlphaOut[netuid], scene.chain.SubnetTAO[netuid]
    free = scene.balances.free(key("buyer"))
    events = scene.call("buyer", "add_stake_burn", key("owner's"), netuid, 10 * TAO, limit)
    assert events[-3:] == ["StakeAdded", "AlphaBurned", "AddStakeBurn"]
    assert scene.chain.stake_of(key("owner's"), key("buyer"), netuid) == 0
    assert scene.chain.SubnetAlphaOut[netuid] > out
    assert 0 < scene.chain.SubnetTAO[netuid] - tao <= 10 * TAO
    assert free - scene.balances.free(key("buyer")) == 10 * TAO
    ((_, hotkey, amount, alpha),) = [one.event.fields[0].fields for one in scene.system.happened[-1:]]
    assert (hotkey, amount) == (key("owner's"), 10 * TAO)
    assert alpha == scene.chain.SubnetAlphaOut[netuid] - out


def test_a_price_above_the_limit_and_root_are_refused_as_a_whole(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    free = scene.balances.free(key("buyer"))
    limit = (scene.chain.price_of(netuid) * TAO >> 64) + 1_000
    assert scene.refusal("buyer", "add_stake_burn", key("owner's"), netuid, 10 * TAO, limit) == "SlippageTooHigh"
    refused = scene.refusal("buyer", "add_stake_burn", key("owner's"), ROOT, 10 * TAO, None)
    assert refused == "CannotBurnOrRecycleOnRootSubnet"
    assert scene.refusal("buyer", "add_stake_burn", key("nobody's"), netuid, TAO, None) == "HotKeyAccountNotExists"
    assert scene.balances.free(key("buyer")) == free
