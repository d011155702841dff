# SPDX-License-Identifier: Apache-2.0
"""A chain in memory that a restart does not lose: each block is in a file before anyone is told of it.

A validator writes down that its weights are on the chain as soon as it hears of the block. So the block must be in the
file by then, or a process that dies in between would find a chain that knows less than the validator does.
"""

from __future__ import annotations

import os
from pathlib import Path

from protocols.clock import Clock
from protocols.types import Block
from subnet.chain.memory import Genesis, MemoryChain

__all__ = ["SavedChain", "open_chain"]


class SavedChain(MemoryChain):
    """A chain that writes itself to `path` with every block."""

    path: Path

    def seal(self, blocks: int = 1) -> Block:
        """Make blocks and save the newest; whoever waits for them runs only after that."""
        newest = super().seal(blocks)
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(self.snapshot())
        os.replace(fresh, self.path)
        return newest


def open_chain(genesis: Genesis, path: Path | None, *, clock: Clock, block_time: float) -> tuple[MemoryChain, bool]:
    """The chain that a file holds, or a new one, and whether it is new; without a path it is kept nowhere."""
    if path is None:
        return MemoryChain(genesis, clock=clock, block_time=block_time), True
    if path.exists():
        chain = SavedChain.restore(path.read_bytes(), clock=clock, block_time=block_time)
        assert isinstance(chain, SavedChain)
        chain.path = path
        return chain, False
    saved = SavedChain(genesis, clock=clock, block_time=block_time)
    saved.path = path
    return saved, True
