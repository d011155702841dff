# SPDX-License-Identifier: Apache-2.0
"""The account of a miner in words, eighty columns wide, from the weight down to each answer and what was found there.

Every verdict stands beside what it is about: `ok` where a step was gone through again and held, `NO` where it did not,
and `--` where it could not be, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from protocols.types import Hotkey
from subnet.cli.answer import Answer
from validators.account import Account, Check, Document, Earned, Shown, Vote, conversation
from validators.store import Known, Owner

__all__ = ["listing", "proven", "told"]

_WIDTH: Final = 80
_NAMED: Final = 12
_VERDICT: Final = {True: "ok", False: "NO", None: "--"}


def listing(owner: Owner, known: Sequence[Known], shares: Mapping[Hotkey, float]) -> Answer:
    """All miners that a store knows."""
    rows = [row._asdict() | {"share": shares.get(row.hotkey, 0.0)} for row in known]
    lines = [
        *_owner(owner),
        "",
        f"{'miner':{_NAMED}}  {'score':>8}  {'weight':>7}  {'reward':>8}  {'asked':>7}  last miss",
    ]
    for row in known:
        missed = "" if row.missed_in is None else f"round {row.missed_in}: {row.miss}"
        share = f"{shares.get(row.hotkey, 0.0):.2%}" if row.is_here else "left"
        lines.append(
            _cut(
                f"{row.hotkey[:_NAMED]}  {_number(row.score):>8}  {share:>7}  {_number(row.reward):>8}"
                f"  {'-' if row.asked_in is None else row.asked_in:>7}  {missed}"
            )
        )
    lines += ["", "more of one: subnet validator explain HOTKEY, or how it begins"]
    return Answer("\n".join(lines), {"validator": owner.hotkey, "netuid": owner.netuid, "miners": rows})


def told(account: Account) -> str:
    """The account of one miner, stage by stage."""
    miner = account.miner
    asked = "it was never asked" if miner.asked_in is None else f"it was last asked in round {miner.asked_in}"
    lines = [f"miner      {miner.hotkey}", *_owner(account.owner)]
    lines.append(f"score      {_number(miner.score)}; {asked}{'' if miner.is_here else ', and has left the subnet'}")
    lines += ["", *(_vote(account.vote) if account.vote else ["no weights have been set yet"])]
    for row in account.earned:
        lines += ["", *_earned(row)]
    if not account.earned:
        lines += ["", "no rounds in which it was asked are kept"]
    failed = [check for check in account.checks if check.holds is False]
    held = sum(1 for check in account.checks if check.holds)
    end = f"{len(failed)} checks failed, first {failed[0].what}" if failed else "nothing was found to be untrue"
    return "\n".join([*lines, "", f"{held} of {len(account.checks)} checks hold; {end}"])


def proven(document: Document) -> Answer:
    """What a file proves."""
    lines = [f"miner      {document.miner}", f"validator  {document.validator}"]
    rows, good = [], 0
    for shown in document.rounds:
        check = shown.check(document)
        good += check.holds is True
        lines += ["", *_shown(shown, check)]
        asked, said = conversation(shown.evidence)
        rows.append({"round": shown.round, "question": asked, "answer": said, "at": _when(shown), **check._asdict()})
    lines += ["", f"{good} of {len(rows)} answers are signed by both, for these questions and no others"]
    lines += ["rewards and reasons are as the validator tells them; they are not signed"] if rows else []
    data = {"miner": document.miner, "validator": document.validator, "netuid": document.netuid, "rounds": rows}
    return Answer("\n".join(lines), data, ok=good == len(rows))


def _owner(owner: Owner) -> list[str]:
    return [f"validator  {owner.hotkey}", f"subnet     {owner.netuid} of the chain {owner.genesis[:18]}"]


def _vote(vote: Vote) -> list[str]:
    sent = vote.submission
    uid = "" if vote.uid is None else f" to uid {vote.uid}"
    lines = [f"weights of epoch {sent.epoch}: {vote.share:.2%} of all, sent as {vote.value}{uid}"]
    landed = "never landed" if sent.landed_at is None else f"landed in block {sent.landed_at}"
    lines.append(f"  {sent.state}, {landed}{', extrinsic' if sent.extrinsic_hash else ''}")
    lines += [f"    {sent.extrinsic_hash}"] if sent.extrinsic_hash else []
    lines += _wrapped(f"  because {sent.because}") if sent.because else []
    if vote.round is not None:
        lines.append(f"  decided after round {vote.round}, with a score of {_number(vote.score)}")
    return lines + _verdicts(vote.checks)


def _earned(row: Earned) -> list[str]:
    record, mark = row.recorded.record, row.mark
    asker = "a user's question" if record.is_organic else "the validator's question"
    lines = [
        f"round {record.number}, block {record.block}, epoch {record.epoch}: {len(record.marks)} were asked {asker}"
    ]
    because = ", ".join(f"{why} {value:.6g}" for why, value in mark.because.items())
    lines.append(_cut(f"  reward  {mark.reward:.6g}{f'   because {because}' if because else ''}"))
    if mark.miss or mark.struck:
        lines.append(_cut(f"  why     {f'nothing came: {mark.miss}' if mark.miss else f'struck out: {mark.struck}'}"))
    if mark.elapsed_s < float("inf"):
        first = "" if mark.first_item_s == mark.elapsed_s else f", the first item after {mark.first_item_s:.3f} s"
        lines.append(f"  time    {mark.elapsed_s:.3f} s{first}")
    lines.append(f"  score   {_number(row.before)} -> {_number(row.after)}")
    return lines + _exchange(*conversation(row.proof)) + _verdicts(row.checks)


def _shown(shown: Shown, check: Check) -> list[str]:
    because = ", ".join(f"{why} {value:.6g}" for why, value in shown.because.items())
    struck = f"   struck out: {shown.struck}" if shown.struck else ""
    return [
        f"round {shown.round}, asked at {_when(shown)}",
        _cut(f"  reward  {shown.reward:.6g}{f'   because {because}' if because else ''}{struck}"),
        *_exchange(*conversation(shown.evidence)),
        *_verdicts([check]),
    ]


def _exchange(asked: Any, said: Any) -> list[str]:
    if asked is None:
        return []
    return [_cut(f"  asked   {_json(asked)}"), _cut(f"  said    {_json(said)}")]


def _verdicts(checks: Sequence[Check]) -> list[str]:
    return [line for check in checks for line in _wrapped(f"  {_VERDICT[check.holds]:6}  {check.what}: {check.said}")]


def _wrapped(line: str) -> list[str]:
    from textwrap import wrap

    return wrap(line, _WIDTH, subsequent_indent=" " * 10, break_on_hyphens=False)


def _when(shown: Shown) -> str:
    """The moment that the validator signed as that of its question."""
    return datetime.fromtimestamp(shown.evidence.nonce_ns // 10**9, UTC).isoformat()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _cut(line: str) -> str:
    clean = "".join(character if character.isprintable() else "?" for character in line)
    return clean if len(clean) <= _WIDTH else f"{clean[: _WIDTH - 1]}…"
