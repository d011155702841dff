# SPDX-License-Identifier: Apache-2.0
"""The forecast-weighted inference against the numbers of Allora's own simulator, column by column.

A file of epochs holds inputs (inferences, forecasts, reported losses, stakes) and all that its authors computed of
them. Every computed column is made again here from its published inputs; those that start from the epoch before are
made where that epoch is in the file too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from incentive import forecast
from incentive.arrays import Array
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["allora"]

_RECENT: Final = 10  # scores that the spread is taken of
_TOLERANCE: Final = 1e-9  # of the number's size, or of 1


def allora(table: Mapping[str, Any]) -> Iterator[Figure]:
    """Every column that an epoch's inputs, and the epoch before, determine: as published and as computed here.

    The table has `columns`, a list of names, and `epochs`, for each epoch number the values in that order.
    """
    epochs = _read(table)
    for number, now in sorted(epochs.items()):
        before = epochs.get(number - 1)
        computed = {**_losses(now), **_scores(now), **_rewards(now)}
        if before is not None:
            computed |= {**_inferences(now, before), **_regrets(now, before)}
            computed |= {**_listening(now, before), **_smoothed(now, before)}
        computed |= _fractions(now, [epochs[n] for n in _run_until(number, epochs)])
        for column, value in computed.items():
            published = now.value(column)
            yield Figure(
                f"allora, epoch {number}, {column}", published, value, tolerance=_TOLERANCE * max(1.0, abs(published))
            )


class _Epoch:
    """One row of the file, by the names of its columns."""

    __slots__ = ("_values", "forecasters", "inferers", "reputers")

    def __init__(self, columns: Sequence[str], row: Sequence[float]) -> None:
        if len(columns) != len(row):
            raise UnreadableCase(f"an epoch of {len(row)} values, expected {len(columns)}: one for each column")
        self._values = {column: float(value) for column, value in zip(columns, row, strict=True)}
        self.inferers = self._count(r"inference_\d+")
        self.forecasters = self._count(r"forecast_implied_inference_\d+")
        self.reputers = self._count(r"reputer_stake_\d+")
        if self.inferers < 2 or self.reputers < 1:
            raise UnreadableCase(
                f"columns of {self.inferers} inferers and {self.reputers} reputers, expected 2 and 1 or more"
            )

    def value(self, column: str) -> float:
        if column not in self._values:
            raise UnreadableCase(f"no column {column}, expected all of the simulator's")
        return self._values[column]

    def array(self, pattern: str, *shape: int) -> Array:
        """The columns that the pattern names with each index of the shape."""
        return np.array([self.value(pattern.format(*index)) for index in np.ndindex(shape)]).reshape(shape)

    def losses(self) -> forecast.Losses:
        j, k = self.inferers, self.forecasters
        return forecast.Losses(
            network=self.value("network_loss"),
            naive=self.value("network_naive_loss"),
            workers=np.append(self.array("inference_loss_{}", j), self.array("forecast_implied_inference_loss_{}", k)),
            implied_one_out=self.array("forecast_implied_inference_loss_{}_oneout_{}", k, j),
            one_out=self.array("network_loss_oneout_{}", j + k),
            one_in=self.array("network_naive_loss_onein_{}", k),
        )

    def reports(self) -> Array:
        """Each reputer's losses in the order of `Losses.split`, (R, L)."""
        j, k = self.inferers, self.forecasters

        def row(reputer: int) -> Array:
            said = f"reputer_{reputer}_loss_"
            return np.concatenate(
                [
                    self.array(said + "network_inference", 1),
                    self.array(said + "naive_network_inference", 1),
                    self.array(said + "inference_{}", j),
                    self.array(said + "forecast_implied_inference_{}", k),
                    self.array(said + "forecast_implied_inference_{}_oneout_{}", k, j).ravel(),
                    self.array(said + "network_inference_oneout_{}", j + k),
                    self.array(said + "naive_network_inference_onein_{}", k),
                ]
            )

        return np.array([row(reputer) for reputer in range(self.reputers)])

    def regrets(self) -> forecast.Regrets:
        j, k = self.inferers, self.forecasters
        return forecast.Regrets(
            workers=self.array("inference_regret_worker_{}", j + k),
            naive=self.array("naive_inference_regret_worker_{}", j),
            one_out=self.array("inference_regret_worker_{}_oneout_{}", j + k, j + k).T,
            one_in=self.array("inference_regret_worker_{}_onein_{}", j + 1, k).T,
        )

    def _count(self, pattern: str) -> int:
        return sum(re.fullmatch(pattern, column) is not None for column in self._values)


def _read(table: Mapping[str, Any]) -> dict[int, _Epoch]:
    try:
        columns, epochs = table["columns"], table["epochs"]
        return {int(number): _Epoch(columns, row) for number, row in epochs.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableCase("a table without columns and numbered epochs of numbers, expected both") from error


def _run_until(number: int, epochs: Mapping[int, _Epoch]) -> list[int]:
    """The epochs up to this one without a gap, the newest first."""
    first = number
    while first - 1 in epochs:
        first -= 1
    return list(range(number, first - 1, -1))


def _named(pattern: str, values: Array) -> dict[str, float]:
    return {pattern.format(*index): float(values[index]) for index in np.ndindex(values.shape)}


def _inferences(now: _Epoch, before: _Epoch) -> dict[str, float]:
    j, k = now.inferers, now.forecasters
    forecasts, loss = now.array("forecasted_loss_{}_for_{}", k, j), before.value("network_loss")
    made = forecast.synthesise(now.array("inference_{}", j), forecasts, loss, before.regrets())
    return {
        **_named("forecasted_regret_{}_inferer_{}", loss - forecasts),
        **_named("forecast_implied_inference_{}", made.implied),
        **_named("forecast_implied_inference_{}_oneout_{}", made.implied_one_out),
        "network_inference": made.network,
        **_named("network_inference_errorbar_{}", made.error_bars),
        "network_naive_inference": made.naive,
        **_named("network_inference_oneout_{}", made.one_out),
        **_named("network_naive_inference_onein_{}", made.one_in),
    }


def _losses(now: _Epoch) -> dict[str, float]:
    j, k = now.inferers, now.forecasters
    mean = forecast.stake_weighted(now.reports(), now.array("reputer_stake_{}", now.reputers))
    losses = forecast.Losses.split(mean, j, k)
    return {
        "network_loss": losses.network,
        "network_naive_loss": losses.naive,
        **_named("inference_loss_{}", losses.workers[:j]),
        **_named("forecast_implied_inference_loss_{}", losses.workers[j:]),
        **_named("forecast_implied_inference_loss_{}_oneout_{}", losses.implied_one_out),
        **_named("network_loss_oneout_{}", losses.one_out),
        **_named("network_naive_loss_onein_{}", losses.one_in),
    }


def _regrets(now: _Epoch, before: _Epoch) -> dict[str, float]:
    regrets = forecast.learned(before.regrets(), now.losses())
    return {
        **_named("inference_regret_worker_{}", regrets.workers),
        **_named("naive_inference_regret_worker_{}", regrets.naive),
        **_named("inference_regret_worker_{}_oneout_{}", regrets.one_out.T),
        **_named("inference_regret_worker_{}_onein_{}", regrets.one_in.T),
    }


def _scores(now: _Epoch) -> dict[str, float]:
    inferers, forecasters = forecast.scores(now.losses())
    reputers = forecast.consensus_scores(now.reports(), now.array("reputer_adjusted_stake_{}", now.reputers))
    return {
        **_named("inferer_score_{}", inferers),
        **_named("forecaster_score_{}", forecasters),
        **_named("reputer_score_{}", reputers),
        "forecaster_task_score": now.value("network_naive_loss") - now.value("network_loss"),
    }


def _listening(now: _Epoch, before: _Epoch) -> dict[str, float]:
    stake = now.array("reputer_stake_{}", now.reputers)
    found = forecast.listen(now.reports(), stake, before.array("reputer_listening_coefficient_{}", now.reputers))
    return {
        **_named("reputer_listening_coefficient_{}", found.coefficients),
        **_named("reputer_adjusted_stake_{}", found.adjusted_stake),
    }


def _fractions(now: _Epoch, run: Sequence[_Epoch]) -> dict[str, float]:
    """Workers' parts, where the run of epochs, the newest first, holds enough scores for their spread."""
    computed: dict[str, float] = {}
    for role, size in (("inferer", now.inferers), ("forecaster", now.forecasters)):
        recent = [epoch.array(role + "_score_{}", size) for epoch in run]
        if size * len(run) >= _RECENT:
            parts = forecast.score_fractions(recent[0], np.concatenate(recent)[:_RECENT])
            computed |= _named(role + "_reward_fraction_{}", parts)
    return computed


def _smoothed(now: _Epoch, before: _Epoch) -> dict[str, float]:
    computed: dict[str, float] = {}
    for role, size in _roles(now):
        new, old = (
            now.array(role + "_reward_fraction_{}", size),
            before.array(role + "_reward_fraction_smooth_{}", size),
        )
        computed |= _named(role + "_reward_fraction_smooth_{}", forecast.smoothed(new, old))
    ratio = before.value("forecaster_score_ratio")
    scores = now.array("inferer_score_{}", now.inferers)
    computed["forecaster_score_ratio"] = forecast.forecast_utility(
        now.value("forecaster_task_score"), scores, ratio
    ).ratio
    return computed


def _rewards(now: _Epoch) -> dict[str, float]:
    stake, scores = (now.array(name, now.reputers) for name in ("reputer_stake_{}", "reputer_score_{}"))
    computed = _named("reputer_reward_fraction_{}", forecast.reputer_fractions(stake, scores))
    # With alpha 0 the ratio stays what was published, so this is its map to chi alone.
    ratio = forecast.forecast_utility(1.0, [1.0], now.value("forecaster_score_ratio"), alpha=0.0)
    computed["forecasters_utility"] = ratio.utility
    inference, forecasting, reputation = (now.value(role + "s_entropy") for role, _ in _roles(now))
    parts = forecast.task_fractions(inference, forecasting, reputation, now.value("forecasters_utility"))
    for (role, size), part in zip(_roles(now), parts, strict=True):
        computed[role + "s_entropy"] = forecast.task_entropy(now.array(role + "_reward_fraction_smooth_{}", size))
        computed[role + "s_reward_fraction"] = float(part)
        paid = now.value(role + "s_reward_fraction") * now.value("topic_rewards")
        computed |= _named(role + "_reward_{}", now.array(role + "_reward_fraction_{}", size) * paid)
    return computed


def _roles(now: _Epoch) -> list[tuple[str, int]]:
    return [("inferer", now.inferers), ("forecaster", now.forecasters), ("reputer", now.reputers)]
