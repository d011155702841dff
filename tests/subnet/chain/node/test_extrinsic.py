# SPDX-License-Identifier: Apache-2.0
"""What strangers send: what is not signed for this chain, in time and in turn, leaves no trace."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from protocols.keys import Keypair
from subnet.chain.node.extrinsic import Era, parse
from subnet.chain.node.outcome import RUNTIME_CALL
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.validity import VALIDITY_ERROR, InvalidTransaction, Trapped, Undecodable
from tests.subnet.chain.node.township import ALICE, BOB, CAROL, Township, call, compact, ident

_PAY = call("Balances", "transfer_keep_alive", ident(BOB), 1_000_000)
_ERA_64 = 64


def _era(period: int, phase: int) -> bytes:
    return ((period.bit_length() - 2) | phase << 4).to_bytes(2, "little")


def _refused(town: Township, extrinsic: bytes) -> InvalidTransaction:
    """How a transaction is refused, by the pool and in a block alike, leaving nothing behind."""
    with pytest.raises(InvalidTransaction) as pooled:
        town.runtime.validate(extrinsic, town.hash(town.block) if town.block else None)
    town.begin()
    mark, happened = town.state.mark(), town.runtime.system.happened
    with pytest.raises(InvalidTransaction) as applied:
        town.runtime.apply(extrinsic)
    assert town.state.mark() == mark
    assert town.runtime.system.happened == happened
    assert applied.value.variant == pooled.value.variant
    return applied.value


def _town() -> Township:
    town = Township()
    town.make()
    return town


def test_an_ed25519_key_signs_as_well() -> None:
    key = Keypair.from_uri("//Edward", "ed25519")
    town = Township(key, BOB)
    happened = town.do(key, _PAY)
    assert happened[-1][1] == "ExtrinsicSuccess"


def test_a_long_transaction_is_signed_by_its_hash() -> None:
    town = _town()
    happened = town.do(ALICE, call("System", "remark_with_event", b"a" * 1_000))
    assert happened[1][:2] == ("System", "Remarked")


def test_another_genesis_is_another_chain() -> None:
    town = _town()
    assert _refused(town, town.sign(ALICE, _PAY, genesis=bytes([8]) * 32)).variant == "BadProof"


def test_another_version_of_the_runtime_signs_something_else() -> None:
    town = _town()
    assert _refused(town, town.sign(ALICE, _PAY, spec=1)).variant == "BadProof"


def test_nobody_signs_for_another() -> None:
    town = _town()
    forged = bytearray(town.sign(CAROL, _PAY, nonce=0))
    at = forged.index(CAROL.public_key)
    forged[at : at + 32] = ALICE.public_key
    assert _refused(town, bytes(forged)).variant == "BadProof"


def test_a_transaction_counts_once() -> None:
    town = _town()
    extrinsic = town.sign(ALICE, _PAY)
    town.make(extrinsic)
    assert _refused(town, extrinsic).variant == "Stale"


def test_a_later_transaction_waits_in_the_pool_for_the_ones_before_it() -> None:
    town = _town()
    extrinsic = town.sign(ALICE, _PAY, nonce=2)
    waiting = town.runtime.validate(extrinsic)
    assert waiting.requires == (ALICE.public_key + (1).to_bytes(4, "little"),)
    assert waiting.provides == (ALICE.public_key + (2).to_bytes(4, "little"),)
    town.begin()
    with pytest.raises(InvalidTransaction) as refusal:
        town.runtime.apply(extrinsic)
    assert refusal.value.variant == "Future"


def test_a_mortal_transaction_lives_from_its_birth_to_the_end_of_its_era() -> None:
    town = _town()
    while town.block < 5:
        town.make()
    extrinsic = town.sign(ALICE, _PAY, era=_era(_ERA_64, 5), birth=town.hash(5))
    found = town.runtime.validate(extrinsic, town.hash(5))
    assert found.longevity == _ERA_64 - 1
    while town.block < 5 + _ERA_64 - 1:
        town.make()
    assert _refused(town, extrinsic).variant in ("AncientBirthBlock", "BadProof")


def test_a_mortal_transaction_is_applied_within_its_era() -> None:
    town = _town()
    while town.block < 6:
        town.make()
    happened = town.make(town.sign(ALICE, _PAY, era=_era(_ERA_64, 5), birth=town.hash(5)))
    assert happened[-1][1] == "ExtrinsicSuccess"


def test_who_has_nothing_cannot_pay() -> None:
    town = _town()
    assert _refused(town, town.sign(CAROL, _PAY)).variant == "Payment"


def test_the_fee_may_not_eat_the_existential_deposit() -> None:
    town = _town()
    town.runtime.balances.mint(CAROL.public_key, 135_260 + 499)
    assert _refused(town, town.sign(CAROL, _PAY)).variant == "Payment"


def test_the_time_is_set_by_no_signature_and_by_no_stranger() -> None:
    town = _town()
    inherent = town.runtime.extrinsics[0]
    assert _refused(town, inherent).variant == "NoUnsignedValidator"
    town.runtime.finish()
    happened = town.do(ALICE, call("Timestamp", "set", 1))
    assert town.failure(happened) == Variant("BadOrigin")


def test_an_address_that_is_no_account_is_looked_up_in_vain() -> None:
    town = _town()
    extrinsic = town.sign(ALICE, call("Balances", "transfer_keep_alive", Variant("Raw", (b"somebody",)), 1))
    assert town.failure(town.make(extrinsic)) == Variant("CannotLookup")


def test_calls_within_calls_end_somewhere() -> None:
    town = _town()
    made = call("System", "remark", b"")
    for _ in range(40):
        made = call("Utility", "batch", (made,))
    assert isinstance(_refused(town, town.sign(ALICE, made)), Undecodable)


def test_a_signature_over_a_metadata_hash_cannot_be_checked() -> None:
    town = _town()
    plain = town.sign(ALICE, call("System", "remark", b""))
    hashed = plain[:-4] + b"\x01" + plain[-3:]
    assert plain[-4:] == b"\x00\x00\x00\x00"
    assert _refused(town, hashed).variant == "CannotLookup"


def test_refusals_are_told_in_the_words_and_the_bytes_of_a_node() -> None:
    assert str(InvalidTransaction("Stale")) == "Transaction is outdated"
    assert VALIDITY_ERROR.encode(InvalidTransaction("Stale").error) == b"\x00\x03"
    assert VALIDITY_ERROR.encode(InvalidTransaction("Custom", 6).error) == b"\x00\x07\x06"
    assert VALIDITY_ERROR.encode(InvalidTransaction("NoUnsignedValidator").error) == b"\x01\x01"
    assert str(InvalidTransaction("Custom", 6)) == "Custom error: 6"


def test_eras_begin_and_end_as_the_published_formula_says() -> None:
    assert Era(64, 42).birth(42) == 42
    assert Era(64, 42).birth(105) == 42
    assert Era(64, 42).birth(106) == 106
    assert Era(64, 42).death(42) == 106
    assert Era(0, 0).birth(999) == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_that_are_no_transaction_are_refused(noise: bytes) -> None:
    with pytest.raises(Undecodable):
        parse(noise)
    with pytest.raises(Undecodable):
        parse(compact(len(noise)) + noise)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_damaged_transaction_never_changes_anything(data: st.DataObject) -> None:
    town = Township()
    town.begin()
    batch = call("Utility", "batch", (_PAY, call("System", "remark", b"hello"), _PAY))
    made = data.draw(st.sampled_from([_PAY, batch, call("Proxy", "add_proxy", ident(BOB), Variant("Any"), 0)]))
    whole = town.sign(ALICE, made)
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] ^= data.draw(st.integers(1, 255))
    before, mark = town.total(), town.state.mark()
    assume(bytes(damaged) != whole)
    with pytest.raises(InvalidTransaction):
        town.runtime.apply(bytes(damaged))
    assert town.total() == before
    assert town.state.mark() == mark


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_signed_call_of_damaged_bytes_fails_or_does_something_lawful(data: st.DataObject) -> None:
    town = Township()
    town.begin()
    sudo = call("Sudo", "sudo", call("Balances", "force_set_balance", ident(BOB), 1_000_000))
    proxy = call("Proxy", "proxy", ident(ALICE), None, _PAY)
    made = data.draw(st.sampled_from([_PAY, sudo, proxy, call("Utility", "force_batch", (_PAY, sudo, proxy))]))
    damaged = bytearray(RUNTIME_CALL.encode(made))
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        town.runtime.apply(town.sign(ALICE, bytes(damaged)))
    except Trapped:
        raise
    except InvalidTransaction:
        assert town.nonce(ALICE) == 0
    else:
        assert town.nonce(ALICE) == 1
    assert town.total() == town.runtime.balances.TotalIssuance.value
    town.runtime.finish()
    assert list(town.state.changes())


def test_any_signature_does_for_an_account_that_is_impersonated_and_for_no_other() -> None:
    town = Township(ALICE, BOB)
    town.begin()
    forged = bytearray(town.sign(ALICE, call("System", "remark", b"as Alice")))
    place = forged.index(ALICE.public_key) + len(ALICE.public_key) + 1
    forged[place : place + 64] = bytes(64)
    with pytest.raises(InvalidTransaction, match="bad signature"):
        town.runtime.apply(bytes(forged))
    town.runtime.impersonated.add(BOB.public_key)
    with pytest.raises(InvalidTransaction, match="bad signature"):
        town.runtime.apply(bytes(forged))
    town.runtime.impersonated.add(ALICE.public_key)
    town.runtime.apply(bytes(forged))
    assert town.nonce(ALICE) == 1
