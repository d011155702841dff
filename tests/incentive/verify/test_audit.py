# SPDX-License-Identifier: Apache-2.0
"""The odds of an audit agree with counting, with each other and with audits played out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.verify.audit import choose, detection, detection_exact, sampler, samples_needed, samples_needed_exact
from protocols.errors import NotFinite, OutOfRange

COMMITMENT, SECRET = b"root", b"sixteen bytes or"


@pytest.mark.parametrize(("population", "tampered", "samples"), [(6, 2, 3), (5, 0, 3), (5, 5, 1), (7, 1, 7), (4, 2, 0)])
def test_odds_without_replacement_are_those_of_counting_every_choice(
    population: int, tampered: int, samples: int
) -> None:
    choices = list(combinations(range(population), samples))
    found = sum(any(piece < tampered for piece in choice) for choice in choices)
    assert detection_exact(population, tampered, samples) == found / len(choices)


@given(st.floats(0.01, 0.5), st.integers(0, 60))
@settings(deadline=None, max_examples=50)
def test_odds_with_replacement_are_the_formula(fraction: float, samples: int) -> None:
    assert detection(fraction, samples) == pytest.approx(1.0 - (1.0 - fraction) ** samples, abs=1e-12)


@given(st.integers(1, 300), st.data())
@settings(deadline=None, max_examples=50)
def test_looking_at_different_pieces_finds_at_least_as_much(population: int, data: st.DataObject) -> None:
    tampered = data.draw(st.integers(0, population))
    samples = data.draw(st.integers(0, population))
    exact = detection_exact(population, tampered, samples)
    assert detection(tampered / population, samples) - 1e-12 <= exact <= 1.0


def test_a_tiny_fraction_is_not_lost_in_rounding() -> None:
    assert detection(1e-18, 1000) == pytest.approx(1e-15, rel=1e-12)
    assert detection(1.0, 0) == 0.0
    assert detection(1.0, 1) == 1.0


def test_one_in_twenty_needs_59_samples_for_95_percent() -> None:
    assert samples_needed(0.05, 0.95) == 59


@given(st.floats(1e-9, 0.999), st.floats(1e-6, 1 - 1e-9))
@settings(deadline=None, max_examples=50)
def test_the_samples_needed_are_enough_and_one_less_is_not(fraction: float, confidence: float) -> None:
    k = samples_needed(fraction, confidence)
    assert detection(fraction, k) >= confidence
    assert k == 1 or detection(fraction, k - 1) < confidence


@given(st.integers(1, 200), st.data())
@settings(deadline=None, max_examples=50)
def test_the_pieces_needed_are_enough_and_one_less_is_not(population: int, data: st.DataObject) -> None:
    tampered = data.draw(st.integers(1, population))
    confidence = data.draw(st.floats(0.01, 0.9999))
    k = samples_needed_exact(population, tampered, confidence)
    assert detection_exact(population, tampered, k) >= confidence
    assert k == 1 or detection_exact(population, tampered, k - 1) < confidence


@pytest.mark.parametrize(("population", "tampered", "samples"), [(100, 5, 20), (400, 20, 40)])
def test_audits_played_out_find_as_many_cheats_as_the_odds_say(population: int, tampered: int, samples: int) -> None:
    rng = np.random.default_rng(1)
    rounds = 4_000
    found = sum(bool((choose(population, samples, rng) < tampered).any()) for _ in range(rounds)) / rounds
    assert found == pytest.approx(detection_exact(population, tampered, samples), abs=4 * 0.5 / rounds**0.5)


def test_a_choice_is_of_different_pieces_each_as_likely_as_the_next() -> None:
    rng = np.random.default_rng(2)
    counts = np.zeros(8)
    for _ in range(4_000):
        chosen = choose(8, 3, rng)
        assert (np.diff(chosen) > 0).all()
        counts[chosen] += 1
    assert np.abs(counts / 1_500 - 1.0).max() < 0.12
    assert choose(5, 5, rng).tolist() == [0, 1, 2, 3, 4]
    assert choose(5, 0, rng).tolist() == []


def test_a_choice_can_be_repeated_by_whoever_learns_the_secret_and_depends_on_all_that_seeds_it() -> None:
    def chosen(commitment: bytes, secret: bytes) -> list[int]:
        picked: list[int] = choose(10_000, 5, sampler(commitment, secret)).tolist()
        return picked

    assert chosen(COMMITMENT, SECRET) == chosen(COMMITMENT, SECRET)
    others = [chosen(COMMITMENT + b"!", SECRET), chosen(COMMITMENT, SECRET[::-1]), chosen(b"!" + COMMITMENT, SECRET)]
    # A byte moved from one to the other must not give the same seed.
    others.append(chosen(b"r" + COMMITMENT[1:], SECRET + COMMITMENT[:1]))
    assert chosen(COMMITMENT, SECRET) not in others
    assert chosen(COMMITMENT[1:], SECRET + COMMITMENT[:1]) != chosen(COMMITMENT, SECRET)


def test_a_secret_that_a_miner_could_guess_is_refused() -> None:
    with pytest.raises(OutOfRange, match="could try all"):
        sampler(COMMITMENT, SECRET[:15])


@pytest.mark.parametrize(
    "call",
    [
        lambda: detection(1.1, 1),
        lambda: detection(0.5, -1),
        lambda: detection_exact(5, 6, 1),
        lambda: detection_exact(5, 1, 6),
        lambda: detection_exact(-1, 0, 0),
        lambda: samples_needed(0.0, 0.5),
        lambda: samples_needed(1e-300, 0.5),
        lambda: samples_needed(0.5, 1.0),
        lambda: samples_needed_exact(5, 0, 0.5),
        lambda: choose(3, 4, np.random.default_rng(0)),
    ],
)
def test_odds_of_nothing_are_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(OutOfRange):
        call()


def test_a_fraction_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(NotFinite, match="fraction is nan"):
        detection(float("nan"), 1)
