# SPDX-License-Identifier: Apache-2.0
"""How many samples find a cheat, and how to pick them so that no miner knows which.

A miner that tampers with a part of its work is found with a probability that grows with the samples taken, as long as
it could not know which. Whether it then still cheats is a question of money: `incentive.verify.inspection` asks it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Final

import numpy as np

from incentive.arrays import Ints, fractions
from protocols.errors import OutOfRange

__all__ = [
    "choose",
    "detection",
    "detection_exact",
    "sampler",
    "samples_needed",
    "samples_needed_exact",
]

_LEAST: Final = 2.0**-63
_SECRET_BYTES: Final = 16
_DOMAIN: Final = b"subnet audit 1"


def detection(fraction: float, samples: int) -> float:
    """Probability 1 - (1 - f)^k that k independent samples meet the tampered fraction f of the work."""
    f = _fraction("fraction", fraction)
    _count("samples", samples)
    if f == 1.0:
        return float(samples > 0)
    # By logarithms: a small f would vanish in 1 - f.
    return -math.expm1(samples * math.log1p(-f))


def detection_exact(population: int, tampered: int, samples: int) -> float:
    """The same without replacement: k different ones of N pieces, t of them tampered with (hypergeometric)."""
    _count("population", population)
    _count("tampered", tampered, population)
    _count("samples", samples, population)
    # The two play the same part, and the fewer ask for the smaller numbers.
    few, many = sorted((tampered, samples))
    ways = math.comb(population, few)
    return (ways - math.comb(population - many, few)) / ways


def samples_needed(fraction: float, confidence: float) -> int:
    """The fewest independent samples that find a tampered fraction with this probability, both below 1 and above 0."""
    f, wanted = _open("fraction", fraction), _open("confidence", confidence)
    if f < _LEAST:
        raise OutOfRange(f"fraction is {fraction}, expected {_LEAST} or more")
    # The quotient is the answer but for rounding; twice as many are enough for sure.
    plenty = 2 * math.ceil(math.log1p(-wanted) / math.log1p(-f))
    return _fewest(plenty, lambda samples: detection(f, samples) >= wanted)


def samples_needed_exact(population: int, tampered: int, confidence: float) -> int:
    """The fewest different pieces to look at, of N with t tampered with; at most N - t + 1, which never miss."""
    wanted = _open("confidence", confidence)
    if _count("tampered", tampered, population) < 1:
        raise OutOfRange(f"tampered is {tampered} of {population}, expected 1 or more")
    return _fewest(population - tampered + 1, lambda samples: detection_exact(population, tampered, samples) >= wanted)


def sampler(commitment: bytes, secret: bytes) -> np.random.Generator:
    """The generator of an audit: from what the miner committed to, and what nobody could know before it did.

    The secret is the validator's own, shown afterwards, or a beacon's later value; then anyone can repeat the choice.
    """
    if len(secret) < _SECRET_BYTES:
        raise OutOfRange(
            f"secret has {len(secret)} bytes, expected {_SECRET_BYTES} or more: a miner could try all shorter ones",
            help=f"secrets.token_bytes({_SECRET_BYTES})",
        )
    # The length keeps the two apart: neither may be shifted into the other.
    content = _DOMAIN + len(secret).to_bytes(8, "big") + secret + commitment
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(content).digest(), "big")))


def choose(population: int, samples: int, rng: np.random.Generator) -> Ints:
    """Different pieces of work to look at, ascending, each set of that many as likely as any other."""
    _count("population", population)
    _count("samples", samples, population)
    return np.sort(rng.choice(population, size=samples, replace=False)).astype(np.int64)


def _fewest(plenty: int, enough: Callable[[int], bool]) -> int:
    low, high = 1, plenty
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def _fraction(name: str, value: float) -> float:
    return float(fractions(name, value))


def _open(name: str, value: float) -> float:
    if not 0.0 < _fraction(name, value) < 1.0:
        raise OutOfRange(f"{name} is {value}, expected between 0 and 1, neither included")
    return float(value)


def _count(name: str, value: int, limit: int | None = None) -> int:
    if value < 0 or (limit is not None and value > limit):
        raise OutOfRange(f"{name} is {value}, expected 0 {'or more' if limit is None else f'to {limit}'}")
    return value
