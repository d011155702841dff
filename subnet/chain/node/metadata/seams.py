# SPDX-License-Identifier: Apache-2.0
"""What the metadata needs to know of a runtime: its declarations, and what every transaction carries.

Anything that has these can be described, so that two pallets make a runtime in a test as well as all of them do in the
node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from subnet.chain.node.frame.pallet import Pallet, RuntimeApi
from subnet.chain.node.scale.primitives import ScaleType

__all__ = ["Described", "Extension"]


class Extension(Protocol):
    """A signed extension: what a transaction says of itself, and what is signed without being said."""

    @property
    def name(self) -> str:
        """Its name, by which clients know what to put there."""
        ...

    @property
    def type(self) -> ScaleType:
        """What stands in the transaction."""
        ...

    @property
    def additional(self) -> ScaleType:
        """What is signed besides."""
        ...


class Described(Protocol):
    """What is described."""

    @property
    def pallets(self) -> Sequence[Pallet]:
        """Its pallets."""
        ...

    @property
    def apis(self) -> Sequence[RuntimeApi]:
        """What may be asked of it."""
        ...

    @property
    def extensions(self) -> Sequence[Extension]:
        """What every signed transaction carries, in order."""
        ...
