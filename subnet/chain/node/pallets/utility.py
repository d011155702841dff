# SPDX-License-Identifier: Apache-2.0
"""Several calls in one transaction, and calls in another's name.

`batch` stops at the first call that fails and keeps what was done before it, `batch_all` keeps all or nothing,
`force_batch` goes on. What came of each call is told by events.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeAlias

from subnet.chain.node.dispatch import Dispatcher
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.items import BAD_ORIGIN, Constant, DispatchFailure, Error, Event
from subnet.chain.node.frame.origin import NOBODY, ROOT, Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.outcome import OK, DispatchError, DispatchResult, RuntimeCall, Weight
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.scale.names import ACCOUNT, u16, u32

__all__ = ["Utility"]

_LIMIT: Final = 10_922
_RAW_ORIGIN: Final = Enum(
    ("frame_support", "dispatch", "RawOrigin"),
    (
        VariantType("Root", 0),
        VariantType("Signed", 1, (Field(None, ACCOUNT),)),
        VariantType("None", 2),
        VariantType("Authorized", 3),
    ),
)
_OriginCaller: TypeAlias = Annotated[
    Variant,
    Enum(("node_subtensor_runtime", "OriginCaller"), (VariantType("system", 0, (Field(None, _RAW_ORIGIN),)),)),
]


class Utility(Pallet):
    """Calls that hold calls."""

    name: ClassVar[str] = "Utility"
    index: ClassVar[int] = 11

    BatchInterrupted = Event(0, index=u32, error=DispatchError)
    BatchCompleted = Event(1)
    BatchCompletedWithErrors = Event(2)
    ItemCompleted = Event(3)
    ItemFailed = Event(4, error=DispatchError)
    DispatchedAs = Event(5, result=DispatchResult)
    IfElseMainSuccess = Event(6)
    IfElseFallbackCalled = Event(7, main_error=DispatchError)

    TooManyCalls = Error(0)
    InvalidDerivedAccount = Error(1)

    batched_calls_limit = Constant(u32, _LIMIT)

    def __init__(self, state: State, system: System, dispatcher: Dispatcher) -> None:
        super().__init__(state)
        self.system = system
        self.dispatcher = dispatcher

    @call(0)
    def batch(self, origin: Origin, calls: tuple[RuntimeCall, ...]) -> None:
        """Make calls until one fails."""
        self._admit(origin, calls)
        for index, inner in enumerate(calls):
            try:
                self.dispatcher.dispatch(origin, inner)
            except DispatchFailure as failure:
                self.system.deposit(self.BatchInterrupted(index, failure.reason))
                self._skip(calls[index + 1 :])
                return
            self.system.deposit(self.ItemCompleted())
        self.system.deposit(self.BatchCompleted())

    @call(1)
    def as_derivative(self, origin: Origin, index: u16, call: RuntimeCall) -> None:
        """Make a call in the name of one of the accounts that derive from one's own."""
        who = origin.signed()
        derived = blake2_256(b"modlpy/utilisuba" + who + index.to_bytes(2, "little"))
        self.dispatcher.dispatch(Origin(derived, filters=origin.filters), call)

    @call(2)
    def batch_all(self, origin: Origin, calls: tuple[RuntimeCall, ...]) -> None:
        """Make all calls, or none if one fails."""
        self._admit(origin, calls)
        inner_origin = origin if origin.is_root else origin.only(_is_no_batch_all)
        for index, inner in enumerate(calls):
            try:
                self.dispatcher.dispatch(inner_origin, inner)
            except DispatchFailure:
                self._skip(calls[index + 1 :])
                raise
            self.system.deposit(self.ItemCompleted())
        self.system.deposit(self.BatchCompleted())

    @call(3)
    def dispatch_as(self, origin: Origin, as_origin: _OriginCaller, call: RuntimeCall) -> None:
        """Make a call in anybody's name, as the root; whether it failed is told by the event."""
        origin.root()
        result = self.dispatcher.attempt(_origin(as_origin), call)
        self.system.deposit(self.DispatchedAs(result))

    @call(4)
    def force_batch(self, origin: Origin, calls: tuple[RuntimeCall, ...]) -> None:
        """Make all calls, whichever of them fail."""
        self._admit(origin, calls)
        has_failed = False
        for inner in calls:
            result = self.dispatcher.attempt(origin, inner)
            has_failed |= result.name == "Err"
            self.system.deposit(self.ItemFailed(*result.fields) if result.name == "Err" else self.ItemCompleted())
        self.system.deposit(self.BatchCompletedWithErrors() if has_failed else self.BatchCompleted())

    @call(5)
    def with_weight(self, origin: Origin, call: RuntimeCall, weight: Weight) -> None:
        """Make a call as the root, whatever it weighs."""
        origin.root()
        self.dispatcher.dispatch(ROOT, call)

    @call(6)
    def if_else(self, origin: Origin, main: RuntimeCall, fallback: RuntimeCall) -> None:
        """Make a call, and another if the first fails."""
        self._admit(origin, (main, fallback))
        try:
            self.dispatcher.dispatch(origin, main)
        except DispatchFailure as failure:
            self.dispatcher.dispatch(origin, fallback)
            self.system.deposit(self.IfElseFallbackCalled(failure.reason))
        else:
            self._skip((fallback,))
            self.system.deposit(self.IfElseMainSuccess())

    @call(7)
    def dispatch_as_fallible(self, origin: Origin, as_origin: _OriginCaller, call: RuntimeCall) -> None:
        """Make a call in anybody's name, as the root, and fail if it does."""
        origin.root()
        self.dispatcher.dispatch(_origin(as_origin), call)
        self.system.deposit(self.DispatchedAs(OK))

    def _admit(self, origin: Origin, calls: tuple[Variant, ...]) -> None:
        if origin.account is None and not origin.is_root:
            raise DispatchFailure(BAD_ORIGIN)
        if len(calls) > _LIMIT:
            raise self.TooManyCalls()

    def _skip(self, calls: tuple[Variant, ...]) -> None:
        self.dispatcher.unused += sum(self.dispatcher.info(call).weight.ref_time for call in calls)


def _is_no_batch_all(call: Variant) -> bool:
    return not (call.name == "Utility" and call.fields[0].name == "batch_all")


def _origin(caller: Variant) -> Origin:
    raw = caller.fields[0]
    if raw.name == "Root":
        return ROOT
    return Origin(raw.fields[0]) if raw.name == "Signed" else NOBODY
