# SPDX-License-Identifier: Apache-2.0
"""Published numbers of emission, as tables state them: each is met, and a wrong one would not be."""

from __future__ import annotations

from incentive.simulation.published.emission import dtao_numbers, tao_issuance

# opentensor/subtensor, pallets/subtensor/src/coinbase/block_emission.rs, worked out for two of its steps.
ISSUANCE = {
    "rows": [
        {
            "k": number,
            "issuance_from_TAO": issuance,
            "block_emission_TAO": 0.5**number,
            "tao_per_day_at_7200_blocks": 7200 * 0.5**number,
            "blocks_to_next": 10_500_000,
            "years_at_12s": 3.9927,
        }
        for number, issuance in ((1, 10_500_000.0), (10, 20_979_492.1875))
    ]
}
# opentensor/subtensor, pallets/subtensor/src/tests/coinbase.rs.
NUMBERS = {
    "price_split": {
        "moving_prices": [0.1, 0.2],
        "emission": 100_000_000,
        "expected_tao_in": ["+1/3", "+2/3"],
        "tolerance_rao": 10,
    },
    "alpha_injection": [
        {"prices": [1, 1], "emission": 1_000_000, "alpha_in_added": [500_000, 500_000]},
        {"prices": [1, 2], "emission": 1_000_000, "alpha_in_added": [333_333, 333_333]},
    ],
    "moving_price": {
        "case": {"SubnetMovingAlpha": 0.1, "blocks": 201_600, "updates": 14, "price": 1.0, "start": 0.0},
        "expected": 0.512325,
    },
}


def test_every_published_number_is_met() -> None:
    figures = [*tao_issuance(ISSUANCE), *dtao_numbers(NUMBERS)]
    assert len(figures) == 2 * 5 + 2 + 4 + 1
    assert [figure.to_dict() for figure in figures if not figure.ok] == []


def test_thresholds_and_whole_emissions_have_no_tolerance() -> None:
    first = [figure.tolerance for figure in tao_issuance(ISSUANCE)][:4]
    assert first == [0, 0, 0, 0]


def test_a_wrong_row_is_found() -> None:
    row = ISSUANCE["rows"][0] | {"block_emission_TAO": 0.25}
    assert not all(figure.ok for figure in tao_issuance({"rows": [row]}))
