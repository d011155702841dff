# SPDX-License-Identifier: Apache-2.0
"""How much a caller may use of something in a tempo: a bucket each, which holds its share and refills steadily.

A bucket has no edge at which everybody starts anew at once. What work costs is often known only when it is done, so a
bucket may sink below nothing; its owner then waits until the debt has flowed back. So over any time nobody has more
than its share, but for the work that it may have under way at once.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Budget"]


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Budget:
    """An amount for each tempo, shared out among callers."""

    def __init__(self, per_tempo: int) -> None:
        self._per_tempo = float(per_tempo)
        self._buckets: dict[str, _Bucket] = {}
        self.tempo_s = 1.0
        """Seconds of a tempo, in which an empty bucket becomes full."""

    def wait_s(self, caller: str, share: float, now: float) -> float:
        """Seconds until this caller, with this share of the whole, may use some; 0 where it may at once."""
        bucket, most = self._filled(caller, share, now), self._per_tempo * share
        # Somebody whose share is less than one unit may use one unit, less often.
        missing = min(1.0, most) - bucket.level
        return max(0.0, missing / most * self.tempo_s)

    def take(self, caller: str, amount: float) -> None:
        """Take what was used, of a caller that was asked about before."""
        bucket = self._buckets.get(caller)
        if bucket is not None:
            bucket.level -= amount

    def keep(self, callers: frozenset[str]) -> None:
        """Forget everybody else."""
        self._buckets = {caller: bucket for caller, bucket in self._buckets.items() if caller in callers}

    def __len__(self) -> int:
        return len(self._buckets)

    def _filled(self, caller: str, share: float, now: float) -> _Bucket:
        most = self._per_tempo * share
        bucket = self._buckets.setdefault(caller, _Bucket(most, now))
        # A clock that went back fills nothing.
        passed = max(0.0, now - bucket.at)
        bucket.level, bucket.at = min(most, bucket.level + passed / self.tempo_s * most), now
        return bucket
