# SPDX-License-Identifier: Apache-2.0
"""Forecast-weighted inference: some predict, others predict how wrong each prediction will be (Allora's design).

A forecaster's expected losses make a prediction of their own, the one that its favourites imply. The network's answer
weighs all of them by what they were worth before, and each is paid for what the network would have lost without it.
Names are those of the paper and of allora-network/allora-chain, x/emissions.
"""

from __future__ import annotations

from incentive.forecast.inference import Synthesis, forecast_implied, synthesise
from incentive.forecast.losses import Losses, Regrets, learned, scores, stake_weighted
from incentive.forecast.reputers import (
    Listening,
    adjusted_stake,
    consensus_scores,
    listen,
    reputer_fractions,
    smooth_adjusted_stake,
)
from incentive.forecast.rewards import (
    Utility,
    forecast_utility,
    modified_entropy,
    number_ratio,
    score_fractions,
    smoothed,
    task_entropy,
    task_fractions,
)
from incentive.forecast.weights import Topic, combined, phi, phi_prime, regret_weights, spread, weighted_percentiles

__all__ = [
    "Listening",
    "Losses",
    "Regrets",
    "Synthesis",
    "Topic",
    "Utility",
    "adjusted_stake",
    "combined",
    "consensus_scores",
    "forecast_implied",
    "forecast_utility",
    "learned",
    "listen",
    "modified_entropy",
    "number_ratio",
    "phi",
    "phi_prime",
    "regret_weights",
    "reputer_fractions",
    "score_fractions",
    "scores",
    "smooth_adjusted_stake",
    "smoothed",
    "spread",
    "stake_weighted",
    "synthesise",
    "task_entropy",
    "task_fractions",
    "weighted_percentiles",
]
