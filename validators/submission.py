# SPDX-License-Identifier: Apache-2.0
"""One setting of weights, from the moment in which it is decided until the chain has shown that it holds them.

It is written down before it is sent: a process that dies in between finds it again and asks the chain what became of
it. It names hotkeys beside uids, because a uid may belong to another miner the next time that the weights are used.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from protocols.calls import CommitTimelockedWeights, CommitWeights, RevealWeights, SetWeights
from protocols.types import Block, Hotkey

__all__ = ["State", "Submission", "UNSETTLED", "Weight"]

State: TypeAlias = Literal[
    "intended",  # may have been sent
    "refused",  # the chain said no
    "lost",  # the chain never had it, and will not
    "set",  # the chain took the weights
    "committed",  # the chain took their commitment
    "revealing",  # the reveal may have been sent
    "revealed",  # the chain took the weights behind a commitment
    "expired",  # they were not revealed in time
    "confirmed",  # the chain was read, and holds the same
    "contradicted",  # the chain was read, and holds others
]

UNSETTLED: Final[tuple[State, ...]] = ("intended", "set", "committed", "revealing", "revealed")
"""The states in which something is still to come."""


class Weight(msgspec.Struct, frozen=True, array_like=True):
    """A miner's weight, which is good for one registration."""

    hotkey: Hotkey
    registered_at: Block
    value: int


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """The weights of one epoch."""

    epoch: int
    """The epoch that they were meant for."""
    call: SetWeights | RevealWeights
    """What puts them on the chain; where it is a reveal, its commitment goes first."""
    weights: tuple[Weight, ...]
    intended_at: Block
    """The newest block when they were last about to be sent: if they landed, then after it."""
    sealed: CommitTimelockedWeights | None = None
    """The same weights encrypted until the chain itself reveals them; then this is all that is sent."""
    known: int | None = None
    """Of how many miners something was known when they were decided, or None where nobody can tell."""
    because: str = ""
    """Why they are not those that the scores of the moment would have given; empty where they are."""
    state: State = "intended"
    landed_epoch: int | None = None
    """The epoch in which the chain took them or their commitment: a later one where the epoch ended under way."""
    landed_at: Block | None = None
    """The block in which the chain took them or their commitment."""
    revealed_at: Block | None = None
    """The block in which the chain took our reveal."""
    seen_at: Block | None = None
    """A block at which the chain was read and had what it took."""
    extrinsic_hash: str | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether they are committed first and shown later."""
        return self.sealed is not None or isinstance(self.call, RevealWeights)

    def first_call(self, hotkey: Hotkey) -> SetWeights | CommitWeights | CommitTimelockedWeights:
        """What goes to the chain first: the weights, or their commitment."""
        if self.sealed is not None:
            return self.sealed
        return self.call if isinstance(self.call, SetWeights) else self.call.commitment(hotkey)
