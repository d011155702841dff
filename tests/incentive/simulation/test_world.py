# SPDX-License-Identifier: Apache-2.0
"""A simulated economy keeps its books: who is paid what, chance that can be repeated, and nothing out of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incentive.arrays import Array, Flags, shares
from incentive.consensus import Network, Yuma3
from incentive.quantise import from_u16, to_u16
from incentive.scores import moving_average
from incentive.simulation.measure import capture, each, pool, ratio, yields
from incentive.simulation.strategies import MINERS, MIX, Cabal, Cast, Copying, Honest, Lazy, Strategy, cast
from incentive.simulation.world import Lifetime, Schedule, World, draws, quantised, run
from protocols.errors import NotFinite, OutOfRange, WrongShape

TASKS, MINERS_N = 20, 12
HONEST: tuple[Strategy, ...] = (Honest(),) * 4
SCHEDULE = Schedule(tasks=TASKS, validators=4, epochs=40, rounds=3)


def recorded(noise: float = 0.1) -> Array:
    """Rewards of miners whose skill falls from the first to the last, of whom the last earns nothing."""
    rng = np.random.default_rng(5)
    skill = np.linspace(0.9, 0.0, MINERS_N)
    return np.where(skill > 0, np.clip(skill + noise * rng.normal(size=(TASKS, MINERS_N)), 0, 1), 0.0)


def moved(scores: Array, rewards: Array, asked: Flags) -> Array:
    return moving_average(scores, rewards, asked, 0.1)


def world(validators: tuple[Strategy, ...] = HONEST, stake: Array | None = None, rewards: Array | None = None) -> World:
    return World(
        rewards=recorded() if rewards is None else rewards,
        validators=validators,
        stake=np.ones(len(validators)) if stake is None else stake,
        aggregate=moved,
        weigh=shares,
        consensus=Yuma3(),
    )


def lived(of: World, seed: int = 1, cells: int = 4) -> Lifetime:
    return run(of, draws(SCHEDULE, seed, range(cells)))


def only(place: int, count: int = 4) -> Flags:
    flags: Flags = np.arange(count) == place
    return flags


def test_among_honest_validators_miners_are_paid_by_their_rewards() -> None:
    life = lived(world())
    assert life.incentive.mean(axis=0) == pytest.approx(shares(recorded().mean(axis=0)), abs=0.01)
    assert life.incentive.sum(axis=-1) == pytest.approx(np.ones(4))
    assert life.dividends.sum(axis=-1) == pytest.approx(np.ones(4))
    assert not life.incentive[:, -1].any()


def test_any_seed_run_alone_gives_what_it_gave_among_others() -> None:
    together, alone = lived(world(), cells=4), run(world(), draws(SCHEDULE, 1, [2]))
    assert alone.incentive[0] == pytest.approx(together.incentive[2], rel=1e-12)
    assert alone.dividends[0] == pytest.approx(together.dividends[2], rel=1e-12)


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert lived(world()).incentive.tolist() == lived(world()).incentive.tolist()
    assert lived(world(), seed=2).incentive.tolist() != lived(world()).incentive.tolist()


def test_chance_is_that_of_spawned_seeds_and_each_cell_has_tasks_of_its_own() -> None:
    drawn = draws(SCHEDULE, 9, range(3))
    assert drawn.shape == (40, 3, 4, 3)
    rng = np.random.default_rng(np.random.SeedSequence(9).spawn(3)[2])
    bag = rng.integers(TASKS, size=TASKS)
    assert drawn[:, 2].tolist() == bag[rng.integers(TASKS, size=(40, 4, 3))].tolist()
    assert len(np.unique(drawn[:, 2])) < TASKS


def test_a_first_epoch_is_the_consensus_of_what_validators_saw() -> None:
    drawn = draws(Schedule(tasks=TASKS, validators=4, epochs=1, rounds=1), 3, [0])
    seen = recorded()[drawn[0, 0, :, 0]]  # (V, N)
    weights = np.stack([from_u16(to_u16(row)) for row in seen])
    outcome = Yuma3().run(Network.of(weights, np.ones(4)))
    life = run(world(), drawn)
    assert life.incentive[0] == pytest.approx(outcome.incentive, rel=1e-9)
    assert life.dividends[0] == pytest.approx(outcome.dividends, rel=1e-9)
    assert life.stake[0].tolist() == [0.25] * 4


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12))
def test_votes_are_rounded_as_the_chain_rounds(weights: list[float]) -> None:
    given = np.array(weights)
    # Both round halves up; only a half itself may fall either way, by what a float can hold.
    assert np.abs(quantised(given) - from_u16(to_u16(given))).max() <= 2 / 65_535
    assert quantised(np.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()


def test_a_lazy_validator_earns_less_for_its_stake_and_a_copying_one_no_more_than_a_little() -> None:
    life = lived(world((Honest(), Honest(), Lazy(), Copying()), np.array([0.45, 0.45, 0.05, 0.05])))
    honest = only(0) | only(1)
    assert yields(life, only(2), honest).max() < 0.9
    assert 0.95 < yields(life, only(3), honest).max() < 1.05


def test_a_minority_cannot_pay_its_own_miners_and_a_majority_can() -> None:
    own = np.arange(MINERS_N) >= MINERS_N - 2
    gang: tuple[Strategy, ...] = (Honest(), Cabal(own))
    two = Schedule(tasks=TASKS, validators=2, epochs=40, rounds=3)
    minority = run(world(gang, np.array([0.6, 0.4])), draws(two, 1, range(2)))
    majority = run(world(gang, np.array([0.4, 0.6])), draws(two, 1, range(2)))
    assert capture(minority, own, only(1, 2)).max() < 0.2
    assert pool(majority, own).min() > 0.9


def test_stake_grows_where_dividends_go() -> None:
    life = lived(world((Honest(), Honest(), Honest(), Lazy()), np.ones(4)))
    assert (life.stake[:, 3] < 0.25).all()
    assert life.stake.sum(axis=-1) == pytest.approx(np.ones(4))


def test_a_validator_with_nothing_to_say_holds_on_to_its_last_vote() -> None:
    calls = iter(range(10**6))

    def mute(scores: Array) -> Array:
        return shares(scores) if next(calls) == 0 else np.zeros_like(scores)

    drawn = draws(SCHEDULE, 1, range(2))
    # Stakes stand still, so that the same votes mean the same.
    muted = replace(world(), weigh=mute, growth=0.0)
    assert run(muted, drawn).incentive == pytest.approx(run(world(), drawn[:1]).incentive, rel=1e-9)


def test_where_nothing_is_rewarded_nobody_is_paid_and_nothing_breaks() -> None:
    life = lived(world((Honest(), Honest(), Copying(), Honest()), rewards=np.zeros((TASKS, MINERS_N))))
    assert not life.incentive.any()
    assert not life.dividends.any()
    assert life.stake == pytest.approx(np.full((4, 4), 0.25))
    assert each(life, only(0, MINERS_N), only(1, MINERS_N)).tolist() == [1.0] * 4


def test_nothing_is_as_much_as_nothing_and_something_endlessly_more() -> None:
    assert ratio(np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 4.0])).tolist() == [1.0, np.inf, 0.25]


def test_worlds_that_cannot_be_are_refused() -> None:
    with pytest.raises(WrongShape, match=r"rewards have shape \(3,\)"):
        world(rewards=np.zeros(3))
    with pytest.raises(OutOfRange, match=r"rewards\[0, 0\] is 2.0"):
        world(rewards=np.full((2, 2), 2.0))
    with pytest.raises(NotFinite, match="rewards"):
        world(rewards=np.full((2, 2), np.nan))
    with pytest.raises(WrongShape, match="stake has shape"):
        world(stake=np.ones(3))
    with pytest.raises(WrongShape, match="drawn for 2 validators, and the world has 4"):
        run(world(), draws(Schedule(tasks=TASKS, validators=2, epochs=1, rounds=1), 1, [0]))


def test_worlds_of_nonsense_by_the_definition_are_refused_by_name() -> None:
    def nonsense(scores: Array) -> Array:
        return scores - 1.0

    with pytest.raises(OutOfRange, match="weights"):
        lived(replace(world(), weigh=nonsense))


def players(miners: int, seed: int = 0) -> Cast:
    return cast(MIX, miners, np.random.default_rng(seed))


@given(st.integers(8, 300), st.integers(0, 2**32))
def test_every_role_is_played_and_only_those_give_anothers_answer_who_may(miners: int, seed: int) -> None:
    who = players(miners, seed)
    assert len(who.roles) == miners
    assert set(who.roles) == set(MINERS)
    assert who.playing("sybil").sum() >= 2
    own = who.source == np.arange(miners)
    assert own[who.playing("honest", "weak", "silent")].all()
    assert not own[who.playing("copier")].any()
    assert all(who.roles[at] == "honest" for at in who.source[who.playing("copier")])
    assert all(who.roles[at] == "sybil" for at in who.source[who.playing("sybil")])
    assert len(set(who.source[who.playing("constant")])) == 1
    assert who.bystanders.any()
    assert (who.playing("honest") == (who.bystanders | who.victims)).all()
    assert own[~who.extras & ~who.playing("constant")].all()


def test_roles_are_dealt_in_random_order() -> None:
    assert players(64, 0).roles != players(64, 1).roles
    assert players(64, 0).roles == players(64, 0).roles


def test_a_mix_without_room_for_the_honest_is_refused() -> None:
    with pytest.raises(OutOfRange, match="leave 1 honest"):
        players(7)
    with pytest.raises(OutOfRange, match="'honest'"):
        cast({"honest": 0.5}, 10, np.random.default_rng(0))
    assert players(8).roles.count("honest") == 2
    assert cast({}, 3, np.random.default_rng(0)).roles == ("honest",) * 3
