# SPDX-License-Identifier: Apache-2.0
"""What a round's losses teach: regrets for the next round, scores for the pay.

Losses are logarithms of losses, so that means over reputers are geometric and a factor counts the same at any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, nonnegative, shares, sized
from incentive.forecast.weights import Topic
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Losses", "Regrets", "learned", "scores", "stake_weighted"]


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses of all predictions of a round, for J inferers and K forecasters (see `Synthesis`)."""

    network: float
    naive: float
    workers: Array  # (J + K,)
    implied_one_out: Array  # (K, J)
    one_out: Array  # (J + K,)
    one_in: Array  # (K,)

    def __post_init__(self) -> None:
        finite("network", self.network)
        finite("naive", self.naive)
        if self.implied_one_out.ndim != 2:
            raise WrongShape(f"implied_one_out has shape {self.implied_one_out.shape}, expected (K, J)")
        k, j = self.implied_one_out.shape
        finite("implied_one_out", self.implied_one_out)
        for name, array, size in (("workers", self.workers, j + k), ("one_out", self.one_out, j + k)):
            sized(name, finite(name, array), size)
        sized("one_in", finite("one_in", self.one_in), k)

    @classmethod
    def split(cls, row: npt.ArrayLike, inferers: int, forecasters: int) -> Losses:
        """The losses from one row: network, naive, workers, implied one-out by forecaster, one-out, one-in."""
        j, k = inferers, forecasters
        values = sized("row", finite("row", row), 2 + 2 * (j + k) + k * j + k)
        ends = np.cumsum([1, 1, j + k, k * j, j + k])
        network, naive, workers, implied, one_out, one_in = np.split(values, ends)
        return cls(float(network[0]), float(naive[0]), workers, implied.reshape(k, j), one_out, one_in)


@dataclass(frozen=True, slots=True)
class Regrets:
    """How much better than the network each worker was, smoothed, in the real network and in all the others."""

    workers: Array  # (J + K,)
    """To the network's own prediction."""

    naive: Array  # (J,)
    """To the prediction without forecasters."""

    one_out: Array  # (J + K, J + K)
    """To the prediction without the row's worker."""

    one_in: Array  # (K, J + 1)
    """To the prediction of the inferers and the row's forecaster, which stands last."""

    def __post_init__(self) -> None:
        j, k = self.inferers, self.forecasters
        if k < 0:
            raise WrongShape(
                f"{j} regrets of inferers among {len(self.workers)} workers, expected no more than workers"
            )
        sized("workers", finite("workers", self.workers), j + k)
        sized("naive", finite("naive", self.naive), j)
        sized("one_out", finite("one_out", self.one_out), j + k, j + k)
        sized("one_in", finite("one_in", self.one_in), k, j + 1)

    @classmethod
    def none(cls, inferers: int, forecasters: int) -> Regrets:
        """Before the first round: nobody was better than anybody."""
        n = inferers + forecasters
        return cls(np.zeros(n), np.zeros(inferers), np.zeros((n, n)), np.zeros((forecasters, inferers + 1)))

    @property
    def inferers(self) -> int:
        """J."""
        return len(self.naive)

    @property
    def forecasters(self) -> int:
        """K."""
        return len(self.workers) - len(self.naive)


def stake_weighted(reports: npt.ArrayLike, stake: npt.ArrayLike) -> Array:
    """The mean of the reputers' reported losses, (R, ...), by their stake, (R,)."""
    reported = finite("reports", reports)
    weights = nonnegative("stake", stake)
    if not reported.ndim or weights.shape != reported.shape[:1]:
        raise WrongShape(f"reports of shape {reported.shape} by {weights.size} stakes, expected one row each")
    parts = shares(weights)
    if not parts.any():
        raise OutOfRange("the stakes sum to 0, expected more")
    return np.asarray(np.tensordot(parts, reported, axes=1))


def learned(regrets: Regrets, losses: Losses, topic: Topic | None = None) -> Regrets:
    """The regrets after a round: `alpha` of the round's own, the rest as before."""
    alpha = (topic or Topic()).alpha
    j = regrets.inferers
    facing = np.tile(losses.workers, (len(losses.workers), 1))  # (J + K, J + K) losses where the row's worker is out
    facing[:j, j:] = losses.implied_one_out.T
    with_one = np.column_stack(
        [np.tile(losses.workers[:j], (regrets.forecasters, 1)), losses.workers[j:]]
    )  # (K, J + 1)

    def moved(before: Array, now: Array) -> Array:
        return alpha * now + (1.0 - alpha) * sized("regrets", before, *now.shape)

    return Regrets(
        workers=moved(regrets.workers, losses.network - losses.workers),
        naive=moved(regrets.naive, losses.naive - losses.workers[:j]),
        one_out=moved(regrets.one_out, losses.one_out[:, None] - facing),
        one_in=moved(regrets.one_in, losses.one_in[:, None] - with_one),
    )


def scores(losses: Losses) -> tuple[Array, Array]:
    """What each inferer, (J,), and each forecaster, (K,), was worth: the loss without it, less the network's.

    Forecasters who say the same are each worth nothing to a network that has the other. So a part of their score,
    `2^-(K - 1)`, is what each alone adds to the inferers.
    """
    k, j = losses.implied_one_out.shape
    without = losses.one_out - losses.network
    alone = losses.naive - losses.one_in
    unique = 0.5 ** (k - 1)
    return without[:j], unique * alone + (1.0 - unique) * without[j:]
