# SPDX-License-Identifier: Apache-2.0
"""The pallet that all others stand on: accounts, blocks, and what happened in them.

Events are gathered outside of storage and written once, when the block ends, since a record that is appended to a
tuple thousands of times a block would be copied as often. `EventCount` is in storage from the first one on, so that a
call that is rolled back takes its events with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, NamedTuple, TypeAlias

from protocols.errors import LedgerError
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_128_concat, blake2_256, twox64_concat
from subnet.chain.node.frame.items import Constant, DispatchFailure, Error, Event, Happened
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Storage, Value
from subnet.chain.node.limits import BLOCK_LENGTH, BLOCK_WEIGHTS, DB_WEIGHT, BlockLength, BlockWeights, DbWeight
from subnet.chain.node.outcome import (
    FINALIZATION,
    INITIALIZATION,
    NO_WEIGHT,
    PHASE,
    DispatchError,
    DispatchInfo,
    EventRecord,
    PerClass,
    Weight,
)
from subnet.chain.node.raw import METADATA_DIGEST, UNNAMED
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, Blob, Flag, Hash, Str, compact_u32, u16, u32, u64, u128
from subnet.chain.node.scale.primitives import BYTES, FixedBytes
from subnet.chain.node.version import VERSION, RuntimeVersion

__all__ = [
    "AccountData",
    "AccountInfo",
    "CodeUpgradeAuthorization",
    "DIGEST_ITEM",
    "Digest",
    "LastRuntimeUpgradeInfo",
    "NO_ACCOUNT",
    "System",
    "SystemErrors",
]

_NEW_LOGIC: Final = 1 << 127
_BLOCK_HASHES: Final = 2400
_ENGINE: Final = Field(None, FixedBytes(4))
_DATA: Final = Field(None, BYTES)

DIGEST_ITEM: Final = Enum(
    ("sp_runtime", "generic", "digest", "DigestItem"),
    (
        VariantType("PreRuntime", 6, (_ENGINE, _DATA)),
        VariantType("Consensus", 4, (_ENGINE, _DATA)),
        VariantType("Seal", 5, (_ENGINE, _DATA)),
        VariantType("Other", 0, (_DATA,)),
        VariantType("RuntimeEnvironmentUpdated", 8),
    ),
)
_DigestItem: TypeAlias = Annotated[Variant, DIGEST_ITEM]
_Phase: TypeAlias = Annotated[Variant, PHASE]


class AccountData(NamedTuple):
    """An account's money; its flags say that it is kept by the rules of today."""

    free: u64
    reserved: u64
    frozen: u64
    flags: u128


class AccountInfo(NamedTuple):
    """An account: how many transactions it made, who relies on it and what keeps it alive, and its money."""

    nonce: u32
    consumers: u32
    providers: u32
    sufficients: u32
    data: AccountData


class Digest(NamedTuple):
    """What the makers of blocks say to each other in a header."""

    logs: tuple[_DigestItem, ...]


class LastRuntimeUpgradeInfo(NamedTuple):
    """The runtime that last brought storage up to date."""

    spec_version: compact_u32
    spec_name: Str


class CodeUpgradeAuthorization(NamedTuple):
    """A runtime that may be installed by anybody who has its code."""

    code_hash: Hash
    check_version: Flag


NO_ACCOUNT: Final = AccountInfo(0, 0, 0, 0, AccountData(0, 0, 0, _NEW_LOGIC))
_NO_WEIGHTS: Final = PerClass(NO_WEIGHT, NO_WEIGHT, NO_WEIGHT)


class SystemErrors:
    """Why calls of the pallet fail."""

    InvalidSpecName = Error(0)
    SpecVersionNeedsToIncrease = Error(1)
    FailedToExtractRuntimeVersion = Error(2)
    NonDefaultComposite = Error(3)
    NonZeroRefCount = Error(4)
    CallFiltered = Error(5)
    MultiBlockMigrationsOngoing = Error(6)
    NothingAuthorized = Error(7)
    Unauthorized = Error(8)


class System(Pallet):
    """Accounts, blocks and events; calls that install another runtime are not here, since Python is the runtime."""

    name: ClassVar[str] = "System"
    index: ClassVar[int] = 0
    Errors = SystemErrors

    Account = Map[AccountInfo](AccountInfo, NO_ACCOUNT, blake2_128_concat(AccountId))
    ExtrinsicCount = Value[int | None](u32, None)
    InherentsApplied = Value[bool](Flag, False)
    BlockWeight = Value[PerClass](PerClass, _NO_WEIGHTS)
    AllExtrinsicsLen = Value[int | None](u32, None)
    BlockHash = Map[bytes](Hash, bytes(32), twox64_concat(u32))
    ExtrinsicData = Map[bytes](Blob, b"", twox64_concat(u32))
    Number = Value[int](u32, 0)
    ParentHash = Value[bytes](Hash, bytes(32))
    Digest = Value[Digest](Digest, Digest(()))
    Events_ = Value[tuple[EventRecord, ...]](tuple[EventRecord, ...], ())
    EventCount = Value[int](u32, 0)
    EventTopics = Map[tuple[tuple[int, int], ...]](tuple[tuple[u32, u32], ...], (), blake2_128_concat(Hash))
    LastRuntimeUpgrade = Value[LastRuntimeUpgradeInfo | None](LastRuntimeUpgradeInfo, None)
    UpgradedToU32RefCount = Value[bool](Flag, False)
    UpgradedToTripleRefCount = Value[bool](Flag, False)
    ExecutionPhase = Value[Variant | None](_Phase, None)
    AuthorizedUpgrade = Value[CodeUpgradeAuthorization | None](CodeUpgradeAuthorization, None)
    ExtrinsicWeightReclaimed = Value[Weight](Weight, NO_WEIGHT)

    ExtrinsicSuccess = Event(0, dispatch_info=DispatchInfo)
    ExtrinsicFailed = Event(1, dispatch_error=DispatchError, dispatch_info=DispatchInfo)
    CodeUpdated = Event(2)
    NewAccount = Event(3, account=AccountId)
    KilledAccount = Event(4, account=AccountId)
    Remarked = Event(5, sender=AccountId, hash=Hash)
    UpgradeAuthorized = Event(6, code_hash=Hash, check_version=Flag)
    RejectedInvalidAuthorizedUpgrade = Event(7, code_hash=Hash, error=DispatchError)

    BlockWeights = Constant(BlockWeights, BLOCK_WEIGHTS)
    BlockLength = Constant(BlockLength, BLOCK_LENGTH)
    BlockHashCount = Constant(u32, _BLOCK_HASHES)
    DbWeight = Constant(DbWeight, DB_WEIGHT)
    Version = Constant(RuntimeVersion, VERSION)
    SS58Prefix = Constant(u16, 42)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.find: Callable[[bytes], Storage[Any] | None] = lambda key: None
        """The item that keeps entries under a key, which the runtime knows."""
        self.describe: Callable[[], bytes] = bytes
        """What tells this runtime's declarations from others', which the runtime knows."""
        self.extrinsic_index = 0
        """The extrinsic that is being applied."""
        self._phase = INITIALIZATION
        self._records: list[EventRecord] = []

    def on_genesis(self) -> None:
        """Make the chain another one where its runtime declares something else: clients keep metadata by chain."""
        if described := self.describe():
            self.state.put(UNNAMED, METADATA_DIGEST, described)

    @property
    def block(self) -> int:
        """The number of the block that is being made, or between blocks that of the last one."""
        return self.Number.value

    @property
    def happened(self) -> tuple[EventRecord, ...]:
        """The events of the block so far; `Events` has them when it ends."""
        return tuple(self._records[: self.EventCount.value])

    def deposit(self, event: Happened) -> None:
        """Note that something happened."""
        if not self.Number.value:
            return  # as on chain, nobody watches the genesis
        count = self.EventCount.value
        del self._records[count:]  # what was rolled back
        pallet, name, fields = event
        self._records.append(EventRecord(self._phase, Variant(pallet, (Variant(name, fields),)), ()))
        self.EventCount.value = count + 1

    def begin(self, number: int, parent_hash: bytes) -> None:
        """Start a block."""
        self._phase, self._records, self.extrinsic_index = INITIALIZATION, [], 0
        self.EventCount.kill()
        self.Events_.kill()
        self.BlockWeight.kill()
        self.Number.value = number
        self.ParentHash.value = parent_hash
        self.BlockHash[number - 1] = parent_hash
        if self.LastRuntimeUpgrade.value is None:
            self.LastRuntimeUpgrade.value = LastRuntimeUpgradeInfo(VERSION.spec_version, VERSION.spec_name)

    def enter(self, extrinsic_index: int) -> None:
        """Start an extrinsic: what happens now is its doing."""
        self.extrinsic_index = extrinsic_index
        self._phase = Variant("ApplyExtrinsic", (extrinsic_index,))

    def leave(self) -> None:
        """All extrinsics are applied; what happens now ends the block."""
        self._phase = FINALIZATION

    def finish(self, spent: PerClass) -> None:
        """End the block: write down what happened in it, and forget the hash of one long past."""
        self.Events_.value = self.happened
        self.BlockWeight.value = spent
        past = self.block - _BLOCK_HASHES - 1
        if past > 0:
            del self.BlockHash[past]

    def use_nonce(self, who: bytes) -> None:
        """Count one transaction more of an account."""
        info = self.Account[who]
        self.Account[who] = info._replace(nonce=info.nonce + 1)

    @call(0)
    def remark(self, origin: Origin, remark: Blob) -> None:
        """Say something, to nobody in particular."""
        if origin.account is None and not origin.is_root:
            origin.signed()

    @call(4, operational=True)
    def set_storage(self, origin: Origin, items: tuple[tuple[Blob, Blob], ...]) -> None:
        """Write entries of storage as the root."""
        origin.root()
        for key, data in items:
            item = self._item(key)
            try:
                self.state.put(item, item.at(key), item.type.decode(data))
            except LedgerError as fault:
                raise DispatchFailure(Variant("Corruption")) from fault

    @call(5, operational=True)
    def kill_storage(self, origin: Origin, keys: tuple[Blob, ...]) -> None:
        """Remove entries of storage as the root."""
        origin.root()
        for key in keys:
            item = self._item(key)
            try:
                self.state.drop(item, item.at(key))
            except LedgerError as fault:
                raise DispatchFailure(Variant("Corruption")) from fault

    @call(6, operational=True)
    def kill_prefix(self, origin: Origin, prefix: Blob, subkeys: u32) -> None:
        """Remove all entries whose keys begin so, as the root."""
        origin.root()
        item = self._item(prefix)
        for at in [at for at in self.state.table(item) if item.key(at).startswith(prefix)]:
            self.state.drop(item, at)

    @call(7)
    def remark_with_event(self, origin: Origin, remark: Blob) -> None:
        """Say something that the events remember by its hash."""
        self.deposit(self.Remarked(origin.signed(), blake2_256(remark)))

    def _item(self, key: bytes) -> Storage[Any]:
        item = self.find(key)
        if item is None:
            raise DispatchFailure(Variant("Unavailable"))
        return item
