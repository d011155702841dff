# SPDX-License-Identifier: Apache-2.0
"""Networks that change hands: a year old, with a tenth of their alpha convinced, to whoever convinces most."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.subtensor.kings import YEAR
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HOT, OWNERS = key("hot"), key("owner's")


@pytest.fixture
def scene() -> Scene:
    """A network on which somebody has locked half of all alpha for good, for a hotkey of their own."""
    scene = Scene(block=10)
    scene.network()
    scene.pay("cold", 1000)
    scene.call("cold", "burned_register", 1, HOT)
    scene.call("cold", "add_stake", HOT, 1, 100 * TAO)
    scene.call("cold", "set_perpetual_lock", 1, True)
    scene.call("cold", "lock_stake", HOT, 1, scene.chain.stake_of(HOT, key("cold"), 1))
    return scene


def crowned(scene: Scene) -> list[str]:
    before = len(scene.system.happened)
    scene.chain.crown(1)
    return [record.event.fields[0].name for record in scene.system.happened[before:]]


def test_a_network_that_is_a_year_old_goes_to_whoever_convinces_most(scene: Scene) -> None:
    chain = scene.chain
    scene.call("owner", "add_stake", OWNERS, 1, 10 * TAO)
    scene.call("owner", "lock_stake", OWNERS, 1, TAO)
    scene.wait(YEAR - 1)
    assert crowned(scene) == []
    scene.wait(1)
    assert crowned(scene) == ["SubnetOwnerChanged"]
    assert (chain.SubnetOwner[1], chain.SubnetOwnerHotkey[1]) == (key("cold"), HOT)
    assert chain.OwnerLock[1] is not None
    assert chain.DecayingOwnerLock[1] is None
    assert (1, HOT) not in chain.HotkeyLock
    assert chain.DecayingHotkeyLock[1, OWNERS] is not None
    # The owner's conviction is all that is locked.
    assert chain.hotkey_conviction(HOT, 1) == chain.OwnerLock[1].locked_mass << 64
    assert crowned(scene) == []


def test_it_stays_where_too_little_is_convinced(scene: Scene) -> None:
    scene.wait(YEAR)
    scene.chain.SubnetAlphaOut[1] = 11 * (scene.chain.total_conviction(1) >> 64)
    assert crowned(scene) == []
    scene.chain.SubnetAlphaOut[1] = 0
    assert crowned(scene) == []


def test_it_stays_where_its_owner_convinces_most(scene: Scene) -> None:
    scene.wait(YEAR)
    scene.chain.Owner[HOT] = key("owner")
    assert crowned(scene) == []


def test_a_king_without_a_uid_gets_one_or_does_not_reign(scene: Scene) -> None:
    chain = scene.chain
    scene.wait(YEAR)
    scene.call("cold", "try_associate_hotkey", key("unseated"))
    scene.call("cold", "move_lock", key("unseated"), 1)
    chain.MaxAllowedUids[1] = 0
    assert crowned(scene) == []
    chain.MaxAllowedUids[1] = 64
    assert "SubnetOwnerChanged" in crowned(scene)
    assert chain.uid_of(1, key("unseated")) == 2


def test_an_epoch_is_when_it_happens(scene: Scene) -> None:
    scene.wait(YEAR)
    scene.chain.run_epochs()
    assert scene.chain.SubnetOwner[1] == key("cold")


def test_equal_convictions_speak_for_the_last_account(scene: Scene) -> None:
    chain = scene.chain
    chain.HotkeyLock[1, key("a")] = chain.HotkeyLock[1, key("b")] = chain.HotkeyLock[1, HOT]
    scene.wait(100)
    assert chain.king_of(1) == max(key("a"), key("b"), HOT)
