# SPDX-License-Identifier: Apache-2.0
"""Rules of one network that only the root sets.

Some of them may be set at any time, others not in the frozen blocks before an epoch; which is which follows no rule
but the chain's.
"""

from __future__ import annotations

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.admin.rights import Rights
from subnet.chain.node.scale.names import Flag, u16, u64

__all__ = ["RootRules"]


class RootRules(Rights):
    """The root's calls about a network."""

    @call(4)
    def sudo_set_min_difficulty(self, origin: Origin, netuid: u16, min_difficulty: u64) -> None:
        """The easiest work that a place cost when places were worked for."""
        self.admit_root(origin, netuid)
        self.set_rule(self.chain.MinDifficulty, netuid, min_difficulty, self.chain.Events.MinDifficultySet)

    @call(7)
    def sudo_set_weights_set_rate_limit(self, origin: Origin, netuid: u16, weights_set_rate_limit: u64) -> None:
        """Blocks between two votes of a validator."""
        self._admit_always(origin, netuid)
        said = self.chain.Events.WeightsSetRateLimitSet
        self.set_rule(self.chain.WeightsSetRateLimit, netuid, weights_set_rate_limit, said)

    @call(8)
    def sudo_set_adjustment_interval(self, origin: Origin, netuid: u16, adjustment_interval: u16) -> None:
        """Blocks after which the price moved when it moved by intervals."""
        self._admit_always(origin, netuid)
        said = self.chain.Events.AdjustmentIntervalSet
        self.set_rule(self.chain.AdjustmentInterval, netuid, adjustment_interval, said)

    @call(16)
    def sudo_set_kappa(self, origin: Origin, netuid: u16, kappa: u16) -> None:
        """What part of the stake makes a majority, out of 65535."""
        self._admit_always(origin, netuid)
        self.set_rule(self.chain.Kappa, netuid, kappa, self.chain.Events.KappaSet)

    @call(19)
    def sudo_set_network_registration_allowed(self, origin: Origin, netuid: u16, registration_allowed: Flag) -> None:
        """Whether places are sold."""
        origin.root()
        said = self.chain.Events.RegistrationAllowed
        self.set_rule(self.chain.NetworkRegistrationAllowed, netuid, registration_allowed, said)

    @call(20)
    def sudo_set_network_pow_registration_allowed(
        self, origin: Origin, netuid: u16, registration_allowed: Flag
    ) -> None:
        """Places are not worked for any more."""
        raise self.Errors.POWRegistrationDisabled()

    @call(21)
    def sudo_set_target_registrations_per_interval(
        self, origin: Origin, netuid: u16, target_registrations_per_interval: u16
    ) -> None:
        """How many places were to be sold in an interval."""
        self.admit_root(origin, netuid)
        said = self.chain.Events.RegistrationPerIntervalSet
        rule = self.chain.TargetRegistrationsPerInterval
        self.set_rule(rule, netuid, target_registrations_per_interval, said)

    @call(24)
    def sudo_set_difficulty(self, origin: Origin, netuid: u16, difficulty: u64) -> None:
        """The work that a place cost when places were worked for."""
        self.admit_root(origin, netuid)
        self.set_rule(self.chain.Difficulty, netuid, difficulty, self.chain.Events.DifficultySet)

    @call(25)
    def sudo_set_max_allowed_validators(self, origin: Origin, netuid: u16, max_allowed_validators: u16) -> None:
        """How many neurons may vote."""
        self.admit_root(origin, netuid)
        if max_allowed_validators > self.chain.MaxAllowedUids[netuid]:
            raise self.Errors.MaxValidatorsLargerThanMaxUIds()
        said = self.chain.Events.MaxAllowedValidatorsSet
        self.set_rule(self.chain.MaxAllowedValidators, netuid, max_allowed_validators, said)

    @call(27)
    def sudo_set_max_registrations_per_block(
        self, origin: Origin, netuid: u16, max_registrations_per_block: u16
    ) -> None:
        """How many places may be had in a block, on the root's network."""
        self.admit_root(origin, netuid)
        said = self.chain.Events.MaxRegistrationsPerBlockSet
        self.set_rule(self.chain.MaxRegistrationsPerBlock, netuid, max_registrations_per_block, said)

    @call(30)
    def sudo_set_tempo(self, origin: Origin, netuid: u16, tempo: u16) -> None:
        """Blocks from epoch to epoch, counted anew from now on."""
        self.admit_root(origin, netuid)
        self.chain.apply_tempo(netuid, tempo)

    @call(39)
    def sudo_set_rao_recycled(self, origin: Origin, netuid: u16, rao_recycled: u64) -> None:
        """What is said to have been paid for places."""
        self._admit_always(origin, netuid)
        said = self.chain.Events.RAORecycledForRegistrationSet
        self.set_rule(self.chain.RAORecycledForRegistration, netuid, rao_recycled, said)

    @call(65)
    def sudo_set_ema_price_halving_period(self, origin: Origin, netuid: u16, ema_halving: u64) -> None:
        """The age at which a network's moving price moves at half of its full speed."""
        origin.root()
        self.chain.EMAPriceHalvingBlocks[netuid] = ema_halving

    @call(66)
    def sudo_set_subtoken_enabled(self, origin: Origin, netuid: u16, subtoken_enabled: Flag) -> None:
        """Whether a network is open for stake."""
        origin.root()
        self.chain.ensure_admin_window(netuid)
        self.chain.SubtokenEnabled[netuid] = subtoken_enabled

    @call(79)
    def sudo_set_min_allowed_uids(self, origin: Origin, netuid: u16, min_allowed_uids: u16) -> None:
        """The fewest places that a network may be left with."""
        self.admit_root(origin, netuid)
        if min_allowed_uids >= self.chain.MaxAllowedUids[netuid]:
            raise self.Errors.MinAllowedUidsGreaterThanMaxAllowedUids()
        if min_allowed_uids >= self.chain.SubnetworkN[netuid]:
            raise self.Errors.MinAllowedUidsGreaterThanCurrentUids()
        self.set_rule(self.chain.MinAllowedUids, netuid, min_allowed_uids, self.chain.Events.MinAllowedUidsSet)

    @call(84)
    def sudo_set_min_non_immune_uids(self, origin: Origin, netuid: u16, min: u16) -> None:
        """How many neurons that could make room must be left before new ones do."""
        origin.root()
        self.set_rule(self.chain.MinNonImmuneUids, netuid, min, self.chain.Events.MinNonImmuneUidsSet)

    @call(94)
    def sudo_set_subnet_emission_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether a network gets any of the tao that is emitted."""
        origin.root()
        self.ensure_not_root(netuid)
        self.set_rule(self.chain.SubnetEmissionEnabled, netuid, enabled, self.Events.SubnetEmissionEnabledSet)

    def _admit_always(self, origin: Origin, netuid: int) -> None:
        origin.root()
        self.ensure_subnet(netuid)
