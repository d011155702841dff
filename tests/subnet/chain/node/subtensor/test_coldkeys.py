# SPDX-License-Identifier: Apache-2.0
"""An exchange of coldkeys: announced, waited for, disputed; and what moves when it is made."""

from __future__ import annotations

import hashlib

import pytest

from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.records import ChainIdentityV2
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.validity import InvalidTransaction
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key
from tests.subnet.chain.node.township import ALICE, BOB, CAROL, RICH, Township, call, ident

COST = 100_000_000
ID = ChainIdentityV2(b"me", b"", b"", b"", b"", b"", b"")


def hashed(name: str) -> bytes:
    """What a coldkey is announced by."""
    return hashlib.blake2b(key(name), digest_size=32).digest()


@pytest.fixture
def scene() -> Scene:
    """A network of which the owner has everything that a coldkey can have."""
    scene = Scene(block=1_000)
    netuid = scene.network()
    scene.call("owner", "add_stake", key("owner's"), netuid, 100 * TAO)
    scene.call("owner", "add_stake", key("owner's"), ROOT, 10 * TAO)
    scene.pay("other", 100)
    scene.call("other", "burned_register", netuid, key("other's"))
    scene.call("owner", "add_stake", key("other's"), netuid, 10 * TAO)
    scene.call("owner", "set_coldkey_auto_stake_hotkey", netuid, key("other's"))
    scene.chain.IdentitiesV2[key("owner")] = ID
    scene.chain.RootClaimed[netuid, key("owner's"), key("owner")] = 7
    return scene


def test_an_exchange_moves_all_that_a_coldkey_has(scene: Scene) -> None:
    chain, (netuid,) = scene.chain, scene.chain.subnets()
    old, new = key("owner"), key("new")
    places = [(key("owner's"), netuid), (key("owner's"), ROOT), (key("other's"), netuid)]
    stakes = [chain.stake_of(hotkey, old, at) for hotkey, at in places]
    money, issued = scene.balances.free(old), chain.TotalIssuance.value
    scene.call("owner", "announce_coldkey_swap", hashed("new"))
    scene.wait(chain.ColdkeySwapAnnouncementDelay.value)
    events = scene.call("owner", "swap_coldkey_announced", new)
    assert events[-1] == "ColdkeySwapped"
    assert [chain.stake_of(hotkey, new, at) for hotkey, at in places] == stakes
    assert not any(chain.stake_of(hotkey, old, at) for hotkey, at in places)
    assert chain.SubnetOwner[netuid] == new == chain.Owner[key("owner's")]
    assert chain.OwnedHotkeys[new] == (key("owner's"),)
    assert set(chain.StakingHotkeys[new]) == {key("owner's"), key("other's")}
    assert not chain.OwnedHotkeys[old]
    assert not chain.StakingHotkeys[old]
    assert chain.AutoStakeDestination[new, netuid] == key("other's")
    assert chain.AutoStakeDestinationColdkeys[key("other's"), netuid] == (new,)
    assert chain.IdentitiesV2[new] == ID
    assert chain.IdentitiesV2[old] is None
    assert chain.RootClaimed[netuid, key("owner's"), new] == 7
    assert chain.StakingColdkeys[old] is None
    assert chain.StakingColdkeys[new] is not None
    assert scene.balances.free(new) == money - COST
    assert old not in scene.system.Account
    assert chain.TotalIssuance.value == issued - COST == scene.balances.TotalIssuance.value
    assert chain.LastRateLimitedBlock[Variant("LastTxBlock", (new,))] == scene.system.block
    assert chain.ColdkeySwapAnnouncements[old] is None


def test_locks_and_wishes_about_them_move_with_the_coldkey(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    scene.call("owner", "lock_stake", key("owner's"), netuid, TAO)
    scene.rule("", "sudo_set_coldkey_swap_announcement_delay", 0)
    scene.call("owner", "announce_coldkey_swap", hashed("new"))
    scene.call("owner", "swap_coldkey_announced", key("new"))
    assert scene.chain.lock_of(key("owner"), netuid) is None
    lock = scene.chain.lock_of(key("new"), netuid)
    assert lock is not None
    assert lock.hotkey == key("owner's")
    assert scene.chain.AccountFlags[key("new")] == 0


def test_an_exchange_waits_for_its_block_and_for_the_coldkey_that_was_announced(scene: Scene) -> None:
    delay = scene.chain.ColdkeySwapAnnouncementDelay.value
    assert scene.refusal("owner", "swap_coldkey_announced", key("new")) == "ColdkeySwapAnnouncementNotFound"
    assert scene.call("owner", "announce_coldkey_swap", hashed("new"))[-1] == "ColdkeySwapAnnounced"
    assert scene.chain.ColdkeySwapAnnouncements[key("owner")] == (scene.system.block + delay, hashed("new"))
    assert scene.refusal("owner", "swap_coldkey_announced", key("wrong")) == "AnnouncedColdkeyHashDoesNotMatch"
    scene.wait(delay - 1)
    assert scene.refusal("owner", "swap_coldkey_announced", key("new")) == "ColdkeySwapTooEarly"
    scene.wait(1)
    scene.call("owner", "swap_coldkey_announced", key("new"))


def test_only_the_first_announcement_costs_and_the_next_one_waits(scene: Scene) -> None:
    chain, free = scene.chain, scene.balances.free
    scene.balances.mint(key("poor"), COST)
    assert scene.refusal("poor", "announce_coldkey_swap", hashed("new")) == "NotEnoughBalanceToPaySwapColdKey"
    before = free(key("owner"))
    scene.call("owner", "announce_coldkey_swap", hashed("new"))
    assert free(key("owner")) == before - COST
    scene.wait(chain.ColdkeySwapAnnouncementDelay.value + chain.ColdkeySwapReannouncementDelay.value - 1)
    assert scene.refusal("owner", "announce_coldkey_swap", hashed("newer")) == "ColdkeySwapReannouncedTooEarly"
    assert scene.refusal("owner", "clear_coldkey_swap_announcement") == "ColdkeySwapClearTooEarly"
    scene.wait(1)
    scene.call("owner", "announce_coldkey_swap", hashed("newer"))
    assert free(key("owner")) == before - COST


def test_an_announcement_is_taken_back_only_once(scene: Scene) -> None:
    scene.call("owner", "announce_coldkey_swap", hashed("new"))
    scene.wait(60)
    assert scene.call("owner", "clear_coldkey_swap_announcement") == ["ColdkeySwapCleared"]
    assert scene.refusal("owner", "clear_coldkey_swap_announcement") == "ColdkeySwapAnnouncementNotFound"


def test_a_dispute_needs_an_announcement_and_ends_by_the_root(scene: Scene) -> None:
    assert scene.refusal("owner", "dispute_coldkey_swap") == "ColdkeySwapAnnouncementNotFound"
    scene.call("owner", "announce_coldkey_swap", hashed("new"))
    assert scene.call("owner", "dispute_coldkey_swap") == ["ColdkeySwapDisputed"]
    assert scene.refusal("owner", "dispute_coldkey_swap") == "ColdkeySwapAlreadyDisputed"
    assert scene.refusal("owner", "reset_coldkey_swap", key("owner")) == "BadOrigin"
    assert scene.call("", "reset_coldkey_swap", key("owner")) == ["ColdkeySwapReset"]
    assert scene.chain.ColdkeySwapDisputes[key("owner")] is None
    assert scene.chain.ColdkeySwapAnnouncements[key("owner")] is None


def test_the_root_exchanges_at_once_and_says_what_it_costs(scene: Scene) -> None:
    assert scene.refusal("owner", "swap_coldkey", key("owner"), key("new"), 0) == "BadOrigin"
    assert scene.refusal("", "swap_coldkey", key("owner"), key("new"), 2**60) == "NotEnoughBalanceToPaySwapColdKey"
    scene.call("owner", "announce_coldkey_swap", hashed("thief"))
    scene.call("owner", "dispute_coldkey_swap")
    money = scene.balances.free(key("owner"))
    scene.call("", "swap_coldkey", key("owner"), key("new"), TAO)
    assert scene.balances.free(key("new")) == money - TAO
    assert scene.chain.ColdkeySwapDisputes[key("owner")] is None
    assert scene.chain.ColdkeySwapAnnouncements[key("owner")] is None


def test_a_coldkey_that_stakes_or_is_a_hotkey_is_no_new_coldkey(scene: Scene) -> None:
    assert scene.refusal("", "swap_coldkey", key("owner"), key("other"), 0) == "ColdKeyAlreadyAssociated"
    assert scene.refusal("", "swap_coldkey", key("owner"), key("other's"), 0) == "NewColdKeyIsHotkey"
    assert scene.refusal("owner", "schedule_swap_coldkey", key("new")) == "Deprecated"


def announced() -> Township:
    """A chain on which Alice has announced an exchange for Carol."""
    town = Township()
    hash_ = hashlib.blake2b(CAROL.public_key, digest_size=32).digest()
    town.do(ALICE, call("Proxy", "add_proxy", ident(BOB), Variant("Any"), 0))
    town.do(ALICE, call("SubtensorModule", "announce_coldkey_swap", hash_))
    return town


def test_a_coldkey_with_an_announcement_makes_no_other_call() -> None:
    town = announced()
    pay = call("Balances", "transfer_keep_alive", ident(BOB), 1)
    for made in (pay, call("Utility", "batch", (pay,))):
        with pytest.raises(InvalidTransaction, match="Custom error: 0"):
            town.runtime.validate(town.sign(ALICE, made))
    through = town.do(BOB, call("Proxy", "proxy", ident(ALICE), None, pay))
    proxied = next(fields for _, name, fields in through if name == "ProxyExecuted")
    ((module,),) = [fault.fields for fault in proxied[0].fields]
    assert module.module == 7
    assert module.error[0] == 130
    assert town.do(ALICE, call("SubtensorModule", "dispute_coldkey_swap"))[-1][1] == "ExtrinsicSuccess"


def test_a_disputed_coldkey_makes_no_call_at_all_until_the_root_says_so() -> None:
    town = announced()
    town.do(ALICE, call("SubtensorModule", "dispute_coldkey_swap"))
    with pytest.raises(InvalidTransaction, match="Custom error: 21"):
        town.runtime.validate(town.sign(ALICE, call("SubtensorModule", "clear_coldkey_swap_announcement")))
    town.runtime.sudo.Key.value = BOB.public_key
    town.do(BOB, call("Sudo", "sudo", call("SubtensorModule", "reset_coldkey_swap", ALICE.public_key)))
    assert town.do(ALICE, call("System", "remark", b""))[-1][1] == "ExtrinsicSuccess"


def test_money_reaches_the_new_coldkey_when_the_exchange_is_a_transaction() -> None:
    town = announced()
    town.runtime.subtensor.ColdkeySwapAnnouncements[ALICE.public_key] = (
        town.block + 1,
        hashlib.blake2b(CAROL.public_key, digest_size=32).digest(),
    )
    happened = town.do(ALICE, call("SubtensorModule", "swap_coldkey_announced", CAROL.public_key))
    assert happened[-1][1] == "ExtrinsicSuccess"
    assert 0.99 * RICH - COST < town.free(CAROL) < RICH - COST
