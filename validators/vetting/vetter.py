# SPDX-License-Identifier: Apache-2.0
"""Takes out of a round what its sender did not make itself, and says whose it was.

Who is struck out is scored as though nothing had come. So the owner of an answer earns what it would have earned alone,
and copying it earns nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

import msgspec
import numpy as np

from protocols.chain import Commitment
from protocols.columns import Floats
from protocols.errors import InvalidSubnet, OutOfRange
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.task import Replies, Returned
from protocols.types import Hotkey
from validators.query import Heard
from validators.vetting.canaries import overheard
from validators.vetting.precedence import Precedence, copied, sooner
from validators.vetting.window import LONGEST, SEVERAL, Meeting, Window

__all__ = ["Vetted", "Vetter", "VettingOptions", "likeness"]

_LOG: Final = logging.getLogger(__name__)
_ALIKE: Final = 0.5
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class VettingOptions:
    """Which copies are looked for, and what they cost."""

    canaries: bool = True
    """Whether an answer that holds another miner's canary is struck out."""
    precedence: Precedence = "off"
    """Of answers that are alike, who keeps its own: all of them, or whoever replied first, or committed to a model."""
    window: int = 32
    """How many rounds are remembered of each two miners, 8 to 64; with 0 answers are not compared."""

    def __post_init__(self) -> None:
        if self.window and not SEVERAL <= self.window <= LONGEST:
            raise OutOfRange(f"window is {self.window}, expected 0, or {SEVERAL} to {LONGEST} rounds")
        if self.precedence not in get_args(Precedence):
            raise OutOfRange(f"precedence is {self.precedence!r}, expected one of {', '.join(get_args(Precedence))}")
        if self.precedence != "off" and not self.window:
            raise OutOfRange(
                f"precedence is {self.precedence!r} and window is 0, expected {SEVERAL} rounds or more to go by"
            )


@dataclass(frozen=True, slots=True)
class Vetted:
    """The replies as they are to be scored, and for those that were struck out the reason, such as `copy_of:5Grw…`."""

    replies: Replies
    struck: Mapping[Hotkey, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Vetter:
    """Vets for one validator, over many rounds."""

    definition: Subnet
    options: VettingOptions
    _window: Window = field(default_factory=Window)
    likely: tuple[frozenset[Hotkey], ...] = field(default=(), init=False)
    """Pairs that seem to be copies of each other, for whoever decides what to compare next."""

    def vet(self, heard: Heard, metagraph: Metagraph, claims: Mapping[Hotkey, Commitment] | None = None) -> Vetted:
        """What of a round is its senders' own; runs in a thread, one round after the other.

        `claims` are what miners committed to on the chain, for the precedence of models.
        """
        struck = dict[Hotkey, str]()
        if self.options.window:
            struck |= self._compared(heard, metagraph, claims)
        if self.options.canaries:
            struck |= {hotkey: f"canary_of:{owner}" for hotkey, owner in overheard(heard.replies).items()}
        rows = (Returned(row.hotkey, asked=row.asked) if row.hotkey in struck else row for row in heard.replies)
        return Vetted(Replies(tuple(rows)), struck)

    def load(self, kept: bytes | None) -> None:
        """Go on where an earlier process was, with what `dump` gave it; with anything else from the beginning."""
        try:
            self._window = Window() if not kept else Window.loaded(kept)
        except (msgspec.MsgspecError, ValueError) as error:
            _LOG.warning("what was kept of copies cannot be read, it is gathered anew: %s", error)
            self._window = Window()
        self.likely = self._window.suspected()

    def dump(self) -> bytes:
        """What the next process needs to know, to be kept with the round."""
        return self._window.dump()

    def _compared(
        self, heard: Heard, metagraph: Metagraph, claims: Mapping[Hotkey, Commitment] | None
    ) -> dict[Hotkey, str]:
        """Remember who answered like whom; whoever is held for a copier is struck out where the options say so."""
        replies, options = heard.replies, self.options
        alike, before = likeness(self.definition, replies) > _ALIKE, sooner(heard)
        told = np.flatnonzero(replies.arrived)
        uids = np.array([metagraph.uid_of(replies[row].hotkey) for row in told.tolist()], dtype=np.int64)
        block = np.ix_(told, told)
        meeting = Meeting(uids, alike[block], before[block])
        self._window = self._window.of_those_in(metagraph).after(meeting, options.window)
        self.likely = self._window.suspected()
        if options.precedence == "off":
            return {}
        owners = copied(replies, alike, self._window, claims if options.precedence == "model" else None)
        return {hotkey: f"copy_of:{owner}" for hotkey, owner in owners.items()}


def likeness(definition: Subnet, replies: Replies) -> Floats:
    """What the definition's `likeness` gives, (N, N), held to its promise: alike both ways, and 0 where none came."""
    name, n = f"{definition.ref()}: likeness", len(replies)
    try:
        given = np.array(definition.likeness(replies), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSubnet(f"{name} gave no table of numbers: {error}", help="return an array of (N, N)") from error
    if given.shape != (n, n):
        raise InvalidSubnet(f"{name} gave shape {given.shape}, expected ({n}, {n})")
    good = (given >= -_ROUNDING) & (given <= 1.0 + _ROUNDING)  # false for NaN
    if not good.all():
        one, other = np.argwhere(~good)[0].tolist()
        raise InvalidSubnet(f"{name} gave {given[one, other]} for replies {one} and {other}, expected 0 to 1")
    skew = np.abs(given - given.T)
    if skew.max(initial=0.0) > _ROUNDING:
        one, other = np.unravel_index(int(skew.argmax()), skew.shape)
        raise InvalidSubnet(
            f"{name} gave {given[one, other]} for replies {one} and {other}, {given[other, one]} the other way round"
        )
    return np.where(np.outer(replies.arrived, replies.arrived), np.clip(given, 0.0, 1.0), 0.0)
