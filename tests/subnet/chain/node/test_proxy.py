# SPDX-License-Identifier: Apache-2.0
"""Proxies do what they were given leave for and no more, after the warning that was agreed; deposits come back."""

from __future__ import annotations

import hashlib

import pytest

from subnet.chain.node.outcome import RUNTIME_CALL
from subnet.chain.node.pallets.permissions import PROXY_TYPE, allows, covers
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.township import ALICE, BOB, CAROL, Township, call, ident

_PAY = call("Balances", "transfer_keep_alive", ident(CAROL), 1_000_000)
_OK = Variant("Ok", ((),))


def _add(kind: str, delay: int = 0) -> Variant:
    return call("Proxy", "add_proxy", ident(BOB), Variant(kind), delay)


def _act(made: Variant, kind: str | None = None) -> Variant:
    return call("Proxy", "proxy", ident(ALICE), None if kind is None else Variant(kind), made)


def _error(town: Township, happened: list[tuple[str, str, tuple[object, ...]]]) -> tuple[int, int]:
    index, error = town.failure(happened).fields[0]
    return index, error[0]


def test_a_proxy_acts_for_the_account_and_pays_for_itself() -> None:
    town = Township()
    happened = town.do(ALICE, _add("Any"))
    assert ("Proxy", "ProxyAdded", (ALICE.public_key, BOB.public_key, Variant("Any"), 0)) in happened
    alice, bob = town.free(ALICE), town.free(BOB)
    happened = town.do(BOB, _act(_PAY))
    assert ("Proxy", "ProxyExecuted", (_OK,)) in happened
    assert town.free(ALICE) == alice - 1_000_000
    assert town.free(BOB) < bob


def test_the_deposit_is_set_aside_and_comes_back() -> None:
    town = Township()
    town.do(ALICE, _add("Any"))
    town.do(ALICE, _add("Staking"))
    assert town.runtime.system.Account[ALICE.public_key].data.reserved == 60_000_000 + 2 * 33_000_000
    assert [kept.proxy_type.name for kept in town.runtime.proxy.Proxies[ALICE.public_key][0]] == ["Any", "Staking"]
    town.do(ALICE, call("Proxy", "remove_proxy", ident(BOB), Variant("Any"), 0))
    assert town.runtime.system.Account[ALICE.public_key].data.reserved == 60_000_000 + 33_000_000
    town.do(ALICE, call("Proxy", "remove_proxies"))
    assert town.runtime.system.Account[ALICE.public_key].data.reserved == 0
    assert ALICE.public_key not in town.runtime.proxy.Proxies
    assert town.total() == town.runtime.balances.TotalIssuance.value


def test_a_proxy_that_may_not_transfer_does_not_even_in_a_batch() -> None:
    town = Township()
    town.do(ALICE, _add("NonTransfer"))
    happened = town.do(BOB, _act(_PAY))
    ((result,),) = [fields for _, name, fields in happened if name == "ProxyExecuted"]
    assert isinstance(result, Variant)
    assert result.name == "Err"
    happened = town.do(BOB, _act(call("Utility", "batch", (_PAY,))))
    assert "BatchInterrupted" in [name for _, name, _ in happened]
    assert town.free(CAROL) == 0


def test_a_narrow_proxy_cannot_widen_itself() -> None:
    town = Township()
    town.do(ALICE, _add("NonTransfer"))
    town.do(BOB, _act(_add("Any")))
    town.do(BOB, _act(call("Proxy", "remove_proxies")))
    assert [kept.proxy_type.name for kept in town.runtime.proxy.Proxies[ALICE.public_key][0]] == ["NonTransfer"]


def test_strangers_and_doubles_are_turned_away() -> None:
    town = Township()
    assert _error(town, town.do(BOB, _act(_PAY))) == (16, 2)
    town.do(ALICE, _add("Any"))
    assert _error(town, town.do(ALICE, _add("Any"))) == (16, 4)
    assert _error(town, town.do(ALICE, call("Proxy", "add_proxy", ident(ALICE), Variant("Any"), 0))) == (16, 7)
    assert _error(town, town.do(BOB, _act(_PAY, "Staking"))) == (16, 2)


def test_a_delayed_proxy_announces_waits_and_may_be_stopped() -> None:
    town = Township()
    town.do(ALICE, _add("Any", 3))
    assert _error(town, town.do(BOB, _act(_PAY))) == (16, 6)
    announced = hashlib.blake2b(RUNTIME_CALL.encode(_PAY), digest_size=32).digest()
    town.do(BOB, call("Proxy", "announce", ident(ALICE), announced))
    made = call("Proxy", "proxy_announced", ident(BOB), ident(ALICE), None, _PAY)
    assert _error(town, town.do(BOB, made)) == (16, 6)
    town.make()
    assert ("Proxy", "ProxyExecuted", (_OK,)) in town.do(BOB, made)
    town.do(BOB, call("Proxy", "announce", ident(ALICE), announced))
    town.do(ALICE, call("Proxy", "reject_announcement", ident(BOB), announced))
    assert town.runtime.proxy.Announcements[BOB.public_key] == ((), 0)
    assert town.runtime.system.Account[BOB.public_key].data.reserved == 0


def test_an_account_without_a_key_lives_through_its_proxy() -> None:
    town = Township()
    happened = town.do(ALICE, call("Proxy", "create_pure", Variant("Any"), 0, 0))
    ((pure, who, _, _),) = [fields for _, name, fields in happened if name == "PureCreated"]
    assert isinstance(pure, bytes)
    assert who == ALICE.public_key
    height = town.block
    town.do(ALICE, call("Balances", "transfer_keep_alive", ident(pure), 50_000_000))
    happened = town.do(ALICE, call("Proxy", "proxy", ident(pure), None, _PAY))
    assert ("Proxy", "ProxyExecuted", (_OK,)) in happened
    assert town.free(pure) == 49_000_000
    kill = call("Proxy", "kill_pure", ident(ALICE), Variant("Any"), 0, height, 1)
    town.do(ALICE, call("Proxy", "proxy", ident(pure), None, kill))
    assert pure not in town.runtime.proxy.Proxies
    assert town.runtime.system.Account[ALICE.public_key].data.reserved == 0


@pytest.mark.parametrize(
    ("kind", "allowed", "denied"),
    [
        ("Transfer", ["Balances.transfer_all", "SubtensorModule.transfer_stake"], ["SubtensorModule.add_stake"]),
        ("Staking", ["SubtensorModule.move_stake"], ["SubtensorModule.transfer_stake", "Balances.transfer_all"]),
        ("Registration", ["SubtensorModule.burned_register"], ["SubtensorModule.root_register"]),
        ("Owner", ["AdminUtils.sudo_set_rho"], ["AdminUtils.sudo_set_tempo", "AdminUtils.sudo_set_sn_owner_hotkey"]),
        ("NonCritical", ["Balances.transfer_all"], ["Sudo.sudo", "SubtensorModule.dissolve_network"]),
        ("NonFungible", ["SubtensorModule.set_weights"], ["SubtensorModule.swap_hotkey", "Balances.burn"]),
        ("Senate", [], ["System.remark"]),
    ],
)
def test_each_type_of_proxy_has_its_calls(kind: str, allowed: list[str], denied: list[str]) -> None:
    for name in allowed:
        assert allows(Variant(kind), call(*name.split(".")))
    for name in denied:
        assert not allows(Variant(kind), call(*name.split(".")))


def test_small_transfers_stay_small() -> None:
    small, large = (
        call("Balances", "transfer_keep_alive", ident(BOB), amount) for amount in (499_999_999, 500_000_000)
    )
    assert allows(Variant("SmallTransfer"), small)
    assert not allows(Variant("SmallTransfer"), large)
    assert not allows(Variant("SmallTransfer"), call("Balances", "transfer_all", ident(BOB), True))


def test_the_types_are_numbered_as_on_chain() -> None:
    assert [kind.name for kind in PROXY_TYPE.variants][:6] == [
        "Any",
        "Owner",
        "NonCritical",
        "NonTransfer",
        "Senate",
        "NonFungible",
    ]
    assert PROXY_TYPE.encode(Variant("RootClaim")) == bytes([17])
    assert covers(Variant("Transfer"), Variant("SmallTransfer"))
    assert not covers(Variant("NonTransfer"), Variant("Transfer"))
