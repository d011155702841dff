# SPDX-License-Identifier: Apache-2.0
"""Money is exact, keeps its unit, and is never less than nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocols.balance import RAO, Balance
from protocols.errors import InvalidAmount, UnitMismatch

MOST = 2**64 - 1
TAU, ALPHA = "\N{GREEK SMALL LETTER TAU}", "\N{GREEK SMALL LETTER ALPHA}"
raos = st.integers(0, MOST)
netuids = st.integers(0, 2**16 - 1)
balances = st.builds(Balance, raos, netuids)


@pytest.mark.parametrize(
    ("amount", "rao"),
    [
        ("1.5", 1_500_000_000),
        ("0.000000001", 1),
        ("1.5000000000000", 1_500_000_000),
        ("007", 7 * RAO),
        (21_000_000, 21_000_000 * RAO),
        (Decimal("0.1") + Decimal("0.2"), 300_000_000),
        (Decimal("1E+3"), 1000 * RAO),
        (Decimal("1E-9"), 1),
        ("18446744073.709551615", MOST),
    ],
)
def test_an_amount_is_read_exactly(amount: str | int | Decimal, rao: int) -> None:
    assert Balance.tao(amount) == Balance(rao)
    assert Balance.alpha(amount, netuid=7) == Balance(rao, 7)


@pytest.mark.parametrize(
    "amount",
    [
        "", " 1", "1 ", "1.", ".5", "-1", "+1", "1e3", "1_000", "1,5", "nan", "inf", "0x10", "\u0663", "1\n",
        "0.0000000001", "1.0000000001", "18446744073.709551616", "9" * 5000, -1, 10**5000, 2**64, True, None, b"1",
        Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-0.5"), Decimal("1E-10"), Decimal("1E+999999"),
        Decimal("1E-999999"),
    ],
    ids=lambda amount: type(amount).__name__,
)  # fmt: skip
def test_an_amount_that_is_not_whole_rao_in_range_is_refused(amount: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        Balance.tao(amount)
    assert len(refused.value.message) < 200


def test_a_float_is_refused_with_the_text_to_write_instead() -> None:
    with pytest.raises(InvalidAmount, match=r"float is not exact: got 1\.5") as refused:
        Balance.tao(1.5)  # type: ignore[arg-type]
    assert refused.value.help == 'write the amount as text: "1.5"'


@pytest.mark.parametrize(
    ("rao", "netuid"), [(-1, 0), (2**64, 0), (1.0, 0), (True, 0), ("1", 0), (1, -1), (1, 65_536), (1, None)]
)
def test_a_balance_that_the_chain_cannot_hold_is_not_made(rao: int, netuid: int) -> None:
    with pytest.raises(InvalidAmount):
        Balance(rao, netuid)


def test_alpha_of_the_root_network_does_not_exist() -> None:
    with pytest.raises(InvalidAmount, match="netuid 0"):
        Balance.alpha("1", netuid=0)


@pytest.mark.parametrize(
    ("balance", "text"),
    [
        (Balance(1_500_000_000), f"{TAU}1.5"),
        (Balance(2_500_000_000, 7), f"{ALPHA}7 2.5"),
        (Balance(0), f"{TAU}0"),
        (Balance(10 * RAO), f"{TAU}10"),
        (Balance(1, 12), f"{ALPHA}12 0.000000001"),
    ],
)
def test_a_balance_reads_as_its_unit_and_amount(balance: Balance, text: str) -> None:
    assert str(balance) == text


@given(balances)
def test_every_balance_survives_text_and_json(balance: Balance) -> None:
    assert Balance.parse(str(balance)) == balance
    data = msgspec.json.encode(balance)
    assert msgspec.json.decode(data) == {"rao": balance.rao, "netuid": balance.netuid}
    assert msgspec.json.decode(data, type=Balance) == balance


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.5",
        TAU,
        f"{TAU} 1",
        f"{TAU}-1",
        f"{ALPHA}1.5",
        f"{ALPHA}0 1",
        f"{ALPHA}07 1",
        f"{ALPHA}7  1",
        f"{ALPHA}70000 1",
        f"{TAU}1 ",
    ],
)
def test_text_that_is_no_balance_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Balance.parse(text)


@pytest.mark.parametrize(
    "document", [b'{"rao":-1}', b'{"rao":1.5}', b'{"rao":"1"}', b'{"rao":1,"netuid":65536}', b"{}"]
)
def test_a_message_with_an_impossible_amount_is_malformed(document: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(document, type=Balance)


@given(raos, raos, netuids)
def test_taking_undoes_adding_and_a_shortfall_is_refused(a: int, b: int, netuid: int) -> None:
    assume(a + b <= MOST)
    total = Balance(a, netuid) + Balance(b, netuid)
    assert total == Balance(a + b, netuid)
    assert total - Balance(b, netuid) == Balance(a, netuid)
    if b > 0:
        with pytest.raises(InvalidAmount, match=re.escape(f"cannot take {total} from {Balance(a, netuid)}")):
            Balance(a, netuid) - total


def test_more_than_the_chain_can_hold_is_refused() -> None:
    with pytest.raises(InvalidAmount, match=str(2**64)):
        Balance(MOST) + Balance(1)
    with pytest.raises(InvalidAmount):
        Balance(MOST) * 2
    with pytest.raises(InvalidAmount):
        Balance(1) * -1


@pytest.mark.parametrize(
    "mix",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
        lambda a, b: sum([a, b]),
        lambda a, b: sorted([a, b]),
    ],
)
def test_different_tokens_do_not_mix(mix: Callable[[Balance, Balance], object]) -> None:
    with pytest.raises(UnitMismatch) as refused:
        mix(Balance.tao("1"), Balance.alpha("1", netuid=7))
    assert f"{TAU}1" in refused.value.message
    assert f"{ALPHA}7 1" in refused.value.message


def test_different_tokens_are_never_equal_and_hash_apart() -> None:
    assert Balance(1) != Balance(1, 7)
    assert len({Balance(1), Balance(1, 7), Balance(1)}) == 2


@pytest.mark.parametrize(
    "misuse",
    [
        lambda b: b + 1,
        lambda b: 1 + b,
        lambda b: b - 1,
        lambda b: b * 0.5,
        lambda b: b * b,
        lambda b: b * True,
        lambda b: b / 2,
        lambda b: b // 2.0,
        lambda b: b < 5,
        lambda b: b + True,
    ],
)
def test_a_bare_number_is_not_money(misuse: Callable[[Balance], object]) -> None:
    with pytest.raises(TypeError):
        misuse(Balance(10))


def test_balances_sum_sort_and_scale() -> None:
    parts = [Balance(3), Balance(1), Balance(2)]
    assert sum(parts) == sum(parts, start=Balance(0)) == Balance(6)
    assert sorted(parts) == [Balance(1), Balance(2), Balance(3)]
    assert (Balance(3) * 2, 2 * Balance(3), Balance(7) // 2) == (Balance(6), Balance(6), Balance(3))
    assert Balance(3) >= Balance(3) > Balance(2) <= Balance(2) < Balance(3)
    assert (bool(Balance(0)), bool(Balance(1))) == (False, True)


@given(raos, st.integers(0, 10**20), st.integers(1, 10**20))
def test_a_portion_is_exact_and_rounded_down(rao: int, numerator: int, denominator: int) -> None:
    assume(numerator <= denominator)
    exact = Fraction(rao) * numerator / denominator
    assert 0 <= exact - Balance(rao, 3).portion(numerator, denominator).rao < 1


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 0), (1, -1), (-1, 1)])
def test_a_portion_of_nothing_or_below_nothing_is_refused(numerator: int, denominator: int) -> None:
    with pytest.raises(InvalidAmount, match=f"got {numerator}/{denominator}"):
        Balance(1).portion(numerator, denominator)


def test_a_balance_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Balance(1).rao = 2  # type: ignore[misc]
