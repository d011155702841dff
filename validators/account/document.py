# SPDX-License-Identifier: Apache-2.0
"""The evidence of some rounds as a file that stands for itself: no store, no chain and no trust in us is needed.

Two signatures in it prove each exchange: the validator's over its question, the miner's over its answer to that very
question. Rewards and reasons are beside them as the validator tells them; nobody signed those.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocols.errors import MalformedReply, SubnetError
from protocols.seal import Evidence, StreamEvidence
from validators.account.value import Account, Check
from validators.store import Unsigned

__all__ = ["Document", "Shown", "document_of"]

_FORMAT: Final = "subnet-proof/1"


class Shown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One round: what the validator says of it, and what both signed."""

    round: int
    block: int
    reward: float
    because: dict[str, float]
    struck: str
    evidence: Evidence | StreamEvidence

    def check(self, document: Document) -> Check:
        """Whether these two said exactly that."""
        proof = self.evidence
        if (proof.validator, proof.miner) != (document.validator, document.miner):
            return Check("signatures", False, f"they are of {proof.validator} and {proof.miner}")
        try:
            proof.check()
        except SubnetError as error:
            return Check("signatures", False, error.message)
        return Check("signatures", True, "the question is the validator's, the answer to it the miner's")


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file, as JSON; bytes in it are Base64."""

    format: str
    genesis: str
    netuid: int
    validator: str
    miner: str
    rounds: tuple[Shown, ...]

    def to_bytes(self) -> bytes:
        """The file's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    @staticmethod
    def from_bytes(data: bytes) -> Document:
        """The inverse of `to_bytes`; `MalformedReply` where it is none, or of another format."""
        try:
            found = msgspec.json.decode(data, type=Document)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedReply(f"proof cannot be read: {str(error)[:200]!r}") from None
        if found.format != _FORMAT:
            raise MalformedReply(f"proof has the format {found.format[:32]!r}, expected {_FORMAT!r}")
        return found


def document_of(account: Account) -> Document:
    """The signed exchanges of an account."""
    shown = []
    for row in account.earned:
        if row.proof is None or isinstance(row.proof, Unsigned):
            continue
        record, mark = row.recorded.record, row.mark
        shown.append(
            Shown(
                round=record.number,
                block=record.block,
                reward=mark.reward,
                because=dict(mark.because),
                struck=mark.struck,
                evidence=row.proof,
            )
        )
    owner = account.owner
    return Document(
        format=_FORMAT,
        genesis=owner.genesis,
        netuid=owner.netuid,
        validator=owner.hotkey,
        miner=account.miner.hotkey,
        rounds=tuple(shown),
    )
