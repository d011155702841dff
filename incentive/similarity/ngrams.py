# SPDX-License-Identifier: Apache-2.0
"""The text embedder that needs no model: hashed counts of the short runs of characters that a text is made of.

Every validator must see the same similarities, so nothing is learned here from miners' answers, and a feature's
place depends on its code points alone: not on the process, the machine or the order of the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from incentive.arrays import Array, Ints, nonnegative, sized
from incentive.similarity.measure import Embedded
from incentive.similarity.text import Hashes, TextSimilarity, folded, mixed
from protocols.errors import OutOfRange

__all__ = ["CharNgrams"]

# FNV-1a, over code points instead of bytes; `mixed` then spreads what it leaves in the low bits.
_OFFSET: Final = 0xCBF29CE484222325
_PRIME: Final = 0x00000100000001B3

# Long texts are hashed in windows of so many code points, which bounds the memory that one answer can take.
_WINDOW: Final = 1 << 16

# Short texts are hashed so many at a time, which saves the cost of a call for each; a long one is hashed alone.
_BATCH: Final = 32

_WIDEST: Final = 1 << 24
_TORN: Final = (1 << 31) - 1  # more than any feature of a batch

Counted: TypeAlias = tuple[Ints, Ints]
"""Features, each once and in order, and how often each occurs."""


@dataclass(frozen=True, slots=True, eq=False)
class CharNgrams(TextSimilarity, Embedded[str]):
    """Cosine of hashed TF-IDF vectors of character n-grams; from 0 or just below (hashes have signs) to 1.

    Case, width, and white space make no difference; the order of words does, since n-grams span their boundaries.

        answers = CharNgrams()
        answers.sim("The capital is Paris.", "the capital is  paris.")    # 1.0
        rarer = answers.fit(corpus)    # rare n-grams weigh more; every validator needs the same corpus
    """

    low: int = 3
    """The fewest characters in an n-gram."""

    high: int = 5
    """The most characters in an n-gram."""

    width: int = 4096
    """How many numbers a row has."""

    idf: Array | None = None
    """What each of the 2 * `width` signed features weighs; all the same where it is None."""

    name = "char-ngrams"
    lowest = -1.0

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high:
            raise OutOfRange(f"n-grams of {self.low} to {self.high} characters, expected 1 <= low <= high")
        if not 1 <= self.width <= _WIDEST:
            raise OutOfRange(f"width is {self.width}, expected 1 to {_WIDEST}")
        if self.idf is not None:
            own = sized("idf", nonnegative("idf", self.idf), 2 * self.width).copy()
            own.setflags(write=False)
            object.__setattr__(self, "idf", own)

    def fit(self, corpus: Sequence[str]) -> CharNgrams:
        """The same embedder with each feature weighed by how rare it is in the corpus: `ln((1 + N) / (1 + df)) + 1`.

        The corpus is the validators' own, fixed and shared by all of them; never the answers of miners, who would
        make their own words rare.
        """
        if not len(corpus):
            raise OutOfRange("a corpus of 0 texts, expected 1 or more")
        df = np.zeros(2 * self.width)
        for batch in _batches(corpus):
            present, _ = self._counts(corpus[batch])
            df += np.bincount(present % df.size, minlength=df.size)
        return replace(self, idf=np.log((1.0 + len(corpus)) / (1.0 + df)) + 1.0)

    def embed(self, items: Sequence[str]) -> Array:
        """One row of length 1 for each text, or of zeros for one without characters, (N, width)."""
        rows = np.empty((len(items), self.width))
        for batch in _batches(items):
            weights, out = self._weights(*self._counts(items[batch]), len(rows[batch])), rows[batch]
            length = np.sqrt(np.square(weights, out=out).sum(axis=1, keepdims=True))
            np.divide(weights, np.where(length > 0.0, length, 1.0), out=out)
        return rows

    def _weights(self, present: Ints, counts: Ints, texts: int) -> Array:
        """Each text's weight at each place, (B, width)."""
        # The logarithm keeps a word said a hundred times from being a hundred words.
        weights = 1.0 + np.log(counts)
        if self.idf is not None:
            weights *= self.idf[present - present // self.idf.size * self.idf.size]  # faster than %
        # An odd feature subtracts from the place that the even one before it adds to: chance hits cancel out.
        weights *= 1 - 2 * (present & 1)
        places = np.bincount(present >> 1, weights=weights, minlength=texts * self.width)
        return places.astype(np.float64, copy=False).reshape(texts, self.width)

    def _counts(self, texts: Sequence[str]) -> Counted:
        """The signed features that occur, each text's after those of the one before, and how often, (P,) and (P,)."""
        codes, owners = _codes(texts, self.low)
        seen: Counted = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        for start in range(0, codes.size, _WINDOW):
            end = start + _WINDOW + self.high - 1
            found = _counted(self._features(codes[start:end], owners[start:end]))
            seen = _added(seen, found) if start else found
        return seen

    def _features(self, codes: Hashes, owners: Ints) -> Hashes:
        """The features of the n-grams that begin in the window, `_TORN` for one that ends in another text."""
        grams = np.full(codes.size, _OFFSET, dtype=np.uint64)
        size, found = np.uint64(2 * self.width), []
        before = owners.astype(np.uint64) * size
        for n in range(1, min(self.high, codes.size) + 1):
            grams = (grams[: codes.size - n + 1] ^ codes[n - 1 :]) * np.uint64(_PRIME)
            if n < self.low:
                continue
            # The high bits, as a fraction of their range, choose the feature: no division, and any width will do.
            features = ((mixed(grams[:_WINDOW]) >> np.uint64(32)) * size) >> np.uint64(32)
            features += before[: features.size]
            first, last = owners[: features.size], owners[n - 1 :][:_WINDOW]
            np.copyto(features, np.uint64(_TORN), where=first != last)
            found.append(features)
        return np.concatenate(found) if found else np.zeros(0, dtype=np.uint64)


def _counted(features: Hashes) -> Counted:
    ordered = np.sort(features.astype(np.int32))  # a batch has few enough, and half the bytes are sorted faster
    ordered = ordered[: np.searchsorted(ordered, np.int32(_TORN))]
    # Where another feature begins, and where the last one ends.
    bounds = np.flatnonzero(np.concatenate([ordered[:1] >= 0, ordered[1:] != ordered[:-1], ordered[:1] >= 0]))
    return ordered[bounds[:-1]].astype(np.int64), np.diff(bounds)


def _added(one: Counted, other: Counted) -> Counted:
    present, at = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    return present, np.bincount(at, weights=np.concatenate([one[1], other[1]])).astype(np.int64)


def _batches(texts: Sequence[str]) -> Iterator[slice]:
    start = held = 0
    for i, text in enumerate(texts):
        if i > start and (i - start == _BATCH or held + len(text) > _WINDOW):
            yield slice(start, i)
            start, held = i, 0
        held += len(text)
    if len(texts):
        yield slice(start, len(texts))


def _codes(texts: Sequence[str], low: int) -> tuple[Hashes, Ints]:
    """The code points of all texts in a row, (C,), and which text each is of, (C,)."""
    plain = [folded(text) for text in texts]
    # A space at each end marks it as a boundary of words, as the spaces between do.
    marked = [f" {text} ".ljust(low) if text else "" for text in plain]
    codes = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    return codes, np.repeat(np.arange(len(marked)), [len(text) for text in marked])
