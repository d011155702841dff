# SPDX-License-Identifier: Apache-2.0
"""A network's rules as clients read them: as a record that never changes, and as a list by name that may grow.

The list is what the newest clients ask for, the records what older ones do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias

from incentive.fixed import I32F32 as FIXED
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.scale.names import I32F32, U64F64, Blob, Flag, compact_u16, compact_u64, scale_of
from subnet.chain.node.scale.primitives import Bool, Compact, UInt

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = [
    "HyperparamEntry",
    "SubnetHyperparams",
    "SubnetHyperparamsV2",
    "hyperparameters",
    "listed_hyperparameters",
    "old_hyperparameters",
]

_VALUE: Final = Enum(
    ("pallet_subtensor", "rpc_info", "subnet_info", "HyperparamValue"),
    (
        VariantType("Bool", 0, (Field(None, Bool()),)),
        VariantType("U16", 1, (Field(None, Compact(UInt(2))),)),
        VariantType("U32", 2, (Field(None, Compact(UInt(4))),)),
        VariantType("U64", 3, (Field(None, Compact(UInt(8))),)),
        VariantType("U128", 4, (Field(None, Compact(UInt(16))),)),
        VariantType("TaoBalance", 5, (Field(None, Compact(UInt(8))),)),
        VariantType("I32F32", 6, (Field(None, scale_of(I32F32)),)),
        VariantType("U64F64", 7, (Field(None, scale_of(U64F64)),)),
    ),
)
_Value: TypeAlias = Annotated[Variant, _VALUE]
_LISTED: Final = (
    ("kappa", "U16"),
    ("immunity_period", "U16"),
    ("min_allowed_weights", "U16"),
    ("max_weights_limit", "U16"),
    ("tempo", "U16"),
    ("weights_version", "U64"),
    ("weights_rate_limit", "U64"),
    ("activity_cutoff", "U64"),
    ("activity_cutoff_factor", "U32"),
    ("registration_allowed", "Bool"),
    ("target_regs_per_interval", "U16"),
    ("min_burn", "TaoBalance"),
    ("max_burn", "TaoBalance"),
    ("burn_half_life", "U16"),
    ("burn_increase_mult", "U64F64"),
    ("bonds_moving_avg", "U64"),
    ("max_regs_per_block", "U16"),
    ("serving_rate_limit", "U64"),
    ("max_validators", "U16"),
    ("commit_reveal_period", "U64"),
    ("commit_reveal_weights_enabled", "Bool"),
    ("alpha_high", "U16"),
    ("alpha_low", "U16"),
    ("liquid_alpha_enabled", "Bool"),
    ("alpha_sigmoid_steepness", "I32F32"),
    ("yuma_version", "U16"),
    ("subnet_is_active", "Bool"),
    ("transfers_enabled", "Bool"),
    ("bonds_reset_enabled", "Bool"),
    ("user_liquidity_enabled", "Bool"),
    ("owner_cut_enabled", "Bool"),
    ("owner_cut_auto_lock_enabled", "Bool"),
    ("min_childkey_take", "U16"),
    ("collateral_lock_share", "U16"),
)
_YUMA: Final = {False: 2, True: 3}


class SubnetHyperparams(NamedTuple):
    """The rules in the first version."""

    rho: compact_u16
    kappa: compact_u16
    immunity_period: compact_u16
    min_allowed_weights: compact_u16
    max_weights_limit: compact_u16
    tempo: compact_u16
    min_difficulty: compact_u64
    max_difficulty: compact_u64
    weights_version: compact_u64
    weights_rate_limit: compact_u64
    adjustment_interval: compact_u16
    activity_cutoff: compact_u64
    registration_allowed: Flag
    target_regs_per_interval: compact_u16
    min_burn: compact_u64
    max_burn: compact_u64
    bonds_moving_avg: compact_u64
    max_regs_per_block: compact_u16
    serving_rate_limit: compact_u64
    max_validators: compact_u16
    adjustment_alpha: compact_u64
    difficulty: compact_u64
    commit_reveal_period: compact_u64
    commit_reveal_weights_enabled: Flag
    alpha_high: compact_u16
    alpha_low: compact_u16
    liquid_alpha_enabled: Flag


class SubnetHyperparamsV2(NamedTuple):
    """The rules, and which parts of the chain are switched on."""

    rho: compact_u16
    kappa: compact_u16
    immunity_period: compact_u16
    min_allowed_weights: compact_u16
    max_weights_limit: compact_u16
    tempo: compact_u16
    min_difficulty: compact_u64
    max_difficulty: compact_u64
    weights_version: compact_u64
    weights_rate_limit: compact_u64
    adjustment_interval: compact_u16
    activity_cutoff: compact_u64
    registration_allowed: Flag
    target_regs_per_interval: compact_u16
    min_burn: compact_u64
    max_burn: compact_u64
    bonds_moving_avg: compact_u64
    max_regs_per_block: compact_u16
    serving_rate_limit: compact_u64
    max_validators: compact_u16
    adjustment_alpha: compact_u64
    difficulty: compact_u64
    commit_reveal_period: compact_u64
    commit_reveal_weights_enabled: Flag
    alpha_high: compact_u16
    alpha_low: compact_u16
    liquid_alpha_enabled: Flag
    alpha_sigmoid_steepness: I32F32
    yuma_version: compact_u16
    subnet_is_active: Flag
    transfers_enabled: Flag
    bonds_reset_enabled: Flag
    user_liquidity_enabled: Flag


class HyperparamEntry(NamedTuple):
    """A rule by its name."""

    name: Blob
    value: _Value


def hyperparameters(chain: SubtensorModule, netuid: int) -> SubnetHyperparamsV2:
    """A network's rules."""
    low, high = chain.AlphaValues[netuid]
    return SubnetHyperparamsV2(
        rho=chain.Rho[netuid],
        kappa=chain.Kappa[netuid],
        immunity_period=chain.ImmunityPeriod[netuid],
        min_allowed_weights=chain.MinAllowedWeights[netuid],
        max_weights_limit=chain.MaxWeightsLimit[netuid],
        tempo=chain.Tempo[netuid],
        min_difficulty=chain.MinDifficulty[netuid],
        max_difficulty=chain.MaxDifficulty[netuid],
        weights_version=chain.WeightsVersionKey[netuid],
        weights_rate_limit=chain.WeightsSetRateLimit[netuid],
        adjustment_interval=chain.AdjustmentInterval[netuid],
        activity_cutoff=chain.activity_cutoff(netuid),
        registration_allowed=chain.NetworkRegistrationAllowed[netuid],
        target_regs_per_interval=chain.TargetRegistrationsPerInterval[netuid],
        min_burn=chain.MinBurn[netuid],
        max_burn=chain.MaxBurn[netuid],
        bonds_moving_avg=chain.BondsMovingAverage[netuid],
        max_regs_per_block=chain.MaxRegistrationsPerBlock[netuid],
        serving_rate_limit=chain.ServingRateLimit[netuid],
        max_validators=chain.MaxAllowedValidators[netuid],
        adjustment_alpha=chain.AdjustmentAlpha[netuid],
        difficulty=chain.Difficulty[netuid],
        commit_reveal_period=chain.RevealPeriodEpochs[netuid],
        commit_reveal_weights_enabled=chain.CommitRevealWeightsEnabled[netuid],
        alpha_high=high,
        alpha_low=low,
        liquid_alpha_enabled=chain.LiquidAlphaOn[netuid],
        alpha_sigmoid_steepness=FIXED.of(chain.AlphaSigmoidSteepness[netuid]),
        yuma_version=_YUMA[chain.Yuma3On[netuid]],
        subnet_is_active=chain.SubtokenEnabled[netuid],
        transfers_enabled=chain.TransferToggle[netuid],
        bonds_reset_enabled=chain.BondsResetOn[netuid],
        user_liquidity_enabled=False,
    )


def old_hyperparameters(chain: SubtensorModule, netuid: int) -> SubnetHyperparams:
    """A network's rules as the first clients knew them."""
    return SubnetHyperparams._make(hyperparameters(chain, netuid)[: len(SubnetHyperparams._fields)])


def listed_hyperparameters(chain: SubtensorModule, netuid: int) -> tuple[HyperparamEntry, ...]:
    """A network's rules by name, in the chain's order."""
    values: dict[str, Any] = hyperparameters(chain, netuid)._asdict() | {
        "activity_cutoff_factor": chain.ActivityCutoffFactorMilli[netuid],
        "burn_half_life": chain.BurnHalfLife[netuid],
        "burn_increase_mult": chain.BurnIncreaseMult[netuid],
        "owner_cut_enabled": chain.OwnerCutEnabled[netuid],
        "owner_cut_auto_lock_enabled": chain.OwnerCutAutoLockEnabled[netuid],
        "min_childkey_take": max(chain.MinChildkeyTake.value, chain.MinChildkeyTakePerSubnet[netuid]),
        "collateral_lock_share": chain.CollateralLockShare[netuid],
    }
    return tuple(HyperparamEntry(name.encode(), Variant(kind, (values[name],))) for name, kind in _LISTED)
