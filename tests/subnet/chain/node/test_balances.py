# SPDX-License-Identifier: Apache-2.0
"""Money on the local chain: fees to the rao, the order of events, accounts that live and die."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.keys import Keypair
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.township import ALICE, BOB, CAROL, RICH, Township, call, ident

_NOBODY = bytes([9]) * 32


def _transfer(to: Keypair | bytes, amount: int, name: str = "transfer_keep_alive") -> Variant:
    return call("Balances", name, ident(to), amount)


def test_a_transfer_costs_and_tells_what_it_does_on_the_public_chain() -> None:
    # Measured on subtensor's published local runtime, spec 218: Alice sends Bob one tao.
    town = Township()
    happened = town.do(ALICE, _transfer(BOB, 1_000_000_000))
    alice, bob = ALICE.public_key, BOB.public_key
    assert [(pallet, name, fields) for pallet, name, fields in happened[:-1]] == [
        ("Balances", "Withdraw", (alice, 135_260)),
        ("Balances", "Transfer", (alice, bob, 1_000_000_000)),
        ("Balances", "Deposit", (alice, 0)),
        ("TransactionPayment", "TransactionFeePaid", (alice, 135_260, 0)),
    ]
    pallet, name, (info,) = happened[-1]
    assert (pallet, name) == ("System", "ExtrinsicSuccess")
    assert info.weight.ref_time == 270_233_000
    assert town.free(ALICE) == RICH - 1_000_000_000 - 135_260
    assert town.free(BOB) == RICH + 1_000_000_000


def test_a_transfer_of_more_than_there_is_fails_as_measured_and_still_pays() -> None:
    town = Township()
    happened = town.do(ALICE, _transfer(BOB, 100_000_000_000_000_000))
    assert town.failure(happened) == Variant("Arithmetic", (Variant("Underflow"),))
    assert ("TransactionPayment", "TransactionFeePaid", (ALICE.public_key, 135_265, 0)) in happened
    assert town.free(ALICE) == RICH - 135_265
    assert town.nonce(ALICE) == 1


def test_more_than_one_has_is_refused_by_name() -> None:
    town = Township()
    happened = town.do(ALICE, _transfer(BOB, RICH + 1))
    assert town.failure(happened) == Variant("Token", (Variant("FundsUnavailable"),))


def test_a_tip_is_paid_on_top_of_the_fee() -> None:
    town = Township()
    plain, tipped = (len(town.sign(ALICE, _transfer(BOB, 1_000), tip=tip)) for tip in (0, 1_000_000))
    happened = town.make(town.sign(ALICE, _transfer(BOB, 1_000), tip=1_000_000))
    fee = 53_537 + 81_579 + tipped + 1_000_000
    assert tipped > plain
    assert ("TransactionPayment", "TransactionFeePaid", (ALICE.public_key, fee, 1_000_000)) in happened


def test_a_new_account_is_told_of_and_one_that_spends_all_ends() -> None:
    town = Township()
    happened = town.do(ALICE, _transfer(CAROL, 1_000_000))
    carol = CAROL.public_key
    assert [event[:2] for event in happened[1:4]] == [
        ("System", "NewAccount"),
        ("Balances", "Endowed"),
        ("Balances", "Transfer"),
    ]
    town.runtime.balances.mint(carol, 500)
    happened = town.do(CAROL, call("Balances", "transfer_all", ident(ALICE), False))
    assert ("System", "KilledAccount", (carol,)) in happened
    assert carol not in town.runtime.system.Account
    assert town.total() == town.runtime.balances.TotalIssuance.value


def test_what_is_left_below_the_existential_deposit_is_dust() -> None:
    town = Township()
    town.do(ALICE, _transfer(CAROL, 1_000_000))
    left = town.free(CAROL)
    fee = town.runtime.fee(town.sign(CAROL, _transfer(ALICE, left - 140_000, "transfer_allow_death"))).partial_fee
    extrinsic = town.sign(CAROL, _transfer(ALICE, left - fee - 499, "transfer_allow_death"))
    happened = town.make(extrinsic)
    assert ("Balances", "DustLost", (CAROL.public_key, 499)) in happened
    assert CAROL.public_key not in town.runtime.system.Account
    assert town.total() == town.runtime.balances.TotalIssuance.value


def test_an_account_that_must_live_on_keeps_its_deposit() -> None:
    town = Township()
    made = _transfer(BOB, RICH - 135_262 - 499)
    assert town.failure(town.do(ALICE, made)) == Variant("Token", (Variant("NotExpendable"),))
    assert town.free(ALICE) == RICH - 135_262


def test_less_than_the_existential_deposit_makes_no_account() -> None:
    town = Township()
    assert town.failure(town.do(ALICE, _transfer(_NOBODY, 499))) == Variant("Token", (Variant("BelowMinimum"),))
    assert _NOBODY not in town.runtime.system.Account


def test_only_the_root_sets_balances() -> None:
    town = Township()
    made = call("Balances", "force_set_balance", ident(BOB), 5_000)
    assert town.failure(town.do(ALICE, made)) == Variant("BadOrigin")
    town.runtime.sudo.Key.value = ALICE.public_key
    happened = town.do(ALICE, call("Sudo", "sudo", made))
    assert ("Balances", "BalanceSet", (BOB.public_key, 5_000)) in happened
    assert town.free(BOB) == 5_000
    assert town.total() == town.runtime.balances.TotalIssuance.value


def test_burned_money_is_gone_from_the_issuance() -> None:
    town = Township()
    before = town.runtime.balances.TotalIssuance.value
    happened = town.do(ALICE, call("Balances", "burn", 1_000_000, True))
    assert ("Balances", "Burned", (ALICE.public_key, 1_000_000)) in happened
    assert town.runtime.balances.TotalIssuance.value == before - 1_000_000 - (RICH - 1_000_000 - town.free(ALICE))


_PEOPLE = tuple(bytes([number]) * 32 for number in range(1, 5))
_STEP = st.tuples(
    st.sampled_from(["mint", "burn", "move", "reserve", "unreserve", "force"]),
    st.sampled_from(_PEOPLE),
    st.sampled_from(_PEOPLE),
    st.one_of(st.integers(0, 2_000), st.integers(0, 2**64 - 1)),
    st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_STEP, max_size=25))
def test_money_is_neither_made_nor_lost_whatever_is_done_with_it(
    steps: list[tuple[str, bytes, bytes, int, bool]],
) -> None:
    town = Township()
    balances = town.runtime.balances
    town.begin()
    for kind, who, other, amount, keep in steps:
        before = town.total()
        mark = town.state.mark()
        try:
            match kind:
                case "mint":
                    balances.mint(who, amount)
                case "burn":
                    balances.burn(who, amount, keep_alive=keep)
                case "move":
                    balances.move(who, other, amount, keep_alive=keep)
                case "reserve":
                    balances.reserve(who, amount)
                case "unreserve":
                    balances.unreserve(who, amount)
                case _:
                    balances.withdraw(who, amount, keep_alive=keep)
                    balances.deposit(other, amount)
        except DispatchFailure:
            town.state.rollback(mark)
            assert town.total() == before
        assert town.total() == balances.TotalIssuance.value < 2**64
        for info in (info for _, info in town.runtime.system.Account.items()):
            assert info.data.free >= 500 or info.data.reserved or not info.data.free
            assert min(info.data) >= 0
            assert min(info[:4]) >= 0
