# SPDX-License-Identifier: Apache-2.0
"""What a validator's work amounts to, in metrics: rounds and their stages, replies and rewards, and how it stands.

Numbers are plain ones until somebody reads them. Labels come from our own code only, never from a miner: a reply that
is missing counts under the code of our own error, one that was struck under the kind of the reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from protocols.errors import SubnetError
from protocols.histogram import Histogram
from protocols.server import Meters
from validators.observer import STAGES, Observer
from validators.place import Place
from validators.round import Round
from validators.watchdog import Watchdog

__all__ = ["RoundMeters", "show_watchdog"]

_STRUCK: Final = ("canary_of", "copy_of")
_REWARDS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class RoundMeters(Observer, Collector):
    """Counts what rounds did."""

    def __init__(self) -> None:
        self._rounds = Counter({"done": 0})
        self._seconds = Histogram()
        self._stages = {stage: Histogram() for stage in STAGES}
        # What has not happened yet is nought and not nothing, so that a rate has a first value.
        self._replies = Counter({"ok": 0})
        self._struck = Counter(dict.fromkeys(_STRUCK, 0))
        self._rewards = Histogram(_REWARDS)
        self._weights = Counter({"sent": 0, "revealed": 0})

    def completed(self, done: Round) -> None:
        """A round of our own."""
        self._seconds.add(done.elapsed_s)
        self._weights["sent"] += done.submitted is not None
        self._weights["revealed"] += done.revealed is not None
        self._count("done", done)

    def organic(self, done: Round) -> None:
        """A user's question."""
        self._count("organic", done)

    def failed(self, error: Exception) -> None:
        """One that came to nothing."""
        self._rounds[error.code if isinstance(error, SubnetError) else "failed"] += 1

    def left(self, stage: str, seconds: float) -> None:
        """How long a stage took."""
        self._stages.setdefault(stage, Histogram()).add(seconds)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus sees."""
        yield _counted(
            "subnet_validator_rounds", "Rounds: done, organic, or the code of their error", "outcome", self._rounds
        )
        yield _histogram("subnet_validator_round_seconds", "Time that a round took", self._seconds)
        stages = HistogramMetricFamily(
            "subnet_validator_stage_seconds", "Time that a stage of a round took", labels=("stage",)
        )
        for stage, spent in self._stages.items():
            stages.add_metric((stage,), spent.buckets(), spent.total)
        yield stages
        yield _counted("subnet_validator_replies", "Replies: ok, or why there is none", "outcome", self._replies)
        yield _counted("subnet_validator_struck", "Replies that were not their sender's own", "kind", self._struck)
        yield _histogram("subnet_validator_reward", "Rewards of those who were asked", self._rewards)
        yield _counted("subnet_validator_weights", "Weights that the chain took", "kind", self._weights)

    def _count(self, outcome: str, done: Round) -> None:
        self._rounds[outcome] += 1
        self._replies["ok"] += done.answered
        self._replies.update(done.misses.values())
        self._struck.update(reason.partition(":")[0] for reason in done.struck.values())
        for reward in done.rewards.values():
            self._rewards.add(reward)


def show_watchdog(meters: Meters, watchdog: Watchdog, store_bytes: Callable[[], float]) -> None:
    """Show whether the validator does its work, what the chain last said of it, and how large its memory is."""

    def of(value: Callable[[Place], float]) -> Callable[[], float]:
        return lambda: math.nan if watchdog.place is None else float(value(watchdog.place))

    gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
        ("healthy", "Whether rounds end, and the chain has weights", lambda: not watchdog.trouble()),
        ("weights_age_tempos", "Tempos since the chain took weights of this hotkey", watchdog.weights_age),
        ("registered", "Whether the hotkey has a place on the subnet", of(lambda place: place.uid is not None)),
        ("permit", "Whether the hotkey may set weights", of(lambda place: place.has_permit)),
        ("uid", "The number of its place", of(lambda place: math.nan if place.uid is None else place.uid)),
        ("block", "The newest block that was seen", of(lambda place: place.block)),
        ("epoch", "The epoch of that block", of(lambda place: place.epoch)),
        ("store_bytes", "Bytes that the store takes on disk", store_bytes),
    )
    for name, about, read in gauges:
        meters.gauge(f"subnet_validator_{name}", about, read)


def _counted(name: str, about: str, label: str, counted: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, about, labels=(label,))
    for value, count in counted.items():
        family.add_metric((value,), count)
    return family


def _histogram(name: str, about: str, counted: Histogram) -> Metric:
    return HistogramMetricFamily(name, about, counted.buckets(), sum_value=counted.total)
