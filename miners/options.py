# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about a miner, apart from what it is: each setting has a default that works and is safe.

Key, chain, model and clock are no settings: they are the miner's parts, and are handed to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from miners.admission.rules import Rules
from protocols.dialect import Hearing
from protocols.endpoint import Endpoint
from protocols.errors import UsageError
from protocols.model import Sampling
from protocols.replay import Replay
from protocols.server import Limits

__all__ = ["MinerOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinerOptions:
    """Where a miner listens, what it publishes, and on what terms it serves."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 8091
    """The port to listen on; 0 takes a free one, another at each start."""
    published: Endpoint | None = None
    """What the chain is told, by default where the miner listens; needed behind a router or with host 0.0.0.0."""
    refresh_s: float = 60.0
    """Seconds between two reads of the metagraph: how long a newcomer may be a stranger here."""
    retry_s: float = 1.0
    """Seconds until a chain that was away is tried again; each further wait is twice as long, up to `refresh_s`."""
    drain_s: float = 10.0
    """Seconds that queries under way have to end when the miner closes."""
    sampling: Sampling = field(default_factory=Sampling)
    """How tokens are drawn for definitions that do not say."""
    rules: Rules = field(default_factory=Rules)
    """Whom this miner serves, and how much of it each may use."""
    commits: bool = False
    """Whether the digest of the engine's model is committed on the chain."""
    limits: Limits = field(default_factory=Limits)
    """How much a stranger may cost."""
    replay: Replay | None = None
    """What remembers accepted requests; see `ServerOptions.replay`."""
    legacy: Sequence[Hearing] = ()
    """Dialects of older peers, served besides our own."""

    def __post_init__(self) -> None:
        for name in ("refresh_s", "retry_s"):
            # A wait of no time would ask the chain without a pause, and none lasts for ever.
            if not 0.0 < (seconds := getattr(self, name)) < math.inf:
                raise UsageError(f"{name} is {seconds}, expected seconds above 0", help=f"MinerOptions({name}=60.0)")
