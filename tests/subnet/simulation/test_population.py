# SPDX-License-Identifier: Apache-2.0
"""Every kind of miner answers as its kind does, and the same each time; careless ones never break the wire."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from incentive.simulation.strategies import MIX, Cast, cast
from protocols.codec import JSON
from protocols.spec import Subnet
from protocols.synapse import Reply
from protocols.task import Returned, Task, TaskContext
from protocols.tensor import Tensor
from subnet.simulation.corruption import corrupt, corrupt_stream
from subnet.simulation.population import Models, Population, SimulatedClock, readers
from subnet.simulation.rows import aggregate_of, weigh_of
from subnet.templates.text.text import Text
from subnet.text import Extractive
from tests.subnet.simulation.designs import Guess, Kind, Letter, Sorted, Sums

CAST = cast(MIX, 40, np.random.default_rng(0))


async def first(definition: Subnet) -> Task:
    return await anext(definition.tasks(TaskContext(np.random.default_rng(3), SimulatedClock())))


async def answered(definition: Subnet, models: Models | None = None, who: Cast = CAST) -> list[Returned]:
    population = Population(definition, who, models or readers(), seed=1)
    task = await first(definition)
    await population.prepare(await first(definition))
    return await population.replies(task, 1)


async def test_copies_are_copies_and_the_silent_are_silent() -> None:
    given = await answered(Text())
    for role, source, row in zip(CAST.roles, CAST.source.tolist(), given, strict=True):
        assert bool(row.items) == (role != "silent")
        assert row.items == given[source].items
    assert len({given[at].text for at in np.flatnonzero(CAST.playing("constant"))}) == 1
    honest = [given[at].text for at in np.flatnonzero(CAST.playing("honest"))]
    assert len(set(honest)) == len(honest)


async def test_a_copier_is_later_than_its_victim_and_names_tell_nothing() -> None:
    given = await answered(Text())
    copiers = np.flatnonzero(CAST.playing("copier")).tolist()
    assert all(given[at].elapsed_s > given[int(CAST.source[at])].elapsed_s for at in copiers)
    assert len({row.hotkey for row in given}) == len(given)
    assert {len(row.hotkey) for row in given} <= {47, 48}


async def test_the_same_seed_answers_the_same() -> None:
    assert await answered(Text()) == await answered(Text())


async def test_weak_miners_have_a_weak_model_or_else_spoil_about_half_of_their_answers() -> None:
    weak = np.flatnonzero(cast({"weak": 0.9}, 100, np.random.default_rng(0)).playing("weak")).tolist()
    who = cast({"weak": 0.9}, 100, np.random.default_rng(0))
    spoiled = await answered(Sums(), who=who)
    right = [spoiled[at].reply == spoiled[int(np.argmin(who.playing("weak")))].reply for at in weak]
    assert 0.3 < np.mean(right) < 0.7
    only = await answered(Text(), Models(lambda seed: Extractive(1.0, seed)), who)
    assert len({only[at].text for at in weak}) == len(weak)


class Part(msgspec.Struct, frozen=True):
    """A part of a reply."""

    score: float


class Everything(Reply):
    """A reply with a field of every kind."""

    text: str
    word: str
    number: int
    real: float
    sure: bool
    raw: bytes
    tensor: Tensor
    parts: list[Part]
    table: dict[str, float]
    kind: Kind
    nothing: None = None


async def test_every_field_that_can_be_spoiled_is_and_the_reply_still_travels() -> None:
    good = Everything(
        text="the quick brown fox jumps over the lazy dog",
        word="microscope",
        number=1000,
        real=2.5,
        sure=True,
        raw=bytes(range(64)),
        tensor=Tensor(np.arange(64.0).reshape(8, 8)),
        parts=[Part(1.0), Part(2.0)],
        table={"a": 1.0},
        kind=Kind.LEFT,
    )
    bad = corrupt(good, np.random.default_rng(1))
    same = [name for name in good.__struct_fields__ if getattr(good, name) == getattr(bad, name)]
    assert same == ["nothing"]
    assert JSON.decode(JSON.encode(bad), Everything) == bad
    assert good.number == 1000
    assert set(bad.text.split()) < set(good.text.split())


@pytest.mark.parametrize("seed", range(20))
def test_spoiled_numbers_stay_within_their_bounds_and_choices_among_theirs(seed: int) -> None:
    bad = corrupt(Guess.Reply(total=5, larger=Kind.RIGHT, sign="odd", sure=0.9), np.random.default_rng(seed))
    assert 0.0 <= bad.sure <= 1.0
    assert (bad.larger, bad.sign) == (Kind.LEFT, "even")
    assert type(bad.total) is int


@pytest.mark.parametrize("count", [0, 1, 2, 10])
def test_of_a_spoiled_stream_something_is_left(count: int) -> None:
    items = [Letter.Reply(text=chr(97 + at)) for at in range(count)]
    bad = corrupt_stream(items, np.random.default_rng(0))
    assert len(bad) == {0: 0, 1: 1, 2: 1, 10: 6}[count]
    assert set(bad) <= set(items)


async def test_waiting_on_the_clock_takes_no_time_and_is_seen() -> None:
    clock = SimulatedClock()
    began = clock.time_ns()
    await clock.sleep(3600.0)
    await clock.sleep(-1.0)
    assert clock.monotonic() == 3600.0
    assert clock.time_ns() - began == 3600 * 10**9


@pytest.mark.parametrize("definition", [Sums(), Sorted(), Text()])
def test_batches_of_scores_move_as_each_row_would(definition: Subnet) -> None:
    rng = np.random.default_rng(0)
    scores, rewards, asked = rng.random((2, 3, 9)), rng.random((2, 3, 9)), np.ones((2, 3, 9), dtype=np.bool_)
    moved, weighed = aggregate_of(definition, 9)(scores, rewards, asked), weigh_of(definition, 9)(scores)
    for at in np.ndindex(2, 3):
        assert moved[at] == pytest.approx(definition.aggregate(scores[at], rewards[at], asked[at]), rel=1e-12)
        assert weighed[at] == pytest.approx(definition.weigh(scores[at]), rel=1e-12)
