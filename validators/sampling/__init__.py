# SPDX-License-Identifier: Apache-2.0
"""Whom to ask in a round: everybody in time, whoever copies another together with it, by chance that can be repeated.

What a round does not ask it cannot compare. So the choice of whom to ask decides not only whose score moves, but also
which copies are seen.
"""

from __future__ import annotations

from validators.sampling.sampler import Sampler, SamplingOptions, sample
from validators.sampling.strategies import Past

__all__ = ["Past", "Sampler", "SamplingOptions", "sample"]
