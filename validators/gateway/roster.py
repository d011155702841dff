# SPDX-License-Identifier: Apache-2.0
"""Who can be asked at all: the miners on the chain that can be reached, with the scores that the validator has of them.

It is read in the background, so that no user waits for the chain; where the chain is away, users are served by what was
read last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from protocols.metagraph import Metagraph
from validators.gateway.routing import Candidate
from validators.query import Asker
from validators.scoring import aligned

if TYPE_CHECKING:
    from validators.base import Validator

__all__ = ["Roster"]


class Roster:
    """What was last read of a validator's miners."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._read_at = -math.inf
        self.candidates: tuple[Candidate, ...] = ()
        self._known: tuple[Metagraph, Asker] | None = None

    @property
    def age_s(self) -> float:
        """Seconds since it was read; infinite before the first time."""
        return self._validator.clock.monotonic() - self._read_at

    @property
    def known(self) -> tuple[Metagraph, Asker] | None:
        """The metagraph, and who asks those on it as the validator does; None before the first reading."""
        return self._known

    async def refresh(self) -> None:
        """Read the chain and the scores."""
        mine = self._validator
        asker, journal = await mine.asker(), await mine.store.journal(mine.chain.genesis, mine.netuid, mine.hotkey)
        metagraph = await mine.chain.metagraph(mine.netuid)
        scores = aligned(await journal.standings(), metagraph).tolist()
        self.candidates = tuple(
            Candidate(neuron.hotkey, neuron.coldkey, score)
            for neuron, score in zip(metagraph, scores, strict=True)
            if neuron.hotkey != mine.hotkey and asker.peer(neuron) is not None
        )
        self._known = (metagraph, asker)
        self._read_at = mine.clock.monotonic()
