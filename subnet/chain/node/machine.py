# SPDX-License-Identifier: Apache-2.0
"""What the node asks of a runtime: to make blocks out of extrinsics, and to answer for the state that they left.

The node stores, orders, times and announces; what a transaction means is the runtime's alone. A runtime keeps nothing
of a finished block outside of its state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.validity import Validity

__all__ = ["Machine", "MakeMachine", "Version"]


class Version(Protocol):
    """Which runtime it is."""

    @property
    def spec_version(self) -> int:
        """Grows with every change of the rules."""
        ...


class Machine(Protocol):
    """A runtime around a state."""

    system: Any
    """The pallet with every `Account`, whose first field is the nonce."""

    extrinsics: list[bytes]
    """The body of the block so far, with the time as its first."""

    @property
    def pallets(self) -> tuple[Pallet, ...]:
        """Everything that has storage."""
        ...

    @property
    def version(self) -> Version:
        """Which runtime it is."""
        ...

    def begin(self, number: int, parent_hash: bytes, now_ms: int) -> None:
        """Start a block, with the timestamp as its first extrinsic."""
        ...

    def apply(self, extrinsic: bytes) -> bytes:
        """Carry out one extrinsic; raises `InvalidTransaction`, and has then changed nothing."""
        ...

    def validate(self, extrinsic: bytes, head: bytes | None = None) -> Validity:
        """What the pool needs to know, where the last block has this hash; raises `InvalidTransaction`."""
        ...

    def opens(self, key_hash: bytes) -> bool:
        """Whether an envelope that was made for the key of this hash can be opened in the next block."""
        ...

    def unseal(self, extrinsic: bytes) -> bytes | None:
        """The extrinsic within one that is an envelope, None where nothing comes out of it."""
        ...

    def finish(self) -> None:
        """End the block."""
        ...


MakeMachine: TypeAlias = Callable[[State], Machine]
