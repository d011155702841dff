# SPDX-License-Identifier: Apache-2.0
"""Reference numbers of scoring code that others run: Numerai's transforms and payout, Allora's unit values.

A name in the file is a call, `power1.5([.5,1,2])`, or one with series that the source calls `up` (0, 1, 2, ...) and
`up_down` (1, 0, 1, ...). So other inputs and other results of the same functions can be checked by writing them down.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from incentive import forecast
from incentive.arrays import Array
from incentive.similarity import ranks
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["reference_scoring"]

_TOLERANCE: Final = 1e-9


def reference_scoring(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The figures of `numerai_tools_tests`, `numerai_payout` and `allora_tests`, where the table has these blocks."""
    for block, figures in (
        ("numerai_tools_tests", _transforms),
        ("numerai_payout", _payouts),
        ("allora_tests", _unit_values),
    ):
        if block in table:
            try:
                yield from figures(table[block])
            except (KeyError, TypeError, ValueError) as error:
                raise UnreadableCase(f"{block} lacks a field or has one of another kind: {error}") from error


def _transforms(block: Mapping[str, Any]) -> Iterator[Figure]:
    for call, published in block.items():
        if call == "source":
            continue
        computed = _computed(call, len(published))
        if len(computed) != len(published):
            raise UnreadableCase(f"{call} has {len(published)} results, expected {len(computed)}")
        for place, (theirs, ours) in enumerate(zip(published, computed, strict=True)):
            yield Figure(f"numerai {call}[{place}]", float(theirs), float(ours), _TOLERANCE)


def _computed(call: str, size: int) -> Array:
    name, _, rest = call.partition("(")
    arguments = [_argument(text, size) for text in re.findall(r"\[[^\]]*\]|[a-z_]+", rest.partition(")")[0])]
    if rest.endswith("_inner"):  # the source's first and last are infinite, and left out of its results
        arguments = [argument[1:-1] for argument in arguments]
    if name.startswith("power"):
        return ranks.power(arguments[0], float(name.removeprefix("power")))
    known: dict[str, Callable[..., Array]] = {
        "gaussian": ranks.gaussian,
        "orthogonalize": ranks.orthogonalise,
        "tie_kept_rank": ranks.tie_kept_rank,
        "tie_kept_rank__gaussianize__pow_1_5": ranks.tail_weighted,
    }
    if name not in known:
        raise UnreadableCase(f"{call} is no call of power or {', '.join(known)}")
    return known[name](*arguments)


def _argument(text: str, size: int) -> Array:
    if text.startswith("["):
        return np.array(ast.literal_eval(text), dtype=np.float64)
    series: dict[str, npt.NDArray[np.int64]] = {"up": np.arange(size), "up_down": 1 - np.arange(size) % 2}
    return series[text].astype(np.float64)


def _payouts(block: Mapping[str, Any]) -> Iterator[Figure]:
    """The clip of the formula and, at each published threshold, half a payout for twice the stake at risk."""
    clip = re.search(r"clip\(.*,\s*(-[0-9.]+)\s*,\s*([0-9.]+)\s*\)", block["formula"])
    if clip is None:
        raise UnreadableCase(f"the formula {block['formula']!r} has no clip(..., low, high)")
    low, high = float(clip[1]), float(clip[2])
    for name, score, limit in (("lowest", -10.0, low), ("highest", 10.0, high)):
        yield Figure(f"numerai payout, {name}", limit, float(ranks.payout(1.0, score, limit=high)), _TOLERANCE)
    for tournament, threshold in block["stake_threshold"].items():
        for times, factor in ((0.5, 1.0), (1.0, 1.0), (2.0, 0.5)):
            computed = ranks.payout_factor(times * float(threshold), float(threshold))
            yield Figure(f"numerai payout factor, {tournament}, {times} thresholds", factor, computed, _TOLERANCE)


def _unit_values(block: Mapping[str, Any]) -> Iterator[Figure]:
    stake = block["adjusted_stake"]
    place = [float(amount) for amount in stake["all"]].index(float(stake["stake"]))
    adjusted = forecast.smooth_adjusted_stake(stake["all"], stake["coef"])[place]
    entropy, ratio = block["entropy"], block["number_ratio"]
    if entropy["N"] != len(entropy["f"]):
        raise UnreadableCase(f"entropy has N {entropy['N']}, expected {len(entropy['f'])}: the fractions")
    modified = forecast.modified_entropy(entropy["f"], entropy["N_eff"], entropy["beta"])
    for name, published, computed in (
        ("adjusted stake", stake["expected"], adjusted),
        ("modified entropy", entropy["expected"], modified),
        ("number ratio", ratio["expected"], forecast.number_ratio(ratio["f"])),
        ("entropy of one", block["single_entropy"], forecast.task_entropy([1.0], entropy["beta"])),
    ):
        yield Figure(f"allora {name}", float(published), float(computed), _TOLERANCE)
