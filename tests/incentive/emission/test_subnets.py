# SPDX-License-Identifier: Apache-2.0
"""A block's TAO among subnets, and what of it enters their pools: the chain's own examples, and its promises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.market import Pool, price
from incentive.emission.rao import HIGHEST, TAO
from incentive.emission.subnets import inject, root_proportion, sells_root, tao_emissions, tao_shares
from incentive.fixed import U64F64, U96F32
from protocols.errors import NotFinite, OutOfRange, WrongShape

ONE, HALF = U64F64.one, U96F32.one // 2
PRICES = st.lists(st.integers(0, 4 * ONE), min_size=1, max_size=8)


def rao(prices: list[int], burned: list[int], enabled: list[bool], emission: int = TAO) -> list[int]:
    """Whole rao of each subnet, of a block's emission."""
    return [U96F32.floor(bits) for bits in tao_emissions(emission, tao_shares(prices, burned, enabled))]


@pytest.mark.parametrize(
    ("prices", "burned", "enabled", "expected"),
    [
        ([ONE, ONE], [0, 0], [True, True], [TAO // 2, TAO // 2]),
        ([ONE, 3 * ONE], [0, 0], [True, True], [TAO // 4, 3 * TAO // 4]),
        ([ONE, ONE, ONE], [0, 0, 0], [True, False, True], [TAO // 2, 0, TAO // 2]),
        ([ONE, ONE], [0, HALF], [True, True], [2 * TAO // 3, TAO // 3]),
        ([ONE, ONE], [2 * HALF, 2 * HALF], [True, True], [TAO // 2, TAO // 2]),
        ([0, 0], [0, 0], [True, True], [0, 0]),
        ([ONE], [0], [False], [0]),
        ([], [], [], []),
    ],
    ids=["even", "by price", "one disabled", "half withheld", "all withheld", "no price", "all disabled", "none"],
)
def test_tao_follows_price_and_what_miners_got(
    prices: list[int], burned: list[int], enabled: list[bool], expected: list[int]
) -> None:
    assert all(0 <= e - got <= 1 for got, e in zip(rao(prices, burned, enabled), expected, strict=True))


@settings(deadline=None)
@given(PRICES, st.data())
def test_no_more_than_the_block_is_divided(prices: list[int], data: st.DataObject) -> None:
    burned = list(data.draw(st.tuples(*[st.integers(0, U96F32.one)] * len(prices))))
    enabled = list(data.draw(st.tuples(*[st.booleans()] * len(prices))))
    paid = rao(prices, burned, enabled)
    assert 0 <= sum(paid) <= TAO
    assert all(on or not each for on, each in zip(enabled, paid, strict=True))


@settings(deadline=None)
@given(
    st.integers(0, TAO << 32),
    st.integers(10**6, 10**15),
    st.integers(10**6, 10**15),
    st.integers(0, TAO),
    st.integers(0, U96F32.one),
)
def test_tao_enters_a_pool_or_buys_alpha_and_the_cap_holds(
    emission: int, tao: int, alpha: int, alpha_emission: int, root: int
) -> None:
    entered = inject(emission, price(Pool(tao, alpha)), alpha_emission=alpha_emission, root_proportion=root)
    assert 0 <= U96F32.floor(emission) - entered.tao - entered.excess_tao <= 1
    assert entered.alpha <= U96F32.floor(U96F32.multiply(root, U96F32.of(alpha_emission)))


def test_an_injection_leaves_the_price_where_it_was() -> None:
    entered = inject(U96F32.of(10**6), 2 * ONE, alpha_emission=TAO, root_proportion=U96F32.one)
    assert (entered.tao, entered.alpha, entered.excess_tao) == (10**6, 5 * 10**5, 0)


def test_alpha_beyond_the_cap_is_not_made_and_its_tao_buys_instead() -> None:
    entered = inject(U96F32.of(10 * TAO), ONE, alpha_emission=TAO, root_proportion=HALF)
    assert (entered.tao, entered.alpha, entered.excess_tao) == (TAO // 2, TAO // 2, 10 * TAO - TAO // 2)


def test_roots_part_shrinks_as_alpha_is_issued() -> None:
    parts = [root_proportion(10**15, issued, tao_weight=HIGHEST // 2) for issued in (0, 5 * 10**14, 21 * 10**15)]
    assert parts[0] == U96F32.one
    assert abs(parts[1] - HALF) <= 2
    assert parts[0] > parts[1] > parts[2] > 0
    assert root_proportion(0, 0) == 0


def test_root_is_paid_only_while_prices_sum_to_more_than_one() -> None:
    assert not sells_root([ONE // 2, ONE // 2])
    assert sells_root([ONE // 2, ONE // 2, 1])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongShape, match="lengths 1, 2, 1"):
        tao_shares([ONE], [0, 0], [True])
    with pytest.raises(NotFinite, match="a price is nan"):
        tao_shares([float("nan")], [0], [True])  # type: ignore[list-item]  # what a caller without types may do
    with pytest.raises(OutOfRange, match="root_proportion is 4294967297"):
        inject(0, ONE, alpha_emission=TAO, root_proportion=U96F32.one + 1)
