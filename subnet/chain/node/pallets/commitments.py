# SPDX-License-Identifier: Apache-2.0
"""What hotkeys publish on chain: a few bytes each, within a space that is counted by epoch.

A commitment is a list of fields. A field may be locked until a round of the beacon: then it
is kept as it is until the round has come, and what it held is published instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import identity, twox64_concat
from subnet.chain.node.frame.items import Constant, Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.pallets.drand import Drand
from subnet.chain.node.pallets.subtensor.timelock import unlocked
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType, Vec
from subnet.chain.node.scale.names import AccountId, Blob, scale_of, u16, u32, u64
from subnet.chain.node.scale.primitives import BYTES, FixedBytes, UInt

__all__ = ["CommitmentInfo", "Commitments", "DATA", "Registration", "Usage"]

_LONGEST: Final = 128
_MOST_FIELDS: Final = 3
_LEAST_SPACE: Final = 100
_MOST_REVEALED: Final = 10
_LOCKED: Final = "TimelockEncrypted"
_HASHES: Final = ("BlakeTwo256", "Sha256", "Keccak256", "ShaThree256")

DATA: Final = Enum(
    ("pallet_commitments", "types", "Data"),
    (
        VariantType("None", 0),
        *[VariantType(f"Raw{size}", size + 1, (Field(None, FixedBytes(size)),)) for size in range(_LONGEST + 1)],
        *[VariantType(name, 130 + at, (Field(None, FixedBytes(32)),)) for at, name in enumerate(_HASHES)],
        VariantType("TimelockEncrypted", 134, (Field("encrypted", BYTES), Field("reveal_round", UInt(8)))),
        VariantType("ResetBondsFlag", 135),
        VariantType("BigRaw", 136, (Field(None, BYTES),)),
    ),
)
_BOUNDED: Final = ("bounded_collections", "bounded_vec", "BoundedVec")
_Fields: TypeAlias = Annotated[tuple[Variant, ...], Vec(DATA, _BOUNDED)]
_Index: TypeAlias = Annotated[tuple[tuple[int, bytes], ...], Vec(scale_of(tuple[u16, AccountId]), ("BTreeSet",))]


class CommitmentInfo(NamedTuple):
    """What is published."""

    fields: _Fields


class Registration(NamedTuple):
    """A commitment as it is stored."""

    deposit: u64
    block: u32
    info: CommitmentInfo


class Usage(NamedTuple):
    """How much a hotkey has published in an epoch."""

    last_epoch: u64
    used_space: u64


class _Members(Protocol):
    """What of networks matters to commitments."""

    SubnetEpochIndex: Any
    beacon: Drand
    when_removed: list[Callable[[int], None]]

    def uid_of(self, netuid: int, hotkey: bytes) -> int | None:
        """The uid of a hotkey."""
        ...

    def reset_bonds(self, netuid: int, hotkey: bytes) -> None:
        """Let validators begin anew with a miner."""
        ...


class Commitments(Pallet):
    """Bytes by network and hotkey."""

    name: ClassVar[str] = "Commitments"
    index: ClassVar[int] = 18

    TimelockedIndex = Value[tuple[tuple[int, bytes], ...]](_Index, ())
    CommitmentOf = Map[Registration | None](Registration | None, None, identity(u16), twox64_concat(AccountId))
    LastCommitment = Map[int | None](u32 | None, None, identity(u16), twox64_concat(AccountId))
    LastBondsReset = Map[int | None](u32 | None, None, identity(u16), twox64_concat(AccountId))
    RevealedCommitments = Map[tuple[tuple[bytes, int], ...] | None](
        tuple[tuple[Blob, u64], ...] | None, None, identity(u16), twox64_concat(AccountId)
    )
    UsedSpaceOf = Map[Usage | None](Usage | None, None, identity(u16), twox64_concat(AccountId))
    MaxSpace = Value[int](u32, 3100)

    Commitment = Event(0, netuid=u16, who=AccountId)
    TimelockCommitment = Event(1, netuid=u16, who=AccountId, reveal_round=u64)
    CommitmentRevealed = Event(2, netuid=u16, who=AccountId)

    TooManyFieldsInCommitmentInfo = Error(0)
    AccountNotAllowedCommit = Error(1)
    SpaceLimitExceeded = Error(2)
    UnexpectedUnreserveLeftover = Error(3)

    MaxFields = Constant(u32, _MOST_FIELDS)
    InitialDeposit = Constant(u64, 0)
    FieldDeposit = Constant(u64, 0)

    def __init__(self, state: State, system: System, members: _Members) -> None:
        super().__init__(state)
        self.system = system
        self.members = members
        members.when_removed.append(self.forget)

    def on_initialize(self) -> None:
        """Open what was locked, where the beacon has spoken."""
        for netuid, who in self.TimelockedIndex.value:
            self._open(netuid, who)

    def forget(self, netuid: int) -> None:
        """Drop all that was published on a network."""
        kept = (self.CommitmentOf, self.LastCommitment, self.LastBondsReset, self.RevealedCommitments, self.UsedSpaceOf)
        for entries in kept:
            for at in [at for at in entries if at[0] == netuid]:
                del entries[at]
        if any(at == netuid for at, _ in self.TimelockedIndex.value):
            self.TimelockedIndex.value = tuple(one for one in self.TimelockedIndex.value if one[0] != netuid)

    @call(0, pays=False)
    def set_commitment(self, origin: Origin, netuid: u16, info: CommitmentInfo) -> None:
        """Publish something as a hotkey of a network; what it published before is replaced."""
        who = origin.signed()
        if self.members.uid_of(netuid, who) is None:
            raise self.AccountNotAllowedCommit()
        if len(info.fields) > _MOST_FIELDS:
            raise self.TooManyFieldsInCommitmentInfo()
        if any(field.name == "ResetBondsFlag" for field in info.fields):
            self.LastBondsReset[netuid, who] = self.system.block
            self.members.reset_bonds(netuid, who)
        self._use_space(netuid, who, sum(_length(field) for field in info.fields))
        self.CommitmentOf[netuid, who] = Registration(0, self.system.block, info)
        self.LastCommitment[netuid, who] = self.system.block
        locked = next((field for field in info.fields if field.name == _LOCKED), None)
        self._index(netuid, who, info.fields)
        happened = self.Commitment(netuid, who)
        if locked is not None:
            happened = self.TimelockCommitment(netuid, who, locked.fields[1])
        self.system.deposit(happened)

    @call(2)
    def set_max_space(self, origin: Origin, new_limit: u32) -> None:
        """Set how much a hotkey may publish in an epoch, as the root."""
        origin.root()
        self.MaxSpace.value = new_limit

    def purge(self, netuid: int) -> None:
        """Forget what was published on a network that is gone."""
        for item in (
            self.CommitmentOf,
            self.LastCommitment,
            self.LastBondsReset,
            self.RevealedCommitments,
            self.UsedSpaceOf,
        ):
            for who, _ in item.under(netuid):
                del item[netuid, who]

    def _use_space(self, netuid: int, who: bytes, length: int) -> None:
        epoch = self.members.SubnetEpochIndex[netuid]
        usage = self.UsedSpaceOf[netuid, who]
        used = usage.used_space if usage is not None and usage.last_epoch == epoch else 0
        needed = max(length, _LEAST_SPACE)
        if used + needed > self.MaxSpace.value:
            raise self.SpaceLimitExceeded()
        self.UsedSpaceOf[netuid, who] = Usage(epoch, used + needed)

    def _open(self, netuid: int, who: bytes) -> None:
        stored = self.CommitmentOf[netuid, who]
        fields = () if stored is None else stored.info.fields
        heard = [field for field in fields if field.name == _LOCKED and self._signature(field) is not None]
        if stored is None or not heard:
            self._index(netuid, who, fields)
            return
        for field in heard:
            plain = unlocked(field.fields[0], field.fields[1], self._signature(field) or b"")
            if plain:
                told = (*(self.RevealedCommitments[netuid, who] or ()), (plain, self.system.block))
                self.RevealedCommitments[netuid, who] = told[-_MOST_REVEALED:]
                self.system.deposit(self.CommitmentRevealed(netuid, who))
        left = tuple(field for field in fields if field not in heard)
        self.CommitmentOf[netuid, who] = stored._replace(info=CommitmentInfo(left)) if left else None
        self._index(netuid, who, left)

    def _signature(self, field: Variant) -> bytes | None:
        return self.members.beacon.signature(field.fields[1])

    def _index(self, netuid: int, who: bytes, fields: tuple[Variant, ...]) -> None:
        """Remember who has something that is locked, in the order of networks and accounts."""
        others = set(self.TimelockedIndex.value) - {(netuid, who)}
        now = others | {(netuid, who)} if any(field.name == _LOCKED for field in fields) else others
        if now != set(self.TimelockedIndex.value):
            self.TimelockedIndex.value = tuple(sorted(now))


def _length(field: Variant) -> int:
    return len(field.fields[0]) if field.fields else 0
