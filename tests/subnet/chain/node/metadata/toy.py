# SPDX-License-Identifier: Apache-2.0
"""A runtime of two pallets that uses every kind of type, to be described in metadata.

Small enough to know by heart, and real where clients look closely: addresses, signatures, eras, events that hold
errors, and calls that hold calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from subnet.chain.node.address import Address
from subnet.chain.node.frame.calls import api, call
from subnet.chain.node.frame.hashing import blake2_128_concat, identity, twox64_concat
from subnet.chain.node.frame.items import Constant, Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet, RuntimeApi
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.outcome import DispatchResult, EventRecord, RuntimeCall
from subnet.chain.node.scale.composites import Enum, Field, Struct, Tuple, VariantType, Vec
from subnet.chain.node.scale.names import (
    I96F32,
    AccountId,
    Blob,
    Flag,
    Hash,
    Str,
    compact_u16,
    compact_u64,
    i16,
    u8,
    u16,
    u32,
    u64,
    u128,
)
from subnet.chain.node.scale.primitives import Compact, FixedBytes, ScaleType, UInt

__all__ = ["ToyRuntime"]


MORTAL: Final = tuple(VariantType(f"Mortal{index}", index, (Field(None, UInt(1)),)) for index in range(1, 256))
ERA: Final = Enum(("sp_runtime", "generic", "era", "Era"), (VariantType("Immortal", 0), *MORTAL))
TOPICS: Final = Vec(UInt(1), ("BTreeSet",))
NAME: Final = Vec(UInt(1), ("bounded_collections", "bounded_vec", "BoundedVec"))
LEVELS: Final = Vec(Tuple((UInt(2), UInt(8))), ("BTreeMap",))
NOTHING: Final = Tuple(())


class AccountInfo(NamedTuple):
    """What an account has."""

    nonce: u32
    data: u64


class Axon(NamedTuple):
    """Where somebody is reached."""

    ip: u128
    port: u16
    flags: tuple[u8, u8]


class System(Pallet):
    """The pallet that every client knows."""

    name, index = "System", 0

    Account = Map[AccountInfo](AccountInfo, AccountInfo(0, 0), blake2_128_concat(AccountId))
    Events_ = Value[tuple[EventRecord, ...]](tuple[EventRecord, ...], ())
    BlockHashCount = Constant(u32, 2400)
    SS58Prefix = Constant(u16, 42)
    Remarked = Event(5, sender=AccountId, hash=Hash)
    CallFiltered = Error(5)

    @call(0)
    def remark(self, origin: Origin, remark: Blob) -> None:
        """Say something.

        Nobody needs to hear it.
        """


class AdminThings(Pallet):
    """A pallet with everything."""

    name, index = "AdminThings", 7

    Axons = Map[Axon | None](Axon, None, identity(u16), blake2_128_concat(AccountId))
    Price = Map[int](I96F32, 1 << 32, twox64_concat(u16))
    Names = Value[tuple[int, ...]](NAME, ())
    Levels = Value[tuple[tuple[int, int], ...]](LEVELS, ((1, 2),))
    Set = Value[tuple[int, ...]](TOPICS, ())
    Weights = Map[tuple[tuple[int, int], ...]](tuple[tuple[u16, u16], ...], (), identity(u16), identity(u16))
    Done = Event(0, u16, DispatchResult)
    Nothing = Error(0)
    TooMuch = Error(1)

    @call(0)
    def batch(self, origin: Origin, calls: tuple[RuntimeCall, ...]) -> None:
        """Do several things."""

    @call(3)
    def give(
        self,
        origin: Origin,
        dest: Address,
        value: compact_u64,
        steep: i16 | None,
        on: Flag,
        pairs: tuple[tuple[u64, AccountId], ...],
    ) -> None:
        """Give somebody something."""


class AxonApi(RuntimeApi):
    """Questions about axons."""

    @api
    def get_axon(self, netuid: u16, account: AccountId) -> Axon | None:
        """The axon of an account."""

    @api
    def get_names(self) -> tuple[tuple[compact_u16, Str], ...]:
        """All names."""
        return ()


@dataclass(frozen=True)
class ToyExtension:
    """A signed extension."""

    name: str
    type: ScaleType
    additional: ScaleType


def _marker(name: str) -> Struct:
    return Struct(("toy", name), (), tuple)


MODE: Final = Enum(("toy", "Mode"), (VariantType("Disabled", 0), VariantType("Enabled", 1)))
NONCE: Final = Struct(("toy", "CheckNonce"), (Field(None, Compact(UInt(4))),), tuple)
TIP: Final = Struct(("toy", "ChargeTransactionPayment"), (Field(None, Compact(UInt(8))),), tuple)
HASH: Final = FixedBytes(32, ("primitive_types", "H256"))


class ToyRuntime:
    """Two pallets and one API."""

    def __init__(self) -> None:
        state = State()
        self.pallets = (System(state), AdminThings(state))
        self.apis = (AxonApi(),)
        self.extensions = (
            ToyExtension("CheckSpecVersion", _marker("CheckSpecVersion"), UInt(4)),
            ToyExtension("CheckTxVersion", _marker("CheckTxVersion"), UInt(4)),
            ToyExtension("CheckGenesis", _marker("CheckGenesis"), HASH),
            ToyExtension("CheckMortality", ERA, HASH),
            ToyExtension("CheckNonce", NONCE, NOTHING),
            ToyExtension("ChargeTransactionPayment", TIP, NOTHING),
        )
