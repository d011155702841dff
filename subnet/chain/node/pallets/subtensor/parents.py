# SPDX-License-Identifier: Apache-2.0
"""Validators of the root become parents of each new network's owner, unless they do not want to.

So a network has validators' stake behind its owner from its first block on, and nobody has to ask for it.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.children import Children
from subnet.chain.node.pallets.subtensor.registration import Registration
from subnet.chain.node.scale.names import AccountId, Flag

__all__ = ["RootParents"]

_WHOLE: Final = (1 << 64) - 1


class RootParents(Children, Registration):
    """What a new network gets from the root's validators."""

    @call(135)
    def set_auto_parent_delegation_enabled(self, origin: Origin, hotkey: AccountId, enabled: Flag) -> None:
        """Say whether a validator of the root lends its stake to the owners of new networks."""
        if not self.owns(origin.signed(), hotkey):
            raise self.Errors.NonAssociatedColdKey()
        if self.uid_of(ROOT, hotkey) is None:
            raise self.Errors.HotKeyNotRegisteredInSubNet()
        self.AutoParentDelegationEnabled[hotkey] = enabled
        self.system.deposit(self.Events.AutoParentDelegationEnabledSet(hotkey, enabled))

    def after_creation(self, netuid: int) -> None:
        """Make the root's validators parents of the owner's hotkey; whoever cannot be one is left out."""
        child = self.SubnetOwnerHotkey[netuid]
        for _, parent in self.Keys.under(ROOT):
            if parent != child and self.AutoParentDelegationEnabled[parent]:
                before = self.state.mark()
                try:
                    self.set_children(Origin(self.Owner[parent]), parent, netuid, ((_WHOLE, child),))
                except DispatchFailure:
                    self.state.rollback(before)
