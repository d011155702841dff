# SPDX-License-Identifier: Apache-2.0
"""A miner's metrics: each job is counted once, as what it was; an engine's own numbers are shown; none is a peer's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from miners.engines.echo import Echo as Words
from miners.engines.engine import Embedding, Engine, Job
from miners.meters import OUTCOMES, Measured
from protocols.clock import SystemClock, VirtualClock
from protocols.columns import Floats
from protocols.errors import DeadlineExceeded, Draining, EngineFailed, InvalidMessage, Overloaded, SubnetError
from protocols.histogram import ROWS, Histogram
from tests.attacks.raw import get
from tests.miners.town import MINER, Ask, Capitals, Plain, ledger, mine, said


class Slow(Engine):
    """An engine with a line and a batch, whose pieces take a second each."""

    name = "slow"

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.batch = Histogram(ROWS)

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        for at in range(job.max_tokens):
            await self._clock.sleep(1.0)
            job.tally.generated += 1
            yield str(at)

    async def embed(self, job: Embedding) -> Floats:
        raise Overloaded("no room")

    def gauges(self) -> Mapping[str, float]:
        return {"waiting": 3, "cache": 0.5}

    def histograms(self) -> Mapping[str, Histogram]:
        return {"batch": self.batch}


class Refusing(Engine):
    """An engine that raises what it is given."""

    name = "refusing"

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        if job.max_tokens:
            raise self._error
        yield ""

    def gauges(self) -> Mapping[str, float]:
        raise KeyError("waiting")


def read(work: Measured) -> CollectorRegistry:
    """What Prometheus reads of it."""
    registry = CollectorRegistry()
    registry.register(work)
    return registry


def jobs(work: Measured, kind: str = "text") -> dict[str, float]:
    """Jobs by outcome."""
    labels = [{"kind": kind, "outcome": outcome} for outcome in OUTCOMES]
    found = {one["outcome"]: read(work).get_sample_value("subnet_jobs_total", one) for one in labels}
    return {outcome: count for outcome, count in found.items() if count is not None}


async def test_a_job_that_is_done_is_counted_with_its_tokens_and_its_first_piece() -> None:
    clock = VirtualClock()
    work = Measured(Slow(clock), clock)
    running = asyncio.create_task(_all(work, Job(prompt="a", max_tokens=3)))
    await clock.advance(1.5)
    assert read(work).get_sample_value("subnet_jobs_under_way") == 1
    await clock.advance(5.0)
    assert await running == ["0", "1", "2"]
    shown = read(work)
    assert jobs(work) == {"done": 1}
    assert shown.get_sample_value("subnet_jobs_under_way") == 0
    assert shown.get_sample_value("subnet_tokens_written_total") == 3
    assert shown.get_sample_value("subnet_first_token_seconds_sum") == 1.0
    assert shown.get_sample_value("subnet_job_seconds_sum", {"kind": "text"}) == 3.0
    assert shown.get_sample_value("subnet_first_token_seconds_bucket", {"le": "0.5"}) == 0
    assert shown.get_sample_value("subnet_first_token_seconds_bucket", {"le": "1.0"}) == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DeadlineExceeded("late"), "deadline"),
        (Draining("closing"), "draining"),
        (EngineFailed("broken"), "failed"),
        (InvalidMessage("too long"), "invalid"),
        (Overloaded("full"), "overloaded"),
        (ZeroDivisionError(), "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_what_an_engine_raises_is_counted_as_what_it_was(error: Exception, outcome: str) -> None:
    work = Measured(Refusing(error), SystemClock())
    with pytest.raises((SubnetError, ZeroDivisionError)):
        await _all(work, Job(prompt="a", max_tokens=1))
    assert jobs(work) == {outcome: 1}


@pytest.mark.parametrize(("deadline", "outcome"), [(9.0, "left"), (1.5, "deadline")])
async def test_who_is_cut_off_at_the_deadline_did_not_leave(deadline: float, outcome: str) -> None:
    clock = VirtualClock()
    work = Measured(Slow(clock), clock)
    running = asyncio.create_task(_all(work, Job(prompt="a", max_tokens=9, deadline=deadline)))
    await clock.advance(1.5)
    running.cancel()
    await asyncio.wait([running])
    assert jobs(work) == {outcome: 1}
    assert read(work).get_sample_value("subnet_tokens_written_total") == 1


async def test_who_has_had_enough_left() -> None:
    work = Measured(Words(), SystemClock())
    async with aclosing(work.generate(Job(prompt="a b c", max_tokens=3))) as pieces:
        assert await anext(pieces) == "a"
    assert jobs(work) == {"left": 1}
    assert read(work).get_sample_value("subnet_tokens_read_total") == 3


async def test_an_engine_s_own_numbers_are_shown_and_vectors_are_jobs_of_their_own_kind() -> None:
    engine = Slow(VirtualClock())
    work = Measured(engine, VirtualClock())
    for rows in (1, 7, 8):
        engine.batch.add(rows)
    with pytest.raises(Overloaded):
        await work.embed(Embedding(texts=["a"]))
    shown = read(work)
    assert jobs(work, "vectors") == {"overloaded": 1}
    assert shown.get_sample_value("subnet_engine_waiting") == 3
    assert shown.get_sample_value("subnet_engine_gauge", {"name": "cache"}) == 0.5
    assert shown.get_sample_value("subnet_engine_batch_count") == 3
    assert shown.get_sample_value("subnet_engine_batch_bucket", {"le": "8.0"}) == 3
    assert shown.get_sample_value("subnet_engine_batch_bucket", {"le": "4.0"}) == 1


async def test_an_engine_that_cannot_tell_how_it_stands_is_named_once_and_hides_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Measured(Refusing(EngineFailed("broken")), SystemClock())
    for _ in range(3):
        assert b"subnet_engine_loaded 0.0" in generate_latest(read(work))
    assert len([record for record in caplog.records if "refusing cannot tell" in record.getMessage()]) == 1


async def test_a_miner_shows_its_place_its_readiness_and_its_jobs() -> None:
    clock = VirtualClock()
    chain = await ledger(clock, MINER)
    async with mine(chain, Plain(), Capitals(), clock=clock) as miner:
        await clock.advance(5.0)
        assert (await said(miner.url, Ask(prompt="hello"), clock=clock)).ok
        page = (await get(miner.url, "/metrics")).body.decode()
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    uid = miner.facts()["uid"]
    assert lines["subnet_uid"] == f"{uid}.0"
    assert lines["subnet_registered"] == lines["subnet_ready"] == lines["subnet_engine_loaded"] == "1.0"
    assert lines["subnet_metagraph_age_seconds"] == "5.0"
    assert lines['subnet_jobs_total{kind="text",outcome="done"}'] == "1.0"
    assert MINER.ss58_address not in page
    assert not any(name.startswith("subnet_jobs") and "hotkey" in name for name in lines)


async def _all(work: Measured, job: Job) -> list[str]:
    return [piece async for piece in work.generate(job)]
