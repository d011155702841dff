# SPDX-License-Identifier: Apache-2.0
"""Two parties who disagree about a long computation, brought to the one step where they first do.

Each committed to all its states by a Merkle tree. The referee walks down both trees at once, left wherever the left
halves differ: that leads to the first differing state even where the traces meet again later, in log2(n) questions.
What a party answers proves itself, since it must hash to what it said before. Then one step is replayed, not n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from incentive.verify.merkle import HASH_BYTES, Commitment, Tree, leaf_hash, node_hash
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Answer", "Dispute", "Fault", "Found", "Party", "answer", "first_difference", "open_dispute"]

Party: TypeAlias = Literal["proposer", "challenger"]
Answer: TypeAlias = Sequence[bytes]
"""The hashes of the nodes below the one asked for: two, or one where an odd node moved up unpaired."""


def first_difference(a: Sequence[bytes], b: Sequence[bytes]) -> int | None:
    """The first step at which two traces of one length differ, if any: what a party with both can see at once."""
    if len(a) != len(b):
        raise WrongShape(f"the traces have {len(a)} and {len(b)} steps, expected the same")
    return next((step for step, (one, other) in enumerate(zip(a, b, strict=True)) if one != other), None)


@dataclass(frozen=True, slots=True)
class Fault:
    """Somebody lost by answering what does not fit its own commitment; both may have."""

    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The first step at which the parties differ, and the hash that each claims for the state after it."""

    step: int
    proposer: bytes
    challenger: bytes

    def judge(self, state: bytes) -> tuple[Party, ...]:
        """Who is wrong, given the true state at this step; both may be.

        The referee has it by replaying the step from the state before, which either party shows with a proof, and
        which both had committed to; at step 0 it is the task's own.
        """
        truth = leaf_hash(state)
        claims: tuple[tuple[Party, bytes], ...] = (("proposer", self.proposer), ("challenger", self.challenger))
        return tuple(party for party, claim in claims if claim != truth)


@dataclass(frozen=True, slots=True)
class Dispute:
    """The node at which both trees differ while everything to its left agrees; a value, each round gives the next.

    state = open_dispute(mine.commitment, theirs.commitment)
    while isinstance(state, Dispute):
        state = state.resolve(answer(mine, state), answer(theirs, state))
    """

    size: int
    """Entries of the traces."""
    index: int
    """Place of the node in its level."""
    height: int
    """Levels below it: as many questions are left at most."""
    proposer: bytes
    challenger: bytes

    @property
    def children(self) -> int:
        """How many hashes an answer holds: 2, or 1 below an odd node that moved up unpaired."""
        return 2 if 2 * self.index + 1 < _width(self.size, self.height - 1) else 1

    def resolve(self, proposer: Answer, challenger: Answer) -> Dispute | Found | Fault:
        """The next question, the step that was looked for, or whose answer was not its own tree's."""
        told: tuple[tuple[Party, bool], ...] = (
            ("proposer", self._is_below(self.proposer, proposer)),
            ("challenger", self._is_below(self.challenger, challenger)),
        )
        liars = tuple(party for party, is_true in told if not is_true)
        if liars:
            return Fault(liars)
        # Both hash to what differs, so that one of the two places must differ as well.
        side = next(place for place in range(self.children) if proposer[place] != challenger[place])
        return _found_or_on(
            Dispute(self.size, 2 * self.index + side, self.height - 1, proposer[side], challenger[side])
        )

    def forfeit(self, *silent: Party) -> Fault:
        """The end for whoever did not answer in time, which only the caller can tell."""
        if not silent:
            raise OutOfRange("nobody is named, expected who was silent", help='dispute.forfeit("challenger")')
        return Fault(silent)

    def _is_below(self, node: bytes, answer: Answer) -> bool:
        if len(answer) != self.children or any(len(child) != HASH_BYTES for child in answer):
            return False
        return node == (node_hash(answer[0], answer[1]) if self.children == 2 else answer[0])


def open_dispute(proposer: Commitment, challenger: Commitment) -> Dispute | Found:
    """The dispute of two commitments to traces of one length; of a single entry the step is known at once."""
    if proposer.size != challenger.size:
        raise WrongShape(f"the traces have {proposer.size} and {challenger.size} steps, expected the same")
    if proposer.root == challenger.root:
        raise OutOfRange("both commitments have the same root, expected two that differ: there is no dispute")
    height = (proposer.size - 1).bit_length()
    return _found_or_on(Dispute(proposer.size, 0, height, proposer.root, challenger.root))


def answer(tree: Tree, dispute: Dispute) -> Answer:
    """What an honest party says: the hashes below the disputed node of its own tree."""
    first = 2 * dispute.index
    return tuple(tree.node(first + side, dispute.height - 1) for side in range(dispute.children))


def _found_or_on(dispute: Dispute) -> Dispute | Found:
    if dispute.height == 0:
        return Found(dispute.index, dispute.proposer, dispute.challenger)
    return dispute


def _width(size: int, height: int) -> int:
    """Nodes of a level: the entries halved, odd ones rounded up, once for each level."""
    return -(-size >> height)
