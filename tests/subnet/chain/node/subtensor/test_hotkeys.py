# SPDX-License-Identifier: Apache-2.0
"""One hotkey in place of another, on one network or everywhere."""

from __future__ import annotations

import pytest

from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    for owner in ("first", "second"):
        netuid = scene.network(owner, f"{owner}'s")
        scene.pay("cold", 50)
        scene.call("cold", "burned_register", netuid, key("old"))
        scene.call("cold", "add_stake", key("old"), netuid, 10 * TAO)
    scene.call("old", "serve_axon", 1, 1, 0x01020304, 80, 4, 0, 0, 0)
    return scene


def test_everywhere_a_new_hotkey_has_all_that_the_old_one_had(scene: Scene) -> None:
    chain, free = scene.chain, scene.balances.free(key("cold"))
    axon, stake = chain.Axons[1, key("old")], chain.stake_on(key("old"), 1)
    assert scene.call("cold", "swap_hotkey", key("old"), key("new"), None)[-1] == "HotkeySwapped"
    assert (chain.owner_of(key("old")), chain.owner_of(key("new"))) == (None, key("cold"))
    assert [chain.uid_of(netuid, key("new")) for netuid in (1, 2)] == [1, 1]
    assert (chain.Axons[1, key("new")], chain.stake_on(key("new"), 1)) == (axon, stake)
    assert (chain.is_registered(key("old")), chain.stake_on(key("old"), 1)) == (False, 0)
    assert chain.StakingHotkeys[key("cold")] == chain.OwnedHotkeys[key("cold")] == (key("new"),)
    assert scene.balances.free(key("cold")) == free - TAO // 10


def test_on_one_network_the_old_hotkey_stays_on_the_others(scene: Scene) -> None:
    chain = scene.chain
    assert scene.call("cold", "swap_hotkey_v2", key("old"), key("new"), 1, True)[-1] == "HotkeySwappedOnSubnet"
    assert (chain.uid_of(1, key("new")), chain.uid_of(1, key("old")), chain.uid_of(2, key("old"))) == (1, None, 1)
    assert (chain.owner_of(key("old")), chain.owner_of(key("new"))) == (key("cold"), key("cold"))
    assert chain.stake_on(key("old"), 1) > 0 == chain.stake_on(key("new"), 1)


def test_an_owners_hotkey_takes_its_network_and_its_family_along(scene: Scene) -> None:
    chain = scene.chain
    half = 1 << 63
    chain.ChildKeys[key("old"), 1] = ((half, key("first's")),)
    chain.ParentKeys[key("first's"), 1] = ((half, key("old")),)
    scene.call("first", "swap_hotkey", key("first's"), key("new"), 1)
    assert chain.SubnetOwnerHotkey[1] == key("new")
    assert chain.ChildKeys[key("old"), 1] == ((half, key("new")),)
    assert (chain.ParentKeys[key("new"), 1], chain.ParentKeys[key("first's"), 1]) == (((half, key("old")),), ())


def test_an_exchange_is_refused_by_the_chains_name_for_it(scene: Scene) -> None:
    assert scene.refusal("first", "swap_hotkey", key("old"), key("new"), None) == "NonAssociatedColdKey"
    assert scene.refusal("cold", "swap_hotkey", key("old"), key("first's"), None) == "NonAssociatedColdKey"
    assert scene.refusal("cold", "swap_hotkey", key("old"), key("old"), None) == "NewHotKeyIsSameWithOld"
    scene.call("cold", "swap_hotkey", key("old"), key("new"), 1)
    assert scene.refusal("cold", "swap_hotkey", key("old"), key("other"), 2) == "HotKeySetTxRateLimitExceeded"
    scene.wait(1001)
    assert scene.refusal("cold", "swap_hotkey", key("old"), key("new"), None) == "HotKeyAlreadyRegisteredInSubNet"
    scene.rule("", "sudo_set_tx_rate_limit", 0)
    scene.call("cold", "swap_hotkey", key("old"), key("other"), 2)
    refused = scene.refusal("cold", "swap_hotkey", key("other"), key("more"), 2)
    assert refused == "HotKeySwapOnSubnetIntervalNotPassed"
