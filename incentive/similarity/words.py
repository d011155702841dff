# SPDX-License-Identifier: Apache-2.0
"""Similarity of texts by the words they share: as summaries, short answers and near-duplicates are compared.

The scores are those that the tasks were published with (ROUGE, SQuAD), so a subnet's numbers can be held against
others'. What counts as a word is `text.words`, which keeps texts that are not in Latin letters.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import numpy as np

from incentive.arrays import Array
from incentive.similarity.alignment import common_length
from incentive.similarity.measure import distinct
from incentive.similarity.text import Hashes, ReadText, TextSimilarity, mixed, stable_hashes, words
from protocols.errors import OutOfRange

__all__ = ["Exact", "Jaccard", "MinHash", "Rouge", "RougeL", "TokenF1", "squad_normal"]

R = TypeVar("R")
Words: TypeAlias = tuple[str, ...]
Shingles: TypeAlias = frozenset[Words]

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_GOLDEN: Final = 0x9E3779B97F4A7C15
_NOTHING: Final = 0xFFFFFFFFFFFFFFFF
_SLICE: Final = 4096


@dataclass(frozen=True, slots=True)
class Rouge(ReadText["Counter[Words]"]):
    """ROUGE-N: the F-measure of the runs of n words that two texts share, each as often as both have it.

    A text of fewer than n words is like nothing, not even itself, as published. ROUGE-1 does not see the order.
    """

    n: int = 1
    """How many words in a run: 1 or 2."""

    def __post_init__(self) -> None:
        _counted("n", self.n)

    @property
    def name(self) -> str:
        """`rouge-1`, `rouge-2` and so on."""
        return f"rouge-{self.n}"

    def read(self, text: str) -> Counter[Words]:
        """The text's runs of n words, counted."""
        return Counter(_runs(words(text), self.n))

    def compare(self, a: Counter[Words], b: Counter[Words]) -> float:
        """Twice the shared runs over all runs."""
        return _f_measure(_shared(a, b), a.total(), b.total())


@dataclass(frozen=True, slots=True)
class RougeL(ReadText[Words]):
    """ROUGE-L: the F-measure of the longest sequence of words that two texts have in common, gaps allowed."""

    name = "rouge-l"

    def read(self, text: str) -> Words:
        """The text's words."""
        return words(text)

    def compare(self, a: Words, b: Words) -> float:
        """Twice the common sequence's length over both lengths."""
        return _f_measure(common_length(a, b), len(a), len(b))


@dataclass(frozen=True, slots=True)
class TokenF1(ReadText["Counter[str]"]):
    """SQuAD's F1: the words shared after `squad_normal`, in any order; two answers without words agree."""

    name = "token-f1"

    def read(self, text: str) -> Counter[str]:
        """The normalised answer's words, counted."""
        return Counter(squad_normal(text).split())

    def compare(self, a: Counter[str], b: Counter[str]) -> float:
        """Twice the shared words over all words."""
        return _f_measure(_shared(a, b), a.total(), b.total()) if a or b else 1.0


@dataclass(frozen=True, slots=True)
class Exact(ReadText[str]):
    """SQuAD's exact match: 1 if two answers are the same after `squad_normal`, else 0."""

    name = "exact"

    def read(self, text: str) -> str:
        """The normalised answer."""
        return squad_normal(text)

    def compare(self, a: str, b: str) -> float:
        """Whether the two are the same."""
        return float(a == b)


@dataclass(frozen=True, slots=True)
class Jaccard(ReadText[Shingles]):
    """The part of all shingles (runs of words) that two texts share; a text without words is like nothing."""

    size: int = 3
    """How many words in a shingle; a shorter text is one shingle."""

    name = "jaccard"

    def __post_init__(self) -> None:
        _counted("size", self.size)

    def read(self, text: str) -> Shingles:
        """The text's shingles."""
        return _shingles(text, self.size)

    def compare(self, a: Shingles, b: Shingles) -> float:
        """The shingles of both over the shingles of either."""
        return len(a & b) / len(a | b) if a and b else 0.0


@dataclass(frozen=True, slots=True)
class MinHash(TextSimilarity):
    """Jaccard's similarity, estimated from short signatures: for long texts in large numbers.

    The standard error is `sqrt(s * (1 - s) / permutations)`, at most 0.044 for 128.
    """

    size: int = 3
    """How many words in a shingle; a shorter text is one shingle."""

    permutations: int = 128
    """How many numbers in a signature."""

    name = "minhash"

    def __post_init__(self) -> None:
        _counted("size", self.size)
        _counted("permutations", self.permutations)

    def signatures(self, texts: Sequence[str]) -> Hashes:
        """For each text and permutation the least hash of its shingles, (N, permutations); the largest for no words."""
        # Each permutation is the same mixing of the hashes with another of evenly strewn numbers.
        strewn = mixed(np.arange(1, self.permutations + 1, dtype=np.uint64) * np.uint64(_GOLDEN))  # (P,)
        out = np.full((len(texts), self.permutations), _NOTHING, dtype=np.uint64)
        for row, text in zip(out, texts, strict=True):
            hashes = stable_hashes(["\x1f".join(shingle) for shingle in _shingles(text, self.size)])
            for start in range(0, hashes.size, _SLICE):
                permuted = mixed(hashes[start : start + _SLICE, None] ^ strewn)  # (S, P)
                np.minimum(row, permuted.min(axis=0), out=row)
        return out

    def sim(self, a: str, b: str) -> float:
        """The part of their signatures in which two texts agree."""
        return float(self.matrix([a], [b])[0, 0])

    def matrix(self, items: Sequence[str], others: Sequence[str] | None = None) -> Array:
        """The part of the signatures in which each two texts agree, (N, M)."""
        rows, at = distinct(items)
        columns, to = (rows, at) if others is None else distinct(others)
        left = self.signatures(rows)
        right = left if others is None else self.signatures(columns)
        said = (right != _NOTHING).any(axis=1)
        alike = np.zeros((len(rows), len(columns)))
        for out, signature in zip(alike, left, strict=True):
            np.multiply((signature == right).mean(axis=1), said, out=out)
        return alike[np.ix_(at, to)]


def squad_normal(text: str) -> str:
    """A short answer as SQuAD compares it: lower case, without punctuation, articles and spare white space.

    Punctuation of all scripts is struck, where SQuAD's own script strikes ASCII's.

    >>> squad_normal("The “Eiffel  Tower”!")
    'eiffel tower'
    """
    kept = "".join([c for c in text.lower() if c not in string.punctuation and unicodedata.category(c)[0] != "P"])
    return " ".join(_ARTICLES.sub(" ", kept).split())


def _f_measure(shared: int, a: int, b: int) -> float:
    return 2.0 * shared / (a + b) if shared else 0.0


def _shared(a: Counter[R], b: Counter[R]) -> int:
    few, many = (a, b) if len(a) <= len(b) else (b, a)
    return sum([min(count, many[word]) for word, count in few.items() if word in many])


def _runs(tokens: Words, n: int) -> list[Words]:
    return [tokens[i : i + n] for i in range(len(tokens) - n + 1)]


def _shingles(text: str, size: int) -> Shingles:
    tokens = words(text)
    return frozenset(_runs(tokens, min(size, len(tokens)))) if tokens else frozenset()


def _counted(name: str, value: int) -> None:
    if value < 1:
        raise OutOfRange(f"{name} is {value}, expected 1 or more")
