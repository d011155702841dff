# SPDX-License-Identifier: Apache-2.0
"""The number that wallets know the chain's contracts by; there are none on this chain, only the number.

Tools ask for it before they look for anything else.
"""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.scale.names import u64

__all__ = ["EVMChainId"]


class EVMChainId(Pallet):
    """A number."""

    name: ClassVar[str] = "EVMChainId"
    index: ClassVar[int] = 23

    ChainId = Value[int](u64, 0)
