# SPDX-License-Identifier: Apache-2.0
"""Staking: tao becomes alpha on a hotkey and alpha becomes tao again, at the pool's price and for its fee.

Checks come in the chain's order. A limit is a price in rao for one alpha: what would move the price beyond it is
refused, or left out where the caller allows a part.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.coinbase import Coinbase
from subnet.chain.node.pallets.subtensor.depth import Depth
from subnet.chain.node.pallets.subtensor.nominations import Nominations
from subnet.chain.node.scale.names import AccountId, Flag, u16, u64

__all__ = ["MIN_STAKE", "Place", "Staking"]

MIN_STAKE: Final = 2_000_000
"""The least that is worth a trade, in rao."""


class Place(NamedTuple):
    """Where stake lies."""

    hotkey: bytes
    coldkey: bytes
    netuid: int


class Staking(Coinbase, Depth, Nominations):
    """Calls that put stake on hotkeys and take it off."""

    @call(2, ref_time=340_800_000)
    def add_stake(self, origin: Origin, hotkey: AccountId, netuid: u16, amount_staked: u64) -> None:
        """Stake tao on a hotkey."""
        self.stake_at_any_price(Place(hotkey, origin.signed(), netuid), amount_staked)

    @call(88, ref_time=402_900_000)
    def add_stake_limit(
        self, origin: Origin, hotkey: AccountId, netuid: u16, amount_staked: u64, limit_price: u64, allow_partial: Flag
    ) -> None:
        """Stake tao on a hotkey as long as the price is not above a limit."""
        place = Place(hotkey, origin.signed(), netuid)
        self.stake_at_a_limit(place, amount_staked, limit_price, least=0 if allow_partial else amount_staked)

    @call(3, ref_time=196_800_000)
    def remove_stake(self, origin: Origin, hotkey: AccountId, netuid: u16, amount_unstaked: u64) -> None:
        """Take stake off a hotkey and sell it for tao; at most all of it."""
        self._remove(Place(hotkey, origin.signed(), netuid), amount_unstaked)

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
        place = Place(hotkey, origin.signed(), netuid)
        self.ensure_not_too_deep(netuid, amount_unstaked, self.SubnetAlphaIn[netuid])
        most = self.most_to_sell(netuid, limit_price)
        self._check_sellable(place, amount_unstaked)
        if amount_unstaked > most and not allow_partial:
            raise self.Errors.SlippageTooHigh()
        self.check_hotkey(hotkey)
        self.ensure_free(place.coldkey, netuid, amount_unstaked)
        self._sell(place, min(amount_unstaked, most))

    @call(103, ref_time=395_300_000)
    def remove_stake_full_limit(self, origin: Origin, hotkey: AccountId, netuid: u16, limit_price: u64 | None) -> None:
        """Sell all stake on a hotkey, at a price that is not below a limit."""
        place = Place(hotkey, origin.signed(), netuid)
        amount = self.stake_of(*place)
        if limit_price is None:
            self._remove(place, amount)
        else:
            self.remove_stake_limit(origin, hotkey, netuid, amount, limit_price, False)

    @call(83, ref_time=28_830_000)
    def unstake_all(self, origin: Origin, hotkey: AccountId) -> None:
        """Sell what the coldkey has on a hotkey on every network; what cannot be sold stays."""
        self.check_hotkey(hotkey)
        for netuid in self.networks():
            self._try_unstake(Place(hotkey, origin.signed(), netuid))

    @call(84, ref_time=358_500_000)
    def unstake_all_alpha(self, origin: Origin, hotkey: AccountId) -> None:
        """Sell what the coldkey has on a hotkey on every network but root, and stake the tao on root."""
        coldkey = origin.signed()
        self.check_hotkey(hotkey)
        gained = sum(self._try_unstake(Place(hotkey, coldkey, netuid)) for netuid in self.subnets())
        if not gained:
            raise self.Errors.AmountTooLow()
        self.stake_into(Place(hotkey, coldkey, ROOT), gained)

    @call(101, ref_time=76_470_000)
    def recycle_alpha(self, origin: Origin, hotkey: AccountId, amount: u64, netuid: u16) -> None:
        """Give alpha back, to be emitted again."""
        taken = self._destroy(Place(hotkey, origin.signed(), netuid), amount)
        self.recycle_subnet_alpha(netuid, taken)
        self.system.deposit(self.Events.AlphaRecycled(origin.signed(), hotkey, taken, netuid))

    @call(102, ref_time=76_470_000)
    def burn_alpha(self, origin: Origin, hotkey: AccountId, amount: u64, netuid: u16) -> None:
        """Destroy alpha, which stays issued."""
        taken = self._destroy(Place(hotkey, origin.signed(), netuid), amount)
        self.assets.burn(netuid, taken)
        self.system.deposit(self.Events.AlphaBurned(origin.signed(), hotkey, taken, netuid))

    def stake_at_any_price(self, place: Place, tao: int) -> int:
        """Stake tao as `add_stake` does; the alpha that it bought."""
        self.ensure_not_too_deep(place.netuid, tao, self.SubnetTAO[place.netuid])
        self._check_stakeable(place, tao)
        self._check_payable(place, tao)
        return self.stake_into(place, tao)

    def stake_at_a_limit(self, place: Place, tao: int, limit: int, least: int) -> int:
        """Stake as much of some tao as a limit lets, and at least so much; the alpha that it bought."""
        self.ensure_not_too_deep(place.netuid, tao, self.SubnetTAO[place.netuid])
        most = self.most_to_buy(place.netuid, limit)
        self._check_stakeable(place, tao)
        if least > most:
            raise self.Errors.SlippageTooHigh()
        self._check_payable(place, min(tao, most))
        self.become_delegate(place)
        return self.stake_into(place, min(tao, most))

    def stake_into(self, place: Place, tao: int, fee_rate: int | None = None) -> int:
        """Pay tao and stake the alpha that it buys; the payer lives on, if need be with a little less staked."""
        hotkey, coldkey, netuid = place
        paid = self.payable(coldkey, tao)
        trade = self.buy_alpha(netuid, paid, coldkey, fee_rate)
        if not trade.received:
            raise self.Errors.AmountTooLow()
        self.increase_stake(hotkey, coldkey, netuid, trade.received)
        self.SubnetTaoFlow[netuid] += trade.paid
        self.tidy_lock(coldkey, netuid)
        self.LastColdkeyHotkeyStakeBlock[coldkey, hotkey] = self.system.block
        if netuid == ROOT:
            self.root_stake_grew(hotkey, coldkey, trade.received)
            self.note_root_staker(coldkey)
        self.system.deposit(self.Events.StakeAdded(coldkey, hotkey, paid, trade.received, netuid, trade.fee))
        return trade.received

    def unstake_from(self, place: Place, alpha: int, fee_rate: int | None = None) -> int:
        """Take stake off a hotkey and sell it; the tao that it brought."""
        hotkey, coldkey, netuid = place
        self.decrease_stake(hotkey, coldkey, netuid, alpha)
        trade = self.sell_alpha(netuid, alpha, coldkey, fee_rate)
        if netuid == ROOT:
            self.root_stake_shrank(hotkey, coldkey, alpha)
            self.forget_root_staker(coldkey)
        self.SubnetTaoFlow[netuid] -= trade.received
        self.tidy_lock(coldkey, netuid)
        self.LastColdkeyHotkeyStakeBlock[coldkey, hotkey] = self.system.block
        self.system.deposit(self.Events.StakeRemoved(coldkey, hotkey, trade.received, trade.paid, netuid, trade.fee))
        return trade.received

    def check_open(self, netuid: int) -> None:
        """Refuse a network that is not there, or whose alpha nobody may hold yet."""
        self.ensure_subnet(netuid)
        self.check_started(netuid)

    def check_started(self, netuid: int) -> None:
        """Refuse a network whose alpha nobody may hold yet; root's is tao, and is always open."""
        if netuid != ROOT and not self.SubtokenEnabled[netuid]:
            raise self.Errors.SubtokenDisabled()

    def check_hotkey(self, hotkey: bytes) -> None:
        """Refuse a hotkey that is nobody's."""
        if hotkey not in self.Owner:
            raise self.Errors.HotKeyAccountNotExists()

    def become_delegate(self, place: Place) -> None:
        """Write down the take of a hotkey that others stake on, which is the default until its owner says otherwise."""
        if self.Owner[place.hotkey] != place.coldkey and place.hotkey not in self.Delegates:
            self.Delegates[place.hotkey] = self.Delegates[place.hotkey]

    def _check_stakeable(self, place: Place, tao: int) -> None:
        self.check_open(place.netuid)
        try:
            fee = self.quote_buy(place.netuid, MIN_STAKE).fee
        except DispatchFailure:
            fee = MIN_STAKE * self.swap.FeeRate[place.netuid] // 65_535
        if tao < MIN_STAKE + fee:
            raise self.Errors.AmountTooLow()

    def _check_payable(self, place: Place, tao: int) -> None:
        if tao > self.balances.free(place.coldkey):
            raise self.Errors.NotEnoughBalanceToStake()
        self.check_hotkey(place.hotkey)
        trade = self.quote_buy(place.netuid, tao)
        if trade.paid < MIN_STAKE:
            raise self.Errors.AmountTooLow()

    def _remove(self, place: Place, wanted: int) -> None:
        self.check_started(place.netuid)
        alpha = min(wanted, self.stake_of(*place))
        self.ensure_not_too_deep(place.netuid, alpha, self.SubnetAlphaIn[place.netuid])
        self._check_sellable(place, alpha)
        self.check_hotkey(place.hotkey)
        self.ensure_free(place.coldkey, place.netuid, alpha)
        self._sell(place, alpha)

    def _check_sellable(self, place: Place, alpha: int) -> None:
        self.ensure_subnet(place.netuid)
        if not alpha:
            raise self.Errors.AmountTooLow()
        held = self.stake_of(*place)
        if alpha > held:
            raise self.Errors.NotEnoughStakeToWithdraw()
        brought = self.quote_sell(place.netuid, alpha).received
        if alpha < held and brought < MIN_STAKE:
            raise self.Errors.AmountTooLow()

    def _sell(self, place: Place, alpha: int) -> int:
        brought = self.unstake_from(place, alpha)
        self.clear_small_nomination(*place)
        if self.worth_on(place.hotkey) < self.StakeThreshold.value:
            for netuid in self.networks():
                del self.PendingChildKeys[netuid, place.hotkey]
        return brought

    def _try_unstake(self, place: Place) -> int:
        alpha = self.stake_of(*place)
        try:
            self.check_started(place.netuid)
            self._check_sellable(place, alpha)
            self.ensure_free(place.coldkey, place.netuid, alpha)
        except DispatchFailure:
            return 0
        brought = self.unstake_from(place, alpha)
        self.clear_small_nomination(*place)
        return brought

    def _destroy(self, place: Place, amount: int) -> int:
        hotkey, coldkey, netuid = place
        self.ensure_subnet(netuid)
        if netuid == ROOT:
            raise self.Errors.CannotBurnOrRecycleOnRootSubnet()
        self.check_started(netuid)
        self.check_hotkey(hotkey)
        taken = min(amount, self.stake_of(*place))
        if taken > self.SubnetAlphaOut[netuid]:
            raise self.Errors.InsufficientLiquidity()
        self.ensure_free(coldkey, netuid, taken)
        self.decrease_stake(hotkey, coldkey, netuid, taken)
        return taken
