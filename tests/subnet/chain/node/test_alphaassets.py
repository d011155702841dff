# SPDX-License-Identifier: Apache-2.0
"""Alpha that was made, burned and given back, by network."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.subtensor.accounts import ROOT
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HOT = key("hot")


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.pay("cold", 1000)
    scene.call("cold", "burned_register", 1, HOT)
    scene.call("cold", "add_stake", HOT, 1, 100 * TAO)
    return scene


def test_what_is_burned_stays_issued_and_what_is_recycled_does_not(scene: Scene) -> None:
    assets, out = scene.chain.assets, scene.chain.SubnetAlphaOut[1]
    assets.mint(1, 50 * TAO)
    scene.call("cold", "burn_alpha", HOT, 7 * TAO, 1)
    assert (assets.AlphaBurned[1], assets.TotalAlphaIssuance[1]) == (7 * TAO, 50 * TAO)
    assert scene.chain.SubnetAlphaOut[1] == out
    scene.call("cold", "recycle_alpha", HOT, 3 * TAO, 1)
    assert (assets.AlphaRecycled[1], assets.TotalAlphaIssuance[1]) == (3 * TAO, 47 * TAO)
    assert scene.chain.SubnetAlphaOut[1] == out - 3 * TAO


def test_each_block_is_counted_with_what_it_brings(scene: Scene) -> None:
    chain = scene.chain
    scene.wait(10)
    chain.emit()
    brought = chain.SubnetAlphaOutEmission[1] + chain.SubnetAlphaInEmission[1]
    assert brought > 0
    assert chain.assets.TotalAlphaIssuance[1] == brought - chain.assets.AlphaRecycled[1]


def test_counters_stop_at_what_fits(scene: Scene) -> None:
    assets = scene.chain.assets
    for count in (assets.mint, assets.burn, assets.recycle):
        count(5, 2**64 - 1)
        count(5, 0)
    assets.burn(5, 1)
    assert (assets.AlphaBurned[5], assets.AlphaRecycled[5], assets.TotalAlphaIssuance[5]) == (2**64 - 1, 2**64 - 1, 0)


def test_all_that_is_staked_on_a_network_is_kept_as_a_sum(scene: Scene) -> None:
    chain = scene.chain
    scene.call("cold", "add_stake", HOT, ROOT, 20 * TAO)
    scene.call("cold", "transfer_stake", key("heir"), HOT, 1, 1, 5 * TAO)
    chain.pay_nominators(HOT, 1, TAO)
    scene.call("cold", "remove_stake", HOT, 1, TAO)
    for netuid in (ROOT, 1):
        staked = sum(alpha for (_, at), alpha in chain.TotalHotkeyAlpha.items() if at == netuid)
        assert chain.TotalAlphaStaked[netuid] == staked > 0
    chain.dissolve(1)
    assert 1 not in chain.TotalAlphaStaked
