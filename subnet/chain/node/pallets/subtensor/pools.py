# SPDX-License-Identifier: Apache-2.0
"""Where stake lies: each hotkey's pool of shares on each network, and each network's pool of tao and alpha.

The mathematics is `incentive.emission`'s; here it reads from storage and writes back. On root, network 0, alpha is
tao and a trade changes nothing but its name.
"""

from __future__ import annotations

from typing import Final

from incentive.emission.market import FEE_RATE, Pool, Trade, buy, price, sell
from incentive.emission.nominators import Share, SharePool
from protocols.errors import OutOfRange
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.neurons import Neurons
from subnet.chain.node.pallets.subtensor.records import NO_ACCOUNT, SafeFloat

__all__ = ["Pools"]

_ONE: Final = 1 << 64
_HOLDER: Final = 0  # whoever the operation is about, the only one that the mathematics needs to know


class Pools(Neurons):
    """Stake and its price."""

    def stake_on(self, hotkey: bytes, netuid: int) -> int:
        """All stake on a hotkey."""
        return self.TotalHotkeyAlpha[hotkey, netuid]

    def stake_of(self, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
        """What a coldkey has on a hotkey."""
        return self._pool(hotkey, coldkey, netuid).stake(_HOLDER)

    def increase_stake(self, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
        """Put stake of a coldkey on a hotkey."""
        pool = self._pool(hotkey, coldkey, netuid)
        # Where dust of shares is left of a stake of nothing, new stake would buy nothing with it.
        fresh = pool if pool.value else SharePool()
        self._keep(hotkey, coldkey, netuid, fresh.staked(_HOLDER, amount))
        staking = self.StakingHotkeys[coldkey]
        if hotkey not in staking:
            self.StakingHotkeys[coldkey] = (*staking, hotkey)

    def decrease_stake(self, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
        """Take stake of a coldkey off a hotkey; all of it must be there."""
        pool = self._pool(hotkey, coldkey, netuid)
        if amount > pool.stake(_HOLDER):
            raise self.Errors.NotEnoughStakeToWithdraw()
        self._keep(hotkey, coldkey, netuid, pool.unstaked(_HOLDER, amount))

    def pay_nominators(self, hotkey: bytes, netuid: int, amount: int) -> None:
        """Give stake to all who have some on a hotkey, by their shares."""
        if self.TotalHotkeySharesV2[hotkey, netuid].mantissa:
            self.TotalHotkeyAlpha[hotkey, netuid] = min(self.TotalHotkeyAlpha[hotkey, netuid] + amount, _ONE - 1)
        else:
            owner = self.Owner[hotkey]
            if owner != NO_ACCOUNT:
                self.increase_stake(hotkey, owner, netuid, amount)

    def pool_of(self, netuid: int) -> Pool:
        """The reserves of a network."""
        return Pool(self.SubnetTAO[netuid], self.SubnetAlphaIn[netuid])

    def price_of(self, netuid: int) -> int:
        """Tao for one alpha, U64F64 bits."""
        return _ONE if netuid == ROOT or self.SubnetMechanism[netuid] == 0 else price(self.pool_of(netuid))

    def quote_buy(self, netuid: int, tao: int, fee_rate: int = FEE_RATE) -> Trade:
        """What tao would buy, without buying it."""
        if netuid == ROOT or self.SubnetMechanism[netuid] == 0:
            return Trade(paid=tao, fee=0, received=tao)
        try:
            return buy(self.pool_of(netuid), tao, fee_rate=fee_rate)
        except OutOfRange as fault:
            raise self.Errors.InsufficientLiquidity() from fault

    def quote_sell(self, netuid: int, alpha: int, fee_rate: int = FEE_RATE) -> Trade:
        """What alpha would bring, without selling it."""
        if netuid == ROOT or self.SubnetMechanism[netuid] == 0:
            return Trade(paid=alpha, fee=0, received=alpha)
        try:
            return sell(self.pool_of(netuid), alpha, fee_rate=fee_rate)
        except OutOfRange as fault:
            raise self.Errors.InsufficientLiquidity() from fault

    def buy_alpha(self, netuid: int, tao: int, payer: bytes, fee_rate: int = FEE_RATE) -> Trade:
        """Pay tao into a pool and take alpha out, which then is out among people; the fee is destroyed."""
        trade = self.quote_buy(netuid, tao, fee_rate)
        self.balances.move(payer, self.subnet_account(netuid), trade.paid)
        if trade.fee:
            self.balances.burn(payer, trade.fee)
            self.TotalIssuance.value -= trade.fee
        self.SubnetTAO[netuid] += trade.paid
        self.TotalStake.value += trade.paid
        self.SubnetVolume[netuid] += trade.paid
        if netuid != ROOT:
            self.SubnetAlphaIn[netuid] -= trade.received
        self.SubnetAlphaOut[netuid] += trade.received
        return trade

    def sell_alpha(self, netuid: int, alpha: int, payee: bytes, fee_rate: int = FEE_RATE) -> Trade:
        """Put alpha into a pool and pay tao out of it; the fee is alpha that is no more."""
        trade = self.quote_sell(netuid, alpha, fee_rate)
        self.balances.move(self.subnet_account(netuid), payee, trade.received)
        self.SubnetTAO[netuid] -= trade.received
        self.TotalStake.value -= trade.received
        self.SubnetVolume[netuid] += trade.received
        if netuid != ROOT:
            self.SubnetAlphaIn[netuid] += trade.paid
        self.SubnetAlphaOut[netuid] -= trade.paid + trade.fee
        return trade

    def _pool(self, hotkey: bytes, coldkey: bytes, netuid: int) -> SharePool:
        held = self.AlphaV2[hotkey, coldkey, netuid]
        total = self.TotalHotkeySharesV2[hotkey, netuid]
        return SharePool(self.TotalHotkeyAlpha[hotkey, netuid], {_HOLDER: Share(*held)}, Share(*total))

    def _keep(self, hotkey: bytes, coldkey: bytes, netuid: int, pool: SharePool) -> None:
        held, total = pool.shares[_HOLDER], pool.total
        self.TotalHotkeyAlpha[hotkey, netuid] = pool.value
        self.TotalHotkeySharesV2[hotkey, netuid] = SafeFloat(total.mantissa, total.exponent)
        if held.mantissa:
            self.AlphaV2[hotkey, coldkey, netuid] = SafeFloat(held.mantissa, held.exponent)
        else:
            del self.AlphaV2[hotkey, coldkey, netuid]
