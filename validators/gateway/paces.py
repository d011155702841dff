# SPDX-License-Identifier: Apache-2.0
"""How fast each miner answers and how often it fails, as we measured it ourselves with users' questions.

A miner whose answer we did not wait for has taken at least that long, which counts: whoever is always overtaken would
otherwise never be known to be slow. One that failed is left alone for a while, twice as long each time in a row.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from protocols.types import Hotkey
from validators.gateway.options import GatewayOptions

__all__ = ["Paces"]

_REMEMBERED: Final = 64
_ENOUGH: Final = 4
"""Fewer measurements than this say nothing of how long to wait."""
_MOST_DOUBLINGS: Final = 16


@dataclass(slots=True)
class _Pace:
    times: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    failures: int = 0
    rests_until: float = 0.0

    def quantile(self, share: float) -> float:
        ordered: list[float] = []
        for seconds in self.times:
            insort(ordered, seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


class Paces:
    """What is known of the pace of many miners."""

    def __init__(self, options: GatewayOptions) -> None:
        self._options = options
        self._of: dict[Hotkey, _Pace] = {}

    def answered(self, hotkey: Hotkey, seconds: float) -> None:
        """Remember how long a good answer took to come, or to begin."""
        pace = self._pace(hotkey)
        pace.times.append(seconds)
        pace.failures, pace.rests_until = 0, 0.0

    def overtaken(self, hotkey: Hotkey, seconds: float) -> None:
        """Remember that an answer had not come after so long, when nobody needed it any more."""
        self._pace(hotkey).times.append(seconds)

    def failed(self, hotkey: Hotkey, now: float) -> None:
        """Remember that there was no answer, or none that counts."""
        pace = self._pace(hotkey)
        rest_s = self._options.rest_s * 2.0 ** min(pace.failures, _MOST_DOUBLINGS)
        pace.failures += 1
        pace.rests_until = now + min(rest_s, self._options.most_rest_s)

    def rests(self, hotkey: Hotkey, now: float) -> float:
        """Seconds for which a miner is still to be left alone, 0 for none."""
        pace = self._of.get(hotkey)
        return 0.0 if pace is None else max(0.0, pace.rests_until - now)

    def typical_s(self, hotkey: Hotkey) -> float:
        """Half of its answers come sooner; for one that is not known, what is usual among those that are."""
        pace = self._of.get(hotkey)
        if pace is not None and pace.times:
            return pace.quantile(0.5)
        known = [pace.quantile(0.5) for pace in self._of.values() if pace.times]
        return sorted(known)[len(known) // 2] if known else self._options.least_hedge_s

    def patience_s(self, hotkey: Hotkey) -> float | None:
        """How long a miner is waited for alone before a second one is asked; None for ever."""
        options, pace = self._options, self._of.get(hotkey)
        if options.hedge == 0.0:
            return None
        if options.hedge >= 1.0:
            return options.hedge
        if pace is None or len(pace.times) < _ENOUGH:
            return options.most_hedge_s
        return min(max(pace.quantile(options.hedge), options.least_hedge_s), options.most_hedge_s)

    def keep(self, hotkeys: Collection[Hotkey]) -> None:
        """Forget everybody else."""
        self._of = {hotkey: pace for hotkey, pace in self._of.items() if hotkey in hotkeys}

    def _pace(self, hotkey: Hotkey) -> _Pace:
        return self._of.setdefault(hotkey, _Pace())
