# SPDX-License-Identifier: Apache-2.0
"""What the randomness beacon has said, which opens votes that are locked until one of its rounds.

A public chain hears the beacon by itself. This one is told: by the root, or by whoever develops on it.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_128_concat
from subnet.chain.node.frame.items import Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.names import Blob, u64

__all__ = ["Drand", "Pulse"]


class Pulse(NamedTuple):
    """What the beacon said in a round."""

    round: u64
    randomness: Blob
    signature: Blob


class Drand(Pallet):
    """The beacon's rounds."""

    name: ClassVar[str] = "Drand"
    index: ClassVar[int] = 26

    Pulses = Map[Pulse | None](Pulse | None, None, blake2_128_concat(u64))
    LastStoredRound = Value[int](u64, 0)
    OldestStoredRound = Value[int](u64, 0)

    NewPulse = Event(1, rounds=tuple[u64, ...])
    SetOldestStoredRound = Event(2, u64)

    NoneValue = Error(0)
    StorageOverflow = Error(1)
    DrandConnectionFailure = Error(2)
    UnverifiedPulse = Error(3)
    InvalidRoundNumber = Error(4)
    PulseVerificationError = Error(5)

    def __init__(self, state: State, system: System) -> None:
        super().__init__(state)
        self.system = system

    @call(2)
    def set_oldest_stored_round(self, origin: Origin, oldest_round: u64) -> None:
        """Say which rounds are kept, as the root."""
        origin.root()
        self.OldestStoredRound.value = oldest_round
        self.system.deposit(self.SetOldestStoredRound(oldest_round))

    def hear(self, pulse: Pulse) -> None:
        """Store what the beacon said."""
        self.Pulses[pulse.round] = pulse
        self.LastStoredRound.value = max(self.LastStoredRound.value, pulse.round)
        if not self.OldestStoredRound.value:
            self.OldestStoredRound.value = pulse.round
        self.system.deposit(self.NewPulse((pulse.round,)))

    def last_round(self) -> int:
        """The newest round that was heard."""
        return self.LastStoredRound.value

    def signature(self, round_: int) -> bytes | None:
        """The beacon's signature of a round, where it was heard."""
        pulse = self.Pulses[round_]
        return None if pulse is None else pulse.signature
