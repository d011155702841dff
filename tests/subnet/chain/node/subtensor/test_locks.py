# SPDX-License-Identifier: Apache-2.0
"""Locks of alpha: what is locked stays on its network, follows its stake, and speaks for a hotkey."""

from __future__ import annotations

import pytest

from incentive.fixed import U64F64
from subnet.chain.node.apis.stake import StakeInfoRuntimeApi
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.conviction import Role
from subnet.chain.node.pallets.subtensor.storage_locks import StakeLock
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

HOT, OTHER, OWNERS = key("hot"), key("other hot"), key("owner's")
MOST = 2**64 - 1
DECAYING, FOR_GOOD = Role(False, False), Role(False, True)


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.network("owner 2", "own 2")
    scene.pay("cold", 1000)
    for hotkey in (HOT, OTHER):
        scene.call("cold", "burned_register", 1, hotkey)
    scene.call("cold", "add_stake", HOT, 1, 100 * TAO)
    scene.call("cold", "add_stake", OTHER, 1, 100 * TAO)
    return scene


def held(scene: Scene, who: str = "cold", hotkey: bytes = HOT) -> int:
    return scene.chain.stake_of(hotkey, key(who), 1)


def locked(scene: Scene, who: str = "cold") -> int:
    return scene.chain.stake_and_lock(key(who), 1)[1]


def summed(scene: Scene, hotkey: bytes = HOT) -> tuple[int, int]:
    """What is locked for a hotkey in the individual locks, and in the sums beside them."""
    chain, roles = scene.chain, [Role(owner, good) for owner in (True, False) for good in (True, False)]
    found = [at for at in chain.Lock if at[1:] == (1, hotkey)]
    each = sum(chain.stake_and_lock(coldkey, 1)[1] for coldkey, _, _ in found)
    sums = [chain.pooled(1, hotkey, role) for role in roles if not role.owner or hotkey == OWNERS]
    return each, sum(lock.locked_mass for lock in sums if lock is not None)


def test_locked_stake_cannot_be_sold_or_moved_away_or_destroyed(scene: Scene) -> None:
    total = held(scene) + held(scene, hotkey=OTHER)
    assert scene.call("cold", "lock_stake", HOT, 1, total - TAO) == ["StakeLocked"]
    assert scene.refusal("cold", "remove_stake", HOT, 1, held(scene)) == "StakeUnavailable"
    assert scene.refusal("cold", "remove_stake", OTHER, 1, held(scene, hotkey=OTHER)) == "StakeUnavailable"
    assert scene.refusal("cold", "remove_stake_limit", HOT, 1, held(scene), 0, False) == "StakeUnavailable"
    assert scene.refusal("cold", "swap_stake", HOT, 1, 2, held(scene)) == "StakeUnavailable"
    assert scene.refusal("cold", "swap_stake_limit", HOT, 1, 2, held(scene), 0, True) == "StakeUnavailable"
    assert scene.refusal("cold", "burn_alpha", HOT, held(scene), 1) == "StakeUnavailable"
    assert scene.refusal("cold", "recycle_alpha", HOT, held(scene), 1) == "StakeUnavailable"
    assert scene.refusal("cold", "unstake_all_alpha", HOT) == "AmountTooLow"
    before = held(scene)
    scene.call("cold", "unstake_all", HOT)
    assert held(scene) == before
    scene.call("cold", "remove_stake", HOT, 1, TAO // 2)
    assert held(scene) == before - TAO // 2


def test_locked_stake_may_go_to_another_hotkey_of_its_network(scene: Scene) -> None:
    scene.call("cold", "lock_stake", HOT, 1, held(scene) + held(scene, hotkey=OTHER))
    scene.call("cold", "move_stake", HOT, OTHER, 1, 1, MOST)
    assert held(scene) == 0
    assert locked(scene) == held(scene, hotkey=OTHER)


def test_refusals_to_lock_come_in_the_chains_order(scene: Scene) -> None:
    total = held(scene) + held(scene, hotkey=OTHER)
    assert scene.refusal("cold", "lock_stake", key("nobody's"), 1, 0) == "AmountTooLow"
    assert scene.refusal("cold", "lock_stake", key("nobody's"), 1, total) == "HotKeyAccountNotExists"
    assert scene.refusal("cold", "lock_stake", HOT, 1, total + 1) == "InsufficientStakeForLock"
    scene.call("cold", "lock_stake", HOT, 1, total // 2)
    assert scene.refusal("cold", "lock_stake", OTHER, 1, 1) == "LockHotkeyMismatch"
    assert scene.refusal("cold", "lock_stake", HOT, 1, total) == "InsufficientStakeForLock"
    scene.call("cold", "lock_stake", HOT, 1, 1000)
    assert locked(scene) == total // 2 + 1000
    assert summed(scene) == (locked(scene), locked(scene))


def test_a_lock_comes_free_with_time_unless_it_is_for_good(scene: Scene) -> None:
    scene.call("cold", "lock_stake", HOT, 1, 50 * TAO)
    scene.wait(934_866)
    assert locked(scene) == pytest.approx(50 * TAO / 2.718281828)
    before = locked(scene)
    assert scene.call("cold", "set_perpetual_lock", 1, True) == ["PerpetualLockUpdated"]
    assert scene.chain.pooled(1, HOT, DECAYING) is None
    scene.wait(934_866)
    assert locked(scene) == before
    assert summed(scene) == (before, before)
    scene.call("cold", "set_perpetual_lock", 1, False)
    assert not scene.chain.DecayingLock.items()
    assert scene.chain.pooled(1, HOT, FOR_GOOD) is None
    scene.wait(40_000_000)
    assert locked(scene) == 0
    scene.call("cold", "remove_stake", HOT, 1, MOST)
    assert not scene.chain.Lock.items()
    assert not scene.chain.LockingColdkeys.items()


def test_a_lock_that_moves_keeps_its_conviction_only_with_the_same_owner(scene: Scene) -> None:
    scene.call("cold", "lock_stake", HOT, 1, 50 * TAO)
    scene.wait(100_000)
    spoken = scene.chain.hotkey_conviction(HOT, 1)
    assert spoken > 0
    assert scene.call("cold", "move_lock", OTHER, 1) == ["LockMoved"]
    assert scene.chain.hotkey_conviction(HOT, 1) == 0
    assert scene.chain.hotkey_conviction(OTHER, 1) == spoken
    scene.call("cold", "move_lock", OWNERS, 1)
    # On the owner's hotkey stake convinces at once.
    assert scene.chain.hotkey_conviction(OWNERS, 1) == U64F64.of(locked(scene))
    scene.call("cold", "move_lock", HOT, 1)
    assert scene.chain.hotkey_conviction(HOT, 1) == 0
    assert scene.refusal("cold", "move_lock", key("nobody's"), 1) == "HotKeyAccountNotExists"
    assert scene.refusal("nobody", "move_lock", HOT, 1) == "NoExistingLock"


def test_a_lock_follows_given_stake_to_whoever_accepts_that(scene: Scene) -> None:
    total = held(scene) + held(scene, hotkey=OTHER)
    scene.call("cold", "lock_stake", HOT, 1, total - 10 * TAO)
    give = ("transfer_stake", key("heir"), HOT, 1, 1)
    scene.call("cold", *give, 10 * TAO)
    assert (locked(scene), locked(scene, "heir")) == (total - 10 * TAO, 0)
    assert scene.refusal("cold", *give, 20 * TAO) == "AccountRejectsLockedAlpha"
    assert scene.call("heir", "set_reject_locked_alpha", False) == ["RejectLockedAlphaUpdated"]
    scene.wait(1000)
    spoken, bound = scene.chain.hotkey_conviction(HOT, 1), locked(scene)
    scene.call("cold", *give, held(scene))
    moved = locked(scene, "heir")
    assert 0 < moved < total
    assert locked(scene) + moved == bound
    assert summed(scene) == (bound, bound)
    assert scene.chain.hotkey_conviction(HOT, 1) == pytest.approx(spoken, rel=1e-12)
    scene.call("heir", "set_reject_locked_alpha", True)
    assert key("heir") not in scene.chain.AccountFlags
    scene.call("cold", "move_lock", OTHER, 1)
    scene.call("heir", "set_reject_locked_alpha", False)
    last = ("transfer_stake", key("heir"), OTHER, 1, 1, held(scene, hotkey=OTHER))
    assert scene.refusal("cold", *last) == "LockHotkeyMismatch"


def test_a_new_hotkey_takes_the_place_of_the_old_one_in_all_locks(scene: Scene) -> None:
    scene.call("cold", "lock_stake", HOT, 1, 50 * TAO)
    scene.wait(5000)
    spoken = scene.chain.hotkey_conviction(HOT, 1)
    scene.call("cold", "swap_hotkey", HOT, key("new hot"), None)
    assert scene.chain.stored_lock(key("cold"), 1) is not None
    assert [at[2] for at in scene.chain.Lock] == [key("new hot")]
    assert scene.chain.hotkey_conviction(key("new hot"), 1) == spoken
    assert summed(scene, key("new hot"))[0] == summed(scene, key("new hot"))[1] == locked(scene)


def test_the_owners_locks_stay_the_owners_with_a_new_hotkey(scene: Scene) -> None:
    scene.call("cold", "lock_stake", OWNERS, 1, 50 * TAO)
    scene.call("owner", "swap_hotkey", OWNERS, key("new own"), 1)
    assert scene.chain.SubnetOwnerHotkey[1] == key("new own")
    assert scene.chain.hotkey_conviction(key("new own"), 1) == U64F64.of(50 * TAO)


def test_the_owners_cut_is_locked_where_the_owner_wants_that(scene: Scene) -> None:
    chain = scene.chain
    chain.increase_stake(OWNERS, key("owner"), 1, 3 * TAO)
    chain.lock_owner_cut(1, TAO)
    assert locked(scene, "owner") == 0
    chain.OwnerCutAutoLockEnabled[1] = True
    chain.lock_owner_cut(1, TAO)
    chain.lock_owner_cut(1, 0)
    chain.lock_owner_cut(1, 10**18)
    assert locked(scene, "owner") == TAO
    assert [at[2] for at in chain.Lock] == [OWNERS]


def test_all_locks_of_a_coldkey_go_with_it(scene: Scene) -> None:
    chain = scene.chain
    scene.call("cold", "lock_stake", HOT, 1, 50 * TAO)
    scene.call("cold", "set_perpetual_lock", 1, True)
    chain.set_accepts_locked(key("heir"), True)
    chain.swap_coldkey_locks(key("cold"), key("heir"))
    assert list(chain.Lock) == [(key("heir"), 1, HOT)]
    assert chain.is_perpetual(key("heir"), 1)
    assert not chain.is_perpetual(key("cold"), 1)
    assert summed(scene) == (50 * TAO, 50 * TAO)


def test_nothing_of_locks_outlives_their_network(scene: Scene) -> None:
    scene.call("cold", "lock_stake", HOT, 1, 50 * TAO)
    scene.call("cold", "set_perpetual_lock", 1, True)
    scene.chain.dissolve(1)
    chain = scene.chain
    kept = (chain.Lock, chain.LockingColdkeys, chain.HotkeyLock, chain.DecayingHotkeyLock, chain.DecayingLock)
    assert not any(item.items() for item in kept)


def test_who_asks_is_told_what_is_locked_by_now(scene: Scene) -> None:
    api = StakeInfoRuntimeApi(scene.chain)
    assert api.get_coldkey_lock(key("cold"), 1) is None
    assert api.get_most_convicted_hotkey_on_subnet(1) is None
    scene.call("cold", "lock_stake", HOT, 1, 50 * TAO)
    scene.wait(1000)
    lock = api.get_coldkey_lock(key("cold"), 1)
    assert lock is not None
    assert (lock.last_update, lock.locked_mass < 50 * TAO) == (1010, True)
    assert api.get_hotkey_conviction(HOT, 1) == lock.conviction > 0
    assert api.get_most_convicted_hotkey_on_subnet(1) == HOT
    (_, networks), *_ = api.get_stake_availability_for_coldkeys((key("cold"),), (1,))
    told = dict(networks)[1]
    assert told.locked == lock.locked_mass
    assert told.total == told.locked + told.available


def test_a_small_nomination_that_is_given_back_takes_its_lock_along(scene: Scene) -> None:
    chain = scene.chain
    scene.call("cold", "transfer_stake", key("small"), HOT, 1, 1, 10 * TAO)
    scene.call("small", "lock_stake", HOT, 1, held(scene, "small"))
    chain.NominatorMinRequiredStake.value = 10**13
    chain.clear_small_nomination(HOT, key("small"), 1)
    assert (held(scene, "small"), locked(scene, "small")) == (0, 0)
    assert chain.Lock[key("small"), 1, HOT] is None


def test_locks_are_made_in_the_name_of_the_caller_alone(scene: Scene) -> None:
    scene.chain.lock_stake(Origin(key("cold")), HOT, 1, 100)
    assert scene.chain.Lock[key("cold"), 1, HOT] == StakeLock(100, 0, 10)
