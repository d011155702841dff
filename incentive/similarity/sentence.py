# SPDX-License-Identifier: Apache-2.0
"""Similarity of texts by what they mean: the cosine of the vectors that a language model gives them.

A copier who rewords an answer is found by its meaning or not at all. The model itself comes from outside, behind
`Encoder`, since reward mathematics stays free of models. A model costs a millisecond a text and miners repeat
themselves from round to round, so a text that was read lately is not read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import ClassVar, Protocol

import numpy as np

from incentive.arrays import Array
from incentive.similarity.measure import Embedded, distinct
from incentive.similarity.text import TextSimilarity
from incentive.similarity.vectors import unit
from protocols.errors import NotFinite, OutOfRange, WrongShape

__all__ = ["Encoder", "Sentences"]


class Encoder(Protocol):
    """A model that gives each text a vector, of the same number of entries for all."""

    @property
    def name(self) -> str:
        """What reports call the model."""
        ...

    def encode(self, texts: Sequence[str]) -> Array:
        """One row for each text, (N, d)."""
        ...


class Sentences(Embedded[str], TextSimilarity):
    """The cosine of two texts' vectors, from -1 to 1; a text of white space alone is like nothing.

        alike = Sentences(MiniLM()).matrix(answers)

    The vectors of the `capacity` texts used last are kept, 3 kB each where d is 384.
    """

    __slots__ = ("_kept", "_width", "capacity", "encoder")

    lowest: ClassVar[float] = -1.0

    def __init__(self, encoder: Encoder, *, capacity: int = 16_384) -> None:
        if capacity < 0:
            raise OutOfRange(f"capacity is {capacity}, expected 0 or more")
        self.encoder = encoder
        self.capacity = capacity
        self._kept: OrderedDict[bytes, Array] = OrderedDict()  # least recently used first
        self._width = 0

    @property
    def name(self) -> str:
        """`sentence-` and the model's name."""
        return f"sentence-{self.encoder.name}"

    def embed(self, items: Sequence[str]) -> Array:
        """The texts' vectors at length 1, (N, d)."""
        texts, at = distinct(items)
        keys = [_digest(text) if text.strip() else None for text in texts]
        known = {key: self._kept[key] for key in keys if key is not None and key in self._kept}
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key is not None and key not in known}
        if fresh:
            known.update(zip(fresh, self._encoded(list(fresh.values())), strict=True))
        self._keep(known)
        nothing = np.zeros(self._width)
        rows = [nothing if key is None else known[key] for key in keys]  # n of (d,)
        return np.array(rows, dtype=np.float64).reshape(len(texts), self._width)[at]

    def _encoded(self, texts: list[str]) -> Array:
        rows = np.asarray(self.encoder.encode(texts), dtype=np.float64)  # (n, d)
        width = self._width or (rows.shape[1] if rows.ndim == 2 else 0)
        if rows.shape != (len(texts), width):
            raise WrongShape(f"{self.encoder.name} gave rows of shape {rows.shape}, expected {(len(texts), width)}")
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, entry = (int(place) for place in bad[0])
            raise NotFinite(
                f"{self.encoder.name} gave {rows[row, entry]} at [{entry}] for the text {texts[row][:40]!r}, "
                "expected a finite number"
            )
        self._width = width
        return unit(rows)

    def _keep(self, used: dict[bytes, Array]) -> None:
        for key, row in used.items():
            # A copy: a row of a batch would keep the whole batch in memory.
            self._kept[key] = self._kept[key] if key in self._kept else row.copy()
            self._kept.move_to_end(key)
        while len(self._kept) > self.capacity:
            self._kept.popitem(last=False)


def _digest(text: str) -> bytes:
    # Half of a surrogate pair is a text in Python, and no valid UTF-8.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
