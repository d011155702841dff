# SPDX-License-Identifier: Apache-2.0
"""Rows that take their steps together: they join when their prompt has been read, and leave as they finish.

Prompts are read apart from the running rows, several short ones at once or a long one in parts, and a part takes turns
with a step, so that nobody's stream stands still for long. A row's first token comes with the end of its prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from miners.batching.choice import choose
from miners.batching.generation import Generation
from miners.batching.slab import Decoder

__all__ = ["Lane", "Outcome"]

Outcome: TypeAlias = tuple[Generation, int, bool]
"""A row, the token that it got, and whether it goes on; a token that ends an answer is not part of it."""


@dataclass(slots=True)
class _Reading:
    """Prompts that are being read, padded on the left so that they end together."""

    rows: list[Generation]
    ids: torch.Tensor
    pads: list[int]
    done: int = 0


class Lane:
    """A batch of rows, and those who are about to join it."""

    def __init__(self, decoder: Decoder) -> None:
        self.rows: list[Generation] = []
        self._decoder = decoder
        self._slab, self._desk = decoder.slab(), decoder.slab()
        self._reading: _Reading | None = None
        self._read_last = False

    def __len__(self) -> int:
        return len(self.rows) + len(self.joining)

    @property
    def joining(self) -> Sequence[Generation]:
        """Whose prompts are being read."""
        return self._reading.rows if self._reading else ()

    def join(self, group: list[Generation]) -> None:
        """Begin to read these prompts; nobody else may be joining."""
        longest = max(len(row.prompt) for row in group)
        pads = [longest - len(row.prompt) for row in group]
        ids = [[0] * pad + list(row.prompt) for row, pad in zip(group, pads, strict=True)]
        self._reading = _Reading(group, torch.tensor(ids, device=self._decoder.device), pads)

    def work(self, tokens: int) -> list[Outcome]:
        """Take a step, or read at most so many tokens of prompts; what came of it."""
        self._read_last = self._reading is not None and not (self._read_last and self.rows)
        return self._read(self._reading, tokens) if self._reading is not None and self._read_last else self._step()

    def drop(self, is_over: Callable[[Generation], bool]) -> Iterator[Generation]:
        """Free the places of all rows that are over."""
        for at in reversed(range(len(self.rows))):
            if is_over(self.rows[at]):
                yield self.rows[at]
                self._free(at)
        if self._reading is not None and all(map(is_over, self._reading.rows)):
            yield from self._reading.rows
            self._reading = None

    def move(self, at: int, other: Lane) -> None:
        """Hand a running row over to another lane."""
        row = self.rows[at]
        other._slab.adopt(len(other.rows), self._slab, at, slice(0, row.length))
        other.rows.append(row)
        self._free(at)

    def clear(self) -> list[Generation]:
        """Let go of everybody and everything, as after a failure."""
        gone = [*self.rows, *self.joining]
        self.rows, self._reading = [], None
        self._slab, self._desk = self._decoder.slab(), self._decoder.slab()
        return gone

    def _step(self) -> list[Outcome]:
        rows = self.rows
        scores = self._decoder.step(self._slab, [row.last for row in rows], [row.length for row in rows])
        for row in rows:
            row.length += 1
        outcomes = _outcomes(rows, scores)
        for at in reversed(range(len(rows))):
            if not outcomes[at][2]:
                self._free(at)
        return outcomes

    def _read(self, reading: _Reading, tokens: int) -> list[Outcome]:
        total = reading.ids.shape[1]
        part = slice(reading.done, min(total, reading.done + max(1, tokens // len(reading.rows))))
        pads = torch.tensor(reading.pads, device=reading.ids.device)
        scores = self._decoder.fill(self._desk, reading.ids, pads, part)
        reading.done = part.stop
        if part.stop < total:
            return []
        self._reading = None
        outcomes = _outcomes(reading.rows, scores)
        for at, (row, _, goes_on) in enumerate(outcomes):
            if goes_on and not row.left:
                row.length = len(row.prompt)
                self._slab.adopt(len(self.rows), self._desk, at, slice(reading.pads[at], total))
                self.rows.append(row)
        if self._desk.size > self._slab.size:
            # One long prompt must not hold its space for ever.
            self._desk = self._decoder.slab()
        return outcomes

    def _free(self, at: int) -> None:
        last = len(self.rows) - 1
        if at < last:
            self._slab.fill_gap(at, last)
            self.rows[at] = self.rows[last]
        del self.rows[last]


def _outcomes(rows: Sequence[Generation], scores: torch.Tensor) -> list[Outcome]:
    tokens = choose(scores, [row.sampling for row in rows], [row.draw() for row in rows])
    return [(row, token, row.add(token)) for row, token in zip(rows, tokens, strict=True)]
