# SPDX-License-Identifier: Apache-2.0
"""Shares of a hotkey's stake: the cases of the chain's share pool, and that nobody pays for another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.nominators import Share, SharePool
from protocols.errors import NotFinite, OutOfRange

RAO = st.integers(1, 10**15)


@pytest.mark.parametrize(
    ("number", "digits"),
    [(1, (10**21, -21)), (0, (0, 0)), (1000, (10**21, -18)), (10**20, (10**21, -1)), (10**21, (10**21, 0))],
)
def test_a_share_uses_all_its_digits(number: int, digits: tuple[int, int]) -> None:
    share = Share.of(number)
    assert (share.mantissa, share.exponent) == digits
    assert share.floor == number or number > 2**64


def test_a_pool_is_divided_by_shares() -> None:
    pool = SharePool(100, {1: Share.of(3), 2: Share.of(7)}, Share.of(10))
    assert (pool.stake(1), pool.stake(2), pool.stake(3)) == (30, 70, 0)
    assert SharePool().stake(1) == 0


def test_holders_who_come_and_go_get_what_is_theirs() -> None:
    pool = SharePool().staked(1, 1000).unstaked(1, 990).staked(2, 1000).unstaked(2, 990)
    assert (pool.stake(1), pool.stake(2)) == (10, 10)


def test_one_rao_each_and_a_million_alpha_later_nothing_is_lost() -> None:
    pool = SharePool().staked(1, 1).staked(2, 1).paid(999_999_999_999_998)
    for coldkey in (1, 2):
        pool = pool.unstaked(coldkey, 499_999_999_999_990)
    pool = pool.paid(999_999_999_999_980)
    for coldkey in (1, 2):
        pool = pool.staked(coldkey, 1_000_000_000_000)
    assert abs(pool.stake(1) - 501_000_000_000_000) <= 1
    assert abs(pool.stake(2) - 501_000_000_000_000) <= 1


@settings(deadline=None)
@given(st.lists(RAO, min_size=1, max_size=6), st.integers(0, 10**15), RAO)
def test_a_dividend_is_shared_by_stake_and_a_newcomer_takes_none_of_it(
    stakes: list[int], dividend: int, late: int
) -> None:
    pool = SharePool()
    for coldkey, stake in enumerate(stakes):
        pool = pool.staked(coldkey, stake)
    paid = pool.paid(dividend)
    gains = [paid.stake(coldkey) - stake for coldkey, stake in enumerate(stakes)]
    assert all(abs(gain - dividend * stake / sum(stakes)) <= 2 for gain, stake in zip(gains, stakes, strict=True))
    joined = paid.staked(99, late)
    assert abs(joined.stake(99) - late) <= 1
    assert sum(joined.stake(coldkey) for coldkey in joined.shares) <= joined.value
    assert all(abs(joined.stake(coldkey) - paid.stake(coldkey)) <= 1 for coldkey in paid.shares)


def test_more_than_the_stake_and_less_than_a_number_is_refused() -> None:
    with pytest.raises(OutOfRange, match="removed is 11, expected at most the stake of 10"):
        SharePool().staked(1, 10).unstaked(1, 11)
    with pytest.raises(NotFinite, match="dividend is nan"):
        SharePool().paid(float("nan"))  # type: ignore[arg-type]  # what a caller without types may do
