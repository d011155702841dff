# SPDX-License-Identifier: Apache-2.0
"""Stake that changes its hotkey, its coldkey or its network.

Within a network shares change hands; between two, alpha is sold on one and bought on the other, for one fee.
"""

from __future__ import annotations

from incentive.fixed import U64F64
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.lock_moves import LockMoves
from subnet.chain.node.pallets.subtensor.stake import MIN_STAKE, Place, Staking
from subnet.chain.node.scale.names import AccountId, Flag, u16, u64

__all__ = ["StakeTransfers"]


class StakeTransfers(Staking, LockMoves):
    """Calls that move stake."""

    @call(85, ref_time=164_300_000)
    def move_stake(
        self,
        origin: Origin,
        origin_hotkey: AccountId,
        destination_hotkey: AccountId,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha_amount: u64,
    ) -> None:
        """Move stake to another hotkey, at most all of it."""
        who = origin.signed()
        source = Place(origin_hotkey, who, origin_netuid)
        target = Place(destination_hotkey, who, destination_netuid)
        alpha = self._checked(source, target, alpha_amount)
        self._check_free(source, target, alpha)
        tao = self._carry(source, target, alpha)
        moved = self.Events.StakeMoved(who, origin_hotkey, origin_netuid, destination_hotkey, destination_netuid, tao)
        self.system.deposit(moved)

    @call(86, ref_time=160_300_000)
    def transfer_stake(
        self,
        origin: Origin,
        destination_coldkey: AccountId,
        hotkey: AccountId,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha_amount: u64,
    ) -> None:
        """Give stake to another coldkey, at most all of it."""
        who = origin.signed()
        source = Place(hotkey, who, origin_netuid)
        target = Place(hotkey, destination_coldkey, destination_netuid)
        alpha = self._checked(source, target, alpha_amount)
        if not (self.TransferToggle[origin_netuid] and self.TransferToggle[destination_netuid]):
            raise self.Errors.TransferDisallowed()
        self._check_free(source, target, alpha)
        tao = self._carry(source, target, alpha)
        given = self.Events.StakeTransferred(who, destination_coldkey, hotkey, origin_netuid, destination_netuid, tao)
        self.system.deposit(given)

    @call(87, ref_time=351_300_000)
    def swap_stake(
        self, origin: Origin, hotkey: AccountId, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64
    ) -> None:
        """Move stake to another network, at most all of it."""
        who = origin.signed()
        source, target = Place(hotkey, who, origin_netuid), Place(hotkey, who, destination_netuid)
        alpha = self._checked(source, target, alpha_amount)
        self._check_free(source, target, alpha)
        tao = self._carry(source, target, alpha)
        self.system.deposit(self.Events.StakeSwapped(who, hotkey, origin_netuid, destination_netuid, tao))

    @call(90, ref_time=411_500_000)
    def swap_stake_limit(
        self,
        origin: Origin,
        hotkey: AccountId,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha_amount: u64,
        limit_price: u64,
        allow_partial: Flag,
    ) -> None:
        """Move stake to another network as long as the one's price over the other's is not below a limit."""
        who = origin.signed()
        source, target = Place(hotkey, who, origin_netuid), Place(hotkey, who, destination_netuid)
        most = self.most_to_move(origin_netuid, destination_netuid, limit_price)
        alpha = self._checked(source, target, alpha_amount)
        if alpha > most and not allow_partial:
            raise self.Errors.SlippageTooHigh()
        self._check_free(source, target, alpha)
        tao = self._carry(source, target, min(alpha, most))
        self.system.deposit(self.Events.StakeSwapped(who, hotkey, origin_netuid, destination_netuid, tao))

    def _checked(self, source: Place, target: Place, wanted: int) -> int:
        """How much of what is wanted can leave a place for another; raises where none may."""
        if source == target:
            raise self.Errors.SameNetuid()
        self.ensure_subnet(source.netuid)
        self.ensure_subnet(target.netuid)
        self.check_started(source.netuid)
        self.check_started(target.netuid)
        self.check_hotkey(source.hotkey)
        self.check_hotkey(target.hotkey)
        alpha = min(wanted, self.stake_of(*source))
        if source.netuid != target.netuid and self.quote_sell(source.netuid, alpha).received <= MIN_STAKE:
            raise self.Errors.AmountTooLow()
        return alpha

    def _check_free(self, source: Place, target: Place, alpha: int) -> None:
        """Refuse to take locked stake to another network; within its own the lock goes with it."""
        if source.netuid != target.netuid:
            self.ensure_free(source.coldkey, source.netuid, alpha)

    def _carry(self, source: Place, target: Place, alpha: int) -> int:
        """Move alpha; what it is worth in tao."""
        if source.netuid == target.netuid:
            return self._hand_over(source, target, alpha)
        # One fee for the whole way: root's alpha is tao, so there the second trade takes it.
        free, paid = (0, None) if source.netuid == ROOT else (None, 0)
        tao = self.unstake_from(source, alpha, free)
        if source.coldkey != target.coldkey:
            self.balances.move(source.coldkey, target.coldkey, tao)
        if tao >= MIN_STAKE:
            self.become_delegate(target)
            self.stake_into(target, tao, paid)
        return tao

    def _hand_over(self, source: Place, target: Place, alpha: int) -> int:
        netuid = source.netuid
        self.hand_over_lock(source.coldkey, target.coldkey, netuid, alpha)
        worth = U64F64.floor(U64F64.multiply(self.price_of(netuid), U64F64.of(alpha)))
        if worth < MIN_STAKE:
            raise self.Errors.AmountTooLow()
        self.decrease_stake(*source, alpha)
        self.increase_stake(*target, alpha)
        if netuid == ROOT:
            self.root_stake_shrank(source.hotkey, source.coldkey, alpha)
            self.root_stake_grew(target.hotkey, target.coldkey, alpha)
        self.LastColdkeyHotkeyStakeBlock[target.coldkey, target.hotkey] = self.system.block
        for event, place in ((self.Events.StakeRemoved, source), (self.Events.StakeAdded, target)):
            self.system.deposit(event(place.coldkey, place.hotkey, worth, alpha, netuid, 0))
        return worth
