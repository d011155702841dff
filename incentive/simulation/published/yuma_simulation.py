# SPDX-License-Identifier: Apache-2.0
"""Dividends of the synthetic cases of yuma-simulation, epoch by epoch and in sum over 40 epochs.

Source: bactensor/yuma-simulation, src/yuma_simulation/_internal and scripts/total_dividends_sheet_generator.py, run
unchanged in float32. Its versions of Yuma differ from the chain's in details (`dialects`): they are reproduced, and
beside them stands how far the chain's own rule is from each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from incentive.arrays import Array
from incentive.consensus import Consensus, Liquid, Network, Rules, Yuma, Yuma1, Yuma3
from incentive.consensus.history import Before, history
from incentive.fixed import PROPORTION
from incentive.simulation.published.dialects import (
    Capacity,
    Delayed,
    Instant,
    Laggard,
    Prizes,
    Relative,
    by_rank,
    winner_takes_all,
)
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["per_epoch", "total_dividends"]

_EPOCHS: Final = 40
_MAJORITY: Final = 0.5
_PRINTED: Final = 5e-6
"""Half of the last of the five digits of a dividend."""
_AGREED: Final = 1e-6
_ONE_COUNT: Final = 1 / PROPORTION
"""What a weight printed short of its last digits can move: the consensus is cut to whole counts."""
_SHORT_DIGITS: Final = 4
_SUMMED: Final = 5e-6  # 40 numbers of single precision
_TAO_PER_EPOCH: Final = 100.0
_VALIDATORS_PART: Final = 0.41
_THOUSANDS_OF_TAO: Final = 1000.0
_SERVER_WINS: Final = ("Case 20 ", "Case 21 ", "Case 22 ")
"""The cases of which the source says that the best server takes all."""


@dataclass(frozen=True, slots=True)
class _Version:
    """One of its versions, the settings that its scripts give it, and the chain's rule of that name."""

    dialect: Callable[[Rules, Prizes], Consensus]
    moving_average: float = 0.0
    liquid: Liquid | None = None
    chain: type[Yuma] | None = None
    far: float = 0.0
    """How far the chain's dividends may be from its."""
    resets: bool = False

    def simulated(self, penalty: float, prizes: Prizes) -> Consensus:
        """Its rule; one that remembers weights is new each time."""
        return self.dialect(Rules(_MAJORITY, penalty, self.moving_average, self.liquid), prizes)

    def on_chain(self, penalty: float) -> Consensus | None:
        """The chain's rule with the same settings, which are that Yuma 3 bonds follow the weights that were set."""
        if self.chain is None:
            return None
        follows = penalty if self.chain is Yuma1 else 0
        return self.chain(Rules(_MAJORITY, follows, self.moving_average, self.liquid))


_VERSIONS: Final[Mapping[str, _Version]] = {
    "Yuma 1": _Version(Instant, 0.0, chain=Yuma1, far=1e-5),
    # The chain shares moved bonds out again, so what validators have left on servers without any weight counts more.
    "Yuma 2 (subtensor)": _Version(Delayed, 0.1, chain=Yuma1, far=0.06),
    "Yuma 2B (Adrian-Fish)": _Version(Laggard, 0.1),
    "Yuma 2C (Rhef+reset)": _Version(Capacity, resets=True),
    "Yuma 3 (Rhef+relative bonds)": _Version(Relative, 0.975, chain=Yuma3, far=1e-5, resets=True),
    # On the chain bonds are liquid from the first epoch on.
    "Yuma 3 (Rhef+relative bonds) - liquid alpha on": _Version(
        Relative, 0.975, Liquid(0.1, 0.3), chain=Yuma3, far=0.07, resets=True
    ),
}
_SWAPPED: Final = Liquid(0.3, 0.1)
"""The script that sums dividends has the ends of the range the wrong way round."""


@dataclass(frozen=True, slots=True)
class _Case:
    """The inputs of a case over its epochs."""

    weights: list[Array]  # (V, V + M) each: votes for validators count where nobody agrees
    stakes: list[Array]  # (V,) each
    reset: tuple[int, int] | None
    """An epoch and the column on which bonds are then forgotten."""
    prizes: Prizes

    def dividends(self, consensus: Consensus, epochs: int, before: Before | None = None) -> Array:
        """What validators get, (T, V)."""
        outcomes = history(consensus, self.weights[:epochs], self.stakes[:epochs], before)
        return np.array([outcome.dividends for outcome in outcomes])

    def resetting(self, epoch: int, network: Network) -> Network:
        """The network before an epoch, in which every weight is listed, be it zero."""
        listed = replace(network, listed=np.ones(network.weights.shape, dtype=np.bool_))
        if self.reset is None or epoch != self.reset[0]:
            return listed
        bonds = network.bonds.copy()
        bonds[:, self.reset[1]] = 0
        return replace(listed, bonds=bonds)

    def without_reset(self, epoch: int, network: Network) -> Network:
        """The same where bonds are kept."""
        return replace(self, reset=None).resetting(epoch, network)


def per_epoch(table: Mapping[str, Any]) -> Iterator[Figure]:
    """Each dividend of each version, and for each version the largest distance of the chain's own rule."""
    for name, entry in table["cases"].items():
        case = _case(name, entry)
        tolerance = _PRINTED + _AGREED + (0 if _short(entry) else _ONE_COUNT)
        for label, rows in entry["dividends"].items():
            version, published = _version(label), np.array(rows)
            before = case.resetting if version.resets else case.without_reset
            computed = case.dividends(version.simulated(1.0, case.prizes), len(rows), before)
            for (epoch, validator), ours in np.ndenumerate(computed):
                where = f"{name}; {label}; epoch {epoch}, validator {validator}"
                yield Figure(where, float(published[epoch, validator]), float(ours), tolerance)
            chain = version.on_chain(1.0)
            if chain is not None and case.prizes is by_rank:
                distance = np.abs(case.dividends(chain, len(rows), before) - published).max()
                yield Figure(
                    f"{name}; {label}; largest distance of the chain's rule", 0.0, float(distance), version.far
                )


def total_dividends(table: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[Figure]:
    """Dividends over 40 epochs for 1000 TAO, without resets; the inputs of the cases are in the table per epoch."""
    for penalty, block in table["by_bond_penalty"].items():
        for name, row in block["rows"].items():
            if name not in inputs["cases"]:
                raise UnreadableCase(f"{name!r} has no weights in yuma_simulation_per_epoch, expected its inputs there")
            case, totals = _case(name, inputs["cases"][name]), dict[str, Array]()
            for column, published in zip(block["columns"], row, strict=True):
                validator, _, label = column.partition(" - ")
                if label not in totals:
                    totals[label] = _total(case, label, float(penalty))
                ours = totals[label][ord(validator.removeprefix("Validator ")) - ord("A")]
                yield Figure(f"{name}; beta {penalty}; {column}", published, float(ours), _SUMMED)


def _total(case: _Case, label: str, penalty: float) -> Array:
    version = _version(label)
    if version.liquid is not None:
        version = replace(version, liquid=_SWAPPED)
    dividends = case.dividends(version.simulated(penalty, case.prizes), _EPOCHS)  # (T, V)
    thousands = np.array(case.stakes[:_EPOCHS]) * _THOUSANDS_OF_TAO
    paid = _VALIDATORS_PART * _TAO_PER_EPOCH * dividends
    total: Array = np.divide(paid, thousands, out=np.zeros_like(paid), where=thousands > 0).sum(axis=0)
    return total


def _version(label: str) -> _Version:
    if label not in _VERSIONS:
        raise UnreadableCase(f"version {label!r} is not known, expected one of {', '.join(_VERSIONS)}")
    return _VERSIONS[label]


def _case(name: str, entry: Mapping[str, Any]) -> _Case:
    validators, servers = len(entry["validators"]), len(entry["servers"])
    changes, given = dict(entry["weights_changes"]), entry["stakes"]
    weights: list[Array] = []
    for epoch in range(_EPOCHS):
        votes = np.zeros((validators, validators + servers)) if epoch in changes else weights[-1]
        if epoch in changes:
            votes[:, validators:] = changes[epoch]
        weights.append(votes)
    stakes = [np.array(given[0 if len(given) == 1 else epoch], dtype=np.float64) for epoch in range(_EPOCHS)]
    reset = None if entry["reset"] is None else (entry["reset"][0], validators + entry["reset"][1])
    return _Case(weights, stakes, reset, winner_takes_all if name.startswith(_SERVER_WINS) else by_rank)


def _short(entry: Mapping[str, Any]) -> bool:
    """Whether the weights are as they were entered, and not cut when they were printed."""
    return all(
        round(weight, _SHORT_DIGITS) == weight for _, rows in entry["weights_changes"] for row in rows for weight in row
    )
