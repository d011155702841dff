# SPDX-License-Identifier: Apache-2.0
"""The account of a miner as a value: a weight, the score behind it, the rounds behind that, and a verdict on each step.

A check holds, fails, or cannot be made; the last is never passed off as the first, and says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from protocols.frames import payload_of
from protocols.seal import Evidence, StreamEvidence
from validators.store import Known, Mark, Owner, Proof, Recorded, Unsigned
from validators.submission import Submission

__all__ = ["Account", "Check", "Earned", "Vote", "bodies", "conversation", "is_json"]


class Check(NamedTuple):
    """A step of the account that was gone through again."""

    what: str
    holds: bool | None
    """None where it cannot be checked."""
    said: str


class Vote(NamedTuple):
    """The weight that a miner had in the weights of an epoch; the value is 0 where it was not among them."""

    submission: Submission
    uid: int | None
    value: int
    share: float
    """Of all weights that the validator set."""
    round: int | None
    """The number of the round after which they were decided, as far as the store can tell."""
    score: float | None
    """The miner's score after that round."""
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Earned:
    """What a miner earned in one round, and why."""

    recorded: Recorded
    mark: Mark
    before: float | None
    after: float | None
    proof: Proof | None
    checks: tuple[Check, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        record, mark = self.recorded.record, self.mark
        asked, said = conversation(self.proof)
        return {
            "round": record.number,
            "block": record.block,
            "epoch": record.epoch,
            "definition": record.definition,
            "from_user": record.is_organic,
            "asked_miners": len(record.marks),
            "reward": mark.reward,
            "because": dict(mark.because),
            "miss": mark.miss,
            "struck": mark.struck,
            "elapsed_s": _finite(mark.elapsed_s),
            "first_item_s": _finite(mark.first_item_s),
            "score_before": self.before,
            "score_after": self.after,
            "question": asked,
            "answer": said,
            "checks": [check._asdict() for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Account:
    """Where a miner's weight came from."""

    owner: Owner
    miner: Known
    vote: Vote | None
    """None where the validator has set no weights yet, or none in the epoch that was asked for."""
    earned: tuple[Earned, ...]
    """The rounds in which it was asked, the newest first."""

    @property
    def checks(self) -> list[Check]:
        """All verdicts, in the order of the account."""
        votes = list(self.vote.checks) if self.vote else []
        return votes + [check for row in self.earned for check in row.checks]

    @property
    def holds(self) -> bool:
        """Whether nothing in it was found to be untrue."""
        return all(check.holds is not False for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """For programs; without what would let a miner foretell its questions."""
        return {
            "validator": self.owner.hotkey,
            "genesis": self.owner.genesis,
            "netuid": self.owner.netuid,
            "miner": self.miner._asdict(),
            "weights": _vote_json(self.vote) if self.vote else None,
            "rounds": [row.to_json() for row in self.earned],
            "holds": self.holds,
        }


def bodies(proof: Proof) -> tuple[bytes, tuple[bytes, ...]]:
    """The question and the items of the answer, as they were encoded."""
    match proof:
        case Evidence():
            return proof.request_body, (proof.reply_body,)
        case StreamEvidence():
            return proof.request_body, tuple(map(payload_of, proof.frames))
        case Unsigned():
            return proof.query, proof.items


def is_json(proof: Proof) -> bool:
    """Whether question and answer are JSON; otherwise they are MessagePack."""
    return not isinstance(proof, Unsigned) and proof.content_type.endswith("json")


def conversation(proof: Proof | None) -> tuple[Any, Any]:
    """What was asked and what was answered, as plain data: of a stream a list, and None where nothing is kept."""
    if proof is None:
        return None, None
    decode = msgspec.json.decode if is_json(proof) else msgspec.msgpack.decode
    query, items = bodies(proof)
    said = [_plain(decode, item) for item in items]
    return _plain(decode, query), said if isinstance(proof, StreamEvidence) or len(said) != 1 else said[0]


def _plain(decode: Any, data: bytes) -> Any:
    try:
        return msgspec.to_builtins(decode(data), builtin_types=())
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError, RecursionError):
        return {"unreadable": data.hex()}


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _vote_json(vote: Vote) -> dict[str, Any]:
    sent = vote.submission
    return {
        "epoch": sent.epoch,
        "state": sent.state,
        "landed_epoch": sent.landed_epoch,
        "landed_at": sent.landed_at,
        "extrinsic_hash": sent.extrinsic_hash,
        "because": sent.because,
        "uid": vote.uid,
        "value": vote.value,
        "share": vote.share,
        "round": vote.round,
        "score": vote.score,
        "checks": [check._asdict() for check in vote.checks],
    }
