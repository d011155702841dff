# SPDX-License-Identifier: Apache-2.0
"""Rules of the whole chain, which only the root sets.

Most of them are one value: the call checks that the root makes it, sets the value and says so. What is not checked
here is not checked on chain either.
"""

from __future__ import annotations

from typing import Any

from incentive.fixed import I64F64 as FLOW
from incentive.fixed import I96F32 as KEPT
from incentive.fixed import U64F64 as FORMAT
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.storage import BoundValue
from subnet.chain.node.pallets.admin.rights import Rights
from subnet.chain.node.scale.names import I64F64, I96F32, U64F64, Flag, u8, u16, u32, u64

__all__ = ["ChainRules"]


class ChainRules(Rights):
    """The root's calls about the chain."""

    @call(1)
    def sudo_set_default_take(self, origin: Origin, default_take: u16) -> None:
        """The most that a delegate may keep."""
        self._set(origin, self.chain.MaxDelegateTake, default_take, self.chain.Events.MaxDelegateTakeSet)

    @call(2)
    def sudo_set_tx_rate_limit(self, origin: Origin, tx_rate_limit: u64) -> None:
        """Blocks between two exchanges of a coldkey's hotkeys."""
        self._set(origin, self.chain.TxRateLimit, tx_rate_limit, self.chain.Events.TxRateLimitSet)

    @call(28)
    def sudo_set_subnet_owner_cut(self, origin: Origin, subnet_owner_cut: u16) -> None:
        """What part of the emission owners get, out of 65535."""
        self._set(origin, self.chain.SubnetOwnerCut, subnet_owner_cut, self.chain.Events.SubnetOwnerCutSet)

    @call(29)
    def sudo_set_network_rate_limit(self, origin: Origin, rate_limit: u64) -> None:
        """Blocks between two new networks."""
        self._set(origin, self.chain.NetworkRateLimit, rate_limit, self.chain.Events.NetworkRateLimitSet)

    @call(33)
    def sudo_set_total_issuance(self, origin: Origin, total_issuance: u64) -> None:
        """Nobody sets this any more."""
        raise self.Errors.Deprecated()

    @call(35)
    def sudo_set_network_immunity_period(self, origin: Origin, immunity_period: u64) -> None:
        """Blocks for which a new network need not make room."""
        said = self.chain.Events.NetworkImmunityPeriodSet
        self._set(origin, self.chain.NetworkImmunityPeriod, immunity_period, said)

    @call(36)
    def sudo_set_network_min_lock_cost(self, origin: Origin, lock_cost: u64) -> None:
        """The lowest price of a network."""
        self._set(origin, self.chain.NetworkMinLockCost, lock_cost, self.chain.Events.NetworkMinLockCostSet)

    @call(37)
    def sudo_set_subnet_limit(self, origin: Origin, max_subnets: u16) -> None:
        """How many networks there may be."""
        self._set(origin, self.chain.SubnetLimit, max_subnets, self.chain.Events.SubnetLimitSet)

    @call(38)
    def sudo_set_lock_reduction_interval(self, origin: Origin, interval: u64) -> None:
        """Blocks in which the price of a network falls by what the last one paid."""
        said = self.chain.Events.NetworkLockCostReductionIntervalSet
        self._set(origin, self.chain.NetworkLockReductionInterval, interval, said)

    @call(42)
    def sudo_set_stake_threshold(self, origin: Origin, min_stake: u64) -> None:
        """The least stake that votes count with."""
        self._set(origin, self.chain.StakeThreshold, min_stake, self.chain.Events.StakeThresholdSet)

    @call(43)
    def sudo_set_nominator_min_required_stake(self, origin: Origin, min_stake: u64) -> None:
        """The least that a nominator must have, in millionths of the least stake; who has less gets it back."""
        origin.root()
        # The chain compares the new number of millionths with the old one in rao.
        before = self.chain.least_nomination()
        self.chain.NominatorMinRequiredStake.value = min_stake
        if min_stake > before:
            self.chain.clear_small_nominations()

    @call(45)
    def sudo_set_tx_delegate_take_rate_limit(self, origin: Origin, tx_rate_limit: u64) -> None:
        """Blocks between two rises of what a delegate keeps."""
        said = self.chain.Events.TxDelegateTakeRateLimitSet
        self._set(origin, self.chain.TxDelegateTakeRateLimit, tx_rate_limit, said)

    @call(46)
    def sudo_set_min_delegate_take(self, origin: Origin, take: u16) -> None:
        """The least that a delegate may keep."""
        self._set(origin, self.chain.MinDelegateTake, take, self.chain.Events.MinDelegateTakeSet)

    @call(55)
    def sudo_set_dissolve_network_schedule_duration(self, origin: Origin, duration: u32) -> None:
        """Blocks between the wish to end a network and its end."""
        said = self.chain.Events.DissolveNetworkScheduleDurationSet
        self._set(origin, self.chain.DissolveNetworkScheduleDuration, duration, said)

    @call(63)
    def sudo_set_subnet_moving_alpha(self, origin: Origin, alpha: I96F32) -> None:
        """How fast moving prices move."""
        origin.root()
        self.chain.SubnetMovingAlpha.value = alpha

    @call(71)
    def sudo_set_commit_reveal_version(self, origin: Origin, version: u16) -> None:
        """The way in which votes are sealed."""
        said = self.chain.Events.CommitRevealVersionSet
        self._set(origin, self.chain.CommitRevealWeightsVersion, version, said)

    @call(73)
    def sudo_set_ck_burn(self, origin: Origin, burn: u64) -> None:
        """What part of parents' dividends is destroyed."""
        origin.root()
        self.chain.CKBurn.value = burn

    @call(74)
    def sudo_set_admin_freeze_window(self, origin: Origin, window: u16) -> None:
        """For how many blocks before an epoch rules are frozen."""
        self._set(origin, self.chain.AdminFreezeWindow, window, self.chain.Events.AdminFreezeWindowSet)

    @call(75)
    def sudo_set_owner_hparam_rate_limit(self, origin: Origin, epochs: u16) -> None:
        """Tempos between two changes of a rule by its owner."""
        said = self.chain.Events.OwnerHyperparamRateLimitSet
        self._set(origin, self.chain.OwnerHyperparamRateLimit, epochs, said)

    @call(81)
    def sudo_set_tao_flow_cutoff(self, origin: Origin, flow_cutoff: I64F64) -> None:
        """Below which flow of tao a network counts for nothing."""
        origin.root()
        self.chain.TaoFlowCutoff.value = FLOW.to(KEPT, flow_cutoff)

    @call(82)
    def sudo_set_tao_flow_normalization_exponent(self, origin: Origin, exponent: U64F64) -> None:
        """How much more a larger flow counts, 1 to 2."""
        origin.root()
        if not FORMAT.one <= exponent <= FORMAT.of(2):
            raise self.Errors.InvalidValue()
        self.chain.FlowNormExponent.value = exponent

    @call(83)
    def sudo_set_tao_flow_smoothing_factor(self, origin: Origin, smoothing_factor: u64) -> None:
        """How fast the average flow moves."""
        origin.root()
        self.chain.FlowEmaSmoothingFactor.value = smoothing_factor

    @call(85)
    def sudo_set_start_call_delay(self, origin: Origin, delay: u64) -> None:
        """Blocks between the creation of a network and its start."""
        self._set(origin, self.chain.StartCallDelay, delay, self.chain.Events.StartCallDelaySet)

    @call(86)
    def sudo_set_coldkey_swap_announcement_delay(self, origin: Origin, duration: u32) -> None:
        """Blocks between the announcement of another coldkey and the exchange."""
        said = self.chain.Events.ColdkeySwapAnnouncementDelaySet
        self._set(origin, self.chain.ColdkeySwapAnnouncementDelay, duration, said)

    @call(87)
    def sudo_set_coldkey_swap_reannouncement_delay(self, origin: Origin, duration: u32) -> None:
        """Blocks before another coldkey may be announced instead."""
        said = self.chain.Events.ColdkeySwapReannouncementDelaySet
        self._set(origin, self.chain.ColdkeySwapReannouncementDelay, duration, said)

    @call(88)
    def sudo_set_max_mechanism_count(self, origin: Origin, max_mechanism_count: u8) -> None:
        """How many mechanisms a network may have."""
        origin.root()
        self.chain.set_max_mechanism_count(max_mechanism_count)

    @call(91)
    def sudo_set_net_tao_flow_enabled(self, origin: Origin, enabled: Flag) -> None:
        """Whether what the chain pays in counts against a network's flow."""
        origin.root()
        self.chain.NetTaoFlowEnabled.value = enabled

    @call(96)
    def sudo_set_max_epochs_per_block(self, origin: Origin, max_epochs_per_block: u8) -> None:
        """How many epochs a block may run."""
        origin.root()
        if not max_epochs_per_block:
            raise self.Errors.ValueNotInBounds()
        self._set(origin, self.chain.MaxEpochsPerBlock, max_epochs_per_block, self.chain.Events.MaxEpochsPerBlockSet)

    def _set(self, origin: Origin, rule: BoundValue[Any], value: int, said: Event) -> None:
        origin.root()
        rule.value = value
        self.system.deposit(said(value))
