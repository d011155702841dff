# SPDX-License-Identifier: Apache-2.0
"""The chain as a row of blocks: those that are sealed, of which the last few are kept, and the one that is open.

Calls go into the open block, and are seen by readers when it is sealed. It opens with the first call, or as it is
sealed, so that a chain at rest has nothing half done.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Final

import msgspec

from protocols.balance import Balance
from protocols.calls import Call
from protocols.chain import Receipt
from protocols.errors import ExtrinsicFailed, LedgerError
from protocols.keys import Signer, short, verify
from protocols.types import Block
from subnet.chain.calls import check_readable
from subnet.chain.memory.calls import execute, fee_of, with_fee
from subnet.chain.memory.outcomes import Done
from subnet.chain.memory.state import State
from subnet.chain.memory.turn import next_block

__all__ = ["Blocks", "HISTORY"]

HISTORY: Final = 256
"""How many past blocks can be read."""


class Blocks:
    """Sealed states, and the open one; `State` values are immutable, so that any of them can be handed out."""

    def __init__(self, newest: State, open_block: State | None = None, included: int = 0) -> None:
        self._sealed: deque[State] = deque([newest], maxlen=HISTORY)
        self._open = open_block
        self._included = included

    @property
    def newest(self) -> State:
        """The state that the last sealed block left."""
        return self._sealed[-1]

    @property
    def open_block(self) -> State | None:
        """The state of the block that is being made, where a call is in it already."""
        return self._open

    @property
    def included(self) -> int:
        """How many calls the open block has."""
        return self._included

    def at(self, block: Block) -> State:
        """The state that a recent block left; raises `LedgerError`."""
        first, last = self._sealed[0].block, self._sealed[-1].block
        if not first <= block <= last:
            raise LedgerError(
                f"the state of block {block} is not kept, expected {first} to {last}",
                help=f"this chain keeps its last {HISTORY} blocks",
            )
        return self._sealed[block - first]

    def seal(self) -> None:
        """Close the open block; its calls are seen from now on."""
        self._sealed.append(self._opened())
        self._open, self._included = None, 0

    def include(self, call: Call, signer: Signer) -> Receipt:
        """Carry out a call in the open block; raises where no block would take it."""
        check_readable(call)
        state, address = self._opened(), signer.ss58_address
        content = msgspec.msgpack.encode((state.founding.genesis, state.block, self._included, address, call))
        # Whoever signs must have the key here too, or a program would first fail where it costs something.
        if not verify(content, signer.sign(content), address, signer.scheme):
            raise ExtrinsicFailed(
                f"InvalidTransaction.BadProof: the signature is not {short(address)}'s", help="sign with its own key"
            )
        charged, error = with_fee(state, call, address), None
        try:
            done = execute(charged, call, address)
        except LedgerError as refusal:
            done, error = Done(charged, ()), refusal
        self._open, self._included = done.state, self._included + 1
        return Receipt(
            block=state.block,
            block_hash=_hash(f"{state.founding.genesis}/{state.block}".encode()),
            extrinsic_hash=_hash(content),
            finalised=False,
            fee=Balance(fee_of(state, call)),
            events=done.events,
            error=error,
        )

    def _opened(self) -> State:
        if self._open is None:
            self._open = next_block(self.newest)
        return self._open


def _hash(content: bytes) -> str:
    return f"0x{hashlib.blake2b(content, digest_size=32).hexdigest()}"
