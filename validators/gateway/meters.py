# SPDX-License-Identifier: Apache-2.0
"""What a gateway counts besides its requests: whom it asked in vain, how soon an answer began, what became of audits.

Labels are error codes and words of our own, never a user's or a miner's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from protocols.histogram import Histogram
from validators.gateway.counting import Usage

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from validators.gateway.audits import Audits

__all__ = ["GatewayMeters"]


class GatewayMeters:
    """The metrics of one gateway."""

    def __init__(self, audits: Audits, miners: Callable[[], dict[str, int]]) -> None:
        self._audits = audits
        self._miners = miners
        self.misses: Counter[str] = Counter()
        """Miners that were asked in vain, by the reason."""
        self._first = Histogram()
        self._hedges = 0
        self._read = self._written = 0

    def answered(self, seconds: float) -> None:
        """Count an answer, by the time until it was there or began."""
        self._first.add(seconds)

    def missed(self, code: str) -> None:
        """Count a miner that was asked in vain."""
        self.misses[code or "empty"] += 1

    def hedged(self, times: int) -> None:
        """Count miners that were asked because another was slow."""
        self._hedges += times

    def used(self, usage: Usage) -> None:
        """Count what a request cost."""
        self._read += usage.prompt
        self._written += usage.completion

    def collect(self) -> Iterator[Metric]:
        """What Prometheus sees."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        about = "Time until an answer was there, or had begun"
        yield HistogramMetricFamily(
            "subnet_gateway_first_seconds", about, self._first.buckets(), sum_value=self._first.total
        )
        about = "Miners that were asked for a user in vain, by the reason"
        misses = CounterMetricFamily("subnet_gateway_misses", about, labels=("reason",))
        for reason, count in self.misses.items():
            misses.add_metric((reason,), count)
        yield misses
        about = "Miners that were asked because another was slow"
        yield CounterMetricFamily("subnet_gateway_hedges", about, self._hedges)
        yield CounterMetricFamily("subnet_gateway_tokens_read", "Tokens of users' questions", self._read)
        yield CounterMetricFamily("subnet_gateway_tokens_written", "Tokens of answers to users", self._written)
        about = "Users' questions that were to be scored, by what became of them"
        audits = CounterMetricFamily("subnet_gateway_audits", about, labels=("outcome",))
        for outcome, count in self._audits.outcomes.items():
            audits.add_metric((outcome,), count)
        yield audits
        about = "Users' questions that wait to be scored"
        yield GaugeMetricFamily("subnet_gateway_audits_waiting", about, value=self._audits.waiting)
        miners = GaugeMetricFamily("subnet_gateway_miners", "Miners that can be asked, by state", labels=("state",))
        for state, count in self._miners().items():
            miners.add_metric((state,), count)
        yield miners
