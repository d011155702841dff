# SPDX-License-Identifier: Apache-2.0
"""Calls and runtime APIs: methods whose signatures say what goes over the wire.

@call(7)
def burned_register(self, origin: Origin, netuid: u16, hotkey: AccountId) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar, get_type_hints

from subnet.chain.node.scale.composites import Field
from subnet.chain.node.scale.names import scale_of
from subnet.chain.node.scale.primitives import ScaleType

__all__ = ["ApiMethod", "Call", "api", "call"]

F = TypeVar("F", bound=Callable[..., Any])

_DECLARED: Final = "__declared__"
_REF_TIME: Final = 160_000_000


@dataclass(frozen=True)
class Call:
    """A call of a pallet; `carry_out` is the method, which takes the pallet, the origin and the arguments."""

    index: int
    name: str
    carry_out: Callable[..., None]
    pays: bool
    ref_time: int
    """Picoseconds that the chain reckons with, from which the fee follows."""
    operational: bool = False

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The arguments after the origin."""
        return _fields(self.carry_out, skip=("origin", "return"))


@dataclass(frozen=True)
class ApiMethod:
    """A question that clients ask the runtime."""

    name: str
    answer: Callable[..., Any]

    @cached_property
    def inputs(self) -> tuple[Field, ...]:
        """What is asked with."""
        return _fields(self.answer, skip=("return",))

    @cached_property
    def output(self) -> ScaleType:
        """What is answered."""
        return scale_of(get_type_hints(self.answer, include_extras=True)["return"])


def call(index: int, *, pays: bool = True, ref_time: int = _REF_TIME, operational: bool = False) -> Callable[[F], F]:
    """Make a method a call of its pallet."""

    def mark(method: F) -> F:
        setattr(method, _DECLARED, Call(index, method.__name__.rstrip("_"), method, pays, ref_time, operational))
        return method

    return mark


def api(method: F) -> F:
    """Make a method of a `RuntimeApi` a question that clients may ask."""
    setattr(method, _DECLARED, ApiMethod(method.__name__, method))
    return method


def _fields(method: Callable[..., Any], skip: tuple[str, ...]) -> tuple[Field, ...]:
    hints = get_type_hints(method, include_extras=True)
    return tuple(Field(name.rstrip("_"), scale_of(hint)) for name, hint in hints.items() if name not in skip)
