# SPDX-License-Identifier: Apache-2.0
"""What an owner decides about a network's epochs: how often they come, and how long a silent neuron counts.

Other rules are set through the pallet of administration; these calls are the owner's own.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.clocks import MAX_TEMPO, MIN_TEMPO
from subnet.chain.node.pallets.subtensor.limits import Kind, Limits, Rule
from subnet.chain.node.scale.names import u16, u32

__all__ = ["Hyperparameters"]

_FACTORS: Final = range(1_000, 50_001)


class Hyperparameters(Limits):
    """The owner's calls about epochs."""

    @call(139)
    def set_tempo(self, origin: Origin, netuid: u16, tempo: u16) -> None:
        """Decide how many blocks there are from epoch to epoch; the count starts anew."""
        who = self.ensure_subnet_owner(origin, netuid)
        if not MIN_TEMPO <= tempo <= MAX_TEMPO:
            raise self.Errors.TempoOutOfBounds()
        self.ensure_admin_window(netuid)
        self.ensure_rate(who, netuid, Kind.TEMPO)
        self.apply_tempo(netuid, tempo)
        self.note_rate(who, netuid, Kind.TEMPO)

    @call(140)
    def set_activity_cutoff_factor(self, origin: Origin, netuid: u16, factor_milli: u32) -> None:
        """Decide for how many tempos, in thousandths, a neuron counts that has not voted."""
        who = self.ensure_owner_or_root(origin, netuid)
        if factor_milli not in _FACTORS:
            raise self.Errors.ActivityCutoffFactorMilliOutOfBounds()
        if who is not None:
            self.ensure_admin_window(netuid)
            self.ensure_rate(who, netuid, Rule.ACTIVITY_CUTOFF_FACTOR_MILLI)
            self.note_rate(who, netuid, Rule.ACTIVITY_CUTOFF_FACTOR_MILLI)
        self.ActivityCutoffFactorMilli[netuid] = factor_milli
        self.system.deposit(self.Events.ActivityCutoffFactorMilliSet(netuid, factor_milli))

    @call(141)
    def trigger_epoch(self, origin: Origin, netuid: u16) -> None:
        """Ask for an epoch soon; until it comes, rules are frozen."""
        who = self.ensure_subnet_owner(origin, netuid)
        # Votes that reveal themselves later are sealed for an epoch by its number, which this would shift.
        if self.CommitRevealWeightsEnabled[netuid]:
            raise self.Errors.DynamicTempoBlockedByCommitReveal()
        if self.PendingEpochAt[netuid]:
            raise self.Errors.EpochTriggerAlreadyPending()
        window = self.AdminFreezeWindow.value
        if self.blocks_until_epoch(netuid) < window:
            raise self.Errors.AutoEpochAlreadyImminent()
        self.ensure_rate(who, netuid, Rule.TRIGGER_EPOCH)
        fires_at = self.system.block + window
        self.PendingEpochAt[netuid] = fires_at
        self.note_rate(who, netuid, Rule.TRIGGER_EPOCH)
        self.system.deposit(self.Events.EpochTriggered(netuid, who, fires_at))

    def apply_tempo(self, netuid: int, tempo: int) -> None:
        """Set the tempo, and let the network's clock start anew."""
        self.Tempo[netuid] = tempo
        self.system.deposit(self.Events.TempoSet(netuid, tempo))
        self.LastEpochBlock[netuid] = self.system.block
