# SPDX-License-Identifier: Apache-2.0
"""Which published table is computed again by which function, and which cannot be, with the reason.

`python -m incentive.simulation.published` reads files of such tables. A table that is in neither list is refused: a
figure that nobody compared must not look like one that agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["INPUTS", "NOT_REPRODUCIBLE", "TABLES"]

TABLES: Final[Mapping[str, str]] = {
    "allora_simulator_epochs": "allora:allora",
    "attention_reward_measured": "attention:attention_reward_measured",
    "consensus_guarantee_cases": "guarantee:consensus_guarantees",
    "constant_spam_measured": "attention:constant_spam_measured",
    "diversity_mask_openvalidators": "attention:diversity_mask",
    "dtao_numbers": "emission:dtao_numbers",
    "liquid_alpha_v1": "liquid:liquid_alpha",
    "real_metagraph_sn15": "metagraph:real_metagraph",
    "reference_scoring_numbers": "scoring:reference_scoring",
    "subtensor_test_bonds": "bonds:bonds_test",
    "subtensor_yuma3_tests": "yuma3:yuma3_tests",
    "tao_issuance": "emission:tao_issuance",
    "yuma_retention_figures": "retention:figures",
    "yuma_simulation_per_epoch": "yuma_simulation:per_epoch",
    "yuma_simulation_total_dividends": "yuma_simulation:total_dividends",
}
"""The module of this package and its function for each table; it takes the table and yields figures."""

INPUTS: Final[Mapping[str, str]] = {"yuma_simulation_total_dividends": "yuma_simulation_per_epoch"}
"""Tables whose inputs are in another table of the same file; their functions take both."""

NOT_REPRODUCIBLE: Final[Mapping[str, str]] = {
    "seed_claims": "a narrative's figures: targets for scenarios, with neither data nor a computation behind them",
    "validator_strategies_measured": "measured in a world whose draws and behaviours are not stated exactly",
    "weight_copier_G_by_interval": "the archived subnet states behind it are not published",
    "weight_copier_recommended_cr": "read off the table of G by interval, whose data are not published",
    "weight_copier_table1": "the archived subnet states of May 2024 behind it are not published",
}
"""Why a table is only quoted."""
