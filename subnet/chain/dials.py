# SPDX-License-Identifier: Apache-2.0
"""Hyperparameters as the chain's storage and its administrative calls spell them, wherever the chain lives.

Reading one is reading the storage of its name. Setting one is a call of its own for each, and who signs decides which:
root's calls are wrapped in `Sudo`, and an owner changes the pace of a subnet by another call than root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from protocols.calls import SetHyperparameter
from protocols.errors import ExtrinsicFailed, InvalidHyperparameter
from protocols.hyperparameters import TABLE, Hyperparameters, Value, described

__all__ = ["ALPHA_VALUES", "Written", "alpha_values", "from_storage", "set_hyperparameter"]

ALPHA_VALUES: Final = "AlphaValues"
"""The entry that holds two of them."""

_ADMIN: Final = "AdminUtils"
_FRACTION_BITS: Final[Mapping[str, int]] = MappingProxyType({"U64F64": 64, "I96F32": 32})

# Where the setter is not sudo_set_<name>.
_SETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bonds_reset_on": "sudo_set_bonds_reset_enabled",
        "ema_price_halving_blocks": "sudo_set_ema_price_halving_period",
        "immune_owner_uids_limit": "sudo_set_owner_immune_neuron_limit",
        "liquid_alpha_on": "sudo_set_liquid_alpha_enabled",
        "mechanism_count_current": "sudo_set_mechanism_count",
        "reveal_period_epochs": "sudo_set_commit_reveal_weights_interval",
        "transfer_toggle": "sudo_set_toggle_transfer",
        "yuma3_on": "sudo_set_yuma3_enabled",
    }
)
_OWNERS_SETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {"tempo": "set_tempo", "activity_cutoff_factor_milli": "set_activity_cutoff_factor"}
)
_UNSETTABLE: Final = frozenset({"burn", "max_weights_limit", "validator_prune_len", "scaling_law_power"})


class Written(NamedTuple):
    """A call as the chain spells it; arguments in the order of the chain's own declaration."""

    pallet: str
    function: str
    arguments: tuple[Any, ...]
    is_sudo: bool = False
    """Whether it is only done when root asks through the pallet `Sudo`."""
    otherwise: tuple[Any, ...] | None = None
    """The same arguments for metadata that call a list of limited length a list."""


def from_storage(values: Sequence[Any]) -> Hyperparameters:
    """The hyperparameters whose entries, in the order of the table, hold these values; None leaves the default."""
    read: dict[str, object] = {}
    for (name, dial), value in zip(TABLE.items(), values, strict=True):
        if value is None:
            continue
        if dial.storage == ALPHA_VALUES:
            read[name] = value[name == "alpha_high"]
        elif dial.kind.name in _FRACTION_BITS:
            read[name] = _bits(value) / 2 ** _FRACTION_BITS[dial.kind.name]
        else:
            read[name] = value
    return Hyperparameters.from_dict(read)


def alpha_values(call: SetHyperparameter, now: tuple[int, int]) -> tuple[Value, Value]:
    """Both bond speeds, which the chain sets together, where one of them is to change."""
    return (call.value, now[1]) if call.name == "alpha_low" else (now[0], call.value)


def set_hyperparameter(call: SetHyperparameter, *, is_root: bool, alphas: tuple[int, int]) -> Written:
    """The call that changes a hyperparameter; raises what no chain could be asked."""
    dial = described(call.name)
    try:
        dial.storable(call.value)
    except InvalidHyperparameter as error:
        raise ExtrinsicFailed(f"InvalidValue: {error.message}", help=error.help) from error
    if call.name in _UNSETTABLE:
        raise ExtrinsicFailed(
            f"BadOrigin: {call.name} is set by nobody, the chain has no call for it", help="it moves by itself"
        )
    if call.name in _OWNERS_SETTERS and not (is_root and call.name == "tempo"):
        return Written("SubtensorModule", _OWNERS_SETTERS[call.name], (call.netuid, call.value))
    if dial.storage == ALPHA_VALUES:
        return Written(_ADMIN, "sudo_set_alpha_values", (call.netuid, *alpha_values(call, alphas)), is_root)
    value: Any = call.value
    if dial.kind.name in _FRACTION_BITS:
        value = {"bits": round(float(value) * 2 ** _FRACTION_BITS[dial.kind.name])}
    return Written(_ADMIN, _SETTERS.get(call.name, f"sudo_set_{call.name}"), (call.netuid, value), is_root)


def _bits(value: Any) -> int:
    return int(value["bits"] if isinstance(value, Mapping) else value)
