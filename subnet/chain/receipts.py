# SPDX-License-Identifier: Apache-2.0
"""What became of a transaction, out of the block that includes it, and why one was not taken at all.

The rules are those by which a client reads a block of a public chain; here nothing has to be decoded for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from protocols.balance import Balance
from protocols.calls import Call
from protocols.chain import Event, Receipt
from protocols.errors import ExtrinsicFailed, LedgerError, PoolRefusal
from protocols.keys import encode_address
from protocols.types import Block, Json
from subnet.chain.events import NESTED, NOISE, field_names
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.items import Event as Declared
from subnet.chain.node.header import Head
from subnet.chain.node.outcome import EventRecord
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import ACCOUNT
from subnet.chain.node.scale.primitives import ScaleType
from subnet.chain.node.validity import InvalidTransaction
from subnet.chain.refusals import named, named_custom

__all__ = ["receipt", "refusal"]

_INCLUDED: Final = "the call was included and failed"


def receipt(runtime: Runtime, head: Head, extrinsic: bytes, index: int) -> Receipt:
    """The receipt of a block's extrinsic number `index`; the runtime stands at that block."""
    fee, error = 0, None
    events: list[Event] = []
    for record in _own(runtime.system.Events_.value, index):
        pallet, (event,) = record.event
        if (pallet, event.name) == ("TransactionPayment", "TransactionFeePaid"):
            fee += event.fields[1]
        elif (pallet, event.name) == ("System", "ExtrinsicFailed"):
            error = _error(runtime, event.fields[0])
        elif (pallet, event.name) in NESTED and (result := event.fields[0]).name == "Err":
            error = error or _error(runtime, result.fields[0])
        if pallet not in NOISE:
            events.append(_event(runtime, pallet, event))
    return Receipt(
        block=Block(head.number),
        block_hash=f"0x{head.hash.hex()}",
        extrinsic_hash=f"0x{blake2_256(extrinsic).hex()}",
        finalised=True,
        fee=Balance(fee),
        events=tuple(events),
        error=error,
    )


def refusal(fault: InvalidTransaction | PoolRefusal, call: Call) -> LedgerError:
    """The error of a transaction that no block will include."""
    if isinstance(fault, PoolRefusal):
        return ExtrinsicFailed(f"InvalidTransaction: {fault.message}", help=fault.help)
    if fault.custom is not None:
        return named_custom(fault.custom, call)
    return named(f"InvalidTransaction.{fault.variant}", str(fault))


def _own(records: Iterable[EventRecord], index: int) -> Iterable[EventRecord]:
    phase = Variant("ApplyExtrinsic", (index,))
    return (record for record in records if record.phase == phase)


def _error(runtime: Runtime, reason: Variant) -> LedgerError:
    if reason.name == "Module":
        ((module, number),) = reason.fields
        errors = (error for pallet in runtime.pallets if pallet.index == module for error in pallet.errors())
        name = next((error.name for error in errors if error.index == number[0]), f"Module{module}.{number[0]}")
        return named(name, _INCLUDED)
    parts = [reason.name, *(str(getattr(part, "name", part)) for part in reason.fields)]
    return named(".".join(parts), _INCLUDED)


def _event(runtime: Runtime, pallet: str, event: Variant) -> Event:
    declared = _declared(runtime, pallet, event.name)
    names = field_names(event.name, [field.name for field in declared.fields])
    values = [_json(field.type, value) for field, value in zip(declared.fields, event.fields, strict=True)]
    return Event(pallet, event.name, MappingProxyType(dict(zip(names, values, strict=True))))


def _declared(runtime: Runtime, pallet: str, name: str) -> Declared:
    return next(event for one in runtime.pallets if one.name == pallet for event in one.events() if event.name == name)


def _json(type: ScaleType, value: Any) -> Json:
    if isinstance(value, bytes):
        return encode_address(value) if type == ACCOUNT else f"0x{value.hex()}"
    if isinstance(value, Variant):
        if not value.fields:
            return value.name
        return {value.name: [_loose(part) for part in value.fields]}
    return _loose(value)


def _loose(value: Any) -> Json:
    """A value within another, whose type is not looked up: bytes are hexadecimal digits."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Variant):
        return {value.name: [_loose(part) for part in value.fields]} if value.fields else value.name
    if isinstance(value, tuple):
        return [_loose(part) for part in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
