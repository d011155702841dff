# SPDX-License-Identifier: Apache-2.0
"""How long to leave something alone that has just failed: twice as long each time, and never past its time.

What may be done in one epoch only is not left alone for much of one, however short epochs are.
"""

from __future__ import annotations

from typing import Final

from protocols.types import Block

__all__ = ["Patience"]

_MOST_BLOCKS: Final = 32
_PART: Final = 8


class Patience:
    """Counts failures in a row, and says from which block on to try again."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = Block(0)

    def failed(self, now: Block, tempo: int) -> None:
        """It failed at this block, on a subnet with so many blocks in an epoch."""
        self._failures += 1
        self._until = Block(now + min(2**self._failures, _MOST_BLOCKS, max(1, tempo // _PART)))

    def succeeded(self) -> None:
        """It went well."""
        self._failures, self._until = 0, Block(0)

    def until(self, now: Block) -> Block:
        """The first block to try again in; a chain that has gone back to an earlier block is not waited for."""
        return self._until if self._until <= now + _MOST_BLOCKS else Block(0)
