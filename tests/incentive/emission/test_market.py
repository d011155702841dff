# SPDX-License-Identifier: Apache-2.0
"""A pool's trades and its moving price: figures of the chain's tests, and what no trade may do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.market import Pool, buy, moving_price, price, sell
from incentive.emission.rao import TAO
from incentive.fixed import I96F32, U64F64
from protocols.errors import NotFinite, OutOfRange

POOLS = st.builds(Pool, st.integers(10**6, 10**16), st.integers(10**6, 10**16))
DEEP = Pool(tao=1000 * TAO, alpha=4000 * TAO)


def test_the_price_is_tao_per_alpha() -> None:
    assert price(DEEP) == U64F64.one // 4
    assert price(Pool(1, 0)) == 0


def test_a_trade_keeps_the_product_of_the_reserves() -> None:
    trade = buy(DEEP, 1000 * TAO, fee_rate=0)
    assert trade.paid == 1000 * TAO
    assert trade.received == 2000 * TAO  # twice the TAO in the pool leave half of the alpha


def test_the_fee_is_taken_from_what_is_paid_in() -> None:
    trade = buy(DEEP, 65_535)
    assert (trade.paid, trade.fee) == (65_503, 32)  # 33 less what the chain's division cuts off
    assert sell(DEEP, 0).received == buy(Pool(0, TAO), 0).received == 0


@settings(deadline=None)
@given(POOLS, st.integers(10**3, 10**15))
def test_no_trade_takes_from_the_pool_what_it_did_not_pay(pool: Pool, offered: int) -> None:
    try:
        trade = buy(pool, offered)
    except OutOfRange:
        return
    after = Pool(pool.tao + trade.paid, pool.alpha - trade.received)
    assert trade.paid + trade.fee == offered
    assert 0 < trade.received < pool.alpha
    # The chain knows the reserves' ratio to 18 decimals.
    assert after.tao * after.alpha >= pool.tao * pool.alpha - after.tao * (pool.alpha // 10**18 + 1)
    assert price(after) >= price(pool)


@settings(deadline=None)
@given(POOLS, st.integers(10**6, 10**12))
def test_there_and_back_gains_nothing(pool: Pool, offered: int) -> None:
    try:
        bought = buy(pool, offered, fee_rate=0)
        back = sell(Pool(pool.tao + bought.paid, pool.alpha - bought.received), bought.received, fee_rate=0)
    except OutOfRange:
        return
    assert back.received <= offered + 1 + (pool.tao + offered) // 10**18


@pytest.mark.parametrize(
    ("pool", "offered", "wrong"),
    [
        (Pool(10**6, 10**5), 10, "the reserve is 100000 rao"),
        (Pool(10**6, 10**6), 2 * 10**9, "expected at most 1000000000"),
        (Pool(10**15, 10**6), 10, "10 rao buy nothing"),
    ],
)
def test_a_pool_that_cannot_serve_a_trade_says_why(pool: Pool, offered: int, wrong: str) -> None:
    with pytest.raises(OutOfRange, match=wrong):
        buy(pool, offered)


def test_a_moving_price_at_the_price_stays() -> None:
    assert moving_price(I96F32.one, U64F64.one, blocks=7_200_000) == I96F32.one


@pytest.mark.parametrize(
    ("alpha", "blocks", "updates", "expected", "within"),
    [(0.1, 201_600, 14, 0.512325, 1e-6), (0.5, 11, 1, 0.0, 1e-3), (0.5, 144_000_001, 1, 0.5, 1e-3)],
    ids=["28 days old", "just started", "long started"],
)
def test_a_moving_price_follows_as_in_the_chains_tests(
    alpha: float, blocks: int, updates: int, expected: float, within: float
) -> None:
    average = 0
    for _ in range(updates):
        average = moving_price(average, U64F64.one, blocks=blocks, alpha=I96F32.nearest(alpha))
    assert average / I96F32.one == pytest.approx(expected, abs=within)


@settings(deadline=None)
@given(st.integers(0, I96F32.one), st.integers(0, 9 * U64F64.one), st.integers(0, 10**8))
def test_a_moving_price_moves_towards_the_price_and_not_past_one(old: int, spot: int, blocks: int) -> None:
    goal = U64F64.to(I96F32, min(spot, U64F64.one))
    new = moving_price(old, spot, blocks=blocks)
    assert min(old, goal) - 1 <= new <= max(old, goal)


def test_a_price_that_is_no_number_is_refused() -> None:
    with pytest.raises(NotFinite, match="spot is nan"):
        moving_price(0, float("nan"), blocks=1)  # type: ignore[arg-type]  # what a caller without types may do
