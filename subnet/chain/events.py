# SPDX-License-Identifier: Apache-2.0
"""Names for the fields of events: most events of the chain's pallets are tuples without any.

The names are the ones that a chain in memory gives them, so that code which reads an event reads it from every chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

__all__ = ["NESTED", "NOISE", "field_names"]

NESTED: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {("Sudo", "Sudid"): "sudo_result", ("Proxy", "ProxyExecuted"): "result", ("Multisig", "MultisigExecuted"): "result"}
)
"""Events that tell how a call within a call ended, and the field that does."""

NOISE: Final = frozenset({"System", "TransactionPayment"})
"""Pallets whose events every call causes."""

_STAKE: Final = ("coldkey", "hotkey", "tao", "alpha", "netuid", "fee")
_HIDDEN: Final = ("hotkey", "netuid", "hash")
_VALUE: Final = ("netuid", "value")
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "AxonServed": ("netuid", "hotkey"),
        "FirstEmissionBlockNumberSet": ("netuid", "block"),
        "NetworkAdded": ("netuid", "mechid"),
        "NeuronRegistered": ("netuid", "uid", "hotkey"),
        "StakeAdded": _STAKE,
        "StakeRemoved": _STAKE,
        "TimelockedWeightsCommitted": (*_HIDDEN, "reveal_round"),
        "TimelockedWeightsRevealed": ("netuid", "hotkey"),
        "WeightsCommitted": _HIDDEN,
        "WeightsRevealed": _HIDDEN,
        "WeightsSet": ("netuid", "uid"),
    }
)


def field_names(event: str, declared: Sequence[str | None]) -> list[str]:
    """A name for each field of an event: the chain's where it has one, else ours, else its place."""
    known = _FIELDS.get(event, _VALUE if len(declared) == len(_VALUE) else ())
    return [name or (known[place] if place < len(known) else str(place)) for place, name in enumerate(declared)]
