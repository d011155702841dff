# SPDX-License-Identifier: Apache-2.0
"""What would come of a transaction if it were in the next block: `system_dryRun`.

It is carried out by a runtime of its own on a copy of the head's state, so that nothing of it can remain.
"""

from __future__ import annotations

from typing import Final, cast

from subnet.chain.node.frame.dispatch import DISPATCH_RESULT
from subnet.chain.node.machine import MakeMachine
from subnet.chain.node.node import Node
from subnet.chain.node.outcome import OK, err
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.validity import VALIDITY_ERROR, InvalidTransaction

__all__ = ["try_out"]

_RESULT: Final = Enum(
    ("Result",),
    (VariantType("Ok", 0, (Field(None, DISPATCH_RESULT),)), VariantType("Err", 1, (Field(None, VALIDITY_ERROR),))),
)
_FAILED: Final = ("System", "ExtrinsicFailed")


def try_out(node: Node, extrinsic: bytes) -> bytes:
    """The encoded `ApplyExtrinsicResult` of a transaction at the head."""
    make = cast(MakeMachine, type(node.runtime))
    runtime = make(node.runtime.system.state.copy())
    runtime.begin(node.head.number + 1, node.head.hash, node.time.newest + node.slot_ms)
    try:
        runtime.apply(extrinsic)
    except InvalidTransaction as fault:
        return _RESULT.encode(err(fault.error))
    last: Variant = runtime.system.happened[-1].event
    (event,) = last.fields
    outcome = err(event.fields[0]) if (last.name, event.name) == _FAILED else OK
    return _RESULT.encode(Variant("Ok", (outcome,)))
