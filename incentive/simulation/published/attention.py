# SPDX-License-Identifier: Apache-2.0
"""What cloning and constant output gain under the attention rule and its rivals, beside a prototype's measurements.

The prototype drew its worlds at random, and so do these: figures are means over several draws, and the tolerances are
what single draws differ by. Rows that depend on choices the prototype did not record are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from incentive.attention.frontier import Standing, sybil_frontier
from incentive.attention.rivals import RIVALS, diversity_factor
from incentive.attention.rule import OPEN, Attention
from incentive.attention.spam import constant_spam
from incentive.simulation.published.figure import Figure

__all__ = ["attention_reward_measured", "constant_spam_measured", "diversity_mask"]

_DRAWS: Final = 3
_LEAST: Final = 0.001

_RIVALS: Final = {
    "naive q/sum": ("quality alone", 0.05),
    "openvalidators mask": ("nearest-neighbour mask", 0.10),
    "fitness sharing 1/sum K": ("fitness sharing", 0.10),
    "Agarwal exp(-ln2*sum K)": ("replication penalty", 0.30),
    "ridge leverage": ("ridge leverage", 0.10),
    "attention tau .85/.95": ("attention", 0.10),
    "attention + window residual sim (T=32, reference)": ("attention + window", 0.15),
}
"""The prototype's name, ours, and the relative tolerance: an exponential of noise differs most between draws."""

_BANDS: Final = {
    "attention tau .90/.98": (Attention(0.90, 0.98), 0.25),
    "attention tau .80/.92": (Attention(0.80, 0.92), 0.10),
}

_SPAM: Final = {
    "naive": "quality alone",
    "openvalidators mask": "nearest-neighbour mask",
    "fitness sharing": "fitness sharing",
    "attention dedup only": "attention",
    "attention dedup, beta=5": "attention, beta 5",
    "contrast only": "contrast",
    "attention + contrast": "attention + contrast",
    "attention + EMA contrast gate": "attention + contrast gate",
}


def attention_reward_measured(table: Mapping[str, Any]) -> Iterator[Figure]:
    """Gains of copies at each cosine, and what a victim keeps, of the table of that key.

    Left out: the leave-one-out log determinant, whose noise term is not recorded, and the maximum-diversity weights,
    which need a solver of quadratic programs.
    """
    columns, rows = table["columns"], table["rows"]
    draws = [sybil_frontier(_rng(draw), windowed=Attention.windowed(), rivals=RIVALS) for draw in range(_DRAWS)]
    for published, (ours, relative) in _RIVALS.items():
        yield from _row(published, columns, rows[published], [draw[ours] for draw in draws], relative)
    for published, (rule, relative) in _BANDS.items():
        standings = [sybil_frontier(_rng(draw), rule)["attention"] for draw in range(_DRAWS)]
        yield from _row(published, columns, rows[published], standings, relative)


def constant_spam_measured(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The share of constant answers under each rule: of 19 spammers, of one, and of 500."""
    shares = {name: pair[0] for name, pair in table["spam_share_and_cut"].items()}
    yield from _spam("19 spammers", shares, spammers=19, tasks=100)
    yield from _spam("1 spammer", table["single_spammer_share"], spammers=1, tasks=100)
    yield from _spam("500 spammers", table["500_spammers_share"], spammers=500, tasks=40)


def diversity_mask(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The nearest-neighbour mask at the distances whose values are known."""
    for name, value in table["values"].items():
        computed = float(diversity_factor(float(name.removeprefix("d="))))
        yield Figure(f"diversity mask, {name}", value, computed, 1e-4)


def _row(
    name: str, columns: list[str], published: list[float | None], draws: list[Standing], relative: float
) -> Iterator[Figure]:
    means = np.mean([draw.gains + draw.victim for draw in draws], axis=0)
    for column, value, computed in zip(columns, published, means, strict=True):
        if value is not None:
            yield Figure(f"{name}, {column}", value, float(computed), max(relative * value, _LEAST))


def _spam(what: str, published: Mapping[str, float], *, spammers: int, tasks: int) -> Iterator[Figure]:
    reports = [constant_spam(_rng(draw), OPEN, spammers=spammers, tasks=tasks) for draw in range(_DRAWS)]
    for name, value in published.items():
        computed = math.fsum(report.shares[_SPAM[name]] for report in reports) / _DRAWS
        yield Figure(f"{what}, {name}", value, computed, max(0.2 * value, _LEAST))


def _rng(draw: int) -> np.random.Generator:
    return np.random.default_rng(draw)
