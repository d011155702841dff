# SPDX-License-Identifier: Apache-2.0
"""The smallest language model there is: which word followed each two words in a text.

It speaks fluently about nothing, which is what a subnet needs of its worst miner, and what the better ones pad their
answers with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from protocols.model import Model, Sampling
from subnet.text.chance import stream
from subnet.text.corpus import compose
from subnet.text.vocabulary import REMARKS

__all__ = ["NGram", "remarks"]

_END: Final = ""
_DOCUMENTS: Final = 64


class NGram(Model):
    """A model of order 3, trained when it is made on sentences that it then mixes; as an engine it reads nothing.

    await NGram(seed=1).generate("This page", max_tokens=20)
    """

    def __init__(self, seed: int = 0, sentences: Sequence[str] | None = None) -> None:
        self._seed = seed
        self._next: dict[tuple[str, str], list[str]] = {}
        for sentence in _bundled() if sentences is None else sentences:
            words = [_END, _END, *sentence.split(), _END]
            for first, second, third in zip(words, words[1:], words[2:], strict=False):
                self._next.setdefault((first, second), []).append(third)

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """Go on from the prompt's last two words, or begin anew where they never stood together."""
        return self.sentence(stream(self._seed, prompt), max_tokens, prompt)

    def sentence(self, rng: np.random.Generator, max_words: int, after: str = "") -> str:
        """Random words, each as it followed the two before it somewhere in the training text."""
        state = tuple(after.split()[-2:])
        first, second = state if len(state) == 2 and state in self._next else (_END, _END)
        said: list[str] = []
        while len(said) < max_words:
            follows = self._next.get((first, second), [_END])
            word = follows[int(rng.integers(len(follows)))]
            if word == _END:
                break
            said.append(word)
            first, second = second, word
        return " ".join(said)


@cache
def remarks() -> NGram:
    """The model of sentences that say nothing."""
    return NGram(sentences=REMARKS)


@cache
def _bundled() -> tuple[str, ...]:
    rng = stream(0, "documents")
    return tuple(sentence for _ in range(_DOCUMENTS) for sentence in compose(rng).document.split(". "))
