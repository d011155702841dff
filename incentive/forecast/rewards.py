# SPDX-License-Identifier: Apache-2.0
"""From scores to parts of a reward: within a task by score, between tasks by how many truly share the work.

The entropy of a task's reward fractions measures its decentralisation. It is damped by the effective number of
participants, so that splitting oneself into many does not make one's task look larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, fractions, nonnegative, shares, sized
from incentive.forecast.weights import phi, spread
from protocols.errors import OutOfRange

__all__ = [
    "Utility",
    "forecast_utility",
    "modified_entropy",
    "number_ratio",
    "score_fractions",
    "smoothed",
    "task_entropy",
    "task_fractions",
]


@dataclass(frozen=True, slots=True)
class Utility:
    """What forecasting is worth to the network beside inference."""

    ratio: float
    """The smoothed ratio of the forecasting task's score to the best inferer's."""

    utility: float
    """chi, the forecasters' weight against the inferers', .1 to .5."""


def score_fractions(
    scores: npt.ArrayLike, recent: npt.ArrayLike, *, p: float = 3.0, c: float = 0.75, epsilon: float = 0.01
) -> Array:
    """Each worker's part of its task's reward: `phi(score / (spread of the recent scores + epsilon))` over the sum.

    The recent ones are the task's latest 10 scores, this round's among them. Without spread all are paid alike.
    """
    latest = finite("scores", scores)
    width = spread(recent)
    if width < epsilon:
        return np.full(latest.shape, 1.0 / max(latest.size, 1))
    ramp = p * (latest / (width + epsilon) - c)
    best = float(ramp.max(initial=-np.inf))
    # So far below the ramp phi is exp, and its ratios outlive what its values in floats do not.
    return shares(np.exp(ramp - best)) if -np.inf < best < -40.0 else shares(phi(ramp, 1.0, 0.0))


def smoothed(now: npt.ArrayLike, before: npt.ArrayLike, alpha: float = 0.1) -> Array:
    """The reward fractions that entropy is taken of: `alpha` of this round's, the rest as before, summing to 1."""
    new = fractions("now", now)
    return shares(alpha * new + (1.0 - alpha) * sized("before", fractions("before", before), *new.shape))


def number_ratio(parts: npt.ArrayLike) -> float:
    """The effective number of participants, `1 / sum f^2`."""
    f = fractions("parts", parts)
    total = float(np.sum(f * f))
    if total == 0.0:
        raise OutOfRange("the parts are all 0, expected one above 0")
    return 1.0 / total


def modified_entropy(parts: npt.ArrayLike, effective: float, beta: float = 0.25) -> float:
    """`-sum f ln f * (effective / N)^beta`; a part of 0 adds 0."""
    f = fractions("parts", parts)
    if not f.size:
        raise OutOfRange("an entropy of 0 parts, expected 1 or more")
    logs = np.log(f, out=np.zeros_like(f), where=f > 0.0)
    ratio = float(nonnegative("effective", effective)) / f.size
    return float(-np.sum(f * logs)) * float(ratio**beta)


def task_entropy(parts: npt.ArrayLike, beta: float = 0.25) -> float:
    """A task's entropy with its own effective number of participants; of a single one, `beta ln 2`."""
    f = fractions("parts", parts)
    return beta * math.log(2.0) if f.size == 1 else modified_entropy(f, number_ratio(f), beta)


def forecast_utility(task_score: float, inferer_scores: npt.ArrayLike, ratio: float, alpha: float = 0.1) -> Utility:
    """What forecasting is worth: the loss without it less the network's, beside the best inferer's score.

    Weights run from .1 (harm) to .5 (as good as the best inferer). Where no inferer has a positive score only the
    sign of the task's score counts; where that is 0 too, nobody matters and the two tasks are equal.
    """
    score = float(finite("task_score", task_score))
    best = max(float(finite("inferer_scores", inferer_scores).max(initial=0.0)), 0.0)
    if best == 0.0 and score == 0.0:
        return Utility(ratio, 0.5)
    now = score / best if best > 0.0 else math.copysign(1.0, score)
    after = alpha * now + (1.0 - alpha) * float(finite("ratio", ratio))
    return Utility(after, 0.1 + 0.4 * min(max(after, 0.0), 1.0))


def task_fractions(inference: float, forecasting: float, reputation: float, utility: float) -> Array:
    """The parts of inferers, forecasters and reputers in a topic's reward, (3,), from their entropies and chi.

    What chi moves between inferers and forecasters is scaled by gamma, so that reputers keep their part.
    """
    f, g, h = (float(nonnegative("entropy", value)) for value in (inference, forecasting, reputation))
    chi = float(fractions("utility", utility))
    weighed = np.array([(1.0 - chi) * f, chi * g])
    workers = shares(weighed) * (f + g)  # gamma = (F + G) / ((1 - chi) F + chi G)
    return shares(np.append(workers, h))
