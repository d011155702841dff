# SPDX-License-Identifier: Apache-2.0
"""What every consensus keeps, whatever its rules: shares are shares, order does not matter, NaN is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from incentive.arrays import Array
from incentive.consensus import FIXED, FLOAT, Consensus, Liquid, Network, Rules, Yuma1, Yuma3
from incentive.consensus.alternatives import Linear, Median, Plurality
from incentive.consensus.arithmetic import Arithmetic
from incentive.consensus.median import weighted_median
from protocols.errors import NotFinite, OutOfRange, WrongShape

ALL: list[type[Consensus]] = [Linear, Median, Plurality, Yuma1, Yuma3]
SHAPES = arrays.array_shapes(min_dims=2, max_dims=3, max_side=5)
CELLS = st.one_of(st.just(0.0), st.floats(0, 1e6, allow_subnormal=False), st.sampled_from([1.0, 1e-300, 1e300]))


@st.composite
def polls(draw: st.DrawFn) -> tuple[Array, Array]:
    """Weights (..., V, N) and stakes (..., V)."""
    shape = draw(SHAPES)
    return draw(arrays.arrays(np.float64, shape, elements=CELLS)), draw(
        arrays.arrays(np.float64, shape[:-1], elements=CELLS)
    )


@pytest.mark.parametrize("kind", ALL)
@settings(deadline=None, max_examples=60)
@given(poll=polls())
def test_shares_are_parts_of_one_and_never_nan(kind: type[Consensus], poll: tuple[Array, Array]) -> None:
    outcome = kind(Rules(liquid=Liquid())).epoch(*poll)
    for shares in (outcome.incentive, outcome.dividends):
        total = shares.sum(axis=-1)
        assert np.isfinite(shares).all()
        assert (shares >= 0).all()
        assert (np.isclose(total, 1, atol=1e-9) | (total == 0)).all()
    for part in (outcome.consensus, outcome.validator_trust, outcome.bonds):
        assert np.isfinite(part).all()
        assert (part >= 0).all()
        assert (part <= 1 + 1e-9).all()


@pytest.mark.parametrize("kind", ALL)
@settings(deadline=None, max_examples=40)
@given(poll=polls())
def test_renaming_miners_and_validators_renames_what_they_get(kind: type[Consensus], poll: tuple[Array, Array]) -> None:
    weights, stake = poll
    rng = np.random.default_rng(3)
    rows, columns = rng.permutation(weights.shape[-2]), rng.permutation(weights.shape[-1])
    before = kind().epoch(weights, stake)
    after = kind().epoch(weights[..., rows, :][..., columns], stake[..., rows])
    np.testing.assert_allclose(after.incentive, before.incentive[..., columns], atol=1e-9)
    np.testing.assert_allclose(after.dividends, before.dividends[..., rows], atol=1e-9)
    np.testing.assert_allclose(after.bonds, before.bonds[..., rows, :][..., columns], atol=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_a_batch_is_its_networks_one_by_one(kind: type[Consensus]) -> None:
    rng = np.random.default_rng(1)
    weights, stake, bonds = rng.random((7, 4, 5)), rng.random((7, 4)), rng.random((7, 4, 5))
    consensus = kind(Rules(liquid=Liquid()))
    whole = consensus.epoch(weights, stake, bonds)
    for at in range(7):
        one = consensus.epoch(weights[at], stake[at], bonds[at])
        np.testing.assert_allclose(whole.dividends[at], one.dividends, rtol=1e-12)
        np.testing.assert_allclose(whole.bonds[at], one.bonds, rtol=1e-12)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused_by_name(kind: type[Consensus], bad: float) -> None:
    weights = np.full((2, 2), 0.5)
    weights[1, 0] = bad
    with pytest.raises(NotFinite, match=r"weights\[1, 0\]"):
        kind().epoch(weights, np.ones(2))
    with pytest.raises(NotFinite, match=r"stake\[0\]"):
        kind().epoch(np.full((2, 2), 0.5), np.array([bad, 1.0]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongShape, match=r"\(2, 3\)"):
        Yuma1().epoch(np.ones((2, 3)), np.ones(3))
    with pytest.raises(OutOfRange, match=r"-1\.0"):
        Yuma1().epoch(np.array([[-1.0]]), np.ones(1))
    with pytest.raises(OutOfRange, match=r"kappa is 1\.5"):
        Rules(kappa=1.5)


@pytest.mark.parametrize("kind", [Yuma1, Yuma3])
def test_a_minority_cannot_raise_its_own_miner(kind: type[Consensus]) -> None:
    honest, cabal = [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]
    weights = np.array([honest, honest, cabal])
    assert kind().epoch(weights, np.array([3.0, 3.0, 4.0])).incentive[2] == 0
    assert Linear().epoch(weights, np.array([3.0, 3.0, 4.0])).incentive[2] == pytest.approx(0.4)
    assert Plurality().epoch(weights, np.array([3.0, 3.0, 4.0])).incentive[2] == pytest.approx(1 / 3)


@pytest.mark.parametrize("kind", [Yuma1, Yuma3])
def test_who_finds_a_good_miner_first_earns_more_than_who_follows(kind: type[Consensus]) -> None:
    old, new = [1.0, 0.0], [0.0, 1.0]
    stake, bonds = np.array([0.6, 0.2, 0.2]), None
    first = follower = 0.0
    for epoch in range(10):
        weights = np.array([new, new if epoch else old, new if epoch > 3 else old])
        outcome = kind(Rules(bonds_moving_average=0.9, bonds_penalty=0)).epoch(weights, stake, bonds)
        bonds = outcome.bonds
        first, follower = first + outcome.dividends[1], follower + outcome.dividends[2]
    assert first > follower * 1.05


@pytest.mark.parametrize("numbers", [FIXED, FLOAT])
@pytest.mark.parametrize(
    ("kappa", "expected"), [(0.0, 0.9), (0.25, 0.9), (0.5, 0.6), (0.51, 0.3), (0.75, 0.3), (1.0, 0.1)]
)
def test_at_a_tie_the_next_higher_weight_wins(numbers: Arithmetic, kappa: float, expected: float) -> None:
    column = np.array([[0.1], [0.3], [0.6], [0.9], [0.0]])
    stake = np.array([0.25, 0.25, 0.25, 0.25, 0.0])  # the last has no stake and no say
    if numbers is FIXED:
        bits = weighted_median(FIXED, (column * 2**32).astype(int), (stake * 2**32).astype(int), FIXED.constant(kappa))
        assert bits[0] / 2**32 == pytest.approx(expected)
    else:
        assert weighted_median(FLOAT, column, stake, kappa)[0] == expected


def test_liquid_alpha_is_at_its_floor_on_a_wide_subnet() -> None:
    rng = np.random.default_rng(5)
    weights, stake = rng.random((8, 64)), rng.random(8)
    liquid = Yuma3(Rules(liquid=Liquid(0.1, 0.3, 10), bonds_penalty=0)).epoch(weights, stake)
    steady = Yuma3(Rules(bonds_moving_average=0.9, bonds_penalty=0)).epoch(weights, stake)
    np.testing.assert_allclose(liquid.dividends, steady.dividends, atol=2e-3)


def test_plain_numbers_become_a_network_that_sums_to_one() -> None:
    net = Network.of(np.array([[2.0, 6.0], [0.0, 0.0]]), np.array([1.0, 3.0]))
    assert net.weights.tolist() == [[0.25, 0.75], [0.0, 0.0]]
    assert net.stake.tolist() == [0.25, 0.75]
