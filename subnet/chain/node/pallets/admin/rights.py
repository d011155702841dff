# SPDX-License-Identifier: Apache-2.0
"""What every call of the pallet checks first, and what it says when it is done.

Owners change rules of their network outside of the frozen blocks before an epoch, and each rule only now and then;
the root changes any rule whenever it wants, outside of those blocks too where a network's epoch depends on the rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from subnet.chain.node.frame.items import Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import BoundMap
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.limits import Kind, Rule
from subnet.chain.node.scale.names import U64F64, Flag, u16

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule
    from subnet.chain.node.pallets.system import System

__all__ = ["AdminErrors", "AdminEvents", "Rights"]

V = TypeVar("V")


class AdminEvents:
    """What the pallet says it did."""

    Yuma3EnableToggled = Event(1, netuid=u16, enabled=Flag)
    BondsResetToggled = Event(2, netuid=u16, enabled=Flag)
    BurnHalfLifeSet = Event(3, netuid=u16, burn_half_life=u16)
    BurnIncreaseMultSet = Event(4, netuid=u16, burn_increase_mult=U64F64)
    SubnetEmissionEnabledSet = Event(5, netuid=u16, enabled=Flag)


class AdminErrors:
    """Why the pallet refuses a call."""

    SubnetDoesNotExist = Error(0)
    MaxValidatorsLargerThanMaxUIds = Error(1)
    MaxAllowedUIdsLessThanCurrentUIds = Error(2)
    BondsMovingAverageMaxReached = Error(3)
    NegativeSigmoidSteepness = Error(4)
    ValueNotInBounds = Error(5)
    MinAllowedUidsGreaterThanCurrentUids = Error(6)
    MinAllowedUidsGreaterThanMaxAllowedUids = Error(7)
    MaxAllowedUidsLessThanMinAllowedUids = Error(8)
    MaxAllowedUidsGreaterThanDefaultMaxAllowedUids = Error(9)
    InvalidValue = Error(10)
    NotPermittedOnRootSubnet = Error(11)
    POWRegistrationDisabled = Error(12)
    Deprecated = Error(13)


class Rights(Pallet):
    """Checks and ways of setting rules."""

    Events = AdminEvents
    Errors = AdminErrors

    def __init__(self, state: State, system: System, chain: SubtensorModule) -> None:
        super().__init__(state)
        self.system = system
        self.chain = chain

    def admit(self, origin: Origin, netuid: int, what: Kind | Rule) -> bytes | None:
        """The owner, who may change a rule now and has to wait before it does so again; None for the root."""
        owner = self.chain.ensure_owner_or_root(origin, netuid)
        if owner is not None:
            self.chain.ensure_rate(owner, netuid, what)
        self.chain.ensure_admin_window(netuid)
        # A call that fails later takes this back, as it does everything.
        if owner is not None:
            self.chain.note_rate(owner, netuid, what)
        return owner

    def admit_root(self, origin: Origin, netuid: int) -> None:
        """Turn away everybody but the root, and the root too while rules are frozen."""
        origin.root()
        self.chain.ensure_admin_window(netuid)
        self.ensure_subnet(netuid)

    def ensure_subnet(self, netuid: int) -> None:
        """Turn away whoever names a network that is not there."""
        if not self.chain.if_subnet_exist(netuid):
            raise self.Errors.SubnetDoesNotExist()

    def ensure_not_root(self, netuid: int) -> None:
        """Turn away whoever names a network that is not there, or the root's."""
        self.ensure_subnet(netuid)
        if netuid == ROOT:
            raise self.Errors.NotPermittedOnRootSubnet()

    def set_rule(self, rule: BoundMap[V], netuid: int, value: V, said: Event) -> None:
        """Set a rule of a network and say so."""
        rule[netuid] = value
        self.system.deposit(said(netuid, value))
