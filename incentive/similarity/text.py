# SPDX-License-Identifier: Apache-2.0
"""How a text is read before it is compared, and what an empty and a shuffled text are.

Texts come from strangers. Reading one takes time in proportion to its length whatever it holds, never fails, and is
the same in every process: Python's own `hash` of a text is not, so the hashes here are made of its code points.
"""

from __future__ import annotations

import re
import unicodedata
from abc import abstractmethod
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array
from incentive.similarity.measure import Similarity, distinct, pairwise

__all__ = ["Hashes", "ReadText", "TextSimilarity", "folded", "mixed", "shuffled_words", "stable_hashes", "words"]

R = TypeVar("R")
Hashes: TypeAlias = npt.NDArray[np.uint64]

# Han and Kana are written without spaces: there a character is a word, else a sentence would be one.
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")

# Sorting a run of combining marks takes quadratic time, so no run longer than this is normalised at once.
_PIECE: Final = 1024


class TextSimilarity(Similarity[str]):
    """A measure of texts: the empty answer is the empty text, and shuffling permutes the words."""

    __slots__ = ()

    def empty(self) -> str:
        """The empty text."""
        return ""

    def shuffled(self, item: str, rng: np.random.Generator) -> str:
        """The text's words in random order."""
        return shuffled_words(item, rng)


class ReadText(TextSimilarity, Generic[R]):
    """A measure that reads each text once, into what it compares: it states `read` and `compare`."""

    __slots__ = ()

    @abstractmethod
    def read(self, text: str) -> R:
        """What of the text is compared."""

    @abstractmethod
    def compare(self, a: R, b: R) -> float:
        """The similarity of two texts as read."""

    def sim(self, a: str, b: str) -> float:
        """The similarity of two texts."""
        return self.compare(self.read(a), self.read(b))

    def matrix(self, items: Sequence[str], others: Sequence[str] | None = None) -> Array:
        """Each text's similarity to each other one, (N, M); to the texts themselves where no others are given."""
        rows, at = distinct(items)
        left = [self.read(text) for text in rows]
        if others is None:
            return pairwise(self.compare, left)[np.ix_(at, at)]
        columns, to = distinct(others)
        return pairwise(self.compare, left, [self.read(text) for text in columns])[np.ix_(at, to)]


def words(text: str) -> tuple[str, ...]:
    """The text's words in lower case: runs of letters and digits of any script, and each Han or Kana character.

    For ASCII these are the tokens of google-research `rouge_score` without stemming.
    """
    return tuple(_WORD.findall(text.lower()))


def shuffled_words(text: str, rng: np.random.Generator) -> str:
    """The text's words, as spaces part them, in random order."""
    parts = text.split()
    return " ".join([parts[i] for i in rng.permutation(len(parts))])


def folded(text: str) -> str:
    """The text without what does not change its meaning: NFKC, case folded, white space collapsed to single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    parts = [text] if len(text) <= _PIECE else text.split()
    plain = " ".join(["".join([_plain(part[i : i + _PIECE]) for i in range(0, len(part), _PIECE)]) for part in parts])
    return " ".join(plain.split())


def mixed(hashes: Hashes) -> Hashes:
    """The hashes with every bit spread over all others (the finaliser of MurmurHash3)."""
    out = hashes ^ (hashes >> np.uint64(33))
    out *= np.uint64(0xFF51AFD7ED558CCD)
    out ^= out >> np.uint64(33)
    out *= np.uint64(0xC4CEB9FE1A85EC53)
    out ^= out >> np.uint64(33)
    return out


def stable_hashes(texts: Sequence[str]) -> Hashes:
    """A 64-bit hash of each text, the same in every process on every machine, (N,)."""
    digests = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
