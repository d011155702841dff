# SPDX-License-Identifier: Apache-2.0
"""What a definition's model passes on to the engine: priority, deadline, seeds, and the bill."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest

from miners.desk import Desk, Terms
from miners.engines.echo import Echo
from miners.engines.engine import Engine, Job, Tally
from miners.engines.plain import Plain
from protocols.errors import EngineFailed, EngineLacks
from protocols.model import Sampling
from tests.miners.town import Capitals


class Counting(Engine):
    """Remembers its jobs, counts a token a piece, and breaks down when it is told to."""

    name = "counting"

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.closed = 0

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """Pieces `0`, `1`, ... as many as tokens are asked for."""
        self.jobs.append(job)
        try:
            for at in range(job.max_tokens):
                if job.prompt == "break":
                    raise EngineFailed("it broke")
                job.tally.generated += 1
                yield str(at)
        finally:
            self.closed += 1


def desk(engine: Engine, bills: list[Tally], sampling: Sampling | None = None, seed: int = 7) -> Desk:
    """A desk with priority 3 and deadline 99."""
    rng = np.random.default_rng(seed)
    terms = Terms(priority=3.0, deadline=99.0, sampling=sampling or Sampling(), rng=rng, charge=bills.append)
    return Desk(engine, terms)


async def test_a_job_carries_the_terms_of_its_query() -> None:
    engine = Counting()
    assert await desk(engine, []).generate("go", 3) == "012"
    assert (engine.jobs[0].priority, engine.jobs[0].deadline, engine.jobs[0].max_tokens) == (3.0, 99.0, 3)


async def test_each_job_is_charged_once_also_when_it_fails_or_is_left() -> None:
    engine, bills = Counting(), list[Tally]()
    with pytest.raises(EngineFailed):
        await desk(engine, bills).generate("break", 3)
    async with aclosing(desk(engine, bills).stream("go", 5)) as pieces:
        assert await anext(pieces) == "0"
    await desk(engine, bills).generate("go", 4)
    assert [bill.generated for bill in bills] == [0, 1, 4]
    assert engine.closed == 3


async def test_seeds_follow_from_the_query_and_differ_from_job_to_job() -> None:
    hot, first, second = Sampling(temperature=0.8), Counting(), Counting()
    for engine in (first, second):
        one = desk(engine, [], hot)
        await one.generate("a", 1)
        await one.generate("b", 1)
    seeds = [job.sampling.seed for job in (*first.jobs, *second.jobs)]
    assert seeds[:2] == seeds[2:]
    assert None not in seeds
    assert seeds[0] != seeds[1]


async def test_what_the_definition_chooses_goes_before_what_the_operator_chose() -> None:
    engine = Counting()
    mine = Sampling(temperature=0.1, seed=5)
    await desk(engine, [], Sampling(temperature=1.0)).generate("a", 1, mine)
    assert engine.jobs[0].sampling == mine


async def test_asking_the_model_does_not_shift_what_the_definition_draws() -> None:
    rng, twin = np.random.default_rng(1), np.random.default_rng(1)
    terms = Terms(priority=0, deadline=1, sampling=Sampling(temperature=1.0), rng=rng, charge=lambda _: None)
    await Desk(Counting(), terms).generate("a", 1)
    assert rng.random() == twin.random()


async def test_an_echo_says_the_first_words_it_was_told_and_counts_them() -> None:
    bills = list[Tally]()
    assert await desk(Echo(), bills).generate("one two  three", 2) == "one two"
    assert bills == [Tally(prompt=3, generated=2)]


async def test_a_model_of_this_program_is_an_engine_and_says_what_it_lacks() -> None:
    assert await desk(Plain(Capitals()), []).generate("abc", 2) == "AB"
    with pytest.raises(EngineLacks, match="Capitals"):
        await desk(Plain(Capitals()), []).embed(["a"])
