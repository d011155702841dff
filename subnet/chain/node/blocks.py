# SPDX-License-Identifier: Apache-2.0
"""How one block is made of a state, a pool and a time; whatever goes wrong within it, the state is as it was before.

The block that is handed back exists nowhere else yet: to write it down and to tell of it is the node's.
"""

from __future__ import annotations

import logging
from typing import Final

from subnet.chain.node.frame.state import State
from subnet.chain.node.header import Header, Sealed, next_state_root, slot_log
from subnet.chain.node.machine import Machine
from subnet.chain.node.pool import Pool
from subnet.chain.node.trie import ordered_root
from subnet.chain.node.validity import InvalidTransaction, Trapped

__all__ = ["BLOCK_BYTES", "BlockMaker"]

_LOG: Final = logging.getLogger(__name__)

BLOCK_BYTES: Final = 5 << 20
"""How many bytes of extrinsics go into one block."""

_FULL: Final = "ExhaustsResources"
_MISSES: Final = 32


class BlockMaker:
    """Makes blocks of a runtime, one after another."""

    def __init__(self, state: State, runtime: Machine) -> None:
        self._state = state
        self._runtime = runtime

    def make(self, parent: Header, now_ms: int, slot_ms: int, pool: Pool | None) -> Sealed:
        """The block after a parent with what fits of the pool; the state's journal has what it changed."""
        mark = self._state.mark()
        try:
            self._runtime.begin(parent.number + 1, parent.hash, now_ms)
            if pool is not None:
                self._apply_all(pool)
            self._runtime.finish()
        except BaseException:
            self._state.rollback(mark)
            raise
        changes, extrinsics = tuple(self._state.changes(mark)), tuple(self._runtime.extrinsics)
        header = Header(
            parent.hash,
            parent.number + 1,
            next_state_root(parent.state_root, changes),
            ordered_root(extrinsics),
            (slot_log(now_ms // slot_ms),),
        )
        return Sealed(header.hash, header, extrinsics, changes)

    def _apply_all(self, pool: Pool) -> None:
        room, misses = BLOCK_BYTES, 0
        line = pool.line()
        while misses < _MISSES and (waiting := line.next()) is not None:
            key_hash = waiting.validity.key_hash
            if key_hash is not None and not self._runtime.opens(key_hash):
                continue  # whoever has its key may open it, until its era is over
            # What an envelope holds is shorter than the envelope.
            size = len(waiting.data) * (1 if key_hash is None else 2)
            if size > room:
                misses += 1
                continue
            refusal = self._refusal(waiting.data)
            if refusal is not None:
                if refusal.variant == _FULL:
                    misses += 1
                else:
                    pool.drop_invalid(waiting)
                continue
            if key_hash is not None and (inner := self._runtime.unseal(waiting.data)) is not None:
                # Who sealed it has paid for the opening; whatever is wrong with it concerns nobody else.
                self._refusal(inner)
            room -= size
            line.took(pool.after(waiting))

    def _refusal(self, extrinsic: bytes) -> InvalidTransaction | None:
        try:
            self._runtime.apply(extrinsic)
        except InvalidTransaction as refusal:
            if isinstance(refusal, Trapped):
                _LOG.error("a call was dropped because it failed as none may", exc_info=refusal)
            return refusal
        return None
