# SPDX-License-Identifier: Apache-2.0
"""What a prototype measured of clones and spam, measured again on other draws; and a wrong figure is seen as wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from incentive.simulation.published.attention import (
    attention_reward_measured,
    constant_spam_measured,
    diversity_mask,
)

# The key attention_reward_measured of the project's table of published figures, from a prototype of the rule.
FRONTIER: Final[dict[str, Any]] = {
    "columns": ["exact", "0.99", "0.97", "0.94", "0.90", "0.85", "victim after 1 copy", "victim after 99"],
    "rows": {
        "naive q/sum": [17.0, 17.0, 17.0, 17.0, 17.0, 17.0, 1.0, 1.0],
        "openvalidators mask": [1.77, 2.25, 3.52, 6.25, 10.5, 14.1, 0.019, 0.0185],
        "fitness sharing 1/sum K": [11.7, 11.8, 12.0, 12.2, 12.5, 13.1, 0.852, 0.055],
        "Agarwal exp(-ln2*sum K)": [1.15, 1.29, 1.74, 2.1, 3.15, 5.16, 0.5, 0.0],
        "ridge leverage": [1.13, 10.95, 13.4, 14.6, 15.4, 15.9, 0.533, 0.011],
        "leave-one-out logdet": [5.2, 7.3, 8.9, 10.4, 12.2, 14.3, 0.126, 0.066],
        "attention tau .90/.98": [1.0, 1.04, 1.14, 2.04, 7.2, 11.3, 0.5, 0.01],
        "attention tau .85/.95": [1.0, 1.04, 1.09, 1.24, 2.3, 7.78, 0.5, 0.01],
        "attention tau .80/.92": [1.03, 1.06, 1.11, 1.25, 1.49, 3.21, 0.5, 0.01],
        "attention + window residual sim (T=32, reference)": [1.0, None, 1.07, 1.17, 1.31, 1.64, None, None],
    },
}
# The key constant_spam_measured of the same table.
SPAM: Final[dict[str, Any]] = {
    "spam_share_and_cut": {
        "naive": [0.4006, 0.0],
        "openvalidators mask": [0.01254, 0.9687],
        "fitness sharing": [0.1293, 0.6773],
        "attention dedup only": [0.10381, 0.7409],
        "attention dedup, beta=5": [0.04613, 0.8849],
        "contrast only": [0.04215, 0.8948],
        "attention + contrast": [0.0022, 0.9945],
        "attention + EMA contrast gate": [0.0, 1.0],
    },
    "single_spammer_share": {"naive": 0.0337, "attention dedup only": 0.1091, "attention + contrast": 0.0024},
    "500_spammers_share": {
        "naive": 0.9451,
        "openvalidators mask": 0.247,
        "attention dedup only": 0.1091,
        "contrast only": 0.329,
        "attention + contrast": 0.0024,
    },
}


def test_the_gains_of_copies_are_those_measured_before() -> None:
    figures = list(attention_reward_measured(FRONTIER))
    assert len(figures) == 8 * 8 + 5
    assert [figure for figure in figures if not figure.ok] == []
    assert not any(replace(figure, published=2.0 * figure.published + 0.01).ok for figure in figures)


def test_the_shares_of_spammers_are_those_measured_before() -> None:
    figures = list(constant_spam_measured(SPAM))
    assert len(figures) == 8 + 3 + 5
    assert [figure for figure in figures if not figure.ok] == []


@pytest.mark.parametrize(("value", "ok"), [(0.2315, True), (0.2515, False)])
def test_the_mask_has_its_published_values(value: float, ok: bool) -> None:
    # opentensor/validators, openvalidators/reward/diversity.py
    assert [figure.ok for figure in diversity_mask({"values": {"d=0.07": value, "d=0.1": 0.5}})] == [ok, True]
