# SPDX-License-Identifier: Apache-2.0
"""Rules about votes that a network's owner sets, and the root too: how they count, and what becomes of bonds.

Where a limit holds for owners only, the root may go beyond it.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.admin.rights import Rights
from subnet.chain.node.pallets.subtensor.limits import Kind, Rule
from subnet.chain.node.scale.names import Flag, i16, u16, u64

__all__ = ["VoteRules"]

_OWNERS_BONDS: Final = 975_000
_LEAST_ALPHA: Final = 65_535 // 40
_REVEAL_PERIODS: Final = range(1, 101)


class VoteRules(Rights):
    """Rules about weights and bonds."""

    @call(6)
    def sudo_set_weights_version_key(self, origin: Origin, netuid: u16, weights_version_key: u64) -> None:
        """The version that votes must have at least."""
        self.admit(origin, netuid, Kind.SET_WEIGHTS_VERSION_KEY)
        self.ensure_subnet(netuid)
        said = self.chain.Events.WeightsVersionKeySet
        self.set_rule(self.chain.WeightsVersionKey, netuid, weights_version_key, said)

    @call(14)
    def sudo_set_min_allowed_weights(self, origin: Origin, netuid: u16, min_allowed_weights: u16) -> None:
        """For how many neurons a vote must be."""
        self.admit(origin, netuid, Rule.MIN_ALLOWED_WEIGHTS)
        self.ensure_subnet(netuid)
        said = self.chain.Events.MinAllowedWeightSet
        self.set_rule(self.chain.MinAllowedWeights, netuid, min_allowed_weights, said)

    @call(17)
    def sudo_set_rho(self, origin: Origin, netuid: u16, rho: u16) -> None:
        """A rule of an older consensus."""
        self.admit(origin, netuid, Rule.RHO)
        self.ensure_subnet(netuid)
        self.chain.Rho[netuid] = rho

    @call(18)
    def sudo_set_activity_cutoff(self, origin: Origin, netuid: u16, activity_cutoff: u16) -> None:
        """Blocks after which a neuron that has not voted stopped counting, before tempos were counted."""
        self.admit(origin, netuid, Rule.ACTIVITY_CUTOFF)
        self.ensure_subnet(netuid)
        if activity_cutoff < self.chain.MinActivityCutoff.value:
            raise self.chain.Errors.ActivityCutoffTooLow()
        self.set_rule(self.chain.ActivityCutoff, netuid, activity_cutoff, self.chain.Events.ActivityCutoffSet)

    @call(26)
    def sudo_set_bonds_moving_average(self, origin: Origin, netuid: u16, bonds_moving_average: u64) -> None:
        """How slowly bonds follow votes, out of a million."""
        owner = self.admit(origin, netuid, Rule.BONDS_MOVING_AVERAGE)
        if owner is not None and bonds_moving_average > _OWNERS_BONDS:
            raise self.Errors.BondsMovingAverageMaxReached()
        self.ensure_subnet(netuid)
        said = self.chain.Events.BondsMovingAverageSet
        self.set_rule(self.chain.BondsMovingAverage, netuid, bonds_moving_average, said)

    @call(60)
    def sudo_set_bonds_penalty(self, origin: Origin, netuid: u16, bonds_penalty: u16) -> None:
        """How much of a vote beyond consensus makes no bonds, out of 65535."""
        self.admit(origin, netuid, Rule.BONDS_PENALTY)
        self.ensure_subnet(netuid)
        self.set_rule(self.chain.BondsPenalty, netuid, bonds_penalty, self.chain.Events.BondsPenaltySet)

    @call(49)
    def sudo_set_commit_reveal_weights_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether votes are sealed first."""
        self.admit(origin, netuid, Rule.COMMIT_REVEAL_ENABLED)
        self.ensure_subnet(netuid)
        said = self.chain.Events.CommitRevealEnabled
        self.set_rule(self.chain.CommitRevealWeightsEnabled, netuid, enabled, said)

    @call(57)
    def sudo_set_commit_reveal_weights_interval(self, origin: Origin, netuid: u16, interval: u64) -> None:
        """For how many epochs a vote stays sealed."""
        self.admit(origin, netuid, Rule.WEIGHT_COMMIT_INTERVAL)
        self.ensure_subnet(netuid)
        if interval >= _REVEAL_PERIODS.stop:
            raise self.chain.Errors.RevealPeriodTooLarge()
        if interval < _REVEAL_PERIODS.start:
            raise self.chain.Errors.RevealPeriodTooSmall()
        self.set_rule(self.chain.RevealPeriodEpochs, netuid, interval, self.chain.Events.CommitRevealPeriodsSet)

    @call(50)
    def sudo_set_liquid_alpha_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether bonds follow votes the faster the more they agree."""
        self.admit(origin, netuid, Rule.LIQUID_ALPHA_ENABLED)
        self.chain.LiquidAlphaOn[netuid] = enabled

    @call(51)
    def sudo_set_alpha_values(self, origin: Origin, netuid: u16, alpha_low: u16, alpha_high: u16) -> None:
        """Between which speeds bonds follow votes then, out of 65535."""
        self.admit(origin, netuid, Rule.ALPHA_VALUES)
        if not self.chain.LiquidAlphaOn[netuid]:
            raise self.chain.Errors.LiquidAlphaDisabled()
        if alpha_high < _LEAST_ALPHA:
            raise self.chain.Errors.AlphaHighTooLow()
        if not _LEAST_ALPHA <= alpha_low <= alpha_high:
            raise self.chain.Errors.AlphaLowOutOfRange()
        self.chain.AlphaValues[netuid] = (alpha_low, alpha_high)

    @call(68)
    def sudo_set_alpha_sigmoid_steepness(self, origin: Origin, netuid: u16, steepness: i16) -> None:
        """How suddenly the speed changes; only the root may turn it round."""
        self.admit(origin, netuid, Rule.ALPHA_SIGMOID_STEEPNESS)
        self.ensure_subnet(netuid)
        if steepness < 0 and not origin.is_root:
            raise self.Errors.NegativeSigmoidSteepness()
        self.chain.AlphaSigmoidSteepness[netuid] = steepness

    @call(69)
    def sudo_set_yuma3_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether the third consensus holds."""
        self.admit(origin, netuid, Rule.YUMA3_ENABLED)
        self.set_rule(self.chain.Yuma3On, netuid, enabled, self.Events.Yuma3EnableToggled)

    @call(70)
    def sudo_set_bonds_reset_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether a miner may give up its bonds."""
        self.admit(origin, netuid, Rule.BONDS_RESET_ENABLED)
        self.set_rule(self.chain.BondsResetOn, netuid, enabled, self.chain.Events.BondsResetOnSet)
        self.system.deposit(self.Events.BondsResetToggled(netuid, enabled))
