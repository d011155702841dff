# SPDX-License-Identifier: Apache-2.0
"""Children: who may lend stake to whom, when it takes effect, and that both sides always agree."""

from __future__ import annotations

import pytest

from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HALF, WHOLE = 2**63 - 1, 2**64 - 1
NAMES = [f"miner 1/{number}" for number in range(4)]
KEYS = [key(name) for name in NAMES]


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.miners(1, 4)
    scene.chain.Tempo[1], scene.chain.LastEpochBlock[1] = 10, 10
    return scene


def lend(scene: Scene, parent: int, *children: tuple[int, int]) -> list[str]:
    family = tuple((part, KEYS[child]) for part, child in children)
    return scene.call(f"{NAMES[parent]} cold", "set_children", KEYS[parent], 1, family)


def refused(scene: Scene, *children: tuple[int, bytes], netuid: int = 1, who: str = f"{NAMES[0]} cold") -> str:
    return scene.refusal(who, "set_children", KEYS[0], netuid, children)


def test_a_change_waits_and_takes_effect_with_an_epoch_after_that(scene: Scene) -> None:
    chain = scene.chain
    assert lend(scene, 0, (HALF, 1)) == ["SetChildrenScheduled"]
    assert chain.PendingChildKeys[1, KEYS[0]] == (((HALF, KEYS[1]),), 25)
    scene.wait(10)
    chain.on_initialize()
    assert chain.ChildKeys[KEYS[0], 1] == ()
    scene.wait(10)
    chain.on_initialize()
    assert chain.ChildKeys[KEYS[0], 1] == ((HALF, KEYS[1]),)
    assert chain.ParentKeys[KEYS[1], 1] == ((HALF, KEYS[0]),)
    assert (1, KEYS[0]) not in chain.PendingChildKeys


def test_before_a_network_is_open_a_change_takes_effect_at_once(scene: Scene) -> None:
    chain = scene.chain
    chain.SubtokenEnabled[1] = False
    assert lend(scene, 0, (HALF, 2), (HALF, 1)) == ["SetChildren"]
    assert [child for _, child in chain.ChildKeys[KEYS[0], 1]] == sorted([KEYS[1], KEYS[2]])
    lend(scene, 3, (WHOLE, 1))
    scene.wait(150)
    lend(scene, 0, (5, 1))
    assert chain.ParentKeys[KEYS[1], 1] == ((5, KEYS[0]), (WHOLE, KEYS[3]))
    assert (KEYS[2], 1) not in chain.ParentKeys
    scene.wait(150)
    lend(scene, 0)
    assert (KEYS[0], 1) not in chain.ChildKeys
    assert chain.ParentKeys[KEYS[1], 1] == ((WHOLE, KEYS[3]),)


def test_refusals_come_in_the_chains_order(scene: Scene) -> None:
    chain = scene.chain
    stranger = "stranger"
    assert refused(scene, netuid=0, who=stranger) == "RegistrationNotPermittedOnRootSubnet"
    assert refused(scene, netuid=9, who=stranger) == "SubnetNotExists"
    assert refused(scene, who=stranger) == "NonAssociatedColdKey"
    twice = (1, KEYS[0])
    assert refused(scene, twice, twice) == "DuplicateChild"
    six = tuple((WHOLE, key(f"child {number}")) for number in range(6))
    assert refused(scene, *six, (1, KEYS[0])) == "InvalidChild"
    assert refused(scene, *six) == "TooManyChildren"
    assert refused(scene, *six[:2]) == "ProportionOverflow"
    chain.ChildKeys[KEYS[1], 1] = ((1, KEYS[0]),)
    chain.ParentKeys[KEYS[0], 1] = ((1, KEYS[1]),)
    assert refused(scene, (1, KEYS[1])) == "ChildParentInconsistency"
    chain.StakeThreshold.value = TAO
    assert refused(scene, (1, KEYS[2])) == "NotEnoughStakeToSetChildkeys"
    lend(scene, 0)
    assert refused(scene, netuid=1, who=stranger) == "TxRateLimitExceeded"
    scene.call("owner", "set_children", key("owner's"), 1, ((1, KEYS[2]),))


def test_a_change_that_became_a_circle_is_dropped(scene: Scene) -> None:
    chain = scene.chain
    lend(scene, 0, (HALF, 1))
    lend(scene, 1, (HALF, 0))
    scene.wait(20)
    chain.on_initialize()
    linked = [KEYS[at] for at in (0, 1) if chain.ChildKeys[KEYS[at], 1]]
    assert len(linked) == 1
    assert len(chain.PendingChildKeys) == 0


def test_who_loses_its_stake_has_no_children_pending(scene: Scene) -> None:
    cold = f"{NAMES[0]} cold"
    scene.pay(cold, 100)
    scene.call(cold, "add_stake", KEYS[0], 1, 50 * TAO)
    scene.chain.StakeThreshold.value = 10 * TAO
    lend(scene, 0, (HALF, 1))
    scene.call(cold, "remove_stake", KEYS[0], 1, 2**64 - 1)
    assert (1, KEYS[0]) not in scene.chain.PendingChildKeys


def test_a_childs_take_is_bounded_and_seldom_raised(scene: Scene) -> None:
    cold, chain = f"{NAMES[0]} cold", scene.chain
    assert scene.refusal("stranger", "set_childkey_take", KEYS[0], 1, 5) == "NonAssociatedColdKey"
    assert scene.refusal(cold, "set_childkey_take", KEYS[0], 1, 11797) == "InvalidChildkeyTake"
    assert scene.call(cold, "set_childkey_take", KEYS[0], 1, 100) == ["ChildKeyTakeSet"]
    assert scene.refusal(cold, "set_childkey_take", KEYS[0], 1, 101) == "TxChildkeyTakeRateLimitExceeded"
    scene.call(cold, "set_childkey_take", KEYS[0], 1, 99)
    scene.wait(chain.TxChildkeyTakeRateLimit.value)
    scene.call(cold, "set_childkey_take", KEYS[0], 1, 101)
    chain.MinChildkeyTakePerSubnet[1] = 200
    assert scene.refusal(cold, "set_childkey_take", KEYS[0], 1, 101) == "InvalidChildkeyTake"
