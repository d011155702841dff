# SPDX-License-Identifier: Apache-2.0
"""Where cheating stops to pay, found by the formula and by playing it out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.verify.audit import detection_exact
from incentive.verify.inspection import InspectionGame, break_even, expected_profit, replicator
from protocols.errors import NotFinite, OutOfRange

AMOUNT = st.floats(0.01, 100)


@given(AMOUNT, st.floats(0, 100))
@settings(deadline=None, max_examples=50)
def test_at_the_break_even_a_cheat_brings_nothing(gain: float, stake: float) -> None:
    p = break_even(gain, stake)
    assert p == pytest.approx(gain / (gain + stake))
    assert expected_profit(gain, stake, p) == pytest.approx(0.0, abs=1e-9)


def test_30_percent_of_a_stake_of_100_deters_a_gain_of_1_from_a_detection_of_3_2_percent() -> None:
    assert break_even(1.0, 0.3 * 100.0) == pytest.approx(0.032, abs=5e-4)


@pytest.mark.parametrize(("gain", "stake"), [(1.0, 30.0), (5.0, 5.0), (3.0, 1.0)])
def test_the_break_even_of_cheats_played_out_is_within_two_percent(gain: float, stake: float) -> None:
    luck = np.sort(np.random.default_rng(3).random(2_000_000))
    # The k unluckiest are found: the profit of all falls with k, and crosses zero where cheating stops to pay.
    found = np.arange(luck.size)
    profit = (luck.size - found) * gain - found * stake
    crossing = luck[np.argmax(profit <= 0.0)]
    assert crossing == pytest.approx(break_even(gain, stake), rel=0.02)


def test_cheats_played_out_against_sampled_audits_pay_below_the_break_even_and_lose_above() -> None:
    rng, gain, stake = np.random.default_rng(4), 1.0, 9.0
    for samples, pays in [(5, True), (20, False)]:
        caught = rng.hypergeometric(10, 990, samples, size=200_000) > 0
        profit = np.where(caught, -stake, gain).mean()
        assert bool(profit > 0.0) is pays
        assert profit == pytest.approx(expected_profit(gain, stake, detection_exact(1000, 10, samples)), abs=0.05)


@given(AMOUNT, AMOUNT, AMOUNT, st.floats(1.01, 50), st.floats(0, 0.5))
@settings(deadline=None, max_examples=50)
def test_at_the_equilibrium_neither_side_gains_by_moving(
    gain: float, stake: float, cost: float, ratio: float, planted: float
) -> None:
    game = InspectionGame(gain, stake, cost, cost * ratio, planted)
    cheat, check = game.equilibrium
    for_worker, for_checker = game.cheating_pays(check), game.checking_pays(cheat)
    if 0.0 < cheat < 1.0:
        assert for_worker == pytest.approx(0.0, abs=1e-9)
        assert for_checker == pytest.approx(0.0, abs=1e-9)
        if planted == 0.0:
            assert (cheat, check) == pytest.approx((1 / ratio, gain / (gain + stake)))
    else:
        assert (cheat, check) == (0.0, 1.0)
        assert for_worker <= 0.0 <= for_checker + 1e-9


def test_where_no_bounty_pays_for_looking_everybody_cheats() -> None:
    game = InspectionGame(gain=1, stake=30, cost=2, bounty=1)
    assert game.equilibrium == (1.0, 0.0)
    assert game.cheating_pays(0.0) > 0.0 > game.checking_pays(1.0)


def test_planted_errors_restore_checks_until_nobody_cheats() -> None:
    rates = [InspectionGame(1, 30, 0.5, 5, planted).equilibrium[0] for planted in (0.0, 0.05, 0.09, 0.1, 0.2)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[-1]) == (0.1, 0.0)
    assert InspectionGame(1, 30, 0.5, 5, 0.2).equilibrium == (0.0, 1.0)


@pytest.mark.parametrize(
    "game",
    [
        InspectionGame(gain=1, stake=30, cost=0.5, bounty=5),
        InspectionGame(gain=1, stake=1, cost=1, bounty=2),
        InspectionGame(gain=5, stake=2, cost=3, bounty=4),
        InspectionGame(gain=1, stake=30, cost=0.5, bounty=5, planted=0.05),
    ],
    ids=["slashed", "even", "tempting", "planted"],
)
@pytest.mark.parametrize("start", [(0.5, 0.5), (0.05, 0.9)])
def test_play_circles_around_the_equilibrium_and_averages_to_it(
    game: InspectionGame, start: tuple[float, float]
) -> None:
    play = replicator(game, start)
    np.testing.assert_allclose(play.average, game.equilibrium, atol=0.02)
    late = slice(play.cheat.size // 2, None)
    # It neither settles nor runs away: the later half swings as widely as the whole.
    assert np.ptp(play.cheat[late]) == pytest.approx(np.ptp(play.cheat), rel=0.05)
    assert np.isfinite(play.cheat).all()
    assert np.isfinite(play.check).all()


def test_play_follows_what_pays() -> None:
    game = InspectionGame(gain=2, stake=6, cost=1, bounty=5, planted=0.1)
    step = 1e-3
    cheat, check = replicator(game, (0.4, 0.3), steps=1, step=step).average
    speed = 0.4 * 0.6 * game.cheating_pays(0.3) / (2 + 6), 0.3 * 0.7 * game.checking_pays(0.4) / (5 * 0.9)
    assert ((cheat - 0.4) / step, (check - 0.3) / step) == pytest.approx(speed, rel=1e-2)


def test_play_ends_with_everybody_cheating_where_looking_never_pays() -> None:
    cheat, check = replicator(InspectionGame(1, 1, 2, 1), (0.5, 0.5), steps=5_000).average
    assert cheat > 0.9
    assert check < 0.1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: break_even(0.0, 1.0), OutOfRange),
        (lambda: break_even(1.0, -1.0), OutOfRange),
        (lambda: break_even(float("nan"), 1.0), NotFinite),
        (lambda: expected_profit(1.0, 1.0, 1.5), OutOfRange),
        (lambda: InspectionGame(1, 1, 0, 1), OutOfRange),
        (lambda: InspectionGame(1, 1, 1, 1, planted=1.0), OutOfRange),
        (lambda: replicator(InspectionGame(1, 1, 1, 2), (0.0, 0.5)), OutOfRange),
        (lambda: replicator(InspectionGame(1, 1, 1, 2), (0.5, 0.5), steps=0), OutOfRange),
        (lambda: replicator(InspectionGame(1, 1, 1, 2), (0.5, 0.5), step=1.5), OutOfRange),
    ],
)
def test_a_game_that_cannot_be_played_is_refused(call: object, error: type[Exception]) -> None:
    assert callable(call)
    with pytest.raises(error):
        call()
