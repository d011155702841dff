# SPDX-License-Identifier: Apache-2.0
"""What time it is: the first extrinsic of every block says so, and no signature may."""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import BAD_ORIGIN, Constant, DispatchFailure
from subnet.chain.node.frame.origin import NOBODY, Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.pallets.aura import Aura
from subnet.chain.node.scale.names import Flag, compact_u64, u64

__all__ = ["Timestamp"]


class Timestamp(Pallet):
    """The clock of the chain, in milliseconds."""

    name: ClassVar[str] = "Timestamp"
    index: ClassVar[int] = 2

    Now = Value[int](u64, 0)
    DidUpdate = Value[bool](Flag, False)

    MinimumPeriod = Constant(u64, Aura.SlotDuration.value // 2)

    @call(0, ref_time=1_000_000_000)
    def set(self, origin: Origin, now: compact_u64) -> None:
        """Set the time, once a block; a block cannot be earlier than the one before."""
        if origin != NOBODY:
            raise DispatchFailure(BAD_ORIGIN)
        self.Now.value = max(now, self.Now.value)
        self.DidUpdate.value = True

    def on_finalize(self) -> None:
        """The next block sets the time anew."""
        self.DidUpdate.kill()
