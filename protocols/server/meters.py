# SPDX-License-Identifier: Apache-2.0
"""What a server counts, as Prometheus metrics of its own registry, so that several servers fit in one process.

Queries are counted in plain integers and turned into metrics when somebody reads them: the client library's own
counters would cost a tenth of a query, and importing it a part of every start. Label values come from our own code only
(query names, error codes), never from a peer, so that nobody can make the number of series grow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from protocols.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector


class Meters:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.connections = 0
        self._queries: Counter[tuple[str, str]] = Counter()
        self._refusals: Counter[str] = Counter()
        self._seconds: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._collectors: list[Collector] = []
        self.gauge("subnet_connections", "Open connections", lambda: self.connections)

    def gauge(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Show a value that is read when somebody asks."""
        self._gauges.append((name, about, read))

    def add(self, collector: Collector) -> None:
        """Show what somebody else counts, besides."""
        self._collectors.append(collector)

    def answered(self, query: str, outcome: str, seconds: float) -> None:
        """Count a query that reached its route, whatever came of it."""
        self._queries[query, outcome] += 1
        self._seconds[query].add(seconds)

    def refused(self, reason: str) -> None:
        """Count a request or connection that was turned away at the door."""
        self._refusals[reason] += 1

    def render(self) -> bytes:
        """All metrics in the text format that Prometheus reads."""
        from prometheus_client import generate_latest

        return generate_latest(cast("Collector", self))  # which asks for nothing but `collect`

    def collect(self) -> Iterator[Metric]:
        """What Prometheus sees."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for collector in self._collectors:
            yield from collector.collect()
        for name, about, read in self._gauges:
            yield GaugeMetricFamily(name, about, value=read())
        queries = CounterMetricFamily(
            "subnet_queries", "Queries by name and outcome: ok, or an error code", labels=("query", "outcome")
        )
        for (query, outcome), count in self._queries.items():
            queries.add_metric((query, outcome), count)
        yield queries
        refusals = CounterMetricFamily(
            "subnet_refusals", "Requests turned away before they were queries, by reason", labels=("reason",)
        )
        for reason, count in self._refusals.items():
            refusals.add_metric((reason,), count)
        yield refusals
        yield self._timings()

    def _timings(self) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        timings = HistogramMetricFamily("subnet_query_seconds", "Time from request to reply", labels=("query",))
        for query, seconds in self._seconds.items():
            timings.add_metric((query,), seconds.buckets(), seconds.total)
        return timings


__all__ = ["Meters"]
