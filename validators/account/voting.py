# SPDX-License-Identifier: Apache-2.0
"""From a weight back to the score behind it: which weights of an epoch, which round's scores, and whether they agree.

The store does not say after which round weights were decided. It need not: the definition gives, out of the scores of
the right round, the very numbers that were sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np

from incentive.quantise import quantise
from protocols.errors import NothingKnown
from protocols.spec import Subnet
from protocols.types import Hotkey, Uid
from validators.account.value import Check, Vote
from validators.ballot import Voter
from validators.store import Archive, Known, Owner, Recorded
from validators.submission import Submission

__all__ = ["shares", "vote"]

_LOOKED_BACK: Final = 64
"""Rounds before the sending of weights, of which one gave them."""


def vote(
    archive: Archive, owner: Owner, miner: Known, epoch: int | None, definition: Subnet | None
) -> tuple[Vote | None, int]:
    """The miner's weight of an epoch, by default the newest, and the place of the last round that is behind it."""
    sent = _sent(archive.submissions(owner), epoch)
    if sent is None:
        return None, 0
    recent = list(islice(archive.rounds(owner, by=sent.intended_at), _LOOKED_BACK))
    source, check = _source(owner, sent, recent, definition)
    values = _values(sent)
    value, total = values.get(miner.hotkey, 0), sum(values.values())
    standing = None if source is None else source.record.standings.get(miner.hotkey)
    return Vote(
        submission=sent,
        uid=_uid(sent, source, miner.hotkey),
        value=value,
        share=value / total if total else 0.0,
        round=None if source is None else source.record.number,
        score=None if standing is None else standing.score,
        checks=(check,),
    ), 0 if source is None else source.id


def shares(archive: Archive, owner: Owner) -> dict[Hotkey, float]:
    """What each miner has of the newest weights that landed."""
    sent = _sent(archive.submissions(owner), None)
    values = {} if sent is None else _values(sent)
    total = sum(values.values())
    return {hotkey: value / total for hotkey, value in values.items()}


def _sent(submissions: Sequence[Submission], epoch: int | None) -> Submission | None:
    if epoch is not None:
        found = next((row for row in submissions if epoch in (row.landed_epoch, row.epoch)), None)
        if found is None:
            epochs = [row.epoch for row in submissions]
            kept = f"those of epochs {min(epochs)} to {max(epochs)}" if epochs else "none at all"
            raise NothingKnown(f"the store has no weights of epoch {epoch}, it has {kept}")
        return found
    landed = (row for row in submissions if row.landed_epoch is not None)
    return next(landed, submissions[0] if submissions else None)


def _uid(sent: Submission, source: Recorded | None, hotkey: Hotkey) -> int | None:
    """Which uid the miner had; the scores of a round are in the order of uids."""
    uids = dict.fromkeys(source.record.standings if source else ())
    at = {name: place for place, name in enumerate(uids)}.get(hotkey)
    return at if at in set(sent.call.uids) else None


def _source(
    owner: Owner, sent: Submission, recent: Sequence[Recorded], definition: Subnet | None
) -> tuple[Recorded | None, Check]:
    what, newest = "weight", recent[0] if recent else None
    if newest is None:
        return None, Check(what, None, "the rounds before these weights are no longer kept")
    if sent.because:
        return newest, Check(what, None, f"the scores of the moment did not decide: {sent.because}")
    if definition is None:
        return newest, Check(what, None, "how scores become weights is for the definition to say: name it")
    if definition.ref() != newest.record.definition:
        return newest, Check(what, None, f"they were {newest.record.definition}'s, at hand is {definition.ref()}")
    try:
        return _matched(owner, sent, recent, definition)
    except Exception as error:  # a designer's code may raise anything
        return newest, Check(what, None, f"scores cannot be weighed again: {error}")


def _matched(owner: Owner, sent: Submission, recent: Sequence[Recorded], definition: Subnet) -> tuple[Recorded, Check]:
    what, values = "weight", _values(sent)
    without = None
    for one in recent:
        weighed = _weighed(owner, one, definition)
        if weighed == values:
            return one, Check(what, True, f"the scores after round {one.record.number} give exactly these weights")
        if without is None and values.items() <= weighed.items():
            without = one, len(weighed) - len(values)
    if without is not None:
        said = f"the scores after round {without[0].record.number} give these weights, and some to {without[1]} others"
        return without[0], Check(what, None, f"{said}, who may have left before they were sent")
    return recent[0], Check(what, False, f"the scores of the last {len(recent)} rounds before give other weights")


def _values(sent: Submission) -> dict[Hotkey, int]:
    return {weight.hotkey: weight.value for weight in sent.weights if weight.value > 0}


def _weighed(owner: Owner, source: Recorded, definition: Subnet) -> dict[Hotkey, int]:
    """The weights that the definition makes of the scores after a round, in the chain's numbers."""
    names = list(source.record.standings)
    if owner.hotkey not in names:
        return {}
    voter = Voter(Uid(names.index(owner.hotkey)), definition.weigh, 0)
    quantised = quantise(voter.weights(np.array([row.score for row in source.record.standings.values()])))
    return {names[uid]: int(value) for uid, value in zip(quantised.uids, quantised.values, strict=True) if value}
