# SPDX-License-Identifier: Apache-2.0
"""What the randomness beacon has said, which opens votes that are locked until one of its rounds.

A public chain's nodes listen to the beacon and bring what they hear, unsigned but sealed with their own key. This one
does not listen; it takes what is brought so, and it is told by whoever develops on it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from subnet.chain.node.extrinsic import proves
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_128_concat, blake2_256, identity
from subnet.chain.node.frame.items import BAD_ORIGIN, Constant, DispatchFailure, Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet, Vouched
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.pallets.beacon import (
    QUICKNET,
    BeaconConfiguration,
    BeaconConfigurationPayload,
    OptionalSignature,
    Pulse,
    PulsesPayload,
    is_said,
)
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.names import Blob, Flag, scale_of, u32, u64
from subnet.chain.node.validity import InvalidTransaction

__all__ = ["Drand", "Pulse"]

_PRIORITY: Final = 1 << 20
_HIGHEST: Final = 2**64 - 1
_PREFIX: Final = b"\x4cDrandOffchainWorker"
_KEPT: Final = 216_000
_FORGOTTEN_AT_ONCE: Final = 100


class Drand(Pallet):
    """The beacon's rounds."""

    name: ClassVar[str] = "Drand"
    index: ClassVar[int] = 26

    BeaconConfig = Value[BeaconConfiguration](BeaconConfiguration, QUICKNET)
    HasMigrationRun = Map[bool](Flag, False, identity(Blob))
    Pulses = Map[Pulse | None](Pulse | None, None, blake2_128_concat(u64))
    LastStoredRound = Value[int](u64, 0)
    OldestStoredRound = Value[int](u64, 0)
    NextUnsignedAt = Value[int](u32, 0)

    UnsignedPriority = Constant(u64, _PRIORITY)
    HttpFetchTimeout = Constant(u64, 1_000)

    BeaconConfigChanged = Event(0)
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

    @call(0, ref_time=4_769_000_000)
    def write_pulse(self, origin: Origin, pulses_payload: PulsesPayload, signature: OptionalSignature) -> None:
        """Bring what the beacon said, unsigned; what it did not say is left aside."""
        if origin.account is not None or origin.is_root:
            raise DispatchFailure(BAD_ORIGIN)
        last, rounds = self.LastStoredRound.value, []
        for pulse in pulses_payload.pulses:
            said = is_said(self.BeaconConfig.value, pulse)
            if said is None:
                raise self.PulseVerificationError()
            if not said:
                continue
            if pulse.round <= last:
                raise self.InvalidRoundNumber()
            self.Pulses[pulse.round] = pulse
            last = pulse.round
            rounds.append(last)
        if rounds and not self.LastStoredRound.value and not self.OldestStoredRound.value:
            self.OldestStoredRound.value = rounds[0]
        self.LastStoredRound.value = last
        self._forget_oldest(last)
        self.NextUnsignedAt.value = self.system.block
        if rounds:
            self.system.deposit(self.NewPulse(tuple(rounds)))

    @call(1, ref_time=208_766_000)
    def set_beacon_config(
        self, origin: Origin, config_payload: BeaconConfigurationPayload, signature: OptionalSignature
    ) -> None:
        """Say which beacon is listened to, as the root."""
        origin.root()
        self.BeaconConfig.value = config_payload.config
        self.NextUnsignedAt.value = self.system.block + 1
        self.system.deposit(self.BeaconConfigChanged())

    @call(2, ref_time=105_370_000)
    def set_oldest_stored_round(self, origin: Origin, oldest_round: u64) -> None:
        """Say which rounds are kept, as the root."""
        origin.root()
        self.OldestStoredRound.value = oldest_round
        self.system.deposit(self.SetOldestStoredRound(oldest_round))

    def vouch(self, call: str, arguments: tuple[Any, ...], block: int) -> Vouched:
        """Take pulses and beacons that somebody's own key seals, a pulse at a time and none twice."""
        if call not in {"write_pulse", "set_beacon_config"}:
            raise InvalidTransaction("Call")
        payload, seal = arguments
        if seal is None:
            raise InvalidTransaction("BadSigner")
        signer = payload.public
        is_ours = signer.name == "Sr25519" == seal.name
        if not is_ours or not proves(seal, scale_of(type(payload)).encode(payload), signer.fields[0]):
            raise InvalidTransaction("BadProof")
        if block < payload.block_number:
            raise InvalidTransaction("Future")
        if call == "write_pulse":
            return self._vouch_for_pulses(payload, block)
        if self.NextUnsignedAt.value > payload.block_number:
            raise InvalidTransaction("Stale")
        who = b"\x84\x01" + signer.fields[0]
        tag = _PREFIX + blake2_256(self.NextUnsignedAt.value.to_bytes(4, "little") + who)
        return Vouched(tag, _PRIORITY, 1, True)

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

    def _vouch_for_pulses(self, payload: PulsesPayload, block: int) -> Vouched:
        if len(payload.pulses) != 1:
            raise InvalidTransaction("Call")
        round_ = payload.pulses[0].round
        if self.NextUnsignedAt.value > block or round_ <= self.LastStoredRound.value:
            raise InvalidTransaction("Stale")
        tag = _PREFIX + blake2_256(b"drand" + round_.to_bytes(8, "little"))
        return Vouched(tag, min(_PRIORITY + _HIGHEST - round_, _HIGHEST), 3, False)

    def _forget_oldest(self, last: int) -> None:
        oldest = self.OldestStoredRound.value
        if not oldest:
            return
        gone = min(max(last - oldest + 1 - _KEPT, 0), _FORGOTTEN_AT_ONCE)
        for round_ in range(oldest, oldest + gone):
            del self.Pulses[round_]
        self.OldestStoredRound.value = oldest + gone
