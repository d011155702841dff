# SPDX-License-Identifier: Apache-2.0
"""Storage of the pallet: the hyperparameters of networks.

What owners and the root set for a network; a default is the value that the chain starts a network with, unless its
creation forces another.
"""

from __future__ import annotations

from subnet.chain.node.frame.hashing import blake2_128_concat, identity, twox64_concat
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.pallets.subtensor.records import RECYCLE_OR_BURN
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import Flag, i16, u8, u16, u32, u64

__all__ = ["RulesStorage"]


class RulesStorage(Pallet):
    """The hyperparameters of networks."""

    MaxRegistrationsPerBlock = Map[int](u16, 1, identity(u16))
    TransferToggle = Map[bool](Flag, True, identity(u16))
    Tempo = Map[int](u16, 10, identity(u16))
    NetworkRegistrationAllowed = Map[bool](Flag, True, identity(u16))
    NetworkPowRegistrationAllowed = Map[bool](Flag, True, identity(u16))
    RecycleOrBurn = Map[Variant](RECYCLE_OR_BURN, Variant("Burn"), identity(u16))
    ServingRateLimit = Map[int](u64, 50, identity(u16))
    Rho = Map[int](u16, 10, identity(u16))
    AlphaSigmoidSteepness = Map[int](i16, 1000, identity(u16))
    Kappa = Map[int](u16, 32767, identity(u16))
    MinAllowedUids = Map[int](u16, 64, identity(u16))
    MaxAllowedUids = Map[int](u16, 256, identity(u16))
    ImmunityPeriod = Map[int](u16, 4096, identity(u16))
    ActivityCutoff = Map[int](u16, 5000, identity(u16))
    MaxWeightsLimit = Map[int](u16, 65535, identity(u16))
    WeightsVersionKey = Map[int](u64, 0, identity(u16))
    MinAllowedWeights = Map[int](u16, 1024, identity(u16))
    MaxAllowedValidators = Map[int](u16, 128, identity(u16))
    AdjustmentInterval = Map[int](u16, 100, identity(u16))
    BondsMovingAverage = Map[int](u64, 900_000, identity(u16))
    BondsPenalty = Map[int](u16, 65535, identity(u16))
    BondsResetOn = Map[bool](Flag, False, identity(u16))
    WeightsSetRateLimit = Map[int](u64, 100, identity(u16))
    ValidatorPruneLen = Map[int](u64, 1, identity(u16))
    ScalingLawPower = Map[int](u16, 50, identity(u16))
    TargetRegistrationsPerInterval = Map[int](u16, 2, identity(u16))
    AdjustmentAlpha = Map[int](u64, 0, identity(u16))
    CommitRevealWeightsEnabled = Map[bool](Flag, True, identity(u16))
    Burn = Map[int](u64, 100_000_000, identity(u16))
    Difficulty = Map[int](u64, 10_000_000, identity(u16))
    MinBurn = Map[int](u64, 500_000, identity(u16))
    MaxBurn = Map[int](u64, 100_000_000_000, identity(u16))
    MinDifficulty = Map[int](u64, 10_000_000, identity(u16))
    MaxDifficulty = Map[int](u64, 4_611_686_018_427_387_903, identity(u16))
    EMAPriceHalvingBlocks = Map[int](u64, 201_600, identity(u16))
    LiquidAlphaOn = Map[bool](Flag, False, blake2_128_concat(u16))
    Yuma3On = Map[bool](Flag, False, blake2_128_concat(u16))
    AlphaValues = Map[tuple[int, int]](tuple[u16, u16], (45875, 58982), identity(u16))
    VotingPowerEmaAlpha = Map[int](u64, 3_570_000_000_000_000, identity(u16))
    ImmuneOwnerUidsLimit = Map[int](u16, 1, identity(u16))
    RevealPeriodEpochs = Map[int](u64, 1, twox64_concat(u16))
    MinNonImmuneUids = Map[int](u16, 10, identity(u16))
    MechanismCountCurrent = Map[int](u8, 1, twox64_concat(u16))
    MechanismEmissionSplit = Map[tuple[int, ...] | None](tuple[u16, ...] | None, None, twox64_concat(u16))
    MinChildkeyTakePerSubnet = Map[int](u16, 0, identity(u16))
    OwnerCutAutoLockEnabled = Map[bool](Flag, False, identity(u16))
    OwnerCutEnabled = Map[bool](Flag, True, identity(u16))
    ActivityCutoffFactorMilli = Map[int](u32, 13889, identity(u16))
    BurnHalfLife = Map[int](u16, 360, identity(u16))
    CollateralLockShare = Map[int](u16, 0, identity(u16))
