# SPDX-License-Identifier: Apache-2.0
"""What a proxy of each type may do for the account that it acts for.

The broad types allow all but a few groups of calls, the narrow ones nothing but a few; the groups are those of the
chain's own filters.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.scale.composites import Enum, Variant, VariantType

__all__ = ["PROXY_TYPE", "allows", "covers"]

_NAMES: Final = (
    "Any Owner NonCritical NonTransfer Senate NonFungible Triumvirate Governance Staking Registration Transfer "
    "SmallTransfer RootWeights ChildKeys SudoUncheckedSetCode SwapHotkey SubnetLeaseBeneficiary RootClaim"
)
PROXY_TYPE: Final = Enum(
    ("subtensor_runtime_common", "ProxyType"),
    tuple(VariantType(name, index) for index, name in enumerate(_NAMES.split())),
)

_SMALL: Final = 500_000_000
"""What a proxy for small transfers may not reach, in rao and in alpha."""

_MODULE: Final = "SubtensorModule"
_BALANCES: Final = "Balances"


def _calls(pallet: str, names: str) -> frozenset[tuple[str, str]]:
    return frozenset((pallet, name) for name in names.split())


_PAYING: Final = _calls(_BALANCES, "transfer_keep_alive transfer_allow_death transfer_all")
_MONEY: Final = _PAYING | _calls(
    _BALANCES, "force_transfer force_unreserve upgrade_accounts force_set_balance force_adjust_total_issuance burn"
)
_STAKES: Final = _calls(
    _MODULE,
    "add_stake add_stake_limit remove_stake remove_stake_limit remove_stake_full_limit unstake_all unstake_all_alpha "
    "move_stake swap_stake swap_stake_limit",
)
_STAKE_TRANSFER: Final = _calls(_MODULE, "transfer_stake")
_WORK_REGISTRATION: Final = _calls(_MODULE, "register register_limit")
_BURNED_REGISTRATION: Final = _calls(_MODULE, "burned_register")
_ROOT_REGISTRATION: Final = _calls(_MODULE, "root_register")
_HOTKEY_SWAP: Final = _calls(_MODULE, "swap_hotkey swap_hotkey_v2")
_COLDKEY_SWAP: Final = _calls(
    _MODULE,
    "schedule_swap_coldkey swap_coldkey announce_coldkey_swap swap_coldkey_announced clear_coldkey_swap_announcement "
    "dispute_coldkey_swap reset_coldkey_swap",
)
_DISSOLUTION: Final = _calls(_MODULE, "dissolve_network root_dissolve_network")
_CHILDREN: Final = _calls(_MODULE, "set_children set_childkey_take")
_CLAIM: Final = _calls(_MODULE, "claim_root")
_CLAIM_TYPE: Final = _calls(_MODULE, "set_root_claim_type")
_IDENTITY: Final = _calls(_MODULE, "set_subnet_identity update_symbol")
_START: Final = _calls(_MODULE, "start_call")
_SUDO: Final = _calls("Sudo", "sudo sudo_unchecked_weight set_key sudo_as remove_key")
_MANAGEMENT: Final = _calls(
    "AdminUtils",
    "sudo_set_serving_rate_limit sudo_set_max_difficulty sudo_set_weights_version_key sudo_set_adjustment_alpha "
    "sudo_set_immunity_period sudo_set_min_allowed_weights sudo_set_rho sudo_set_activity_cutoff sudo_set_min_burn "
    "sudo_set_max_burn sudo_set_bonds_moving_average sudo_set_bonds_penalty sudo_set_min_childkey_take_per_subnet "
    "sudo_set_commit_reveal_weights_enabled sudo_set_liquid_alpha_enabled sudo_set_alpha_values "
    "sudo_set_commit_reveal_weights_interval sudo_set_toggle_transfer sudo_set_recycle_or_burn "
    "sudo_set_alpha_sigmoid_steepness sudo_set_yuma3_enabled sudo_set_bonds_reset_enabled "
    "sudo_set_owner_immune_neuron_limit sudo_set_mechanism_count sudo_set_mechanism_emission_split "
    "sudo_trim_to_max_allowed_uids sudo_set_max_allowed_uids sudo_set_burn_half_life sudo_set_burn_increase_mult "
    "sudo_set_owner_cut_enabled sudo_set_owner_cut_auto_lock_enabled",
)

_DENIED: Final = {
    "NonTransfer": _MONEY | _STAKE_TRANSFER | _COLDKEY_SWAP,
    "NonFungible": _MONEY
    | _STAKES
    | _STAKE_TRANSFER
    | _BURNED_REGISTRATION
    | _ROOT_REGISTRATION
    | _HOTKEY_SWAP
    | _COLDKEY_SWAP,
    "NonCritical": _SUDO | _BURNED_REGISTRATION | _ROOT_REGISTRATION | _DISSOLUTION | _COLDKEY_SWAP,
}
_ALLOWED: Final = {
    "Owner": _IDENTITY | _MANAGEMENT,
    "Staking": _STAKES | _CLAIM_TYPE,
    "Registration": _WORK_REGISTRATION | _BURNED_REGISTRATION,
    "Transfer": _PAYING | _STAKE_TRANSFER,
    "ChildKeys": _CHILDREN,
    "SwapHotkey": _HOTKEY_SWAP,
    "SubnetLeaseBeneficiary": _START | _IDENTITY | _MANAGEMENT,
    "RootClaim": _CLAIM,
}


def allows(proxy_type: Variant, call: Variant) -> bool:
    """Whether a proxy of this type may make a call."""
    name, made = proxy_type.name, call.fields[0]
    if name == "Any":
        return True
    if name == "SmallTransfer":
        return _is_small(call.name, made)
    if name in _DENIED:
        return (call.name, made.name) not in _DENIED[name]
    return (call.name, made.name) in _ALLOWED.get(name, frozenset())


def covers(proxy_type: Variant, other: Variant) -> bool:
    """Whether one type may do all that the other may, as far as adding and removing proxies goes."""
    name, wanted = proxy_type.name, other.name
    if name in ("Any", wanted):
        return True
    if wanted == "Any":
        return False
    if name == "NonTransfer":
        return wanted not in ("Transfer", "SmallTransfer")
    return (name, wanted) == ("Transfer", "SmallTransfer")


def _is_small(pallet: str, made: Variant) -> bool:
    if (pallet, made.name) in (_PAYING - {(_BALANCES, "transfer_all")}):
        amount: int = made.fields[1]
        return amount < _SMALL
    if (pallet, made.name) in _STAKE_TRANSFER:
        amount = made.fields[-1]
        return amount < _SMALL
    return False
