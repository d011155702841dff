# SPDX-License-Identifier: Apache-2.0
"""Of answers that are alike: whose it is, and whose it is not.

A sealed reply binds its miner to one request and one content, and our clock says when it was here: no other commitment
is needed. But a clock can be fooled, see `sooner`, so whoever was first is decided over many rounds, and where they do
not decide it, nobody is struck out: two who share one reward are better off than an owner who loses all of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import numpy as np

from protocols.chain import Commitment
from protocols.columns import Flags
from protocols.task import Replies
from protocols.types import Hotkey
from validators.query import Heard
from validators.vetting.window import SEVERAL, Window

__all__ = ["Precedence", "copied", "sooner"]

Precedence: TypeAlias = Literal["off", "reply", "model"]

_NEVER: Final = 2**63
_CLEAR: Final = 2.0
"""By how many standard deviations of mere chance one has to be first more often than the other: 7 times of 8, 12 of
16, 22 of 32."""


def sooner(heard: Heard) -> Flags:
    """Of each two replies, (N, N), whether the one was here before the other, by both of two clocks.

    The time since its own question was sent is what a relay cannot make short: its victim's time is a part of it. But
    whoever lets us wait for a connection is asked late, and may have its answer by then from an accomplice. The time of
    arrival is what such a one cannot make early; but who is asked first, by chance, may arrive first. Nobody can do
    both without having had the answer before its victim gave it.
    """
    elapsed_s = heard.replies.elapsed_s
    sent_s = np.array([np.nan if proof is None else proof.nonce_ns / 1e9 for proof in heard.evidence])
    arrived_s = sent_s + elapsed_s
    # Where nothing says when a question was sent, this is false both ways, and the time since then decides alone.
    is_after: Flags = arrived_s[:, None] > arrived_s[None, :]
    before: Flags = (elapsed_s[:, None] < elapsed_s[None, :]) & ~is_after
    return before


def copied(
    replies: Replies, alike: Flags, window: Window, claims: Mapping[Hotkey, Commitment] | None
) -> dict[Hotkey, Hotkey]:
    """Who gave a copy in this round, and whose; with `claims` earlier models come before earlier replies.

    Only those are struck out who were alike in most of several rounds and are again, and of whom it is clear who was
    first; not a copy of somebody who is struck out himself.
    """
    leads = _leads(replies, window, claims) & alike
    hotkeys, elapsed_s = replies.hotkeys, replies.elapsed_s
    order = sorted(range(len(hotkeys)), key=lambda at: (int(leads[:, at].sum()), float(elapsed_s[at]), hotkeys[at]))
    struck: dict[Hotkey, Hotkey] = {}
    owners = list[int]()
    for at in order:
        owner = next((one for one in owners if leads[one, at]), None)
        if owner is None:
            owners.append(at)
        else:
            struck[hotkeys[at]] = hotkeys[owner]
    return struck


def _leads(replies: Replies, window: Window, claims: Mapping[Hotkey, Commitment] | None) -> Flags:
    """Of each two replies, (N, N), whether the one is an original of which the other is likely a copy."""
    at = {hotkey: row for row, hotkey in enumerate(replies.hotkeys)}
    leads = np.zeros((len(at), len(at)), dtype=np.bool_)
    for one, other, wins, losses in window.copies():
        if one in at and other in at:
            # What is committed earlier is less; who committed nothing comes last, after any block.
            ahead = _block(claims, other) - _block(claims, one) if claims is not None else 0
            lead = ahead or _clear(wins, losses)
            leads[at[one], at[other]], leads[at[other], at[one]] = lead > 0, lead < 0
    return leads


def _block(claims: Mapping[Hotkey, Commitment], hotkey: Hotkey) -> int:
    claim = claims.get(hotkey)
    return _NEVER if claim is None else claim.block


def _clear(wins: int, losses: int) -> int:
    """1 or -1 where it is clear who was first, or 0."""
    decided = wins + losses
    if decided < SEVERAL or abs(wins - losses) < _CLEAR * math.sqrt(decided):
        return 0
    return 1 if wins > losses else -1
