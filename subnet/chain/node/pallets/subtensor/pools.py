# SPDX-License-Identifier: Apache-2.0
"""Where stake lies: each hotkey's pool of shares on each network, and each network's pool of tao and alpha.

The mathematics is `incentive.emission`'s; here it reads from storage and writes back. On root, network 0, alpha is
tao and a trade changes nothing but its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from incentive.emission.market import Pool, Trade, buy, price, sell
from incentive.emission.nominators import Share, SharePool
from incentive.fixed import U64F64
from protocols.errors import OutOfRange
from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.alphaassets import AlphaAssets
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.neurons import Neurons
from subnet.chain.node.pallets.subtensor.records import NO_ACCOUNT, SafeFloat
from subnet.chain.node.pallets.swap import Swap

if TYPE_CHECKING:
    from subnet.chain.node.pallets.balances import Balances
    from subnet.chain.node.pallets.system import System

__all__ = ["Pools"]

_MOST: Final = (1 << 64) - 1
_HOLDER: Final = 0  # whoever the operation is about, the only one that the mathematics needs to know


class Pools(Neurons):
    """Stake and its price."""

    def __init__(self, state: State, system: System, balances: Balances) -> None:
        super().__init__(state, system, balances)
        self.swap = Swap(state, system)
        """Fees of trades, and why a pool refuses one."""
        self.assets = AlphaAssets(state)
        """How much alpha was made and destroyed."""

    def stake_on(self, hotkey: bytes, netuid: int) -> int:
        """All stake on a hotkey."""
        return self.TotalHotkeyAlpha[hotkey, netuid]

    def stake_of(self, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
        """What a coldkey has on a hotkey."""
        return self._pool(hotkey, coldkey, netuid).stake(_HOLDER)

    def worth_on(self, hotkey: bytes) -> int:
        """What all stake on a hotkey is worth in tao, at the prices of the moment."""
        parts = [
            U64F64.multiply(self.price_of(netuid), U64F64.of(self.stake_on(hotkey, netuid)))
            for netuid in self.networks()
        ]
        return U64F64.floor(U64F64.saturate(sum(parts)))

    def increase_stake(self, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
        """Put stake of a coldkey on a hotkey."""
        if not amount:
            return
        pool = self._pool(hotkey, coldkey, netuid)
        # Where dust of shares is left of a stake of nothing, new stake would buy nothing with it.
        fresh = pool if pool.value else SharePool()
        self._keep(hotkey, coldkey, netuid, fresh.staked(_HOLDER, amount))
        staking = self.StakingHotkeys[coldkey]
        if hotkey not in staking:
            self.StakingHotkeys[coldkey] = (*staking, hotkey)

    def decrease_stake(self, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
        """Take stake of a coldkey off a hotkey; all of it must be there."""
        if not amount:
            return
        pool = self._pool(hotkey, coldkey, netuid)
        if amount > pool.stake(_HOLDER):
            raise self.Errors.NotEnoughStakeToWithdraw()
        self._keep(hotkey, coldkey, netuid, pool.unstaked(_HOLDER, amount))

    def pay_nominators(self, hotkey: bytes, netuid: int, amount: int) -> None:
        """Give stake to all who have some on a hotkey, by their shares."""
        if self.TotalHotkeySharesV2[hotkey, netuid].mantissa and self.TotalHotkeyAlpha[hotkey, netuid]:
            self._put_total(hotkey, netuid, min(self.TotalHotkeyAlpha[hotkey, netuid] + amount, _MOST))
        else:
            owner = self.Owner[hotkey]
            if owner != NO_ACCOUNT:
                self.increase_stake(hotkey, owner, netuid, amount)

    def is_stable(self, netuid: int) -> bool:
        """Whether alpha is tao on a network: on root's, and where there is no pool."""
        return netuid == ROOT or self.SubnetMechanism[netuid] == 0

    def pool_of(self, netuid: int) -> Pool:
        """The reserves of a network."""
        return Pool(self.SubnetTAO[netuid], self.SubnetAlphaIn[netuid])

    def price_of(self, netuid: int) -> int:
        """Tao for one alpha, U64F64 bits."""
        return U64F64.one if self.is_stable(netuid) else price(self.pool_of(netuid))

    def quote_buy(self, netuid: int, tao: int, fee_rate: int | None = None) -> Trade:
        """What tao would buy, without buying it; for the network's fee unless another is named."""
        if self.is_stable(netuid):
            return Trade(paid=tao, fee=0, received=tao)
        try:
            return buy(self.pool_of(netuid), tao, fee_rate=self._fee_rate(netuid, fee_rate))
        except OutOfRange as fault:
            raise self.Errors.InsufficientLiquidity() from fault

    def quote_sell(self, netuid: int, alpha: int, fee_rate: int | None = None) -> Trade:
        """What alpha would bring, without selling it; for the network's fee unless another is named."""
        if self.is_stable(netuid):
            return Trade(paid=alpha, fee=0, received=alpha)
        try:
            return sell(self.pool_of(netuid), alpha, fee_rate=self._fee_rate(netuid, fee_rate))
        except OutOfRange as fault:
            raise self.Errors.InsufficientLiquidity() from fault

    def buy_alpha(self, netuid: int, tao: int, payer: bytes, fee_rate: int | None = None) -> Trade:
        """Pay tao into a pool and take alpha out, which then is out among people; the fee is recycled."""
        trade = self.quote_buy(netuid, tao, fee_rate)
        self.balances.move(payer, self.subnet_account(netuid), trade.paid)
        if trade.fee:
            self.recycle(payer, trade.fee)
        self.SubnetTAO[netuid] += trade.paid
        self.TotalStake.value += trade.paid
        self.SubnetVolume[netuid] += tao
        if not self.is_stable(netuid):
            self.SubnetAlphaIn[netuid] -= trade.received
        self.SubnetAlphaOut[netuid] = min(self.SubnetAlphaOut[netuid] + trade.received, _MOST)
        return trade

    def sell_alpha(self, netuid: int, alpha: int, payee: bytes, fee_rate: int | None = None) -> Trade:
        """Put alpha into a pool and pay tao out of it; the fee is recycled."""
        trade = self.quote_sell(netuid, alpha, fee_rate)
        self._disburse(self.subnet_account(netuid), payee, trade.received)
        self.SubnetTAO[netuid] -= trade.received
        self.TotalStake.value = max(self.TotalStake.value - trade.received, 0)
        self.SubnetVolume[netuid] += trade.received
        if not self.is_stable(netuid):
            self.SubnetAlphaIn[netuid] = min(self.SubnetAlphaIn[netuid] + trade.paid, _MOST)
        self.SubnetAlphaOut[netuid] = max(self.SubnetAlphaOut[netuid] - trade.paid, 0)
        self.recycle_subnet_alpha(netuid, trade.fee)
        return trade

    def recycle_subnet_alpha(self, netuid: int, amount: int) -> None:
        """Give alpha that is out back, to be emitted again."""
        self.SubnetAlphaOut[netuid] = max(self.SubnetAlphaOut[netuid] - amount, 0)
        self.assets.recycle(netuid, amount)

    def _disburse(self, source: bytes, target: bytes, amount: int) -> None:
        """Pay out of an account; what is lost as dust with its end is issued no more."""
        before = self.balances.TotalIssuance.value
        self.balances.move(source, target, amount)
        self.TotalIssuance.value -= before - self.balances.TotalIssuance.value

    def _fee_rate(self, netuid: int, named: int | None) -> int:
        return self.swap.FeeRate[netuid] if named is None else named

    def _pool(self, hotkey: bytes, coldkey: bytes, netuid: int) -> SharePool:
        held = self.AlphaV2[hotkey, coldkey, netuid]
        total = self.TotalHotkeySharesV2[hotkey, netuid]
        return SharePool(self.TotalHotkeyAlpha[hotkey, netuid], {_HOLDER: Share(*held)}, Share(*total))

    def _keep(self, hotkey: bytes, coldkey: bytes, netuid: int, pool: SharePool) -> None:
        held, total = pool.shares[_HOLDER], pool.total
        self._put_total(hotkey, netuid, pool.value)
        self.TotalHotkeySharesV2[hotkey, netuid] = SafeFloat(total.mantissa, total.exponent)
        if held.mantissa:
            self.AlphaV2[hotkey, coldkey, netuid] = SafeFloat(held.mantissa, held.exponent)
        else:
            del self.AlphaV2[hotkey, coldkey, netuid]

    def _put_total(self, hotkey: bytes, netuid: int, alpha: int) -> None:
        self.TotalAlphaStaked[netuid] += alpha - self.TotalHotkeyAlpha[hotkey, netuid]
        self.TotalHotkeyAlpha[hotkey, netuid] = alpha
