# SPDX-License-Identifier: Apache-2.0
"""Events, errors and constants as attributes of a pallet.

`self.system.deposit(self.NetworkAdded(netuid, 0))` says what happened; `raise self.NotEnoughStake()` ends a call, and
all that it wrote is taken back. The attribute's name is the name on chain.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from subnet.chain.node.frame.dispatch import ModuleError
from subnet.chain.node.scale.composites import Field, Variant
from subnet.chain.node.scale.names import scale_of

__all__ = ["BAD_ORIGIN", "Constant", "DispatchFailure", "Error", "Event", "Happened"]


class Happened(NamedTuple):
    """An event with its values."""

    pallet: str
    name: str
    fields: tuple[Any, ...]


class Event:
    """Something that a pallet did: `Event(0, u16, u16)`, or with names `Event(2, who=AccountId, amount=u64)`."""

    def __init__(self, index: int, /, *hints: Any, **named: Any) -> None:
        self.index = index
        unnamed = tuple(Field(None, scale_of(hint)) for hint in hints)
        self.fields = unnamed + tuple(Field(name, scale_of(hint)) for name, hint in named.items())
        self.name = self.pallet = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __call__(self, *values: Any) -> Happened:
        return Happened(self.pallet, self.name, values)


class DispatchFailure(Exception):
    """A call that did not do what it was asked; `reason` is the chain's `DispatchError`."""

    def __init__(self, reason: Variant) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Error:
    """A reason why a call of a pallet fails."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.name = self.pallet = ""
        self.module = 0

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __call__(self) -> DispatchFailure:
        return DispatchFailure(Variant("Module", (ModuleError(self.module, bytes([self.index, 0, 0, 0])),)))


class Constant:
    """A number that clients read from the metadata."""

    def __init__(self, hint: Any, value: Any) -> None:
        self.type = scale_of(hint)
        self.value = value
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


BAD_ORIGIN = Variant("BadOrigin")
