# SPDX-License-Identifier: Apache-2.0
"""Where the chain's own source keeps the types that we declare by their last name only.

Clients choose how to decode some types by the whole path (`frame_system::EventRecord`), and explorers show it. A
record is a `NamedTuple`, which knows only its own name; this is the rest.
"""

from __future__ import annotations

from typing import Final

__all__ = ["crate_of", "path_of"]

_RUNTIME: Final = ("sp_runtime",)
_SYSTEM: Final = ("frame_system",)
_DISPATCH: Final = ("frame_support", "dispatch")
_PAYMENT: Final = ("pallet_transaction_payment", "types")
_SUBTENSOR: Final = ("pallet_subtensor", "pallet")
_ANSWERS: Final = ("pallet_subtensor", "rpc_info")

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "AccountData": ("pallet_balances", "types"),
    "AccountInfo": _SYSTEM,
    "Announcement": ("pallet_proxy",),
    "AxonInfo": _SUBTENSOR,
    "BeaconConfiguration": ("pallet_drand", "types"),
    "BeaconConfigurationPayload": ("pallet_drand", "types"),
    "BalanceLock": ("pallet_balances", "types"),
    "BlockLength": ("frame_system", "limits"),
    "BlockWeights": ("frame_system", "limits"),
    "ChainIdentityV2": _SUBTENSOR,
    "CodeUpgradeAuthorization": _SYSTEM,
    "CommitmentInfo": ("pallet_commitments", "types"),
    "DelegateInfo": (*_ANSWERS, "delegate_info"),
    "Digest": (*_RUNTIME, "generic", "digest"),
    "DispatchClass": _DISPATCH,
    "DispatchError": _RUNTIME,
    "DispatchEventInfo": _SYSTEM,
    "DynamicInfo": (*_ANSWERS, "dynamic_info"),
    "Era": (*_RUNTIME, "generic", "era"),
    "EpochConsensus": _SUBTENSOR,
    "EventRecord": _SYSTEM,
    "FeeDetails": _PAYMENT,
    "Header": (*_RUNTIME, "generic", "header"),
    "HyperparamEntry": (*_ANSWERS, "subnet_info"),
    "HyperparamValue": (*_ANSWERS, "subnet_info"),
    "IdAmount": ("frame_support", "traits", "tokens", "misc"),
    "InclusionFee": _PAYMENT,
    "LastRuntimeUpgradeInfo": _SYSTEM,
    "LockState": ("pallet_subtensor", "staking", "lock"),
    "Metadata": ("pallet_drand", "types"),
    "Metagraph": (*_ANSWERS, "metagraph"),
    "ModuleError": _RUNTIME,
    "MultiAddress": (*_RUNTIME, "multiaddress"),
    "MultiSignature": _RUNTIME,
    "NeuronCertificate": _SUBTENSOR,
    "NeuronInfo": (*_ANSWERS, "neuron_info"),
    "NeuronInfoLite": (*_ANSWERS, "neuron_info"),
    "OpaqueMetadata": ("sp_core",),
    "Pays": _DISPATCH,
    "PerDispatchClass": _DISPATCH,
    "PendingExtrinsic": ("pallet_shield", "pallet"),
    "Phase": _SYSTEM,
    "PrometheusInfo": _SUBTENSOR,
    "ProxyDefinition": ("pallet_proxy",),
    "RuntimeDispatchInfo": _PAYMENT,
    "RuntimeVersion": ("sp_version",),
    "Pulse": ("pallet_drand", "types"),
    "PulsesPayload": ("pallet_drand", "types"),
    "RateLimitKey": _SUBTENSOR,
    "RecycleOrBurnEnum": _SUBTENSOR,
    "Registration": ("pallet_commitments", "types"),
    "ReserveData": ("pallet_balances", "types"),
    "RootClaimTypeEnum": _SUBTENSOR,
    "RuntimeDbWeight": ("sp_weights",),
    "SafeFloat": ("share_pool",),
    "SelectiveMetagraph": (*_ANSWERS, "metagraph"),
    "SimSwapResult": ("pallet_subtensor_swap_runtime_api",),
    "StakeAvailability": (*_ANSWERS, "stake_info"),
    "StakeInfo": (*_ANSWERS, "stake_info"),
    "SubnetHyperparams": (*_ANSWERS, "subnet_info"),
    "SubnetHyperparamsV2": (*_ANSWERS, "subnet_info"),
    "SubnetIdentityV3": _SUBTENSOR,
    "SubnetInfo": (*_ANSWERS, "subnet_info"),
    "SubnetInfov2": (*_ANSWERS, "subnet_info"),
    "SubnetLease": ("pallet_subtensor", "subnets", "leasing"),
    "SubnetPrice": ("pallet_subtensor_swap_runtime_api",),
    "SubnetState": (*_ANSWERS, "show_subnet"),
    "TokenError": _RUNTIME,
    "TransactionalError": _RUNTIME,
    "WeightsPerClass": ("frame_system", "limits"),
    "UsageTracker": ("pallet_commitments", "types"),
    "ValidTransaction": (*_RUNTIME, "transaction_validity"),
    "Weight": ("sp_weights", "weight_v2"),
}

_CRATES: Final[dict[str, str]] = {
    "MevShield": "pallet_shield",
    "SubtensorModule": "pallet_subtensor",
    "Swap": "pallet_subtensor_swap",
    "System": "frame_system",
}


# What belongs to no crate, and what is the node's own.
_OF_RUST: Final = frozenset({"BTreeMap", "BTreeSet", "Option", "Result"})
_ELSEWHERE: Final = ("node_subtensor_runtime",)

_NAMES: Final[dict[str, str]] = {
    "DbWeight": "RuntimeDbWeight",
    "FrozenAmount": "IdAmount",
    "HeldAmount": "IdAmount",
    "PerClass": "PerDispatchClass",
    "StakeLock": "LockState",
    "Usage": "UsageTracker",
    "_Lengths": "PerDispatchClass",
    "_Weights": "PerDispatchClass",
}


def path_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The whole path of a type that may be declared by its last name, or by a shorter one of ours."""
    if len(path) != 1:
        return path
    name = _NAMES.get(path[0], path[0])
    return (name,) if name in _OF_RUST else (*_HOMES.get(name, _ELSEWHERE), name)


def crate_of(pallet: str) -> str:
    """The crate in which the chain's source keeps a pallet."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in pallet)
    return _CRATES.get(pallet, f"pallet{words}")
