# SPDX-License-Identifier: Apache-2.0
"""One account may act as the root of the chain, and a call of this pallet by anybody else enters no block."""

from __future__ import annotations

from typing import Any, ClassVar

from subnet.chain.node.address import Address, lookup
from subnet.chain.node.dispatch import Dispatcher
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import Error, Event
from subnet.chain.node.frame.origin import ROOT, Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.outcome import DispatchResult, RuntimeCall, Weight
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.names import AccountId
from subnet.chain.node.validity import InvalidTransaction

__all__ = ["Sudo"]


class Sudo(Pallet):
    """The root's key; what it does costs nothing, unless it fails to be the root's."""

    name: ClassVar[str] = "Sudo"
    index: ClassVar[int] = 12

    Key = Value[bytes | None](AccountId, None)

    Sudid = Event(0, sudo_result=DispatchResult)
    KeyChanged = Event(1, old=AccountId | None, new=AccountId)
    KeyRemoved = Event(2)
    SudoAsDone = Event(3, sudo_result=DispatchResult)

    RequireSudo = Error(0)

    def __init__(self, state: State, system: System, dispatcher: Dispatcher) -> None:
        super().__init__(state)
        self.system = system
        self.dispatcher = dispatcher

    def screen(self, who: bytes, call: str, arguments: tuple[Any, ...]) -> None:
        """Only the root's key may even try."""
        if who != self.Key.value:
            raise InvalidTransaction("BadSigner")

    @call(0)
    def sudo(self, origin: Origin, call: RuntimeCall) -> None:
        """Make a call as the root."""
        self._ensure(origin)
        self.system.deposit(self.Sudid(self.dispatcher.attempt(ROOT, call)))
        self.dispatcher.waive()

    @call(1)
    def sudo_unchecked_weight(self, origin: Origin, call: RuntimeCall, weight: Weight) -> None:
        """Make a call as the root, whatever it weighs."""
        self._ensure(origin)
        self.system.deposit(self.Sudid(self.dispatcher.attempt(ROOT, call)))
        self.dispatcher.waive()

    @call(2)
    def set_key(self, origin: Origin, new: Address) -> None:
        """Hand the key over."""
        self._ensure(origin)
        account, old = lookup(new), self.Key.value
        self.Key.value = account
        self.system.deposit(self.KeyChanged(old, account))
        self.dispatcher.waive()

    @call(3)
    def sudo_as(self, origin: Origin, who: Address, call: RuntimeCall) -> None:
        """Make a call in somebody's name."""
        self._ensure(origin)
        self.system.deposit(self.SudoAsDone(self.dispatcher.attempt(Origin(lookup(who)), call)))
        self.dispatcher.waive()

    @call(4)
    def remove_key(self, origin: Origin) -> None:
        """Leave the chain without a root for good."""
        self._ensure(origin)
        self.system.deposit(self.KeyRemoved())
        self.Key.kill()
        self.dispatcher.waive()

    def _ensure(self, origin: Origin) -> None:
        if not origin.is_root and origin.signed() != self.Key.value:
            raise self.RequireSudo()
