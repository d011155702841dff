# SPDX-License-Identifier: Apache-2.0
"""Who may change a network, and how often: the owner now and then, the root whenever it wants.

The chain counts changes of rules by rule, and other calls by kind and account. A limit holds from the block of the
last change on; the first change is free.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from subnet.chain.node.frame.items import BAD_ORIGIN, DispatchFailure
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.clocks import MIN_TEMPO, Clocks
from subnet.chain.node.scale.composites import Variant

__all__ = ["Kind", "Limits", "Rule"]


class Kind(IntEnum):
    """Kinds of calls that are counted by account; the numbers are in the storage keys."""

    SET_CHILDREN = 0
    SET_CHILDKEY_TAKE = 1
    SET_WEIGHTS_VERSION_KEY = 4
    MECHANISM_COUNT = 7
    MECHANISM_EMISSION = 8
    MAX_UIDS_TRIMMING = 9
    ADD_STAKE_BURN = 10
    TEMPO = 11


class Rule(IntEnum):
    """Rules whose changes are counted by network; the numbers are in the storage keys."""

    SERVING_RATE_LIMIT = 1
    MAX_DIFFICULTY = 2
    ADJUSTMENT_ALPHA = 3
    IMMUNITY_PERIOD = 5
    MIN_ALLOWED_WEIGHTS = 6
    RHO = 8
    ACTIVITY_CUTOFF = 9
    MIN_BURN = 11
    MAX_BURN = 12
    BONDS_MOVING_AVERAGE = 13
    BONDS_PENALTY = 14
    COMMIT_REVEAL_ENABLED = 15
    LIQUID_ALPHA_ENABLED = 16
    ALPHA_VALUES = 17
    WEIGHT_COMMIT_INTERVAL = 18
    TRANSFER_ENABLED = 19
    ALPHA_SIGMOID_STEEPNESS = 20
    YUMA3_ENABLED = 21
    BONDS_RESET_ENABLED = 22
    IMMUNE_NEURON_LIMIT = 23
    RECYCLE_OR_BURN = 24
    MAX_ALLOWED_UIDS = 25
    BURN_HALF_LIFE = 26
    BURN_INCREASE_MULT = 27
    MIN_CHILDKEY_TAKE = 29
    ACTIVITY_CUTOFF_FACTOR_MILLI = 30
    TRIGGER_EPOCH = 31


_FIXED: Final = {
    Kind.SET_CHILDREN: 150,
    Kind.MECHANISM_COUNT: 1,
    Kind.MECHANISM_EMISSION: 1,
    Kind.MAX_UIDS_TRIMMING: 1,
    Kind.TEMPO: MIN_TEMPO,
}


class Limits(Clocks):
    """Rights and how often they may be used."""

    def ensure_subnet_owner(self, origin: Origin, netuid: int) -> bytes:
        """The owner of a network, who signed; everybody else is turned away."""
        who = origin.signed()
        if self.SubnetOwner[netuid] != who:
            raise DispatchFailure(BAD_ORIGIN)
        return who

    def ensure_owner_or_root(self, origin: Origin, netuid: int) -> bytes | None:
        """The owner of a network, or None for the root; everybody else is turned away."""
        return None if origin.is_root else self.ensure_subnet_owner(origin, netuid)

    def ensure_rate(self, who: bytes, netuid: int, what: Kind | Rule) -> None:
        """Turn away whoever comes again too soon."""
        if not self.passes_rate(who, netuid, what):
            raise self.Errors.TxRateLimitExceeded()

    def passes_rate(self, who: bytes, netuid: int, what: Kind | Rule) -> bool:
        """Whether enough blocks have passed since the last time, or there was none."""
        last = self._last(who, netuid, what)
        return not last or self.system.block - last >= self._rate(netuid, what)

    def note_rate(self, who: bytes, netuid: int, what: Kind | Rule) -> None:
        """Count from this block on."""
        if isinstance(what, Rule):
            self.LastRateLimitedBlock[_rule_key(netuid, what)] = self.system.block
        else:
            self.TransactionKeyLastBlock[who, netuid, int(what)] = self.system.block

    def _last(self, who: bytes, netuid: int, what: Kind | Rule) -> int:
        if isinstance(what, Rule):
            return self.LastRateLimitedBlock[_rule_key(netuid, what)]
        return self.TransactionKeyLastBlock[who, netuid, int(what)]

    def _rate(self, netuid: int, what: Kind | Rule) -> int:
        tempo = self.Tempo[netuid]
        if isinstance(what, Rule):
            return tempo * self.OwnerHyperparamRateLimit.value
        if what is Kind.SET_CHILDKEY_TAKE:
            return self.TxChildkeyTakeRateLimit.value
        if what is Kind.SET_WEIGHTS_VERSION_KEY:
            return tempo * self.WeightsVersionKeyRateLimit.value
        return tempo if what is Kind.ADD_STAKE_BURN else _FIXED[what]


def _rule_key(netuid: int, rule: Rule) -> Variant:
    return Variant("OwnerHyperparamUpdate", (netuid, int(rule)))
