# SPDX-License-Identifier: Apache-2.0
"""A comparison with a published number must not pass by accident: not by NaN, and not by an unset tolerance."""

from __future__ import annotations

import math

import pytest

from incentive.simulation.published.figure import Figure


@pytest.mark.parametrize(
    ("published", "computed", "tolerance", "difference", "ok"),
    [
        (0.5, 0.75, 0.25, 0.25, True),
        (0.5, 0.25, 0.25, 0.25, True),
        (0.5, 0.8, 0.25, 0.3, False),
        (0.5, math.nan, 1e9, math.inf, False),
        (0.5, math.nan, math.inf, math.inf, False),
        (math.nan, 0.5, 1.0, math.inf, False),
        (0.5, math.inf, math.inf, math.inf, False),
        (math.inf, math.inf, 0.0, 0.0, True),
        (1.0, 1.0, math.nan, 0.0, False),
    ],
)
def test_a_figure_is_ok_only_within_its_tolerance(
    published: float, computed: float, tolerance: float, difference: float, ok: bool
) -> None:
    figure = Figure("retention", published, computed, tolerance)
    assert figure.difference == pytest.approx(difference)
    assert figure.ok is ok


def test_a_figure_tells_both_values_and_the_verdict() -> None:
    told = Figure("retention", 0.5, 0.75, 0.1).to_dict()
    assert told == {
        "name": "retention",
        "published": 0.5,
        "computed": 0.75,
        "difference": 0.25,
        "tolerance": 0.1,
        "ok": False,
    }
