# SPDX-License-Identifier: Apache-2.0
"""How much alpha of each network blocks have brought, and how much of it is gone.

Burned alpha stays issued and nobody has it; recycled alpha will be emitted again. What a network begins with is not
counted, as on the public chain.
"""

from __future__ import annotations

from typing import ClassVar, Final

from subnet.chain.node.frame.hashing import twox64_concat
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.scale.names import u16, u64

__all__ = ["AlphaAssets"]

_MOST: Final = (1 << 64) - 1


class AlphaAssets(Pallet):
    """Three counters for each network."""

    name: ClassVar[str] = "AlphaAssets"
    index: ClassVar[int] = 31

    TotalAlphaIssuance = Map[int](u64, 0, twox64_concat(u16))
    AlphaBurned = Map[int](u64, 0, twox64_concat(u16))
    AlphaRecycled = Map[int](u64, 0, twox64_concat(u16))

    def mint(self, netuid: int, amount: int) -> None:
        """Count what a block brings."""
        if amount:
            self.TotalAlphaIssuance[netuid] = min(self.TotalAlphaIssuance[netuid] + amount, _MOST)

    def burn(self, netuid: int, amount: int) -> None:
        """Count what was destroyed."""
        if amount:
            self.AlphaBurned[netuid] = min(self.AlphaBurned[netuid] + amount, _MOST)

    def recycle(self, netuid: int, amount: int) -> None:
        """Count what was given back, which is issued no more."""
        if amount:
            self.AlphaRecycled[netuid] = min(self.AlphaRecycled[netuid] + amount, _MOST)
            self.TotalAlphaIssuance[netuid] = max(self.TotalAlphaIssuance[netuid] - amount, 0)
