# SPDX-License-Identifier: Apache-2.0
"""What a block says that an extrinsic did: its events, its fee, and why it failed if it did.

Success of an extrinsic is not yet success of the call: one that is wrapped in another, as root's are, says in an event
of its own how it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from protocols.balance import Balance
from protocols.chain import Event
from protocols.errors import LedgerError
from protocols.types import Json
from subnet.chain.client.refusals import Named, of_dispatch
from subnet.chain.events import NESTED, NOISE, field_names

__all__ = ["Outcome", "outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one extrinsic of a block."""

    events: tuple[Event, ...]
    fee: Balance
    error: LedgerError | None


def outcome(records: Iterable[Mapping[str, Any]], index: int, lookup: Named) -> Outcome:
    """What the events of a block say about its extrinsic number `index`."""
    own = [record["event"] for record in records if record.get("extrinsic_idx") == index]
    events = tuple(_event(event) for event in own)
    fee, error = 0, None
    for event, read in zip(own, events, strict=True):
        kind = (read.pallet, read.name)
        if kind == ("TransactionPayment", "TransactionFeePaid"):
            fee += int(event["attributes"]["actual_fee"])
        elif kind == ("System", "ExtrinsicFailed"):
            error = of_dispatch(event["attributes"]["dispatch_error"], lookup)
        elif kind in NESTED and "Err" in (result := _nested(event["attributes"], NESTED[kind])):
            error = error or of_dispatch(result["Err"], lookup)
    return Outcome(events=tuple(event for event in events if event.pallet not in NOISE), fee=Balance(fee), error=error)


def _nested(attributes: Any, name: str) -> Mapping[str, Any]:
    """The result of a call within a call; a mapping either way."""
    result = attributes.get(name, attributes) if isinstance(attributes, Mapping) else attributes
    return result if isinstance(result, Mapping) else {}


def _event(event: Mapping[str, Any]) -> Event:
    name, attributes = str(event["event_id"]), event["attributes"]
    if not isinstance(attributes, Mapping):
        values = attributes if isinstance(attributes, tuple) else () if attributes is None else (attributes,)
        attributes = dict(zip(field_names(name, [None] * len(values)), values, strict=True))
    fields: dict[str, Json] = {str(key): _json(value) for key, value in attributes.items()}
    return Event(str(event["module_id"]), name, MappingProxyType(fields))


def _json(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
