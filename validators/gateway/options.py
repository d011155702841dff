# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about the door for users: each setting has a default that works and is safe."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from protocols.errors import UsageError
from protocols.server import Limits

__all__ = ["GatewayOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Where a gateway listens, how it finds an answer, and what of it is scored."""

    deadline_s: float = 60.0
    """How long a user waits at most for an answer, or for the first piece of a stream."""
    hedge: float = 0.95
    """When a second miner is asked: below 1 once that share of the first one's answers has come, else after so many
    seconds; 0 never."""
    least_hedge_s: float = 0.05
    """No second miner is asked sooner, however fast the first one has been."""
    most_hedge_s: float = 2.0
    """No user waits longer for a slow miner alone; also the wait for a miner of which nothing is known yet."""
    attempts: int = 3
    """Miners that are asked for one answer at most."""
    explore: float = 0.02
    """The share of questions that go first to a miner without a score."""
    rest_s: float = 5.0
    """How long a miner that failed is left alone; twice as long with each further failure."""
    most_rest_s: float = 300.0
    """The longest such rest."""
    refresh_s: float = 6.0
    """Seconds from one look at the chain and the scores to the next."""
    audit: float = 0.1
    """The share of questions that others are asked too, and that are scored."""
    audit_size: int = 64
    """How many questions may wait for that; of more, the oldest of whoever has the most are dropped."""
    audit_every_s: float | None = None
    """Seconds between two such rounds at least; by default the validator's own interval, so that users' questions
    never move scores more often than the validator's."""
    at_once: int = 16
    """Requests of one key that may be under way together."""
    all_at_once: int = 512
    """Requests of all keys together."""
    open: bool = False
    """Whether everybody is served, without a key; only on an address of this machine."""
    origins: frozenset[str] = frozenset()
    """Web pages that may ask, such as https://example.org; by default none."""
    max_body_bytes: int = 1 << 20
    """The largest request that is read."""
    max_stream_bytes: int = 1 << 20
    """Of a streamed answer, all items together."""
    limits: Limits = field(default_factory=Limits)
    """How much a stranger may cost."""

    def __post_init__(self) -> None:
        for name in ("deadline_s", "most_hedge_s", "rest_s", "refresh_s"):
            if not 0.0 < (seconds := getattr(self, name)) < math.inf:
                raise UsageError(f"{name} is {seconds}, expected seconds above 0", help=f"GatewayOptions({name}=6.0)")
        for name in ("audit", "explore"):
            if not 0.0 <= (share := getattr(self, name)) <= 1.0:
                raise UsageError(f"{name} is {share}, expected a share from 0 to 1", help=f"GatewayOptions({name}=0.1)")
