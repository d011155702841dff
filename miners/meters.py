# SPDX-License-Identifier: Apache-2.0
"""What a miner's work amounts to, in metrics: jobs and how they ended, tokens, waits, batches; and its place on chain.

An engine is wrapped, so that all are measured alike and none has to; what only an engine can know, such as the size of
its batches, it tells itself. Numbers are plain ones until somebody reads them, and labels come from our own code and
the engine's, never from a peer.
"""

from __future__ import annotations

import logging
import math
from asyncio import CancelledError
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from miners.engines.engine import Embedding, Engine, Job
from protocols.clock import Clock
from protocols.columns import Floats
from protocols.errors import DeadlineExceeded, Draining, MessageError, Overloaded
from protocols.histogram import ROWS, Histogram
from protocols.metagraph import Neuron
from protocols.server import Meters

__all__ = ["Measured", "OUTCOMES", "show_place"]

_LOG: Final = logging.getLogger(__name__)

OUTCOMES: Final = ("deadline", "done", "draining", "failed", "invalid", "left", "overloaded")
"""How a job may end; `left` is one whose asker had enough or went away, `invalid` one that could not be done at all."""

_ENDINGS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (DeadlineExceeded, "deadline"),
    (Overloaded, "overloaded"),
    (Draining, "draining"),
    (MessageError, "invalid"),
)
_TICK_S: Final = 0.01
"""A timer may fire so much too early."""
_TEXT, _VECTORS = "text", "vectors"
_STATES: Final[Mapping[str, str]] = {
    "waiting": "Jobs that wait for the engine",
    "running": "Jobs that the engine works on",
}


class Measured(Engine, Collector):
    """An engine whose work is counted."""

    name = "measured"

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._is_loaded = False
        self._under_way = 0
        self._read, self._written = 0, 0
        self._jobs: Counter[tuple[str, str]] = Counter()
        self._seconds = {_TEXT: Histogram(), _VECTORS: Histogram()}
        self._first = Histogram()
        self._complained = False

    async def start(self) -> None:
        """Load what is needed."""
        await self._engine.start()
        self._is_loaded = True

    async def close(self) -> None:
        """End jobs under way and give everything back."""
        self._is_loaded = False
        await self._engine.close()

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """What the engine makes of a job, with the time to its first piece noted."""
        with self._noted(_TEXT, job):
            came = self._clock.monotonic()
            is_first = True
            async with aclosing(self._engine.generate(job)) as pieces:
                async for piece in pieces:
                    if is_first:
                        self._first.add(self._clock.monotonic() - came)
                        is_first = False
                    yield piece

    async def embed(self, job: Embedding) -> Floats:
        """The engine's vectors."""
        with self._noted(_VECTORS, job):
            return await self._engine.embed(job)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus sees."""
        yield GaugeMetricFamily("subnet_engine_loaded", "Whether the engine is loaded", value=float(self._is_loaded))
        yield GaugeMetricFamily("subnet_jobs_under_way", "Jobs given to the engine and not over", value=self._under_way)
        jobs = CounterMetricFamily("subnet_jobs", "Jobs by kind and how they ended", labels=("kind", "outcome"))
        for (kind, outcome), count in self._jobs.items():
            jobs.add_metric((kind, outcome), count)
        yield jobs
        seconds = HistogramMetricFamily("subnet_job_seconds", "Time from a job's coming to its end", labels=("kind",))
        for kind, spent in self._seconds.items():
            seconds.add_metric((kind,), spent.buckets(), spent.total)
        yield seconds
        yield _histogram("subnet_first_token_seconds", "Time from a job's coming to its first piece", self._first)
        yield CounterMetricFamily("subnet_tokens_read", "Tokens of prompts and of texts made vectors of", self._read)
        yield CounterMetricFamily("subnet_tokens_written", "Tokens of answers", self._written)
        yield from self._engine_metrics()

    @contextmanager
    def _noted(self, kind: str, job: Job | Embedding) -> Iterator[None]:
        came, outcome = self._clock.monotonic(), "failed"
        self._under_way += 1
        try:
            yield
            outcome = "done"
        except (GeneratorExit, CancelledError):
            # Who is cut off at the deadline is told by being cancelled.
            outcome = "deadline" if self._clock.monotonic() > job.deadline - _TICK_S else "left"
            raise
        except Exception as error:
            outcome = next((ending for kinds, ending in _ENDINGS if isinstance(error, kinds)), outcome)
            raise
        finally:
            self._under_way -= 1
            self._jobs[kind, outcome] += 1
            self._seconds[kind].add(self._clock.monotonic() - came)
            self._read += max(0, job.tally.prompt)
            self._written += max(0, job.tally.generated)

    def _engine_metrics(self) -> Iterator[Metric]:
        gauges, histograms = self._told()
        for name, about in _STATES.items():
            yield GaugeMetricFamily(f"subnet_engine_{name}", about, value=gauges.pop(name, math.nan))
        others = GaugeMetricFamily("subnet_engine_gauge", "What an engine tells besides, by its name", labels=("name",))
        for name, value in gauges.items():
            others.add_metric((name,), value)
        yield others
        wait, batch = histograms.get("wait", Histogram()), histograms.get("batch", Histogram(ROWS))
        yield _histogram("subnet_engine_wait_seconds", "Time that jobs waited in the engine's own line", wait)
        yield _histogram("subnet_engine_batch", "Rows that the engine worked on together, in each step", batch)

    def _told(self) -> tuple[dict[str, float], Mapping[str, Histogram]]:
        try:
            return {name: float(value) for name, value in self._engine.gauges().items()}, self._engine.histograms()
        except Exception:
            # Anybody may ask for metrics as often as they like, so it is said once.
            if not self._complained:
                self._complained = True
                _LOG.exception("engine %s cannot tell how it stands", self._engine.name)
            return {}, {}


def show_place(meters: Meters, place: Callable[[], Neuron | None], age_s: Callable[[], float]) -> None:
    """Show what a miner last read of itself on the chain, and how long ago."""

    def of(value: Callable[[Neuron], float]) -> Callable[[], float]:
        def read() -> float:
            found = place()
            return math.nan if found is None else float(value(found))

        return read

    meters.gauge("subnet_registered", "Whether the hotkey has a place on the subnet", lambda: place() is not None)
    meters.gauge("subnet_uid", "The number of that place", of(lambda found: found.uid))
    meters.gauge("subnet_incentive", "The share of the subnet's incentive", of(lambda found: found.incentive))
    meters.gauge("subnet_metagraph_age_seconds", "Time since the metagraph was read", age_s)


def _histogram(name: str, about: str, counted: Histogram) -> Metric:
    return HistogramMetricFamily(name, about, counted.buckets(), sum_value=counted.total)
