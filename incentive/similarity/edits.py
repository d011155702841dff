# SPDX-License-Identifier: Apache-2.0
"""Similarity of texts by the edits that make one of the other: for code, names and answers where each character counts.

Texts are compared as they are, character by character, so copies that were changed a little stay alike. The cost
grows with the product of the lengths; for many long texts take `CharNgrams`, or a limit.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from incentive.similarity.alignment import levenshtein, optimal_alignment
from incentive.similarity.text import TextSimilarity
from protocols.errors import OutOfRange

__all__ = ["Damerau", "Edits", "Levenshtein"]


@dataclass(frozen=True, slots=True)
class Edits(TextSimilarity):
    """One less the edits that two texts are apart, over the longer one's length; a variant states the distance."""

    limit: int | None = None
    """Texts more than so many edits apart have similarity 0, and cost no more than the limit; None for no limit."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise OutOfRange(f"limit is {self.limit} edits, expected 0 or more")

    @abstractmethod
    def distance(self, a: str, b: str) -> int:
        """How many edits the texts are apart; `limit + 1` if more than the limit."""

    def sim(self, a: str, b: str) -> float:
        """1 for the same text, 0 for texts that share no character at any place."""
        d = self.distance(a, b)
        if self.limit is not None and d > self.limit:
            return 0.0
        return 1.0 - d / max(len(a), len(b), 1)


@dataclass(frozen=True, slots=True)
class Levenshtein(Edits):
    """Edits are insertions, deletions and substitutions.

    Levenshtein().sim("kitten", "sitting")    # 1 - 3/7
    """

    name = "levenshtein"

    def distance(self, a: str, b: str) -> int:
        """Levenshtein's distance."""
        return levenshtein(a, b, self.limit)


@dataclass(frozen=True, slots=True)
class Damerau(Edits):
    """Edits are Levenshtein's and the swap of two neighbours, no part being edited twice (optimal string alignment)."""

    name = "damerau"

    def distance(self, a: str, b: str) -> int:
        """The distance of the optimal string alignment."""
        return optimal_alignment(a, b, self.limit)
