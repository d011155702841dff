# SPDX-License-Identifier: Apache-2.0
"""Rules about people that a network's owner sets, and the root too: who gets in, what it costs, how they are served.

Limits that a rule must keep are checked after the right to change it, as on chain.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from incentive.fixed import U64F64 as FORMAT
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.admin.rights import Rights
from subnet.chain.node.pallets.subtensor.limits import Kind, Rule
from subnet.chain.node.pallets.subtensor.mechanisms import MOST_UIDS
from subnet.chain.node.pallets.subtensor.records import RECYCLE_OR_BURN
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import U64F64, AccountId, Flag, u8, u16, u64

__all__ = ["OwnerRules"]

_MIN_BURN_BELOW: Final = 1_000_000_000
_MAX_BURN_ABOVE: Final = 100_000_000
_LONGEST_HALF_LIFE: Final = 36_100
_IMMORTAL: Final = range(1, 11)
_SN_OWNER_RATE: Final = 50_400
_RecycleOrBurn: TypeAlias = Annotated[Variant, RECYCLE_OR_BURN]


class OwnerRules(Rights):
    """Rules about places, prices and money."""

    @call(3)
    def sudo_set_serving_rate_limit(self, origin: Origin, netuid: u16, serving_rate_limit: u64) -> None:
        """Blocks between two addresses of a neuron."""
        self.admit(origin, netuid, Rule.SERVING_RATE_LIMIT)
        self.set_rule(self.chain.ServingRateLimit, netuid, serving_rate_limit, self.chain.Events.ServingRateLimitSet)

    @call(13)
    def sudo_set_immunity_period(self, origin: Origin, netuid: u16, immunity_period: u16) -> None:
        """Blocks for which a new neuron need not make room."""
        self.admit(origin, netuid, Rule.IMMUNITY_PERIOD)
        self.ensure_subnet(netuid)
        self.set_rule(self.chain.ImmunityPeriod, netuid, immunity_period, self.chain.Events.ImmunityPeriodSet)

    @call(15)
    def sudo_set_max_allowed_uids(self, origin: Origin, netuid: u16, max_allowed_uids: u16) -> None:
        """Places on the network."""
        self.admit(origin, netuid, Rule.MAX_ALLOWED_UIDS)
        self.ensure_subnet(netuid)
        if max_allowed_uids < self.chain.MinAllowedUids[netuid]:
            raise self.Errors.MaxAllowedUidsLessThanMinAllowedUids()
        if self.chain.SubnetworkN[netuid] > max_allowed_uids:
            raise self.Errors.MaxAllowedUIdsLessThanCurrentUIds()
        if max_allowed_uids > MOST_UIDS:
            raise self.Errors.MaxAllowedUidsGreaterThanDefaultMaxAllowedUids()
        self.chain.ensure_room(max_allowed_uids, self.chain.MechanismCountCurrent[netuid])
        self.set_rule(self.chain.MaxAllowedUids, netuid, max_allowed_uids, self.chain.Events.MaxAllowedUidsSet)

    @call(22)
    def sudo_set_min_burn(self, origin: Origin, netuid: u16, min_burn: u64) -> None:
        """The lowest price of a place."""
        self.admit(origin, netuid, Rule.MIN_BURN)
        self.ensure_subnet(netuid)
        if not min_burn < min(_MIN_BURN_BELOW, self.chain.MaxBurn[netuid]):
            raise self.Errors.ValueNotInBounds()
        self.set_rule(self.chain.MinBurn, netuid, min_burn, self.chain.Events.MinBurnSet)

    @call(23)
    def sudo_set_max_burn(self, origin: Origin, netuid: u16, max_burn: u64) -> None:
        """The highest price of a place."""
        self.admit(origin, netuid, Rule.MAX_BURN)
        self.ensure_subnet(netuid)
        if not max_burn > max(_MAX_BURN_ABOVE, self.chain.MinBurn[netuid]):
            raise self.Errors.ValueNotInBounds()
        self.set_rule(self.chain.MaxBurn, netuid, max_burn, self.chain.Events.MaxBurnSet)

    @call(89, operational=True)
    def sudo_set_burn_half_life(self, origin: Origin, netuid: u16, burn_half_life: u16) -> None:
        """Blocks in which the price of a place halves."""
        self.admit(origin, netuid, Rule.BURN_HALF_LIFE)
        self.ensure_not_root(netuid)
        if not 0 < burn_half_life <= _LONGEST_HALF_LIFE:
            raise self.Errors.InvalidValue()
        self.set_rule(self.chain.BurnHalfLife, netuid, burn_half_life, self.Events.BurnHalfLifeSet)

    @call(90, operational=True)
    def sudo_set_burn_increase_mult(self, origin: Origin, netuid: u16, burn_increase_mult: U64F64) -> None:
        """What the price of a place is multiplied with when one is sold, 1 to 3."""
        self.admit(origin, netuid, Rule.BURN_INCREASE_MULT)
        self.ensure_not_root(netuid)
        if not FORMAT.one <= burn_increase_mult <= FORMAT.of(3):
            raise self.Errors.InvalidValue()
        self.set_rule(self.chain.BurnIncreaseMult, netuid, burn_increase_mult, self.Events.BurnIncreaseMultSet)

    @call(5)
    def sudo_set_max_difficulty(self, origin: Origin, netuid: u16, max_difficulty: u64) -> None:
        """The hardest work that a place cost when places were worked for."""
        self.admit(origin, netuid, Rule.MAX_DIFFICULTY)
        self.set_rule(self.chain.MaxDifficulty, netuid, max_difficulty, self.chain.Events.MaxDifficultySet)

    @call(9)
    def sudo_set_adjustment_alpha(self, origin: Origin, netuid: u16, adjustment_alpha: u64) -> None:
        """How slowly the price moved when it moved by intervals."""
        self.admit(origin, netuid, Rule.ADJUSTMENT_ALPHA)
        self.ensure_subnet(netuid)
        self.set_rule(self.chain.AdjustmentAlpha, netuid, adjustment_alpha, self.chain.Events.AdjustmentAlphaSet)

    @call(61)
    def sudo_set_toggle_transfer(self, origin: Origin, netuid: u16, toggle: Flag) -> None:
        """Whether stake may go from one coldkey to another."""
        self.admit(origin, netuid, Rule.TRANSFER_ENABLED)
        self.set_rule(self.chain.TransferToggle, netuid, toggle, self.chain.Events.TransferToggle)

    @call(80)
    def sudo_set_recycle_or_burn(self, origin: Origin, netuid: u16, recycle_or_burn: _RecycleOrBurn) -> None:
        """What becomes of alpha that the owner's own miners earn."""
        self.admit(origin, netuid, Rule.RECYCLE_OR_BURN)
        self.chain.RecycleOrBurn[netuid] = recycle_or_burn

    @call(72)
    def sudo_set_owner_immune_neuron_limit(self, origin: Origin, netuid: u16, immune_neurons: u16) -> None:
        """How many of the owner's neurons never make room."""
        self.admit(origin, netuid, Rule.IMMUNE_NEURON_LIMIT)
        if immune_neurons not in _IMMORTAL:
            raise self.chain.Errors.InvalidValue()
        self.chain.ImmuneOwnerUidsLimit[netuid] = immune_neurons

    @call(92, operational=True)
    def sudo_set_owner_cut_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether the owner gets a part of what is emitted."""
        self._admit_any_time(origin, netuid)
        self.chain.OwnerCutEnabled[netuid] = enabled

    @call(95, operational=True)
    def sudo_set_owner_cut_auto_lock_enabled(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Whether the owner's part is locked when it comes."""
        self._admit_any_time(origin, netuid)
        self.chain.OwnerCutAutoLockEnabled[netuid] = enabled

    @call(93)
    def sudo_set_min_childkey_take_per_subnet(self, origin: Origin, netuid: u16, take: u16) -> None:
        """The least that children keep of what they earn for parents."""
        self.admit(origin, netuid, Rule.MIN_CHILDKEY_TAKE)
        self.ensure_subnet(netuid)
        if not self.chain.MinChildkeyTake.value <= take <= self.chain.MaxChildkeyTake.value:
            raise self.Errors.InvalidValue()
        said = self.chain.Events.MinChildKeyTakePerSubnetSet
        self.set_rule(self.chain.MinChildkeyTakePerSubnet, netuid, take, said)

    @call(76)
    def sudo_set_mechanism_count(self, origin: Origin, netuid: u16, mechanism_count: u8) -> None:
        """By how many mechanisms miners are rewarded."""
        self.admit(origin, netuid, Kind.MECHANISM_COUNT)
        self.chain.set_mechanism_count(netuid, mechanism_count)

    @call(77)
    def sudo_set_mechanism_emission_split(
        self, origin: Origin, netuid: u16, maybe_split: tuple[u16, ...] | None
    ) -> None:
        """What part each mechanism gives away."""
        self.admit(origin, netuid, Kind.MECHANISM_EMISSION)
        self.chain.set_emission_split(netuid, maybe_split)

    @call(78)
    def sudo_trim_to_max_allowed_uids(self, origin: Origin, netuid: u16, max_n: u16) -> None:
        """Take places away, and neurons with them."""
        self.admit(origin, netuid, Kind.MAX_UIDS_TRIMMING)
        self.chain.trim(netuid, max_n)

    @call(64)
    def sudo_set_subnet_owner_hotkey(self, origin: Origin, netuid: u16, hotkey: AccountId) -> None:
        """The owner's own hotkey, once in a week."""
        self._set_owner_hotkey(origin, netuid, hotkey)

    @call(67)
    def sudo_set_sn_owner_hotkey(self, origin: Origin, netuid: u16, hotkey: AccountId) -> None:
        """The owner's own hotkey, once in a week."""
        self._set_owner_hotkey(origin, netuid, hotkey)

    def _set_owner_hotkey(self, origin: Origin, netuid: int, hotkey: bytes) -> None:
        self.chain.ensure_owner_or_root(origin, netuid)
        self.chain.ensure_subnet(netuid)
        at = Variant("SetSNOwnerHotkey", (netuid,))
        last, now = self.chain.LastRateLimitedBlock[at], self.system.block
        if last and now - last < _SN_OWNER_RATE:
            raise self.chain.Errors.TxRateLimitExceeded()
        self.chain.LastRateLimitedBlock[at] = now
        self.chain.set_owner_hotkey(netuid, hotkey)

    def _admit_any_time(self, origin: Origin, netuid: int) -> None:
        self.chain.ensure_owner_or_root(origin, netuid)
        self.chain.ensure_admin_window(netuid)
        self.ensure_not_root(netuid)
