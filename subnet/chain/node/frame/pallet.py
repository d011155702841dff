# SPDX-License-Identifier: Apache-2.0
"""A pallet: a name, an index, and what is declared on its class or on the parts that the class is put together from.

A large pallet is written in topics, each a class of its own that states storage and calls; the pallet inherits from
them all, and keeps its events and errors in the namespaces `Events` and `Errors`. Hooks run at the start and at the
end of every block, in the order of the runtime.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, NamedTuple, TypeVar

from subnet.chain.node.frame.calls import ApiMethod, Call
from subnet.chain.node.frame.items import Constant, Error, Event
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Storage

__all__ = ["Pallet", "RuntimeApi", "Vouched"]

D = TypeVar("D")


class Vouched(NamedTuple):
    """A call that a pallet takes without a signature: what it does that no other may do again, and for how long."""

    provides: bytes
    priority: int
    longevity: int
    propagate: bool


class Pallet:
    """What every pallet has; `name` and `index` are given where a class is put together."""

    name: ClassVar[str] = ""
    index: ClassVar[int] = -1
    Events: ClassVar[type] = type(None)
    Errors: ClassVar[type] = type(None)

    def __init__(self, state: State) -> None:
        self.state = state

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.name:
            return  # a topic, not yet a pallet
        for item in cls.storage():
            item.settle(cls.name)
        for event in cls.events():
            event.pallet = cls.name
        for error in cls.errors():
            error.pallet, error.module = cls.name, cls.index

    def on_genesis(self) -> None:
        """What is in storage before the first block."""

    def on_initialize(self) -> None:
        """What happens at the start of a block."""

    def on_finalize(self) -> None:
        """What happens at its end."""

    def screen(self, who: bytes, call: str, arguments: tuple[Any, ...]) -> None:
        """Turn a signed call of this pallet away before it enters a block, by raising `InvalidTransaction`."""

    def vouch(self, call: str, arguments: tuple[Any, ...], block: int) -> Vouched | None:
        """What the pool may know of a call that nobody signed, for a block; None where only signed ones are taken."""
        return None

    @classmethod
    def storage(cls) -> list[Storage[Any]]:
        """Its storage items."""
        return _declared(cls, Storage)

    @classmethod
    def events(cls) -> list[Event]:
        """Its events, by index."""
        return sorted(_declared(cls, Event) + _declared(cls.Events, Event), key=lambda event: event.index)

    @classmethod
    def errors(cls) -> list[Error]:
        """Its errors, by index."""
        return sorted(_declared(cls, Error) + _declared(cls.Errors, Error), key=lambda error: error.index)

    @classmethod
    def constants(cls) -> list[Constant]:
        """Its constants."""
        return _declared(cls, Constant)

    @classmethod
    def calls(cls) -> list[Call]:
        """Its calls, by index."""
        return sorted(_marked(cls, Call), key=lambda call: call.index)


class RuntimeApi:
    """Questions to the runtime, under the name of the class."""

    @classmethod
    def methods(cls) -> list[ApiMethod]:
        """What may be asked."""
        return _marked(cls, ApiMethod)


def _declared(owner: type, kind: type[D]) -> list[D]:
    return [item for item in _attributes(owner) if isinstance(item, kind)]


def _marked(owner: type, kind: type[D]) -> list[D]:
    return [mark for mark in _marks(owner) if isinstance(mark, kind)]


@cache
def _marks(owner: type) -> list[object]:
    marks = (getattr(item, "__declared__", None) for item in _attributes(owner))
    return [mark for mark in marks if mark is not None]


# A class is put together once, and asked by every runtime: each past block that somebody looks at has its own.
@cache
def _attributes(owner: type) -> list[object]:
    return list({name: item for base in reversed(owner.__mro__) for name, item in vars(base).items()}.values())
