# SPDX-License-Identifier: Apache-2.0
"""Children: a hotkey lends parts of its stake to others, which vote with it and share what it earns.

A change waits, so that nobody can lend, vote and take back within an epoch.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.delegates import Delegation
from subnet.chain.node.pallets.subtensor.limits import Kind
from subnet.chain.node.scale.names import AccountId, u16, u64

__all__ = ["Children"]

_MOST: Final = 5
_WHOLE: Final = 2**64 - 1

_Family: TypeAlias = tuple[tuple[int, bytes], ...]


class Children(Delegation):
    """Calls that lend stake, and what of it is due."""

    @call(67)
    def set_children(
        self, origin: Origin, hotkey: AccountId, netuid: u16, children: tuple[tuple[u64, AccountId], ...]
    ) -> None:
        """Lend parts of a hotkey's stake on a network to up to five others."""
        coldkey = origin.signed()
        self.ensure_rate(hotkey, netuid, Kind.SET_CHILDREN)
        if netuid == ROOT:
            raise self.Errors.RegistrationNotPermittedOnRootSubnet()
        self.ensure_subnet(netuid)
        if not self.owns(coldkey, hotkey):
            raise self.Errors.NonAssociatedColdKey()
        self._check_family(hotkey, netuid, children)
        is_own = netuid in self.SubnetOwnerHotkey and self.SubnetOwnerHotkey[netuid] == hotkey
        if children and not is_own and self.worth_on(hotkey) < self.StakeThreshold.value:
            raise self.Errors.NotEnoughStakeToSetChildkeys()
        self.note_rate(hotkey, netuid, Kind.SET_CHILDREN)
        if not self.SubtokenEnabled[netuid]:
            self._adopt(hotkey, netuid, children)
            return
        due = self.system.block + self.PendingChildKeyCooldown.value
        self.PendingChildKeys[netuid, hotkey] = (children, due)
        self.system.deposit(self.Events.SetChildrenScheduled(hotkey, netuid, due, children))

    @call(75)
    def set_childkey_take(self, origin: Origin, hotkey: AccountId, netuid: u16, take: u16) -> None:
        """Keep a part of what parents earn through a hotkey."""
        coldkey = origin.signed()
        if not self.owns(coldkey, hotkey):
            raise self.Errors.NonAssociatedColdKey()
        lowest = max(self.MinChildkeyTake.value, self.MinChildkeyTakePerSubnet[netuid])
        if not lowest <= take <= self.MaxChildkeyTake.value:
            raise self.Errors.InvalidChildkeyTake()
        raised = take > self.ChildkeyTake[hotkey, netuid]
        if raised and not self.passes_rate(hotkey, netuid, Kind.SET_CHILDKEY_TAKE):
            raise self.Errors.TxChildkeyTakeRateLimitExceeded()
        self.note_rate(hotkey, netuid, Kind.SET_CHILDKEY_TAKE)
        self.ChildkeyTake[hotkey, netuid] = take
        self.system.deposit(self.Events.ChildKeyTakeSet(hotkey, take))

    @call(69)
    def sudo_set_tx_childkey_take_rate_limit(self, origin: Origin, tx_rate_limit: u64) -> None:
        """Set the blocks between two raises of a child's take."""
        origin.root()
        self.TxChildkeyTakeRateLimit.value = tx_rate_limit
        self.system.deposit(self.Events.TxChildKeyTakeRateLimitSet(tx_rate_limit))

    @call(76)
    def sudo_set_min_childkey_take(self, origin: Origin, take: u16) -> None:
        """Set the least that a child may keep."""
        origin.root()
        self.MinChildkeyTake.value = take
        self.system.deposit(self.Events.MinChildKeyTakeSet(take))

    @call(77)
    def sudo_set_max_childkey_take(self, origin: Origin, take: u16) -> None:
        """Set the most that a child may keep."""
        origin.root()
        self.MaxChildkeyTake.value = take
        self.system.deposit(self.Events.MaxChildKeyTakeSet(take))

    @call(109)
    def set_pending_childkey_cooldown(self, origin: Origin, cooldown: u64) -> None:
        """Set how long changes of children wait."""
        origin.root()
        self.PendingChildKeyCooldown.value = cooldown

    def adopt_pending(self, netuid: int) -> None:
        """Carry out the changes of children on a network that have waited long enough."""
        for hotkey, (children, due) in self.PendingChildKeys.under(netuid):
            if due < self.system.block or not self.SubtokenEnabled[netuid]:
                del self.PendingChildKeys[netuid, hotkey]
                self._adopt(hotkey, netuid, children)

    def _adopt(self, hotkey: bytes, netuid: int, children: _Family) -> None:
        parents = {parent for _, parent in self.ParentKeys[hotkey, netuid]}
        if any(child in parents or child == hotkey for _, child in children):
            return  # somebody became a parent meanwhile, and nobody lends in a circle
        before, after = self.ChildKeys[hotkey, netuid], {child: part for part, child in children}
        for _, child in before:
            if child not in after:
                self._set_parents(child, netuid, [kept for kept in self.ParentKeys[child, netuid] if kept[1] != hotkey])
        for child, part in after.items():
            known = {parent: lent for lent, parent in self.ParentKeys[child, netuid]} | {hotkey: part}
            self._set_parents(child, netuid, [(lent, parent) for parent, lent in known.items()])
        if after:
            # In the order of their accounts, as the chain keeps them.
            self.ChildKeys[hotkey, netuid] = tuple((after[child], child) for child in sorted(after))
        else:
            del self.ChildKeys[hotkey, netuid]
        self.system.deposit(self.Events.SetChildren(hotkey, netuid, children))

    def _set_parents(self, child: bytes, netuid: int, parents: list[tuple[int, bytes]]) -> None:
        if parents:
            self.ParentKeys[child, netuid] = tuple(parents)
        else:
            del self.ParentKeys[child, netuid]

    def _check_family(self, hotkey: bytes, netuid: int, children: _Family) -> None:
        names = [child for _, child in children]
        if len(set(names)) < len(names):
            raise self.Errors.DuplicateChild()
        if hotkey in names:
            raise self.Errors.InvalidChild()
        if len(children) > _MOST:
            raise self.Errors.TooManyChildren()
        if sum(part for part, _ in children) > _WHOLE:
            raise self.Errors.ProportionOverflow()
        if any(parent in names for _, parent in self.ParentKeys[hotkey, netuid]):
            raise self.Errors.ChildParentInconsistency()
