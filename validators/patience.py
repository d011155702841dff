# SPDX-License-Identifier: Apache-2.0
"""How long to leave something alone that has just failed: twice as long each time, and never for good."""

from __future__ import annotations

from typing import Final

from protocols.types import Block

__all__ = ["Patience"]

_MOST_BLOCKS: Final = 32


class Patience:
    """Counts failures in a row, and says from which block on to try again."""

    def __init__(self) -> None:
        self._failures = 0
        self.until = Block(0)

    def failed(self, now: Block) -> None:
        """It failed at this block."""
        self._failures += 1
        self.until = Block(now + min(2**self._failures, _MOST_BLOCKS))

    def succeeded(self) -> None:
        """It went well."""
        self._failures, self.until = 0, Block(0)
