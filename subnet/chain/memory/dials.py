# SPDX-License-Identifier: Apache-2.0
"""Who may turn which hyperparameter, when, and how far.

An owner may turn most of them within narrower bounds than root, not shortly before an epoch, and not again and again:
validators must be able to rely on the rules under which they work.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from protocols.calls import SetHyperparameter
from protocols.errors import ExtrinsicFailed, InvalidHyperparameter
from protocols.hyperparameters import Value, described
from protocols.keys import short
from subnet.chain.memory.outcomes import Done, happened, refused
from subnet.chain.memory.state import Network, State

__all__ = ["set_hyperparameter"]

_OWNERS_BOUNDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"tempo": (360, 50_400), "bonds_moving_average": (0, 975_000), "alpha_sigmoid_steepness": (0, 2**15 - 1)}
)
_OWNERS_REFUSALS: Final[Mapping[str, str]] = MappingProxyType({"tempo": "TempoOutOfBounds"})

# Where the chain's event is not named for its storage.
_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "commit_reveal_weights_enabled": "CommitRevealEnabled",
        "max_weights_limit": "MaxWeightLimitSet",
        "min_allowed_weights": "MinAllowedWeightSet",
        "network_pow_registration_allowed": "PowRegistrationAllowed",
        "network_registration_allowed": "RegistrationAllowed",
        "reveal_period_epochs": "CommitRevealPeriodsSet",
        "target_registrations_per_interval": "RegistrationPerIntervalSet",
        "transfer_toggle": "TransferToggle",
    }
)


def set_hyperparameter(state: State, call: SetHyperparameter, signer: str) -> Done:
    """Change one hyperparameter of a subnet."""
    network, dial = state.network(call.netuid), described(call.name)
    if signer != state.founding.root:
        _check_owner(network, call, signer)
        _check_pace(network, state, call.name)
        network = replace(network, changed={**network.changed, call.name: state.block})
    try:
        hyperparameters = network.hyperparameters.replace({call.name: call.value})
    except InvalidHyperparameter as error:
        raise refused("InvalidValue", error.message, error.help) from error
    if hyperparameters.max_allowed_uids < len(network.seats):
        raise refused(
            "InvalidValue", f"max_allowed_uids is {call.value}, subnet {call.netuid} has {len(network.seats)} neurons"
        )
    network = replace(network, hyperparameters=hyperparameters)
    event = happened(_EVENTS.get(call.name, f"{dial.storage}Set"), {"netuid": call.netuid, "value": call.value})
    return Done(state.with_network(network), (event,))


def _check_owner(network: Network, call: SetHyperparameter, signer: str) -> None:
    setter = described(call.name).setter
    if setter != "owner" or signer != network.owner:
        who = f"subnet {call.netuid}'s owner {short(network.owner)} or root" if setter == "owner" else setter
        raise refused("BadOrigin", f"{call.name} is set by {who}, the call is signed by {short(signer)}")
    bounds = _OWNERS_BOUNDS.get(call.name)
    if bounds is not None and isinstance(call.value, int) and not bounds[0] <= call.value <= bounds[1]:
        raise _out_of_bounds(call.name, call.value, bounds)


def _out_of_bounds(name: str, value: Value, bounds: tuple[int, int]) -> ExtrinsicFailed:
    low, high = bounds
    what = f"{name} is {value}, an owner may set {low} to {high}"
    return refused(_OWNERS_REFUSALS.get(name, "InvalidValue"), what, "root may set more")


def _check_pace(network: Network, state: State, name: str) -> None:
    rules, tempo = state.rules, network.hyperparameters.tempo
    due = network.last_epoch + tempo
    if tempo and due - state.block < rules.freeze_window:
        raise refused(
            "AdminActionProhibitedDuringWeightsWindow",
            f"epoch at block {due}, now is {state.block}, and {rules.freeze_window} blocks before it are frozen",
            f"send it again after block {due}",
        )
    before = network.changed.get(name)
    if before is not None and state.block - before < (wait := rules.owner_rate_limit * tempo):
        raise refused(
            "TxRateLimitExceeded",
            f"{name} was set at block {before}, the next change may come at {before + wait}, now is {state.block}",
        )
