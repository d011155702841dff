# SPDX-License-Identifier: Apache-2.0
"""From tokens to text while they still come: no piece holds half a character, and none a stop text or what follows it.

A token is not a text: a character may take several, and a word may read differently after another. So tokens are
decoded with some of those before them, and what may still change is held back until it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

__all__ = ["Pieces"]

Decode: TypeAlias = Callable[[Sequence[int]], str]

_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
_WINDOW: Final = 16
"""Tokens that are decoded anew each time, as context of those that come."""
_PATIENCE: Final = 64
"""Tokens after which bytes that make no character are given up."""


class Pieces:
    """An answer's text, piece by piece.

    pieces = Pieces(tokenizer.decode, stop=("END",))
    pieces.add(tokens)                                  # what can be said by now, maybe nothing
    pieces.rest()                                       # what was held back, when no token comes any more
    """

    def __init__(self, decode: Decode, stop: Sequence[str] = ()) -> None:
        self.stopped = False
        """Whether a stop text came; nothing is said after it."""
        self._decode = decode
        self._stop = tuple(stop)
        self._tokens: list[int] = []
        self._said = 0
        self._held = ""

    def add(self, tokens: Sequence[int]) -> str:
        """The text that is now certain."""
        if self.stopped:
            return ""
        self._tokens += tokens
        text = self._decode(self._tokens)
        unsure = len(text) - len(text.rstrip(_UNKNOWN))
        if unsure and len(self._tokens) < _PATIENCE:
            # The bytes at the end may yet become a character.
            return self._before_stop(self._new(text[: len(text) - unsure]))
        new = self._new(text)
        if len(self._tokens) > 2 * _WINDOW:
            self._tokens = self._tokens[-_WINDOW:]
            self._said = len(self._decode(self._tokens))
        return self._before_stop(new)

    def rest(self) -> str:
        """What was held back, now that nothing follows."""
        new = self._before_stop(self._new(self._decode(self._tokens))) if self._tokens and not self.stopped else ""
        rest, self._held, self._tokens = new + self._held, "", []
        return rest

    def _new(self, text: str) -> str:
        new, self._said = text[self._said :], max(self._said, len(text))
        return new

    def _before_stop(self, new: str) -> str:
        """What of the text comes before a stop text, or before what may become one."""
        if not self._stop:
            return new
        text, self._held = self._held + new, ""
        found = [(at + len(stop), at) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            # The one that is complete first ends the answer, however the tokens came.
            self.stopped = True
            return text[: min(found)[1]]
        keep = max(_overlap(text, stop) for stop in self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How long the longest end of the text is with which the stop text may begin."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
