# SPDX-License-Identifier: Apache-2.0
"""What time does to a lock, against the same formulas in real numbers."""

from __future__ import annotations

import math

import pytest

from incentive.fixed import U64F64
from subnet.chain.node.pallets.subtensor.conviction import (
    Rates,
    Role,
    decay,
    fraction,
    is_dust,
    merged,
    reduced,
    rolled,
)
from subnet.chain.node.pallets.subtensor.storage_locks import StakeLock

MASS = 10**15
EVEN = Rates(934_866, 934_866)


def whole(conviction: int) -> float:
    return conviction / U64F64.one


@pytest.mark.parametrize("blocks", [1, 7_200, 934_866, 5_000_000, 36_000_000])
def test_decay_is_the_exponential_to_the_last_digits(blocks: int) -> None:
    assert whole(decay(blocks, 934_866)) == pytest.approx(math.exp(-blocks / 934_866), rel=1e-3, abs=1e-16)


def test_nothing_decays_in_no_time_and_all_of_it_at_a_rate_of_nothing() -> None:
    assert (decay(0, 0), decay(1, 0)) == (U64F64.one, 0)
    assert decay(10**9, 1) == decay(40, 1) > 0


@pytest.mark.parametrize("blocks", [1, 7_200, 100_000, 934_866, 3_000_000])
def test_stake_comes_free_and_convinces_late(blocks: int) -> None:
    lock = rolled(StakeLock(MASS, 0, 5), 5 + blocks, EVEN, Role(False, False))
    age = blocks / EVEN.unlock
    assert lock.locked_mass == pytest.approx(MASS * math.exp(-age), rel=1e-9)
    assert whole(lock.conviction) == pytest.approx(MASS * age * math.exp(-age), rel=1e-9)
    assert lock.last_update == 5 + blocks


@pytest.mark.parametrize("rates", [Rates(500_000, 100_000), Rates(100_000, 500_000)])
def test_two_rates_give_the_difference_of_two_exponentials(rates: Rates) -> None:
    lock = rolled(StakeLock(MASS, 0, 0), 200_000, rates, Role(False, False))
    apart = math.exp(-200_000 / rates.unlock) - math.exp(-200_000 / rates.maturity)
    assert whole(lock.conviction) == pytest.approx(MASS * rates.unlock * apart / (rates.unlock - rates.maturity))


def test_what_is_locked_for_good_stays_and_convinces_with_all_of_it_in_the_end() -> None:
    lock = rolled(StakeLock(MASS, 0, 0), 934_866, EVEN, Role(False, True))
    assert lock.locked_mass == MASS
    assert whole(lock.conviction) == pytest.approx(MASS * (1 - 1 / math.e))
    lock = rolled(lock, 40_000_000, EVEN, Role(False, True))
    assert whole(lock.conviction) == pytest.approx(MASS)


def test_rolling_in_steps_is_rolling_at_once() -> None:
    once = rolled(StakeLock(MASS, 0, 0), 100_000, EVEN, Role(False, False))
    twice = rolled(StakeLock(MASS, 0, 0), 40_000, EVEN, Role(False, False))
    twice = rolled(twice, 100_000, EVEN, Role(False, False))
    assert twice.locked_mass == pytest.approx(once.locked_mass, abs=1)
    assert whole(twice.conviction) == pytest.approx(whole(once.conviction), rel=1e-9)


def test_the_owners_lock_convinces_at_once_with_what_is_left_of_it() -> None:
    now = rolled(StakeLock(MASS, 0, 9), 9, EVEN, Role(True, False))
    later = rolled(now, 934_875, EVEN, Role(True, False))
    assert now.conviction == U64F64.of(MASS)
    assert later.conviction == U64F64.of(later.locked_mass) < now.conviction


def test_a_lock_of_less_than_a_hundred_rao_is_over() -> None:
    assert is_dust(StakeLock(99, U64F64.of(99), 0))
    assert not is_dust(StakeLock(99, U64F64.of(100), 0))
    assert rolled(StakeLock(99, 1, 3), 3, EVEN, Role(False, False)) == StakeLock(0, 0, 3)


def test_locks_add_up_and_lose_no_more_than_they_have() -> None:
    assert merged(StakeLock(1, 2, 3), StakeLock(10, 20, 2)) == StakeLock(11, 22, 3)
    assert merged(StakeLock(2**64 - 1, U64F64.highest, 0), StakeLock(1, 1, 0)) == StakeLock(
        2**64 - 1, U64F64.highest, 0
    )
    assert reduced(StakeLock(5, 6, 7), 9, 1) == StakeLock(0, 5, 7)
    assert (fraction(1, 4), fraction(0, 0)) == (U64F64.one // 4, 0)
