# SPDX-License-Identifier: Apache-2.0
"""How a hotkey gets a uid: it pays the price of the moment, or on the root's network it has more stake than another.

What a uid costs buys alpha that nobody gets. The price rises with each uid that is sold and falls with each block.
"""

from __future__ import annotations

from functools import cache

from incentive.emission.registration import BurnRules, after_registration, burn_decay_factor
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.networks import Networks
from subnet.chain.node.scale.names import AccountId, Blob, u16, u64

__all__ = ["Registration"]


class Registration(Networks):
    """Calls that give uids."""

    @call(7)
    def burned_register(self, origin: Origin, netuid: u16, hotkey: AccountId) -> None:
        """Buy a uid for a hotkey."""
        self._register_neuron(origin.signed(), netuid, hotkey)

    @call(6)
    def register(
        self,
        origin: Origin,
        netuid: u16,
        block_number: u64,
        nonce: u64,
        work: Blob,
        hotkey: AccountId,
        coldkey: AccountId,
    ) -> None:
        """Buy a uid for a hotkey; work was a way to pay once and is not looked at any more."""
        self._register_neuron(origin.signed(), netuid, hotkey)

    @call(134)
    def register_limit(self, origin: Origin, netuid: u16, hotkey: AccountId, limit_price: u64) -> None:
        """Buy a uid for a hotkey, unless it costs more than a limit."""
        coldkey = origin.signed()
        self._ensure_sold(netuid)
        if self.Burn[netuid] > limit_price:
            raise self.Errors.RegistrationPriceLimitExceeded()
        self._register_neuron(coldkey, netuid, hotkey)

    @call(62)
    def root_register(self, origin: Origin, hotkey: AccountId) -> None:
        """Get a uid on the root's network; when all are taken, from the hotkey that has least stake."""
        if not self.if_subnet_exist(ROOT):
            raise self.Errors.RootNetworkDoesNotExist()
        coldkey = origin.signed()
        if self.RegistrationsThisBlock[ROOT] >= self.MaxRegistrationsPerBlock[ROOT]:
            raise self.Errors.TooManyRegistrationsThisBlock()
        if self.RegistrationsThisInterval[ROOT] >= 3 * self.TargetRegistrationsPerInterval[ROOT]:
            raise self.Errors.TooManyRegistrationsThisInterval()
        if self.uid_of(ROOT, hotkey) is not None:
            raise self.Errors.HotKeyAlreadyRegisteredInSubNet()
        self.create_account_if_non_existent(coldkey, hotkey)
        uid = self._root_place(hotkey)
        if hotkey not in self.Delegates:
            self.Delegates[hotkey] = self.Delegates[hotkey]
        self.RegistrationsThisInterval[ROOT] += 1
        self.RegistrationsThisBlock[ROOT] += 1
        self.system.deposit(self.Events.NeuronRegistered(ROOT, uid, hotkey))

    def decay_burn_prices(self) -> None:
        """Let the prices of uids fall a little, and count the registrations of the block from zero."""
        falls = self.system.block > 1
        for netuid in self.NetworksAdded:
            burn = self.Burn[netuid]
            fallen = burn * _decay(self.BurnHalfLife[netuid]) >> 32 if falls else burn
            fallen = min(max(fallen, self.MinBurn[netuid]), self.MaxBurn[netuid])
            if fallen != burn:
                self.Burn[netuid] = fallen
            if self.RegistrationsThisBlock[netuid]:
                self.RegistrationsThisBlock[netuid] = 0
        if self.RegistrationsThisInterval[ROOT] and self.should_run_epoch(ROOT):
            self.RegistrationsThisInterval[ROOT] = 0

    def burn_rules(self, netuid: int) -> BurnRules:
        """How the price of a uid moves."""
        return BurnRules(
            half_life=self.BurnHalfLife[netuid],
            increase=self.BurnIncreaseMult[netuid],
            lowest=self.MinBurn[netuid],
            highest=self.MaxBurn[netuid],
        )

    def _register_neuron(self, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
        self._ensure_sold(netuid)
        if not self.NetworkRegistrationAllowed[netuid]:
            raise self.Errors.SubNetRegistrationDisabled()
        if self.uid_of(netuid, hotkey) is not None:
            raise self.Errors.HotKeyAlreadyRegisteredInSubNet()
        cost = self.Burn[netuid]
        if cost > self.balances.free(coldkey):
            raise self.Errors.NotEnoughBalanceToStake()
        self.create_account_if_non_existent(coldkey, hotkey)
        if not self.owns(coldkey, hotkey):
            raise self.Errors.NonAssociatedColdKey()
        pruned = self.place_to_take(netuid)
        paid = self.payable(coldkey, cost)
        self._recycle(netuid, coldkey, paid)
        uid = self.take_place(netuid, pruned, hotkey)
        self.Burn[netuid] = after_registration(cost, self.burn_rules(netuid))
        self.RegistrationsThisBlock[netuid] += 1
        recycled = self.RAORecycledForRegistration[netuid] + cost
        self.RAORecycledForRegistration[netuid] = recycled
        self.system.deposit(self.Events.RAORecycledForRegistrationSet(netuid, recycled))
        self.SubnetTaoFlow[netuid] += paid
        self.system.deposit(self.Events.NeuronRegistered(netuid, uid, hotkey))

    def _ensure_sold(self, netuid: int) -> None:
        if netuid == ROOT:
            raise self.Errors.RegistrationNotPermittedOnRootSubnet()
        self.ensure_subnet(netuid)

    def _recycle(self, netuid: int, coldkey: bytes, tao: int) -> None:
        if tao:
            # The chain's own trades pay no fee.
            bought = self.buy_alpha(netuid, tao, coldkey, fee_rate=0)
            self.SubnetAlphaOut[netuid] -= bought.received

    def _root_place(self, hotkey: bytes) -> int:
        if self.SubnetworkN[ROOT] < self.MaxAllowedUids[ROOT]:
            return self.append_neuron(ROOT, hotkey)
        places: list[tuple[int, int]] = [(self.stake_on(other, ROOT), uid) for uid, other in self.Keys.under(ROOT)]
        stake, uid = min(places)
        if stake >= self.stake_on(hotkey, ROOT):
            raise self.Errors.StakeTooLowForRoot()
        self.replace_neuron(ROOT, uid, hotkey)
        return uid


@cache
def _decay(half_life: int) -> int:
    return burn_decay_factor(half_life)
