# SPDX-License-Identifier: Apache-2.0
"""Bonds and dividends of Yuma 3 epoch by epoch, as subtensor's own tests assert them.

Source: opentensor/subtensor pallets/subtensor/src/tests/epoch.rs, `test_yuma_3_*`. Three validators move from one
server to another in some order; the tables state stakes and results, the moves are below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np

from incentive.arrays import Array
from incentive.consensus import Liquid, Network, Outcome, Rules, Yuma3
from incentive.consensus.history import history
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["yuma3_tests"]

_VALIDATORS: Final = 3
_STEEPNESS_UNIT: Final = 100


@dataclass(frozen=True, slots=True)
class _Scenario:
    """Who votes for which server from which epoch on: "211" is the first validator for server 2, the others for 1."""

    moves: Mapping[int, str]
    liquid: bool = True
    shared: bool = False
    """Whether half of every vote goes to a third server."""
    reset: tuple[int, int] | None = None
    """The epoch before which the bonds on a server, counted from 1, are forgotten."""


_SCENARIOS: Final[Mapping[str, _Scenario]] = {
    "test_yuma_3_kappa_moves_first": _Scenario({0: "111", 1: "211", 2: "221", 3: "222"}),
    "test_yuma_3_kappa_moves_second": _Scenario({0: "111", 1: "121", 2: "221", 3: "222"}),
    "test_yuma_3_kappa_moves_last": _Scenario({0: "111", 1: "121", 2: "122", 3: "222"}),
    "test_yuma_3_one_epoch_switch": _Scenario({0: "111", 2: "112", 3: "111"}),
    "test_yuma_3_liquid_alpha_disabled": _Scenario({0: "111", 2: "112", 3: "111"}, liquid=False),
    "test_yuma_3_stable_miner": _Scenario({0: "111", 1: "121", 2: "221", 3: "222"}, shared=True),
    "test_yuma_3_bonds_reset": _Scenario({0: "111", 1: "122", 2: "222", 21: "211", 22: "111"}, reset=(20, 1)),
}


def yuma3_tests(table: Mapping[str, Any]) -> Iterator[Figure]:
    """Every bond and dividend that a test asserts."""
    tolerance = table["params"]["tolerance"]
    for test, case in table["tests"].items():
        if test not in _SCENARIOS:
            raise UnreadableCase(f"test {test!r} is not known, expected one of {', '.join(_SCENARIOS)}")
        scenario = _SCENARIOS[test]
        bonds, dividends = dict(_epochs(case["bonds"])), dict(_epochs(case["dividends"]))
        epochs = _run(scenario, _rules(scenario, table["params"]), case["stakes"], 1 + max(*bonds, *dividends))
        for epoch, rows in bonds.items():
            for validator, row in enumerate(rows):
                yield from _compare(
                    f"{test}, epoch {epoch}: bonds of {validator}", row, epochs[epoch].bonds[validator], tolerance
                )
        for epoch, row in dividends.items():
            earned = np.concatenate([epochs[epoch].dividends, np.zeros(len(row) - _VALIDATORS)])
            yield from _compare(f"{test}, epoch {epoch}: dividends", row, earned, tolerance)


def _rules(scenario: _Scenario, params: Mapping[str, Any]) -> Rules:
    low, high = params["liquid_alpha"]
    # "1000 (=10.0)": the chain stores hundredths.
    steepness = int(str(params["alpha_sigmoid_steepness"]).split()[0]) / _STEEPNESS_UNIT
    return Rules(
        kappa=Fraction(params["kappa"]),
        bonds_penalty=params["bonds_penalty"],
        bonds_moving_average=params["bonds_moving_average"],
        liquid=Liquid(low, high, steepness) if scenario.liquid else None,
    )


def _run(scenario: _Scenario, rules: Rules, stakes: Sequence[float], epochs: int) -> list[Outcome]:
    def before(epoch: int, network: Network) -> Network:
        # The tests set a weight for every server, be it zero.
        listed = replace(network, listed=np.ones(network.weights.shape, dtype=np.bool_))
        if scenario.reset is None or epoch != scenario.reset[0]:
            return listed
        bonds = network.bonds.copy()
        bonds[:, scenario.reset[1] - 1] = 0
        return replace(listed, bonds=bonds)

    weights: list[Array] = []
    for epoch in range(epochs):
        weights.append(_votes(scenario, scenario.moves[epoch]) if epoch in scenario.moves else weights[-1])
    stake = np.array(stakes[:_VALIDATORS], dtype=np.float64)
    return history(Yuma3(rules), weights, [stake] * epochs, before)


def _votes(scenario: _Scenario, servers: str) -> Array:
    """Weights, (V, M), from the server that each validator votes for."""
    votes = np.zeros((_VALIDATORS, 3 if scenario.shared else 2))
    votes[np.arange(_VALIDATORS), [int(server) - 1 for server in servers]] = 1
    if scenario.shared:
        votes[:, 2] = 1
    return votes


def _epochs(listed: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Epochs and their rows: all from 0 on, or some with their numbers."""
    for place, entry in enumerate(listed):
        numbered = isinstance(entry[0], int)
        yield (entry[0], entry[1]) if numbered else (place, entry)


def _compare(name: str, published: Sequence[float], computed: Array, tolerance: float) -> Iterator[Figure]:
    """Where a row also lists validators, which hold no bonds on each other, they come first."""
    padded = np.concatenate([np.zeros(max(len(published) - len(computed), 0)), computed])
    for place, (value, ours) in enumerate(zip(published, padded.tolist(), strict=True)):
        yield Figure(f"{name} [{place}]", value, ours, tolerance)
