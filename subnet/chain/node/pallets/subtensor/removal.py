# SPDX-License-Identifier: Apache-2.0
"""The end of a network: its tao goes to those who hold its alpha, and nothing that was written under its number stays.

A number is used again, so what a network leaves behind would be the next one's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.money import EXISTENTIAL_DEPOSIT
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.pools import Pools

if TYPE_CHECKING:
    from subnet.chain.node.pallets.balances import Balances
    from subnet.chain.node.pallets.system import System

__all__ = ["Removal"]

_BY_NETWORK: Final = """
SubnetOwner SubnetworkN NetworksAdded NetworkRegisteredAt Active Emission Consensus Dividends ValidatorPermit
ValidatorTrust Tempo Kappa Difficulty MaxAllowedUids ImmunityPeriod ActivityCutoff ActivityCutoffFactorMilli
LastEpochBlock PendingEpochAt SubnetEpochIndex MinAllowedWeights RegistrationsThisInterval
POWRegistrationsThisInterval BurnRegistrationsThisInterval SubnetAlphaInEmission SubnetAlphaOutEmission
SubnetTaoInEmission SubnetVolume SubnetMovingPrice SubnetTaoFlow SubnetEmaTaoFlow SubnetProtocolFlow
SubnetEmaProtocolFlow SubnetExcessTao SubnetRootSellTao TokenSymbol SubnetMechanism SubnetOwnerHotkey
NetworkRegistrationAllowed NetworkPowRegistrationAllowed TransferToggle SubnetLocked LargestLocked
FirstEmissionBlockNumber PendingValidatorEmission PendingServerEmission PendingRootAlphaDivs PendingOwnerCut
MinerBurned BlocksSinceLastStep LastMechansimStepBlock LastAdjustmentBlock ServingRateLimit Rho
AlphaSigmoidSteepness MaxAllowedValidators BondsMovingAverage BondsPenalty BondsResetOn WeightsSetRateLimit
ValidatorPruneLen ScalingLawPower TargetRegistrationsPerInterval CommitRevealWeightsEnabled BurnHalfLife
BurnIncreaseMult Burn MinBurn MaxBurn MinDifficulty MaxDifficulty RegistrationsThisBlock EMAPriceHalvingBlocks
RAORecycledForRegistration MaxRegistrationsPerBlock WeightsVersionKey LiquidAlphaOn Yuma3On AlphaValues
SubtokenEnabled OwnerCutAutoLockEnabled ImmuneOwnerUidsLimit StakeWeight LoadedEmission RevealPeriodEpochs
MechanismCountCurrent MechanismEmissionSplit SubnetTAO SubnetAlphaIn SubnetAlphaOut SubnetProtocolAlpha OwnerLock
DecayingOwnerLock TotalAlphaStaked
"""
_BY_NETWORK_FIRST: Final = """
Uids Keys BlockAtRegistration Axons NeuronCertificates Prometheus AlphaDividendsPerSubnet PendingChildKeys
AssociatedEvmAddress LastHotkeySwapOnNetuid RootClaimed HotkeyLock DecayingHotkeyLock LockingColdkeys
"""
_BY_NETWORK_SECOND: Final = """
IsNetworkMember ChildkeyTake ChildKeys ParentKeys LastHotkeyEmissionOnNetuid TotalHotkeyAlphaLastEpoch
TransactionKeyLastBlock TotalHotkeyAlpha TotalHotkeyShares TotalHotkeySharesV2 Lock DecayingLock
"""
_BY_NETWORK_THIRD: Final = "Alpha AlphaV2"
_BY_MECHANISM: Final = "LastUpdate Incentive"
_BY_MECHANISM_FIRST: Final = "WeightCommits TimelockedWeightCommits Bonds Weights"


class Removal(Pools):
    """Ends of networks."""

    def __init__(self, state: State, system: System, balances: Balances) -> None:
        super().__init__(state, system, balances)
        self.when_removed: list[Callable[[int], None]] = []
        """What other pallets do when a network is gone."""

    def dissolve(self, netuid: int) -> None:
        """End a network; those who hold its alpha get the tao of its pool."""
        if netuid == ROOT:
            raise self.Errors.SubnetNotExists()
        self.ensure_subnet(netuid)
        for hotkey, rates in self.RootClaimable.items():
            if any(claimable == netuid for claimable, _ in rates):
                self.RootClaimable[hotkey] = tuple(rate for rate in rates if rate[0] != netuid)
        self._pay_out(netuid)
        self._forget(netuid)
        for removed in self.when_removed:
            removed(netuid)
        self.system.deposit(self.Events.NetworkRemoved(netuid))

    def _pay_out(self, netuid: int) -> None:
        """Share the pool's tao by alpha; what the pool itself holds counts too, and its share is recycled."""
        holders = [
            (cold, held)
            for hot, cold, where in self.AlphaV2
            if where == netuid and (held := self.stake_of(hot, cold, netuid))
        ]
        pool = self.SubnetAlphaIn[netuid] + self.SubnetProtocolAlpha[netuid]
        amounts = [held for _, held in holders] + [pool]
        pot, shares = self.SubnetTAO[netuid], _shares(self.SubnetTAO[netuid], amounts)
        self.TotalStake.value = max(self.TotalStake.value - pot, 0)
        account = self.subnet_account(netuid)
        for (coldkey, _), share in zip(holders, shares, strict=False):
            # Who would get too little to live on gets nothing.
            if share and self.balances.free(coldkey) + share >= EXISTENTIAL_DEPOSIT:
                self.balances.move(account, coldkey, share)
        if (rest := self.balances.free(account) - EXISTENTIAL_DEPOSIT) > 0:
            self.recycle(account, rest)

    def _forget(self, netuid: int) -> None:
        self.TotalNetworks.value -= 1
        for index in self.mechanisms(netuid):
            self._drop(_BY_MECHANISM, lambda at, index=index: bool(at == index))
            self._drop(_BY_MECHANISM_FIRST, lambda at, index=index: bool(at[0] == index))
        self._drop(_BY_NETWORK_FIRST, lambda at: bool(at[0] == netuid))
        self._drop(_BY_NETWORK_SECOND, lambda at: bool(at[1] == netuid))
        self._drop(_BY_NETWORK_THIRD, lambda at: bool(at[2] == netuid))
        for name in _BY_NETWORK.split():
            del getattr(self, name)[netuid]
        if self.SubnetIdentitiesV3[netuid] is not None:
            del self.SubnetIdentitiesV3[netuid]
            self.system.deposit(self.Events.SubnetIdentityRemoved(netuid))

    def _drop(self, names: str, goes: Callable[..., bool]) -> None:
        for name in names.split():
            entries = getattr(self, name)
            for at in [at for at in entries if goes(at)]:
                del entries[at]


def _shares(pot: int, amounts: list[int]) -> list[int]:
    """What of a pot goes with each amount; the rao that rounding leaves go where most was cut off."""
    total = sum(amounts)
    if not total:
        return [0] * len(amounts)
    shares = [pot * amount // total for amount in amounts]
    cut = sorted(range(len(amounts)), key=lambda place: -(pot * amounts[place] % total))
    for place in cut[: pot - sum(shares)]:
        shares[place] += 1
    return shares
