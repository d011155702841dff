# SPDX-License-Identifier: Apache-2.0
"""Carrying out calls: what a call costs, who carries it out, and that one which fails leaves nothing behind.

Calls that hold calls, such as batches and proxies, come back here for each of them, so that a filter, a layer of
storage or a price is the same wherever a call comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from subnet.chain.node.frame.calls import Call
from subnet.chain.node.frame.items import DispatchFailure, Error
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.outcome import OK, RUNTIME_CALL, Info, Weight, err
from subnet.chain.node.pallets.system import SystemErrors
from subnet.chain.node.scale.composites import Variant, Vec

__all__ = ["Dispatcher"]

_NORMAL: Final = Variant("Normal")
_OPERATIONAL: Final = Variant("Operational")
_MANDATORY: Final = Variant("Mandatory")
_YES: Final = Variant("Yes")
_NO: Final = Variant("No")
_INHERENT: Final = ("Timestamp", "set")
_FREE_IF_ANY_IS: Final = frozenset({"batch", "batch_all", "force_batch"})


class _Entry(NamedTuple):
    pallet: Pallet
    call: Call
    one: tuple[int, ...]
    """Where among its arguments it holds a call."""
    many: tuple[int, ...]
    """Where it holds a list of them."""


class Dispatcher:
    """All calls of a runtime."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._depth = 0
        self.unused = 0
        """Picoseconds of calls that were paid for and not made, such as those after the one where a batch stopped."""
        self.guard: Callable[[bytes, Variant], Error | None] = _allow
        """Why an account may not make a call, whatever the call itself would say."""
        self.is_waived = False
        """Whether the transaction's call turned out to be for nothing."""

    def serve(self, pallet: Pallet) -> None:
        """Carry out the calls of a pallet too."""
        for call in pallet.calls():
            types = [field.type for field in call.fields]
            one = tuple(at for at, type_ in enumerate(types) if type_ == RUNTIME_CALL)
            many = tuple(at for at, type_ in enumerate(types) if type_ == Vec(RUNTIME_CALL))
            self._entries[pallet.name, call.name] = _Entry(pallet, call, one, many)

    def pallet_of(self, call: Variant) -> Pallet:
        """The pallet whose call it is."""
        return self._entry(call).pallet

    def info(self, call: Variant) -> Info:
        """What a call costs, with all that it holds."""
        entry = self._entry(call)
        declared = entry.call
        held = self._held(entry, call.fields[0].fields)
        kind = _OPERATIONAL if declared.operational else _NORMAL
        if (call.name, declared.name) == _INHERENT:
            kind = _MANDATORY
        if not held:
            return Info(Weight(declared.ref_time, 0), kind, _YES if declared.pays else _NO)
        infos = [self.info(inner) for inner in held]
        ref_time = declared.ref_time + sum(info.weight.ref_time for info in infos)
        if all(info.kind == _OPERATIONAL for info in infos):
            kind = _OPERATIONAL
        is_free = declared.name in _FREE_IF_ANY_IS and any(info.pays_fee == _NO for info in infos)
        return Info(Weight(ref_time, 0), kind, _NO if is_free else _YES)

    def begin(self) -> None:
        """Forget what the transaction before this one did not use."""
        self.unused, self.is_waived = 0, False

    def waive(self) -> None:
        """Make the transaction cost nothing, if it is the call that it is about that asks."""
        if self._depth == 1:
            self.is_waived = True

    def dispatch(self, origin: Origin, call: Variant) -> None:
        """Carry out a call, or raise `DispatchFailure` with the state as it was before."""
        entry = self._entry(call)
        if origin.filters and not origin.allows(call):
            raise SystemErrors.CallFiltered()
        if origin.account is not None and (refused := self.guard(origin.account, call)) is not None:
            raise refused()
        mark = self._state.mark()
        self._depth += 1
        try:
            entry.call.carry_out(entry.pallet, origin, *call.fields[0].fields)
        except BaseException:
            self._state.rollback(mark)
            raise
        finally:
            self._depth -= 1

    def attempt(self, origin: Origin, call: Variant) -> Variant:
        """Carry out a call, and tell by a `DispatchResult` what came of it."""
        try:
            self.dispatch(origin, call)
        except DispatchFailure as failure:
            return err(failure.reason)
        return OK

    def _entry(self, call: Variant) -> _Entry:
        return self._entries[call.name, call.fields[0].name]

    def _held(self, entry: _Entry, arguments: tuple[Any, ...]) -> list[Variant]:
        held = [arguments[at] for at in entry.one]
        for at in entry.many:
            held += arguments[at]
        return held


def _allow(who: bytes, call: Variant) -> None:
    """Nobody is kept from any call."""
