# SPDX-License-Identifier: Apache-2.0
"""The attention rule's guarantees, one test for each, on cases with clones, near-copies, idle miners and soft bands."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from incentive.arrays import Array
from incentive.attention import Attention, attention_reward, constant_spam, sybil_frontier
from incentive.attention.kernels import unit_rows
from incentive.scores import moving_average


@dataclass(frozen=True)
class Case:
    """Answers of up to ten miners in few dimensions, so that all degrees of likeness occur."""

    x: Array
    q: Array
    prior: Array
    rule: Attention
    rng: np.random.Generator

    def rewards(self, rule: Attention | None = None) -> Array:
        return attention_reward(self.x, self.q, prior=self.prior, rule=rule or self.rule).reward

    def joined(self, x: Array, q: Array, prior: Array) -> Case:
        """With more miners at the end."""
        return replace(
            self,
            x=np.concatenate([self.x, x]),
            q=np.concatenate([self.q, q]),
            prior=np.concatenate([self.prior, prior]),
        )

    def split(self, i: int, parts: Array) -> Case:
        """Miner i as several, who say the same and share its prior."""
        kept = replace(self, prior=self.prior.copy())
        kept.prior[i] *= parts[0]
        more = len(parts) - 1
        return kept.joined(np.repeat(self.x[[i]], more, 0), np.repeat(self.q[i], more), self.prior[i] * parts[1:])


def drawn(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 11), rng.integers(1, 9)
    x = rng.normal(size=(n, d)) + rng.choice([0.0, 1.0, 3.0])
    some = rng.random(n)
    x[some < 0.2] = x[0]
    x[some > 0.9] = 0.0
    q = np.where(rng.random(n) < 0.15, 0.0, rng.random(n))
    prior = np.where(rng.random(n) < 0.5, 1.0, rng.lognormal(0.0, 2.0, n))
    rule = Attention(gamma=rng.choice([0.0, 0.5, 1.0, 2.0]), beta=rng.choice([0.0, 3.0]), p=rng.choice([1.0, 2.0]))
    return Case(x, q, prior, rule, rng)


cases = st.builds(drawn, st.integers(0, 2**32))
many = settings(deadline=None, max_examples=100)


@many
@given(cases)
def test_rewards_follow_the_miners_when_they_change_places(case: Case) -> None:
    order = case.rng.permutation(len(case.q))
    moved = attention_reward(case.x[order], case.q[order], prior=case.prior[order], rule=case.rule).reward
    assert moved == pytest.approx(case.rewards()[order], abs=1e-12)


@many
@given(cases, st.sampled_from([1.0, 1e-300, 1e300]), st.booleans(), st.booleans())
def test_every_stage_is_a_number_within_its_bounds_at_any_scale(
    case: Case, scale: float, twice: bool, idle: bool
) -> None:
    x, q, prior = case.x * scale, case.q * (0.0 if idle else 1.0), case.prior / case.prior.max() * scale
    if twice:
        x, q, prior = np.tile(x, (2, 1)), np.tile(q, 2), np.tile(prior, 2)
    paid = attention_reward(x, q, prior=prior, rule=case.rule)
    for stage in (paid.share, paid.mass, paid.attention, paid.value, paid.reward, paid.weights):
        assert np.all((stage >= 0.0) & (stage <= 1.0))  # NaN is neither
    assert np.all(paid.reward <= paid.value)
    assert paid.weights.sum() == pytest.approx(1.0 if paid.reward.any() else 0.0)
    assert np.all(paid.reward[q == 0.0] == 0.0)
    tiny = attention_reward(x, q * 1e-300, prior=prior, rule=case.rule).reward
    assert np.all((tiny >= 0.0) & (tiny <= 1.0))
    alone = attention_reward(x[:1], q[:1], prior=[1.0], rule=case.rule)
    assert alone.reward == pytest.approx(alone.value)


@many
@given(cases, st.integers(2, 7))
def test_splitting_a_miner_and_its_prior_earns_nothing(case: Case, k: int) -> None:
    i = int(case.rng.integers(len(case.q)))
    clones = np.r_[i, len(case.q) : len(case.q) + k - 1]
    after = case.split(i, case.rng.dirichlet(np.ones(k))).rewards()
    assert after[clones].sum() == pytest.approx(case.rewards()[i], rel=1e-9, abs=1e-15)


@many
@given(cases, st.integers(2, 7))
def test_clones_of_an_answer_that_nobody_else_gave_earn_nothing_even_with_full_priors(case: Case, k: int) -> None:
    similar = attention_reward(case.x, case.q).kernels
    alone = [i for i in range(len(case.q)) if np.count_nonzero(similar.row(similar.sharp, i)) == 1]
    for i in alone[:1]:
        case = replace(case, prior=np.ones(len(case.q)))
        many_of_it = case.joined(np.repeat(case.x[[i]], k - 1, 0), np.repeat(case.q[i], k - 1), np.ones(k - 1))
        clones = np.r_[i, len(case.q) : len(case.q) + k - 1]
        assert many_of_it.rewards()[clones].sum() == pytest.approx(case.rewards()[i], rel=1e-9, abs=1e-15)


@many
@given(cases, st.integers(2, 7))
def test_nobody_else_notices_when_a_miner_splits(case: Case, k: int) -> None:
    i = int(case.rng.integers(len(case.q)))
    others = np.arange(len(case.q)) != i
    after = case.split(i, case.rng.dirichlet(np.ones(k))).rewards()[: len(case.q)]
    assert after[others] == pytest.approx(case.rewards()[others], abs=1e-12)


@many
@given(cases, st.floats(0.0, 1.0))
def test_a_better_answer_never_earns_less(case: Case, better: float) -> None:
    rule = replace(case.rule, gamma=min(case.rule.gamma, 1.0))
    i = int(case.rng.integers(len(case.q)))
    raised = replace(case, q=case.q.copy())
    raised.q[i] = max(better, case.q[i])
    assert raised.rewards(rule)[i] >= case.rewards(rule)[i] - 1e-12


@many
@given(cases, st.floats(0.001, 100.0))
def test_a_copier_costs_its_victim_at_most_the_share_of_its_prior(case: Case, prior: float) -> None:
    rule = replace(case.rule, gamma=min(case.rule.gamma, 1.0))
    i = int(case.rng.integers(len(case.q)))
    claim, rival = case.prior[i] * case.q[i], prior * case.q[i]
    copied = case.joined(case.x[[i]], case.q[[i]], np.array([prior]))
    least = case.rewards(rule)[i] * (claim / (claim + rival) if claim > 0.0 else 0.0)
    assert copied.rewards(rule)[i] >= least * (1.0 - 1e-9)


@many
@given(cases, st.integers(1, 9))
def test_those_who_give_one_answer_own_all_of_it_together(case: Case, k: int) -> None:
    # One cluster within the sharp band and, at right angles, whatever the case has.
    near = np.eye(1, 9) + 0.01 * case.rng.normal(size=(k, 9))
    apart = np.zeros((len(case.q), 9))
    apart[:, 1 : 1 + case.x.shape[1]] = case.x
    shares = attention_reward(np.concatenate([near, apart]), np.r_[case.rng.uniform(0.1, 1.0, k), case.q]).share
    assert shares[:k].sum() == pytest.approx(1.0, abs=1e-12)


@many
@given(cases)
def test_without_crowding_the_reward_is_the_value_of_what_one_owns(case: Case) -> None:
    paid = attention_reward(case.x, case.q, prior=case.prior, rule=replace(case.rule, gamma=0.0))
    assert np.array_equal(paid.reward, paid.value * paid.share)
    assert Attention.closed() == Attention(gamma=0.0)


@many
@given(st.floats(0.01, 1.0), st.sampled_from([0.0, 5.0]))
def test_a_hundred_miners_with_one_model_are_paid_as_one(quality: float, beta: float) -> None:
    answer = np.random.default_rng(7).normal(size=(1, 33))
    paid = attention_reward(np.repeat(answer, 100, 0), np.full(100, quality), rule=Attention(beta=beta))
    value = paid.value[0]
    assert paid.reward.sum() == pytest.approx(value, rel=1e-12)
    assert np.all(paid.reward <= value / 100 * (1.0 + 1e-12))


@pytest.mark.parametrize("seed", range(3))
def test_near_copies_gain_little_and_exact_ones_nothing(seed: int) -> None:
    curve = sybil_frontier(np.random.default_rng(seed), cosines=(1.0, 0.99, 0.95, 0.90))["attention"]
    assert curve.gains[0] == pytest.approx(1.0, abs=1e-9)
    assert curve.gains[1] <= 1.10
    assert curve.gains[2] <= 1.30
    assert curve.victim == pytest.approx((1 / 2, 1 / 100), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_constant_spam_that_would_take_two_fifths_takes_under_one_percent(seed: int) -> None:
    report = constant_spam(np.random.default_rng(seed), tasks=60)
    assert report.shares["quality alone"] == pytest.approx(0.4, abs=0.02)
    assert report.shares["attention + contrast"] <= 0.008
    assert report.shares["attention + contrast gate"] <= 0.002


@pytest.mark.parametrize("rule", ["attention", "attention + contrast"])
def test_five_hundred_spammers_take_together_what_one_takes(rule: str) -> None:
    few = [constant_spam(np.random.default_rng(0), spammers=k, tasks=20).shares[rule] for k in (1, 10, 100, 500)]
    assert few == pytest.approx([few[0]] * 4, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_among_honest_answers_the_better_is_paid_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis, own = unit_rows("own", rng.normal(size=(41, 64)))[0], unit_rows("own", rng.normal(size=(40, 64)))
    q = rng.uniform(0.2, 1.0, 40)
    paid = attention_reward(np.sqrt(0.75) * axis + np.sqrt(0.25) * own, q)
    assert spearmanr(paid.reward, q).statistic >= 0.8


@many
@given(cases)
def test_how_long_an_embedding_is_changes_nothing(case: Case) -> None:
    powers = 2.0 ** case.rng.integers(-500, 500, len(case.q))[:, None]
    assert np.array_equal(replace(case, x=case.x * powers).rewards(), case.rewards())
    lengths = case.rng.lognormal(0.0, 20.0, len(case.q))[:, None]
    assert replace(case, x=case.x * lengths).rewards() == pytest.approx(case.rewards(), abs=1e-12)


@many
@given(cases)
def test_single_precision_embeddings_give_the_same_rewards(case: Case) -> None:
    x = case.x.astype(np.float32)
    single, double = (attention_reward(rows, case.q, prior=case.prior, rule=case.rule) for rows in (x, x.astype(float)))
    assert single.reward.dtype == np.float64
    assert single.reward == pytest.approx(double.reward, abs=1e-5)
    assert single.weights == pytest.approx(double.weights, abs=1e-5)


@pytest.mark.serial
def test_four_thousand_answers_are_paid_within_five_seconds() -> None:
    rng = np.random.default_rng(0)
    x, q = rng.normal(size=(4096, 384)) + 0.5, rng.random(4096)
    start = time.perf_counter()
    attention_reward(x, q)
    assert time.perf_counter() - start < 5.0


def pay_per_duty(alpha: float, exponent: float, period: int) -> float:
    """What a miner that works half of the time earns, beside 199 that always do, over half of what they earn."""
    score, shares = np.zeros(1), []
    for step in range(10 * period + 1000):
        reward = np.array([1.0 if step % period < period // 2 else 0.0])
        score = moving_average(score, reward, np.ones(1, dtype=np.bool_), alpha)
        weight = float(score[0]) ** exponent
        shares.append(weight / (weight + 199.0))
    return float(np.mean(shares[-5 * period :])) / (0.5 / 200.0)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("period", [4, 40, 200])
def test_coming_and_going_pays_no_more_than_the_time_it_worked(alpha: float, period: int) -> None:
    assert pay_per_duty(alpha, 1.0, period) <= 1.02
    assert pay_per_duty(alpha, 8.0, period) < pay_per_duty(alpha, 2.0, period) < 1.0
    assert pay_per_duty(alpha, 0.5, period) > 1.02  # what a concave map of scores would invite
