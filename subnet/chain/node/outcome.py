# SPDX-License-Identifier: Apache-2.0
"""What comes of a call, as the chain tells it: weight and class, the phase of a block, records of events.

`RUNTIME_CALL` and `RUNTIME_EVENT` are known only once all pallets are, while pallets already hold calls and events:
they are looked up when the first one is read or written.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

from subnet.chain.node.frame.dispatch import DISPATCH_ERROR, DISPATCH_RESULT
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.scale.composites import Enum, Field, Later, Struct, Variant, VariantType
from subnet.chain.node.scale.names import Hash, compact_u64, scale_of
from subnet.chain.node.scale.primitives import ScaleType, UInt

__all__ = [
    "DISPATCH_CLASS",
    "DispatchError",
    "DispatchInfo",
    "DispatchResult",
    "EventRecord",
    "FINALIZATION",
    "INITIALIZATION",
    "Info",
    "NO_WEIGHT",
    "OK",
    "PAYS",
    "PHASE",
    "PerClass",
    "RUNTIME_CALL",
    "RUNTIME_EVENT",
    "RuntimeCall",
    "RuntimeEvent",
    "WEIGHT",
    "Weight",
    "arithmetic",
    "err",
    "token",
]


class Weight(NamedTuple):
    """What a call costs: picoseconds, and bytes of proof, of which there are none without a relay chain."""

    ref_time: compact_u64
    proof_size: compact_u64


class PerClass(NamedTuple):
    """What the calls of a block cost, by class."""

    normal: Weight
    operational: Weight
    mandatory: Weight


class Info(NamedTuple):
    """What is known of a call before and after it is carried out; `class` is a keyword, thus `kind`."""

    weight: Weight
    kind: Variant
    pays_fee: Variant


DISPATCH_CLASS: Final = Enum(
    ("frame_support", "dispatch", "DispatchClass"),
    (VariantType("Normal", 0), VariantType("Operational", 1), VariantType("Mandatory", 2)),
)
PAYS: Final = Enum(("frame_support", "dispatch", "Pays"), (VariantType("Yes", 0), VariantType("No", 1)))
PHASE: Final = Enum(
    ("frame_system", "Phase"),
    (
        VariantType("ApplyExtrinsic", 0, (Field(None, UInt(4)),)),
        VariantType("Finalization", 1),
        VariantType("Initialization", 2),
    ),
)
WEIGHT: Final = scale_of(Weight)
_INFO: Final = Struct(
    ("frame_system", "DispatchEventInfo"),
    (Field("weight", WEIGHT), Field("class", DISPATCH_CLASS), Field("pays_fee", PAYS)),
    Info,
)

INITIALIZATION: Final = Variant("Initialization")
FINALIZATION: Final = Variant("Finalization")
NO_WEIGHT: Final = Weight(0, 0)
OK: Final = Variant("Ok", ((),))


def _call() -> ScaleType:
    from subnet.chain.node.composition import runtime_call

    return runtime_call()


def _event() -> ScaleType:
    from subnet.chain.node.composition import runtime_event

    return runtime_event()


RUNTIME_CALL: Final = Later("RuntimeCall", _call)
RUNTIME_EVENT: Final = Later("RuntimeEvent", _event)

DispatchInfo: TypeAlias = Annotated[Info, _INFO]
DispatchError: TypeAlias = Annotated[Variant, DISPATCH_ERROR]
DispatchResult: TypeAlias = Annotated[Variant, DISPATCH_RESULT]
RuntimeCall: TypeAlias = Annotated[Variant, RUNTIME_CALL]
RuntimeEvent: TypeAlias = Annotated[Variant, RUNTIME_EVENT]
_Phase: TypeAlias = Annotated[Variant, PHASE]


class EventRecord(NamedTuple):
    """An event, and when in the block it happened."""

    phase: _Phase
    event: RuntimeEvent
    topics: tuple[Hash, ...]


def err(reason: Variant) -> Variant:
    """A result that failed."""
    return Variant("Err", (reason,))


def token(name: str) -> DispatchFailure:
    """A failure over money, one of the chain's `TokenError`."""
    return DispatchFailure(Variant("Token", (Variant(name),)))


def arithmetic(name: str) -> DispatchFailure:
    """A failure of numbers, one of the chain's `ArithmeticError`."""
    return DispatchFailure(Variant("Arithmetic", (Variant(name),)))
