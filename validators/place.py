# SPDX-License-Identifier: Apache-2.0
"""Where a validator stands by what the chain says, read apart from its rounds, so that it cannot deceive itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from protocols.chain import Chain
from protocols.types import Block, Hotkey, NetUid, Uid

__all__ = ["Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A hotkey's place on a subnet at one block."""

    netuid: NetUid
    block: Block
    epoch: int
    tempo: int
    uid: Uid | None = None
    """None where it is not registered."""
    has_permit: bool = False
    """Whether it may set weights."""
    last_update: int = 0
    """The block of its last weights, 0 where there never were any."""
    registered_at: int = 0

    @classmethod
    async def read(cls, chain: Chain, netuid: NetUid, hotkey: Hotkey) -> Self:
        """Ask the chain; raises what it raises, but not for a hotkey that has no place."""
        epoch, rules = await chain.epoch(netuid), await chain.hyperparameters(netuid)
        metagraph = await chain.metagraph(netuid)
        if hotkey not in metagraph:
            return cls(netuid=netuid, block=metagraph.block, epoch=epoch.index, tempo=rules.tempo)
        me = metagraph.by_hotkey(hotkey)
        return cls(
            netuid=netuid,
            block=metagraph.block,
            epoch=epoch.index,
            tempo=rules.tempo,
            uid=me.uid,
            has_permit=me.validator_permit,
            last_update=me.last_update,
            registered_at=me.block_at_registration,
        )

    def age_at(self, block: float, since: int = 0) -> float:
        """Tempos from its last weights, or from when it could first have set any, to a block; NaN without a place."""
        if self.uid is None or not self.tempo:
            return math.nan
        return max(0.0, block - max(self.last_update, self.registered_at, since)) / self.tempo
