# SPDX-License-Identifier: Apache-2.0
"""Stake that changes its hotkey, its coldkey or its network.

Within a network shares change hands; between two, alpha is sold on one and bought on the other, with both fees.
"""

from __future__ import annotations

from typing import Final

from incentive.emission.market import FEE_RATE
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.stake import MIN_STAKE, Staking
from subnet.chain.node.scale.names import AccountId, Flag, u16, u64

__all__ = ["StakeTransfers"]

_RAO: Final = 1_000_000_000


class StakeTransfers(Staking):
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
        """Move stake to another hotkey."""
        who = origin.signed()
        tao = self._transit(
            (origin_hotkey, who, origin_netuid), (destination_hotkey, who, destination_netuid), alpha_amount
        )
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
        """Give stake to another coldkey."""
        who = origin.signed()
        self.check_open(origin_netuid)
        self.check_open(destination_netuid)
        if not (self.TransferToggle[origin_netuid] and self.TransferToggle[destination_netuid]):
            raise self.Errors.TransferDisallowed()
        tao = self._transit(
            (hotkey, who, origin_netuid), (hotkey, destination_coldkey, destination_netuid), alpha_amount
        )
        given = self.Events.StakeTransferred(who, destination_coldkey, hotkey, origin_netuid, destination_netuid, tao)
        self.system.deposit(given)

    @call(87, ref_time=351_300_000)
    def swap_stake(
        self, origin: Origin, hotkey: AccountId, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64
    ) -> None:
        """Move stake to another network."""
        self._swap(origin.signed(), hotkey, origin_netuid, destination_netuid, alpha_amount)

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
        amount = alpha_amount
        if not self._is_above(origin_netuid, destination_netuid, amount, limit_price):
            if not allow_partial:
                raise self.Errors.SlippageTooHigh()
            amount = self._largest_above(origin_netuid, destination_netuid, amount, limit_price)
        self._swap(origin.signed(), hotkey, origin_netuid, destination_netuid, amount)

    def _swap(self, who: bytes, hotkey: bytes, source: int, target: int, alpha: int) -> None:
        if source == target:
            raise self.Errors.SameNetuid()
        tao = self._transit((hotkey, who, source), (hotkey, who, target), alpha)
        self.system.deposit(self.Events.StakeSwapped(who, hotkey, source, target, tao))

    def _transit(self, source: tuple[bytes, bytes, int], target: tuple[bytes, bytes, int], alpha: int) -> int:
        """Move alpha from (hotkey, coldkey, netuid) to another such place; the answer is what it is worth in tao."""
        (hotkey, coldkey, netuid), (to_hotkey, to_coldkey, to_netuid) = source, target
        self.check_open(netuid)
        self.check_open(to_netuid)
        self.check_hotkey(hotkey)
        self.check_hotkey(to_hotkey)
        held = self.stake_of(hotkey, coldkey, netuid)
        if alpha > held:
            raise self.Errors.NotEnoughStakeToWithdraw()
        worth = self.quote_sell(netuid, alpha, 0).received if alpha else 0
        if worth < MIN_STAKE and (alpha == 0 or alpha < held):
            raise self.Errors.AmountTooLow()
        self.decrease_stake(hotkey, coldkey, netuid, alpha)
        if netuid == to_netuid:
            self.increase_stake(to_hotkey, to_coldkey, netuid, alpha)
            return worth
        between = self.subnet_account(to_netuid)
        sold = self.sell_alpha(netuid, alpha, between)
        if not sold.received:
            raise self.Errors.AmountTooLow()
        # One fee for the whole way, which the first trade took.
        bought = self.buy_alpha(to_netuid, sold.received, between, 0 if netuid != ROOT else FEE_RATE)
        self.increase_stake(to_hotkey, to_coldkey, to_netuid, bought.received)
        return sold.received

    def _is_above(self, source: int, target: int, alpha: int, limit: int) -> bool:
        """Whether the price of the one over that of the other stays above a limit after such a swap."""
        tao_in, alpha_in = self._reserves(source)
        tao_out, alpha_out = self._reserves(target)
        tao = self.quote_sell(source, alpha, 0).received if alpha else 0
        got = self.quote_buy(target, tao, 0).received if tao else 0
        left = (tao_in - tao) * (alpha_out - got) * _RAO
        return left >= limit * (alpha_in + alpha) * (tao_out + tao)

    def _largest_above(self, source: int, target: int, alpha: int, limit: int) -> int:
        low, high = 0, alpha
        while low < high:
            middle = (low + high + 1) // 2
            if self._is_above(source, target, middle, limit):
                low = middle
            else:
                high = middle - 1
        return low

    def _reserves(self, netuid: int) -> tuple[int, int]:
        if netuid == ROOT:
            return 1 << 64, 1 << 64  # so deep that no trade moves the price
        pool = self.pool_of(netuid)
        return pool.tao, pool.alpha
