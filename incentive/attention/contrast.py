# SPDX-License-Identifier: Apache-2.0
"""Quality that cannot be had without reading the question.

An answer that pleases every question pleases none in particular. What an answer has in common with the references of
other questions is therefore taken off its likeness to its own: an output that does not depend on the question earns
exactly nothing in expectation, whatever it says (the bonus and penalty tasks of arXiv 1603.03151). Without references
the crowd has to do, counted so that clones have one voice and nobody has one on itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Ints, finite
from incentive.attention.division import part, priors
from incentive.attention.kernels import Kernels, Rows, cosines, directions, sharp_kernel, unit_rows
from incentive.attention.rule import OPEN, Attention
from protocols.errors import OutOfRange, WrongShape

__all__ = ["contrast", "contrast_gate", "contrast_quality", "crowd_reference", "moving_contrast", "others_reference"]


def contrast(answers: npt.ArrayLike, reference: npt.ArrayLike, others: npt.ArrayLike) -> Array:
    """a_i = cos(x_i, e*) - mean_s cos(x_i, e*_s): agreement with this task's reference less that with other tasks'.

    `answers` (N, d), `reference` (d,) and `others` (S, d), the references of recent other tasks, at least one.
    """
    return _contrasts(answers, reference, others)[0]


def contrast_quality(
    answers: npt.ArrayLike, reference: npt.ArrayLike, others: npt.ArrayLike, *besides: npt.ArrayLike
) -> Array:
    """The contrast as a quality, for one query: clip(a, 0, 1); against several sets of others the least of them."""
    least: Array = np.minimum.reduce(_contrasts(answers, reference, others, *besides))
    return np.clip(least, 0.0, 1.0)


def _contrasts(answers: npt.ArrayLike, reference: npt.ArrayLike, *sets: npt.ArrayLike) -> list[Array]:
    x = unit_rows("answers", answers)
    own = unit_rows("reference", np.atleast_2d(finite("reference", reference)))  # (1, d)
    rests = [unit_rows("others", others) for others in sets]  # (S, d) each
    for rest in rests:
        if not len(rest):
            raise WrongShape(
                "others has 0 references, expected 1 or more", help="keep those of the tasks before this one"
            )
        if len(own) != 1 or not x.shape[1] == own.shape[1] == rest.shape[1]:
            raise WrongShape(f"answers, reference and others have shapes {x.shape}, {own.shape} and {rest.shape}")
    agreement = x @ own[0]  # (N,)
    return [(agreement - (x @ rest.T).mean(axis=1)).astype(np.float64, copy=False) for rest in rests]


def moving_contrast(contrasts: npt.ArrayLike, alpha: float) -> Array:
    """The exponential moving average over the rows of (T, N), oldest first; chance disagreements cancel in it."""
    history = finite("contrasts", contrasts)
    if history.ndim != 2:
        raise WrongShape(f"contrasts has shape {history.shape}, expected a row of miners for each task")
    if not 0.0 < alpha <= 1.0:
        raise OutOfRange(f"alpha is {alpha}, expected above 0 and at most 1")
    age = np.arange(len(history))[::-1]  # (T,)
    average: Array = (alpha * (1.0 - alpha) ** age) @ history
    return average


def contrast_gate(averages: npt.ArrayLike) -> Array:
    """g_i = clip(a_i, 0) / max_j clip(a_j, 0) of moving averages (N,): what to multiply a likeness with."""
    positive = np.maximum(finite("averages", averages), 0.0)
    largest = positive.max(initial=0.0)
    return part(positive, np.full_like(positive, largest))


def crowd_reference(embeddings: npt.ArrayLike, *, prior: npt.ArrayLike | None = None, rule: Attention = OPEN) -> Array:
    """The direction (d,) of all answers, each weighed by its prior and counted once, however many gave it."""
    crowd = _counted(embeddings, prior, rule)
    return _direction(crowd.voice[None, :], crowd.rows).ravel()


def others_reference(embeddings: npt.ArrayLike, *, prior: npt.ArrayLike | None = None, rule: Attention = OPEN) -> Array:
    """For each miner the direction of the other answers, (N, d), counted as in `crowd_reference`.

    What is left out is the answer and not only the miner: clones cannot vouch for each other. For closed answers,
    where agreement is the evidence, have a reference instead.
    """
    crowd = _counted(embeddings, prior, rule)
    return _direction((1.0 - crowd.sharp) * crowd.voice, crowd.rows)[crowd.group]


class _Crowd(NamedTuple):
    rows: Rows  # (G, d)
    group: Ints  # (N,)
    sharp: Array  # (G, G)
    voice: Array  # (G,)


def _counted(embeddings: npt.ArrayLike, prior: npt.ArrayLike | None, rule: Attention) -> _Crowd:
    rows, group = directions("embeddings", embeddings)
    sharp = sharp_kernel(cosines(rows), rule.tau0, rule.tau1)
    _, pi = priors(prior, len(group))
    near = Kernels(sharp, sharp, group)
    owned = part(pi, near.spread(sharp, pi))  # (N,)
    return _Crowd(rows, group, sharp, near.totals(pi * owned))


def _direction(voices: Array, rows: Rows) -> Array:
    """The unit direction of each weighted sum of rows; zero where they cancel, since rounding has no direction."""
    total = voices.sum(axis=1, keepdims=True)  # (M, 1)
    mean = np.divide(voices, total, out=np.zeros_like(voices), where=total > 0.0) @ rows  # (M, d)
    length = np.sqrt(np.square(mean).sum(axis=1, keepdims=True))
    directed: Array = np.divide(mean, length, out=np.zeros_like(mean), where=length > _rounding(rows))
    return directed


def _rounding(rows: Rows) -> float:
    return float(np.sqrt(np.finfo(rows.dtype).eps))
