# SPDX-License-Identifier: Apache-2.0
"""Batches and the root's key: what is kept and what is taken back when one call of many fails, and what it costs."""

from __future__ import annotations

import pytest

from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.validity import InvalidTransaction
from tests.subnet.chain.node.township import ALICE, BOB, CAROL, RICH, Township, call, ident

_PAY = call("Balances", "transfer_keep_alive", ident(BOB), 1_000_000)
_TOO_MUCH = call("Balances", "transfer_keep_alive", ident(BOB), RICH + 1)
_UNAVAILABLE = Variant("Token", (Variant("FundsUnavailable"),))


def _names(happened: list[tuple[str, str, tuple[object, ...]]], pallet: str) -> list[str]:
    return [name for where, name, _ in happened if where == pallet]


def test_a_batch_keeps_what_was_done_before_it_stopped() -> None:
    town = Township()
    happened = town.do(ALICE, call("Utility", "batch", (_PAY, _TOO_MUCH, _PAY)))
    assert _names(happened, "Utility") == ["ItemCompleted", "BatchInterrupted"]
    assert ("Utility", "BatchInterrupted", (1, _UNAVAILABLE)) in happened
    assert happened[-1][1] == "ExtrinsicSuccess"
    assert town.free(BOB) == RICH + 1_000_000


def test_calls_after_the_one_where_a_batch_stopped_are_not_paid_for() -> None:
    town = Township()
    made = call("Utility", "batch", (_PAY, _TOO_MUCH, _PAY))
    asked = town.runtime.fee(town.sign(ALICE, made)).partial_fee
    happened = town.do(ALICE, made)
    ((_, _, (_, paid, _)),) = [event for event in happened if event[1] == "TransactionFeePaid"]
    assert asked - paid == pytest.approx(163_159_000 / 2_000, abs=1)
    assert town.total() == town.runtime.balances.TotalIssuance.value


def test_a_batch_of_all_keeps_nothing_when_one_fails() -> None:
    town = Township()
    happened = town.do(ALICE, call("Utility", "batch_all", (_PAY, _TOO_MUCH)))
    assert town.failure(happened) == _UNAVAILABLE
    assert _names(happened, "Utility") == []
    assert town.free(BOB) == RICH


def test_a_batch_of_all_holds_no_other() -> None:
    town = Township()
    happened = town.do(ALICE, call("Utility", "batch_all", (call("Utility", "batch_all", (_PAY,)),)))
    reason = town.failure(happened)
    assert reason.name == "Module"
    assert reason.fields[0] == (0, bytes([5, 0, 0, 0]))


def test_a_forced_batch_goes_on() -> None:
    town = Township()
    happened = town.do(ALICE, call("Utility", "force_batch", (_PAY, _TOO_MUCH, _PAY)))
    assert _names(happened, "Utility") == ["ItemCompleted", "ItemFailed", "ItemCompleted", "BatchCompletedWithErrors"]
    assert town.free(BOB) == RICH + 2_000_000


def test_a_fallback_is_called_when_the_first_call_fails() -> None:
    town = Township()
    assert "IfElseFallbackCalled" in _names(town.do(ALICE, call("Utility", "if_else", _TOO_MUCH, _PAY)), "Utility")
    assert "IfElseMainSuccess" in _names(town.do(ALICE, call("Utility", "if_else", _PAY, _PAY)), "Utility")
    assert town.free(BOB) == RICH + 2_000_000


def test_a_derived_account_pays_from_its_own_purse() -> None:
    town = Township()
    happened = town.do(ALICE, call("Utility", "as_derivative", 1, _PAY))
    assert town.failure(happened).name in ("Token", "Arithmetic")
    assert town.free(BOB) == RICH


def test_a_batch_within_a_batch_is_rolled_back_as_one() -> None:
    town = Township()
    inner = call("Utility", "batch_all", (_PAY, _TOO_MUCH))
    happened = town.do(ALICE, call("Utility", "force_batch", (_PAY, inner, _PAY)))
    assert [name for where, name, _ in happened if where == "Balances"].count("Transfer") == 2
    assert town.free(BOB) == RICH + 2_000_000


def test_only_the_holder_of_the_key_is_the_root() -> None:
    town = Township()
    town.runtime.sudo.Key.value = ALICE.public_key
    town.begin()
    with pytest.raises(InvalidTransaction) as refusal:
        town.runtime.apply(town.sign(BOB, call("Sudo", "sudo", _PAY)))
    assert refusal.value.variant == "BadSigner"


def test_what_the_root_does_costs_nothing_and_tells_what_came_of_it() -> None:
    town = Township()
    town.runtime.sudo.Key.value = ALICE.public_key
    happened = town.do(ALICE, call("Sudo", "sudo", call("Balances", "force_transfer", ident(BOB), ident(ALICE), 7_000)))
    assert ("Sudo", "Sudid", (Variant("Ok", ((),)),)) in happened
    assert town.free(ALICE) == RICH + 7_000
    happened = town.do(ALICE, call("Sudo", "sudo", _PAY))
    assert ("Sudo", "Sudid", (Variant("Err", (Variant("BadOrigin"),)),)) in happened
    assert ("TransactionPayment", "TransactionFeePaid", (ALICE.public_key, 0, 0)) in happened
    assert town.free(ALICE) == RICH + 7_000


def test_the_key_is_handed_over() -> None:
    town = Township()
    town.runtime.sudo.Key.value = ALICE.public_key
    happened = town.do(ALICE, call("Sudo", "set_key", ident(CAROL)))
    assert ("Sudo", "KeyChanged", (ALICE.public_key, CAROL.public_key)) in happened
    assert town.runtime.sudo.Key.value == CAROL.public_key


def test_the_root_writes_and_removes_storage_by_its_keys() -> None:
    town = Township()
    town.runtime.sudo.Key.value = ALICE.public_key
    issuance = type(town.runtime.balances).TotalIssuance
    write = call("System", "set_storage", ((issuance.key(()), (77).to_bytes(8, "little")),))
    town.do(ALICE, call("Sudo", "sudo", write))
    assert town.runtime.balances.TotalIssuance.value == 77
    happened = town.do(ALICE, call("Sudo", "sudo", call("System", "set_storage", ((b"what", b"ever"),))))
    assert ("Sudo", "Sudid", (Variant("Err", (Variant("Unavailable"),)),)) in happened
