# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about callers: who comes in, and how much of the machine each may use.

A definition's own `policy` holds on every miner of the subnet; these rules come on top of it and are one miner's own.
Each is a plain value, so that it can stand in a file, in the environment or on the command line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocols.balance import RAO
from protocols.dialect import Caller
from protocols.errors import Denied, NotAllowed, PermitNeeded, StakeNeeded, UsageError
from protocols.keys import short
from protocols.metagraph import Neuron

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who is served, and how much; the defaults serve whomever the subnet's definition does."""

    permit: bool = False
    """Whether only neurons that may set weights are served."""
    min_stake: float = 0.0
    """The least stake of a caller, in tao as the subnet counts it."""
    allow: frozenset[str] = frozenset()
    """Hotkeys that are served whatever their permit and stake."""
    closed: bool = False
    """Whether nobody is served but the hotkeys of `allow`."""
    deny: frozenset[str] = frozenset()
    """Hotkeys and coldkeys that are never served."""
    requests: int = 0
    """Queries that all callers together may send in a tempo, shared out by stake; 0 is no limit."""
    tokens: int = 0
    """Tokens that may be read and written for all callers together in a tempo, shared out by stake; 0 is no limit."""
    least_share: float = 0.01
    """What part of these a caller has whose stake is small."""
    concurrency: int = 128
    """Queries of one caller that may be under way at once."""

    def __post_init__(self) -> None:
        # A stake of NaN would let everybody in.
        if not 0.0 <= self.min_stake < math.inf:
            raise UsageError(f"min_stake is {self.min_stake}, expected 0 or more", help="Rules(min_stake=1000.0)")
        if not 0.0 < self.least_share <= 1.0:
            raise UsageError(f"least_share is {self.least_share}, expected above 0 and at most 1")
        for name, least in (("requests", 0), ("tokens", 0), ("concurrency", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}, expected {least} or more")

    @property
    def are_metered(self) -> bool:
        """Whether anything is counted by the tempo."""
        return bool(self.requests or self.tokens)

    def check(self, caller: Caller, neuron: Neuron | None) -> None:
        """Let a caller in, or raise the `NotAdmitted` that says why not."""
        hotkey = caller.hotkey
        if hotkey in self.deny or (neuron is not None and neuron.coldkey in self.deny):
            raise Denied(f"hotkey {short(hotkey)} or its coldkey is on this miner's list of callers to refuse")
        if hotkey in self.allow:
            return
        if self.closed:
            raise NotAllowed(f"hotkey {short(hotkey)} is not on this miner's list of callers")
        if self.permit and not (neuron is not None and neuron.validator_permit):
            raise PermitNeeded(f"hotkey {short(hotkey)} may not set weights, this miner serves only who may")
        stake = 0.0 if neuron is None else neuron.stake / RAO
        if not stake >= self.min_stake:
            raise StakeNeeded(f"hotkey {short(hotkey)} has a stake of {stake:g}, expected {self.min_stake:g} or more")
