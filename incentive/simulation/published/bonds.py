# SPDX-License-Identifier: Apache-2.0
"""Bonds and emissions of seven epochs, to the last unit, as subtensor's own test asserts them.

Source: opentensor/subtensor pallets/subtensor/src/tests/epoch.rs, `test_bonds`. Four validators and four servers, one
epoch a block; before each an action changes who votes for whom. Computed in the chain's integers, so nothing may
differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np

from incentive.consensus import Epoch, Ledger, Lists, Rules, Settings
from incentive.fixed import I64F64
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["bonds_test"]

_VALIDATORS: Final = 4
_NEURONS: Final = 8
_STAKES: Final = (1, 2, 3, 4, 0, 0, 0, 0)
_FULL: Final = 65_535
_RAO: Final = 1_000_000_000

_Rows: TypeAlias = list[list[tuple[int, int]]]


def bonds_test(table: Mapping[str, Any]) -> Iterator[Figure]:
    """What each epoch stores of the bonds on one neuron, and all emissions, in rao."""
    epoch = Epoch(Settings(Rules(), max_validators=_NEURONS, tempo=1))
    weights: _Rows = [[] for _ in range(_NEURONS)]
    bonds: _Rows = weights
    for number, step in enumerate(table["steps"], start=1):
        weights = _after(step["action"], weights)
        terms = epoch.run(_ledger(number, weights, bonds), _RAO)
        bonds = terms.bonds
        name = f"step {number}, {step['action']}"
        for place, (published, computed) in enumerate(zip(step["emission_rao"], terms.emission, strict=True)):
            yield Figure(f"{name}: emission of {place}", published, computed, 0)
        for column, rows in _asserted(step).items():
            for validator, published in enumerate(rows):
                computed = dict(bonds[validator]).get(column, 0)
                yield Figure(f"{name}: bond of {validator} on {column}", published, computed, 0)


def _after(action: str, weights: _Rows) -> _Rows:
    """The stored weights when an action is done; a note in parentheses is no part of it."""
    done = action.partition(" (")[0]
    if done == "next epoch":
        return weights
    if done == "all set weights":
        quarter, half = _FULL // 4, _FULL // 2
        row = list(zip(range(_VALIDATORS, _NEURONS), (quarter, half, 3 * quarter, _FULL), strict=True))
        return [row if uid < _VALIDATORS else [] for uid in range(_NEURONS)]
    moved = re.fullmatch(r"val([0-3]) (?:self-weight|-> srv([1-4])) only", done)
    if moved is None:
        expected = "one like 'val0 self-weight only' or 'val2 -> srv4 only'"
        raise UnreadableCase(f"action {action!r} is not known, expected {expected}")
    validator, server = moved.groups()
    return [[(_server(validator, server), _FULL)] if uid == int(validator) else row for uid, row in enumerate(weights)]


def _server(validator: str, server: str | None) -> int:
    """Validators are counted from 0, servers, which come after them, from 1."""
    return int(validator) if server is None else _VALIDATORS + int(server) - 1


def _ledger(block: int, weights: _Rows, bonds: _Rows) -> Ledger:
    return Ledger(
        block=block,
        registered=np.zeros(_NEURONS, dtype=np.int64),
        last_update=np.where(np.arange(_NEURONS) < _VALIDATORS, 1, 0),
        permits=np.ones(_NEURONS, dtype=np.bool_),
        stake=[I64F64.of(stake) for stake in _STAKES],
        weights=Lists.of(weights),
        bonds=Lists.of(bonds),
    )


def _asserted(step: Mapping[str, Any]) -> dict[int, list[int]]:
    """Columns of bonds by the neuron that they are on, from keys like bonds_u16_col4."""
    prefix = "bonds_u16_col"
    return {int(key.removeprefix(prefix)): rows for key, rows in step.items() if key.startswith(prefix)}
