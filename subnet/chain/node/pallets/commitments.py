# SPDX-License-Identifier: Apache-2.0
"""What hotkeys publish on chain: a few bytes each, within a space that is counted by epoch.

A commitment is a list of fields. A field may be locked until a round of the beacon; it is then kept as it is.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import identity, twox64_concat
from subnet.chain.node.frame.items import Constant, Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, Blob, u16, u32, u64
from subnet.chain.node.scale.primitives import BYTES, FixedBytes, UInt

__all__ = ["CommitmentInfo", "Commitments", "DATA", "Registration", "Usage"]

_LONGEST: Final = 128
_MOST_FIELDS: Final = 3
_LEAST_SPACE: Final = 100
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
_Data: TypeAlias = Annotated[Variant, DATA]


class CommitmentInfo(NamedTuple):
    """What is published."""

    fields: tuple[_Data, ...]


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

    @call(0)
    def set_commitment(self, origin: Origin, netuid: u16, info: CommitmentInfo) -> None:
        """Publish something as a hotkey of a network; what it published before is replaced."""
        who = origin.signed()
        if self.members.uid_of(netuid, who) is None:
            raise self.AccountNotAllowedCommit()
        if len(info.fields) > _MOST_FIELDS:
            raise self.TooManyFieldsInCommitmentInfo()
        self._use_space(netuid, who, sum(_length(field) for field in info.fields))
        self.CommitmentOf[netuid, who] = Registration(0, self.system.block, info)
        self.LastCommitment[netuid, who] = self.system.block
        for field in info.fields:
            if field.name == "ResetBondsFlag":
                self.LastBondsReset[netuid, who] = self.system.block
                self.members.reset_bonds(netuid, who)
        locked = next((field for field in info.fields if field.name == "TimelockEncrypted"), None)
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


def _length(field: Variant) -> int:
    return sum(len(part) if isinstance(part, bytes) else 8 for part in field.fields)
