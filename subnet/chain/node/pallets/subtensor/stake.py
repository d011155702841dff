# SPDX-License-Identifier: Apache-2.0
"""Staking: tao becomes alpha on a hotkey and alpha becomes tao again, at the pool's price and for its fee.

Checks come in the chain's order. A limit is a price in rao for one alpha: what would move the price beyond it is
refused, or left out where the caller allows a part.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.coinbase import Coinbase
from subnet.chain.node.scale.names import AccountId, Flag, u16, u64

__all__ = ["MIN_STAKE", "Staking"]

MIN_STAKE: Final = 2_000_000
"""The least that is worth a trade, in rao."""
_DEEPEST: Final = 1000
"""How many times a pool's reserve a trade may be."""
_RAO: Final = 1_000_000_000


class Staking(Coinbase):
    """Calls that put stake on hotkeys and take it off."""

    @call(2, ref_time=340_800_000)
    def add_stake(self, origin: Origin, hotkey: AccountId, netuid: u16, amount_staked: u64) -> None:
        """Stake tao on a hotkey."""
        self._stake(origin.signed(), hotkey, netuid, amount_staked)

    @call(88, ref_time=402_900_000)
    def add_stake_limit(
        self, origin: Origin, hotkey: AccountId, netuid: u16, amount_staked: u64, limit_price: u64, allow_partial: Flag
    ) -> None:
        """Stake tao on a hotkey as long as the price is not above a limit."""
        most = self._buyable(netuid, limit_price)
        if amount_staked > most and not allow_partial:
            raise self.Errors.SlippageTooHigh()
        self._stake(origin.signed(), hotkey, netuid, min(amount_staked, most))

    @call(3, ref_time=196_800_000)
    def remove_stake(self, origin: Origin, hotkey: AccountId, netuid: u16, amount_unstaked: u64) -> None:
        """Take stake off a hotkey and sell it for tao."""
        self._unstake(origin.signed(), hotkey, netuid, amount_unstaked)

    @call(89, ref_time=377_400_000)
    def remove_stake_limit(
        self,
        origin: Origin,
        hotkey: AccountId,
        netuid: u16,
        amount_unstaked: u64,
        limit_price: u64,
        allow_partial: Flag,
    ) -> None:
        """Sell stake as long as the price is not below a limit."""
        most = self._sellable(netuid, limit_price)
        if amount_unstaked > most and not allow_partial:
            raise self.Errors.SlippageTooHigh()
        self._unstake(origin.signed(), hotkey, netuid, min(amount_unstaked, most))

    @call(103, ref_time=395_300_000)
    def remove_stake_full_limit(self, origin: Origin, hotkey: AccountId, netuid: u16, limit_price: u64 | None) -> None:
        """Sell all stake on a hotkey, at a price that is not below a limit."""
        coldkey = origin.signed()
        amount = self.stake_of(hotkey, coldkey, netuid)
        if limit_price is not None and amount > self._sellable(netuid, limit_price):
            raise self.Errors.SlippageTooHigh()
        self._unstake(coldkey, hotkey, netuid, amount)

    @call(83, ref_time=28_830_000)
    def unstake_all(self, origin: Origin, hotkey: AccountId) -> None:
        """Sell what the coldkey has on a hotkey on every network; what cannot be sold stays."""
        coldkey = origin.signed()
        self.check_hotkey(hotkey)
        for netuid in self.networks():
            self._try_unstake(coldkey, hotkey, netuid)

    @call(84, ref_time=358_500_000)
    def unstake_all_alpha(self, origin: Origin, hotkey: AccountId) -> None:
        """Sell what the coldkey has on a hotkey on every network but root, and stake the tao on root."""
        coldkey = origin.signed()
        self.check_hotkey(hotkey)
        before = self.balances.free(coldkey)
        for netuid in self.subnets():
            self._try_unstake(coldkey, hotkey, netuid)
        if (gained := self.balances.free(coldkey) - before) > 0:
            self._stake(coldkey, hotkey, ROOT, gained)

    @call(101, ref_time=76_470_000)
    def recycle_alpha(self, origin: Origin, hotkey: AccountId, amount: u64, netuid: u16) -> None:
        """Give alpha back, to be emitted again."""
        taken = self._destroy(origin.signed(), hotkey, amount, netuid)
        self.SubnetAlphaOut[netuid] -= taken
        self.system.deposit(self.Events.AlphaRecycled(origin.signed(), hotkey, taken, netuid))

    @call(102, ref_time=76_470_000)
    def burn_alpha(self, origin: Origin, hotkey: AccountId, amount: u64, netuid: u16) -> None:
        """Destroy alpha, which stays issued."""
        taken = self._destroy(origin.signed(), hotkey, amount, netuid)
        self.system.deposit(self.Events.AlphaBurned(origin.signed(), hotkey, taken, netuid))

    def _stake(self, coldkey: bytes, hotkey: bytes, netuid: int, tao: int) -> None:
        self.check_open(netuid)
        if tao < MIN_STAKE + self.quote_buy(netuid, max(tao, 1)).fee:
            raise self.Errors.AmountTooLow()
        if tao > self.balances.free(coldkey):
            raise self.Errors.NotEnoughBalanceToStake()
        self.check_hotkey(hotkey)
        if netuid != ROOT and tao > self.SubnetTAO[netuid] * _DEEPEST:
            raise self.Errors.InsufficientLiquidity()
        trade = self.buy_alpha(netuid, tao, coldkey)
        self.increase_stake(hotkey, coldkey, netuid, trade.received)
        self.LastColdkeyHotkeyStakeBlock[coldkey, hotkey] = self.system.block
        self.system.deposit(self.Events.StakeAdded(coldkey, hotkey, tao, trade.received, netuid, trade.fee))

    def _unstake(self, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int) -> None:
        self.check_open(netuid)
        self.check_hotkey(hotkey)
        held = self.stake_of(hotkey, coldkey, netuid)
        if alpha > held:
            raise self.Errors.NotEnoughStakeToWithdraw()
        if alpha == 0 or (alpha < held and self.quote_sell(netuid, alpha).received < MIN_STAKE):
            raise self.Errors.AmountTooLow()
        if netuid != ROOT and alpha > self.SubnetAlphaIn[netuid] * _DEEPEST:
            raise self.Errors.InsufficientLiquidity()
        self.decrease_stake(hotkey, coldkey, netuid, alpha)
        trade = self.sell_alpha(netuid, alpha, coldkey)
        self.LastColdkeyHotkeyStakeBlock[coldkey, hotkey] = self.system.block
        self.system.deposit(self.Events.StakeRemoved(coldkey, hotkey, trade.received, alpha, netuid, trade.fee))

    def _try_unstake(self, coldkey: bytes, hotkey: bytes, netuid: int) -> None:
        alpha = self.stake_of(hotkey, coldkey, netuid)
        shallow = netuid != ROOT and alpha > self.SubnetAlphaIn[netuid] * _DEEPEST
        if alpha and not shallow and (netuid == ROOT or self.SubtokenEnabled[netuid]):
            self._unstake(coldkey, hotkey, netuid, alpha)

    def _destroy(self, coldkey: bytes, hotkey: bytes, amount: int, netuid: int) -> int:
        self.ensure_subnet(netuid)
        if netuid == ROOT:
            raise self.Errors.CannotBurnOrRecycleOnRootSubnet()
        self.check_open(netuid)
        self.check_hotkey(hotkey)
        taken = min(amount, self.stake_of(hotkey, coldkey, netuid))
        if not taken:
            raise self.Errors.NotEnoughStakeToWithdraw()
        if taken > self.SubnetAlphaOut[netuid]:
            raise self.Errors.NotEnoughAlphaOutToRecycle()
        self.decrease_stake(hotkey, coldkey, netuid, taken)
        return taken

    def check_open(self, netuid: int) -> None:
        """Refuse a network that is not there, or whose alpha nobody may hold yet."""
        self.ensure_subnet(netuid)
        if netuid != ROOT and not self.SubtokenEnabled[netuid]:
            raise self.Errors.SubtokenDisabled()

    def check_hotkey(self, hotkey: bytes) -> None:
        """Refuse a hotkey that is nobody's."""
        if hotkey not in self.Owner:
            raise self.Errors.HotKeyAccountNotExists()

    def _buyable(self, netuid: int, limit: int) -> int:
        """How much tao may go into a pool before one alpha costs more than so many rao."""
        if netuid == ROOT:
            return 2**64 - 1 if limit >= _RAO else 0
        pool = self.pool_of(netuid)
        most = isqrt(pool.tao * pool.alpha * limit // _RAO) - pool.tao
        if most <= 0:
            raise self.Errors.SlippageTooHigh()
        return most

    def _sellable(self, netuid: int, limit: int) -> int:
        """How much alpha may go into a pool before it brings less than so many rao."""
        if netuid == ROOT or not limit:
            return 2**64 - 1 if limit <= _RAO else 0
        pool = self.pool_of(netuid)
        most = isqrt(pool.tao * pool.alpha * _RAO // limit) - pool.alpha
        if most <= 0:
            raise self.Errors.SlippageTooHigh()
        return most
