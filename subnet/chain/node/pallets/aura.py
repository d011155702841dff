# SPDX-License-Identifier: Apache-2.0
"""How long a block is said to last, which clients read to turn blocks into time.

Who makes blocks is not decided here: there is one author. The number is the public chain's, whatever pace a local
chain is run at, because it is part of the metadata, which clients keep.
"""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.frame.items import Constant
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.scale.names import AccountId, u64

__all__ = ["Aura"]


class Aura(Pallet):
    """Slots."""

    name: ClassVar[str] = "Aura"
    index: ClassVar[int] = 3

    Authorities = Value[tuple[bytes, ...]](tuple[AccountId, ...], ())
    CurrentSlot = Value[int](u64, 0)

    SlotDuration = Constant(u64, 12_000)
