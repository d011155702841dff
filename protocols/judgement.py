# SPDX-License-Identifier: Apache-2.0
"""What replies are worth, and why: rewards, and beside them the factors that a miner may ask to see.

A definition may give bare numbers. One that says how it came to them lets a validator keep that with each reply, and
whoever is paid too little is shown the factor that was too small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from protocols.columns import Floats
from protocols.errors import InvalidSubnet
from protocols.task import Replies

__all__ = ["Judgement", "judged"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reward from 0 to 1 for each reply, and named columns of finite numbers that explain it.

    Judgement(rewards, {"quality": quality, "share": share})
    """

    rewards: Sequence[float] | Floats
    because: Mapping[str, Sequence[float] | Floats] = field(default_factory=dict)


def judged(name: str, given: object, replies: Replies) -> Judgement:
    """What a definition said, held to its promise; 0 for whoever gave no reply. Raises `InvalidSubnet`."""
    said = given if isinstance(given, Judgement) else Judgement(given)  # type: ignore[arg-type]
    rewards = _column(f"{name}: score", said.rewards, len(replies))
    good = (rewards >= 0.0) & (rewards <= 1.0)  # false for NaN
    if not good.all():
        row = int(np.argmin(good))
        raise InvalidSubnet(f"{name}: score gave {rewards[row]} at reply {row}, expected 0 to 1")
    because = {
        str(why): _column(f"{name}: score's {why}", column, len(replies)) for why, column in said.because.items()
    }
    for why, column in because.items():
        if not np.isfinite(column).all():
            row = int(np.argmin(np.isfinite(column)))
            raise InvalidSubnet(f"{name}: score's {why} is {column[row]} at reply {row}, expected a finite number")
    return Judgement(np.where(replies.arrived, rewards, 0.0), because)


def _column(what: str, given: object, n: int) -> Floats:
    try:
        column = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSubnet(f"{what} gave {type(given).__name__}, expected numbers") from error
    if column.shape != (n,):
        raise InvalidSubnet(f"{what} gave shape {column.shape}, expected ({n},)")
    return column
