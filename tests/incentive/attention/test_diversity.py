# SPDX-License-Identifier: Apache-2.0
"""The effective number of answers: what it must be at the ends, between them, and beyond floating point's comfort."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.attention import effective_number
from incentive.attention.diversity import vendi_score
from protocols.errors import NothingToWeigh, OutOfRange, WrongShape

ORDERS = [0.0, 0.5, 1.0, 1.0 + 1e-9, 2.0, 50.0, np.inf]
orders = pytest.mark.parametrize("q", ORDERS)


@orders
def test_different_answers_count_each_and_equal_ones_once(q: float) -> None:
    assert effective_number(np.eye(7), q=q) == pytest.approx(7.0)
    assert effective_number(np.ones((7, 7)), q=q) == pytest.approx(1.0)
    assert effective_number(np.kron(np.eye(3), np.ones((4, 4))), q=q) == pytest.approx(3.0)


@orders
def test_it_is_hills_number_where_nothing_is_alike(q: float) -> None:
    p = np.array([0.5, 0.3, 0.2])
    hill = {1.0: np.exp(-(p * np.log(p)).sum()), np.inf: 1.0 / p.max()}.get(q)
    expected = hill if hill is not None else (p**q).sum() ** (1.0 / (1.0 - q))
    assert effective_number(np.eye(3), p * 40.0, q) == pytest.approx(expected, rel=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32))
def test_it_never_rises_with_the_order_and_clones_add_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    z = rng.random((n, n))
    z = np.maximum(z, z.T)
    np.fill_diagonal(z, 1.0)
    p = rng.dirichlet(np.ones(n))
    numbers = [effective_number(z, p, q) for q in ORDERS]
    assert all(high >= low * (1.0 - 1e-6) for high, low in pairwise(numbers))
    assert all(1.0 - 1e-12 <= number <= n + 1e-9 for number in numbers)
    cloned = z[np.ix_([*range(n), 0], [*range(n), 0])]
    assert effective_number(cloned, [p[0] / 2, *p[1:], p[0] / 2], 2.0) == pytest.approx(numbers[4])


@orders
def test_whoever_is_barely_there_does_not_break_it(q: float) -> None:
    assert np.isfinite(effective_number(np.eye(3), [1.0, 1e-300, 0.0], q))


def test_near_order_one_it_is_as_exact_as_at_one() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(50))
    for q in (1.0 - 1e-10, 1.0 + 1e-10):
        assert effective_number(np.eye(50), p, q) == pytest.approx(effective_number(np.eye(50), p), rel=1e-9)


def test_the_vendi_score_agrees_where_both_are_plain() -> None:
    assert vendi_score(np.eye(5)) == pytest.approx(5.0)
    assert vendi_score(np.ones((5, 5))) == pytest.approx(1.0)
    with pytest.raises(OutOfRange):
        vendi_score([[1.0, 0.9, 0.0], [0.9, 1.0, 0.9], [0.0, 0.9, 1.0]])


def test_what_is_no_similarity_has_no_diversity() -> None:
    with pytest.raises(WrongShape):
        effective_number(np.zeros((0, 0)))
    with pytest.raises(WrongShape):
        effective_number(np.ones((2, 3)))
    with pytest.raises(OutOfRange, match="expected 1: everything is like itself"):
        effective_number([[1.0, 0.0], [0.0, 0.5]])
    with pytest.raises(OutOfRange):
        effective_number(np.eye(2), q=-1.0)
    with pytest.raises(NothingToWeigh):
        effective_number(np.eye(2), [0.0, 0.0])
