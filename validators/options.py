# SPDX-License-Identifier: Apache-2.0
"""How a validator goes about its work: each switch with the value that holds where nobody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field

from validators.sampling import SamplingOptions
from validators.vetting import VettingOptions

__all__ = ["ValidatorOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatorOptions:
    """How a validator goes about its work."""

    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    vetting: VettingOptions = field(default_factory=VettingOptions)
    timeout_s: float = 12.0
    """Time for a miner's whole reply, from the moment in which its question was sent."""
    most_stream_bytes: int = 16 * 1024 * 1024
    """Of a streamed reply, all items together."""
    interval_s: float = 12.0
    """From the beginning of one round to that of the next."""
    most_backoff_s: float = 300.0
    """The longest wait after rounds that failed."""
    settle_blocks: int = 4
    """For how many blocks a call that got no receipt is waited for at least, before it is sent again."""
    thin: float = 0.5
    """The share of the reachable miners below which too few have been asked to say more than the last weights do, which
    then hold; 0 never holds them for that."""
    variants: bool = True
    """Whether each miner is asked in words of its own, where the definition has a `variant`."""
    most_at_once: int = 2
    """Our queries under way at one miner, those of users included; more wait, and their time has not begun."""
    v10_fields: tuple[str, ...] = ()
    """The hash fields of the query's class in bittensor 10; with them axons of that release are asked, and their
    unsigned replies count."""
    seed: int | None = None
    """What the choices of each round follow from. By default the store draws one, once, that nobody can foretell."""
