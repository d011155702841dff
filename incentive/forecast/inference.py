# SPDX-License-Identifier: Apache-2.0
"""One round's predictions: the network's own, what it would be without each worker, and without forecasters.

The difference that a worker makes is measured, not guessed: all predictions are made beforehand, so that the losses
that come out later say what each one was worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, sized
from incentive.forecast.losses import Regrets
from incentive.forecast.weights import Topic, combined, regret_weights, weighted_percentiles
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Synthesis", "forecast_implied", "synthesise"]

_PERCENTS: Final = (2.28, 15.87, 50.0, 84.13, 97.72)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """All predictions of a round, for J inferers and K forecasters; workers are the inferers, then the forecasters."""

    network: float
    """What the network says, I_i."""

    naive: float
    """What it would say without any forecaster."""

    implied: Array  # (K,)
    """The prediction that each forecaster's expected losses imply."""

    implied_one_out: Array  # (K, J)
    """The same without each inferer."""

    one_out: Array  # (J + K,)
    """What the network would say without each worker."""

    one_in: Array  # (K,)
    """What the inferers and one forecaster alone would say."""

    error_bars: Array  # (5,)
    """Weighted percentiles of the workers' predictions at minus two to plus two standard deviations."""


def forecast_implied(
    inferences: npt.ArrayLike, forecasts: npt.ArrayLike, loss: float, topic: Topic | None = None
) -> Array:
    """The prediction that each forecaster implies, (K,): inferences, (J,), weighed by expected regrets.

    A forecast is a loss (a logarithm of one) expected of each inferer, (K, J); its regret is taken to the network's
    last known loss.
    """
    values = finite("inferences", inferences)
    expected = finite("forecasts", forecasts)
    if expected.ndim != 2 or expected.shape[1:] != values.shape:
        raise WrongShape(f"forecasts have shape {expected.shape}, expected (K, {values.size}): one for each inferer")
    last = float(finite("loss", loss))
    return np.array([combined(values, last - row, topic) for row in expected])


def synthesise(
    inferences: npt.ArrayLike, forecasts: npt.ArrayLike, loss: float, regrets: Regrets, topic: Topic | None = None
) -> Synthesis:
    """The predictions of a round from what the workers sent and what was learned before.

    synthesise(inferences, forecasts, last_losses.network, learned(regrets, last_losses))
    """
    values, expected = finite("inferences", inferences), finite("forecasts", forecasts)
    j, k = regrets.inferers, regrets.forecasters
    sized("inferences", values, j)
    sized("forecasts", expected, k, j)
    if j < 2:
        raise OutOfRange(f"{j} inferer, expected 2 or more: nothing is left without the only one")
    implied = forecast_implied(values, expected, loss, topic)  # (K,)
    workers = np.concatenate([values, implied])  # (J + K,)
    implied_one_out = np.array(
        [forecast_implied(np.delete(values, out), np.delete(expected, out, axis=1), loss, topic) for out in range(j)]
    ).T.reshape(k, j)
    return Synthesis(
        network=combined(workers, regrets.workers, topic),
        naive=combined(values, regrets.naive, topic),
        implied=implied,
        implied_one_out=implied_one_out,
        one_out=_one_out(workers, implied_one_out, regrets, topic),
        one_in=np.array([combined(np.append(values, own), regrets.one_in[i], topic) for i, own in enumerate(implied)]),
        error_bars=weighted_percentiles(workers, regret_weights(regrets.workers, topic), _PERCENTS),
    )


def _one_out(workers: Array, implied_one_out: Array, regrets: Regrets, topic: Topic | None) -> Array:
    j = regrets.inferers
    left = np.empty(len(workers))
    for out in range(len(workers)):
        values = workers.copy()
        if out < j:
            # Who implies a prediction from an inferer's must imply another one without it.
            values[j:] = implied_one_out[:, out]
        left[out] = combined(np.delete(values, out), np.delete(regrets.one_out[out], out), topic)
    return left
