# SPDX-License-Identifier: Apache-2.0
"""Encrypted transactions: the key that they are made for, and that somebody sent one.

What is in an envelope is carried out by the maker of the block, right after the envelope; the pallet only sees that it
came. The key is the same in every block, as on subtensor's own chains for development, and stands in storage from the
genesis on, so no inherent has to announce it: where it is missing or another's, the next block puts it there.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, NamedTuple, TypeAlias

from subnet.chain.node.envelopes import ENVELOPE_KEY, Envelope, read_envelope
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_256, identity, twox64_concat
from subnet.chain.node.frame.items import BAD_ORIGIN, DispatchFailure, Error, Event
from subnet.chain.node.frame.origin import NOBODY, Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.outcome import DispatchError
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import AccountId, Blob, Flag, Hash, u32, u64
from subnet.chain.node.scale.primitives import BYTES, Bytes
from subnet.chain.node.validity import InvalidTransaction

__all__ = ["MevShield", "PendingExtrinsic"]

_KEY_BYTES: Final = 1_184
_MOST_WEIGHT: Final = 2_000_000_000_000
_UNREADABLE: Final = 23
"""The chain's number for an envelope that is none."""
_SUBMIT: Final = "submit_encrypted"

_Key: TypeAlias = Annotated[bytes, Bytes(2_048)]
_Ciphertext: TypeAlias = Annotated[bytes, Bytes(8_192)]


class PendingExtrinsic(NamedTuple):
    """A call that was stored to be decrypted by the chain itself."""

    who: AccountId
    encrypted_call: _Ciphertext
    submitted_at: u32


class MevShield(Pallet):
    """The key for envelopes, and calls that are stored encrypted, which no chain can open yet."""

    name: ClassVar[str] = "MevShield"
    index: ClassVar[int] = 30

    CurrentKey = Value[bytes | None](_Key | None, None)
    PendingKey = Value[bytes | None](_Key | None, None)
    NextKey = Value[bytes | None](_Key | None, None)
    AuthorKeys = Map[bytes | None](_Key | None, None, twox64_concat(AccountId))
    PendingKeyExpiresAt = Value[int | None](u32 | None, None)
    NextKeyExpiresAt = Value[int | None](u32 | None, None)
    HasMigrationRun = Map[bool](Flag, False, identity(Blob))
    MaxPendingExtrinsicsLimit = Value[int](u32, 100)
    ExtrinsicLifetime = Value[int](u32, 10)
    OnInitializeWeight = Value[int](u64, 500_000_000_000)
    MaxExtrinsicWeight = Value[int](u64, 50_000_000_000)
    PendingExtrinsics = Map[PendingExtrinsic | None](PendingExtrinsic | None, None, identity(u32))
    CounterForPendingExtrinsics = Value[int](u32, 0)
    NextPendingExtrinsicIndex = Value[int](u32, 0)

    EncryptedSubmitted = Event(0, id=Hash, who=AccountId)
    ExtrinsicStored = Event(1, index=u32, who=AccountId)
    ExtrinsicDecodeFailed = Event(2, index=u32)
    ExtrinsicDispatchFailed = Event(3, index=u32, error=DispatchError)
    ExtrinsicDispatched = Event(4, index=u32)
    ExtrinsicExpired = Event(5, index=u32)
    ExtrinsicPostponed = Event(6, index=u32)
    MaxPendingExtrinsicsNumberSet = Event(7, value=u32)
    OnInitializeWeightSet = Event(8, value=u64)
    ExtrinsicLifetimeSet = Event(9, value=u32)
    MaxExtrinsicWeightSet = Event(10, value=u64)
    ExtrinsicWeightExceeded = Event(11, index=u32)

    BadEncKeyLen = Error(0)
    Unreachable = Error(1)
    TooManyPendingExtrinsics = Error(2)
    WeightExceedsAbsoluteMax = Error(3)

    def __init__(self, state: State, system: System) -> None:
        super().__init__(state)
        self.system = system

    def on_genesis(self) -> None:
        """The key is announced before the first block."""
        self._announce(ENVELOPE_KEY)

    def on_initialize(self) -> None:
        """See to the key, and give up what nobody can decrypt."""
        if self.NextKey.value != ENVELOPE_KEY or self.PendingKey.value != ENVELOPE_KEY:
            self._announce(ENVELOPE_KEY)
        if self.CounterForPendingExtrinsics.value:
            self._give_up()

    def screen(self, who: bytes, call: str, arguments: tuple[Any, ...]) -> None:
        """What is no envelope enters no block."""
        if call == _SUBMIT and read_envelope(arguments[0]) is None:
            raise InvalidTransaction("Custom", _UNREADABLE)

    def envelope_in(self, call: Variant) -> Envelope | None:
        """The envelope that a transaction's call hands in; one within a batch or a proxy's call is never opened."""
        inner = call.fields[0]
        return read_envelope(inner.fields[0]) if (call.name, inner.name) == (self.name, _SUBMIT) else None

    @call(0, ref_time=733_661_000)
    def announce_next_key(self, origin: Origin, enc_key: _Key | None) -> None:
        """Say which key envelopes are made for from now on, as only the maker of a block may."""
        if origin != NOBODY:
            raise DispatchFailure(BAD_ORIGIN)
        if enc_key is not None and len(enc_key) != _KEY_BYTES:
            raise self.BadEncKeyLen()
        self._announce(enc_key)

    @call(1, ref_time=207_223_000)
    def submit_encrypted(self, origin: Origin, ciphertext: _Ciphertext) -> None:
        """Hand in an envelope; what it holds is the next transaction of the same block, if it may be in one."""
        who = origin.signed()
        self.system.deposit(self.EncryptedSubmitted(blake2_256(who + BYTES.encode(ciphertext)), who))

    @call(2, ref_time=20_000_000_000)
    def store_encrypted(self, origin: Origin, encrypted_call: _Ciphertext) -> None:
        """Store a call to be decrypted at the start of the next block, where it fails: no key for it exists."""
        who, index = origin.signed(), self.NextPendingExtrinsicIndex.value
        if self.CounterForPendingExtrinsics.value >= self.MaxPendingExtrinsicsLimit.value:
            raise self.TooManyPendingExtrinsics()
        self.PendingExtrinsics[index] = PendingExtrinsic(who, encrypted_call, self.system.block)
        self.CounterForPendingExtrinsics.value += 1
        self.NextPendingExtrinsicIndex.value = min(index + 1, 2**32 - 1)
        self.system.deposit(self.ExtrinsicStored(index, who))

    @call(3, ref_time=104_206_000)
    def set_max_pending_extrinsics_number(self, origin: Origin, value: u32) -> None:
        """Say how many calls may be stored, as the root."""
        origin.root()
        self.MaxPendingExtrinsicsLimit.value = value
        self.system.deposit(self.MaxPendingExtrinsicsNumberSet(value))

    @call(4, ref_time=104_327_000)
    def set_on_initialize_weight(self, origin: Origin, value: u64) -> None:
        """Say what stored calls may weigh together in a block, as the root."""
        origin.root()
        self._ensure_bearable(value)
        self.OnInitializeWeight.value = value
        self.system.deposit(self.OnInitializeWeightSet(value))

    @call(5, ref_time=104_116_000)
    def set_stored_extrinsic_lifetime(self, origin: Origin, value: u32) -> None:
        """Say for how many blocks a call stays stored, as the root."""
        origin.root()
        self.ExtrinsicLifetime.value = value
        self.system.deposit(self.ExtrinsicLifetimeSet(value))

    @call(6, ref_time=104_227_000)
    def set_max_extrinsic_weight(self, origin: Origin, value: u64) -> None:
        """Say what one stored call may weigh, as the root."""
        origin.root()
        self._ensure_bearable(value)
        self.MaxExtrinsicWeight.value = value
        self.system.deposit(self.MaxExtrinsicWeightSet(value))

    def _announce(self, key: bytes | None) -> None:
        # Envelopes for `NextKey` are opened while it is `PendingKey`: with one key for good, no matter when they come.
        for item in (self.CurrentKey, self.PendingKey, self.NextKey):
            item.value = key

    def _give_up(self) -> None:
        for index, stored in sorted(self.PendingExtrinsics.items()):
            del self.PendingExtrinsics[index]
            is_old = stored is not None and self.system.block - stored.submitted_at > self.ExtrinsicLifetime.value
            self.system.deposit(self.ExtrinsicExpired(index) if is_old else self.ExtrinsicDecodeFailed(index))
        self.CounterForPendingExtrinsics.kill()

    def _ensure_bearable(self, weight: int) -> None:
        if weight > _MOST_WEIGHT:
            raise self.WeightExceedsAbsoluteMax()
