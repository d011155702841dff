# SPDX-License-Identifier: Apache-2.0
"""What a place costs: prices that fall by halves, rise by sales and stay within their bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.rao import TAO
from incentive.emission.registration import (
    BurnRules,
    after_registration,
    burn_decay_factor,
    next_block,
    subnet_lock_cost,
)
from protocols.errors import OutOfRange

RULES = BurnRules()
PRICES = st.integers(RULES.lowest, RULES.highest)


def test_a_price_is_halved_in_its_half_life() -> None:
    burn = TAO
    for block in range(2, 362):
        burn = next_block(burn, RULES, block=block)
    assert TAO // 2 - 400 <= burn <= TAO // 2


def test_a_sale_raises_the_price_by_a_quarter_and_a_bit() -> None:
    assert after_registration(TAO, RULES) == 1_260_000_000
    assert after_registration(TAO, BurnRules(increase=0)) == TAO


@settings(deadline=None)
@given(PRICES, PRICES)
def test_prices_stay_in_order_and_within_their_bounds(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert RULES.lowest <= next_block(low, RULES, block=2) <= next_block(high, RULES, block=2) <= high
    assert low <= after_registration(low, RULES) <= after_registration(high, RULES) <= RULES.highest


def test_nothing_falls_in_the_first_block_or_without_a_half_life() -> None:
    assert next_block(TAO, RULES, block=1) == TAO
    assert next_block(TAO, BurnRules(half_life=0), block=9) == TAO
    with pytest.raises(OutOfRange, match="half_life is 65536"):
        burn_decay_factor(65_536)


@pytest.mark.parametrize(
    ("last_block", "block", "cost"),
    [(0, 0, 2000), (50, 50, 4000), (50, 50 + 100_800, 2000), (50, 50 + 151_200, 1000), (50, 50 + 10**9, 1000)],
    ids=["first", "just sold", "after an interval", "later", "much later"],
)
def test_a_subnet_costs_twice_the_last_one_and_less_by_the_block(last_block: int, block: int, cost: int) -> None:
    price = subnet_lock_cost(2000 * TAO, last_block=last_block, block=block)
    assert 0 <= price - cost * TAO < 2 * 151_200  # what the division by the interval cuts off
