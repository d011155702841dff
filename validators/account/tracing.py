# SPDX-License-Identifier: Apache-2.0
"""From a weight back to the replies that it was paid for, through the store and nothing else.

A validator may write meanwhile; what is read is of one moment. What a third party could check without the subnet's
definition is always checked: signatures, that a score goes on from where the round before left it, and that nobody was
paid for nothing. With the definition, questions, rewards and scores are made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from protocols.clock import Clock, SystemClock
from protocols.errors import NothingKnown, SubnetError
from protocols.keys import short
from protocols.spec import Subnet
from protocols.types import Hotkey
from validators.account.again import Replay
from validators.account.value import Account, Check, Earned, conversation
from validators.account.voting import vote
from validators.store import Archive, Known, Mark, Owner, Proof, Recorded, Unsigned

__all__ = ["account", "miner_named"]

_UNPAID: Final = "what did not count was to be paid nothing"


@dataclass(frozen=True, slots=True)
class _Traced:
    """A round of a miner, and what all others were asked and answered in it."""

    row: Earned
    proofs: Sequence[Proof | None]


def miner_named(archive: Archive, owner: Owner, name: str) -> Known:
    """The miner with this hotkey, or the only one whose hotkey begins so; `NothingKnown` where there is none."""
    known = archive.miners(owner)
    found = [miner for miner in known if miner.hotkey == name] or [
        miner for miner in known if name and miner.hotkey.startswith(name)
    ]
    if len(found) != 1:
        what = f"{len(found)} hotkeys begin" if found else f"none of its {len(known)} miners begins"
        raise NothingKnown(f"the store of validator {short(owner.hotkey)} knows no miner {name!r}: {what} so")
    return found[0]


async def account(
    archive: Archive,
    owner: Owner,
    miner: Known,
    *,
    epoch: int | None = None,
    rounds: int = 10,
    definition: Subnet | None = None,
) -> Account:
    """Where a miner's weight of an epoch came from, by default the newest; with so many rounds behind it."""
    found, traced = await asyncio.to_thread(_traced, archive, owner, miner, (epoch, rounds, definition))
    earned = []
    for one in traced:
        checks = one.row.checks
        if definition is not None:
            checks += await _again(definition, SystemClock(), owner, one)
        # What the definition says of a question is more than what can be said without it.
        earned.append(replace(one.row, checks=tuple({check.what: check for check in checks}.values())))
    return replace(found, earned=tuple(earned))


def _traced(
    archive: Archive, owner: Owner, miner: Known, wanted: tuple[int | None, int, Subnet | None]
) -> tuple[Account, list[_Traced]]:
    epoch, rounds, definition = wanted
    voted, at = vote(archive, owner, miner, epoch, definition)
    upto = None if epoch is None else at
    traced: list[_Traced] = []
    history = archive.rounds(owner, of=miner.hotkey, upto=upto) if rounds > 0 else iter(())
    for recorded in history:
        traced.append(_trace(archive, owner, miner.hotkey, recorded))
        if len(traced) == rounds:
            break
    return Account(owner, miner, voted, ()), traced


def _trace(archive: Archive, owner: Owner, hotkey: Hotkey, recorded: Recorded) -> _Traced:
    record = recorded.record
    at = next(at for at, mark in enumerate(record.marks) if mark.hotkey == hotkey)
    proofs, mark = archive.proofs(owner, recorded), record.marks[at]
    standing = record.standings.get(hotkey)
    before, after = record.before.get(hotkey), None if standing is None else standing.score
    earlier = next(archive.rounds(owner, upto=recorded.id - 1), None)
    checks = (
        _signatures(owner, mark, proofs[at]),
        *_question(record.query, proofs[at]),
        *([Check("nothing", mark.reward == 0.0, _UNPAID)] if mark.miss or mark.struck else []),
        _continued(before, earlier, recorded, hotkey),
    )
    return _Traced(Earned(recorded, mark, before, after, proofs[at], checks), proofs)


async def _again(definition: Subnet, clock: Clock, owner: Owner, traced: _Traced) -> tuple[Check, ...]:
    record = traced.row.recorded.record
    seed = owner.seed if record.seed is None else record.seed
    replay = Replay(definition=definition, clock=clock, seed=seed, record=record, proofs=traced.proofs)
    return await replay.checks(traced.row.mark.hotkey)


def _signatures(owner: Owner, mark: Mark, proof: Proof | None) -> Check:
    what = "signatures"
    if proof is None:
        why = f"nothing came that could be signed ({mark.miss})" if mark.miss else "the evidence is no longer kept"
        return Check(what, None, why)
    if isinstance(proof, Unsigned):
        return Check(what, None, "this miner's protocol signs no answers: that it was so is the validator's word")
    if (proof.validator, proof.miner) != (owner.hotkey, mark.hotkey):
        return Check(what, False, f"they are of {short(proof.validator)} and {short(proof.miner)}")
    try:
        proof.check()
    except SubnetError as error:
        return Check(what, False, error.message)
    return Check(what, True, f"{short(proof.validator)} asked this, {short(proof.miner)} answered exactly this")


def _question(query: bytes, proof: Proof | None) -> list[Check]:
    if proof is None or not query:
        return []
    if conversation(proof)[0] == conversation(Unsigned(query, ()))[0]:
        return [Check("question", True, "it is the one of the round")]
    return [Check("question", None, "it was asked in words of its own: only the definition can say whether rightly")]


def _continued(before: float | None, earlier: Recorded | None, recorded: Recorded, hotkey: Hotkey) -> Check:
    what, standing = "before", recorded.record.standings.get(hotkey)
    if before is None or standing is None or earlier is None:
        return Check(what, None, "the round before this one, or its scores, are no longer kept")
    last = earlier.record.standings.get(hotkey)
    left = last.score if last is not None and last.registered_at == standing.registered_at else 0.0
    said = f"round {earlier.record.number} left a score of {left:.6g}, this one began with {before:.6g}"
    return Check(what, before == left, said)
