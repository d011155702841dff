# SPDX-License-Identifier: Apache-2.0
"""What each miner has earned so far, kept under its hotkey and not under its place on the subnet.

A place is given to another miner when its holder is deregistered, and whoever takes it must inherit nothing; a hotkey
that registers anew starts anew too. Scores that nobody has refreshed for long fade, since they say little about today,
but a miner that merely was not asked in a few rounds loses nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Flags, Ints, fractions, sized
from incentive.entries import Entry, Stored, number, whole
from protocols.errors import OutOfRange, WrongShape

__all__ = ["MovingScores", "ScoreBook", "WindowScores", "moving_average"]

_WIDEST: Final = 10_000


def moving_average(scores: Array, rewards: Array, asked: Flags, alpha: float) -> Array:
    """Scores moved a part `alpha` of the way to a round's rewards; who was not asked keeps its score."""
    return np.where(asked, scores + alpha * (rewards - scores), scores)


class ScoreBook(ABC):
    """Base of the books: whose score it is, since when, and how fresh; a book states only how a score moves.

    book.sync(metagraph.hotkeys, metagraph.registered_at)   # whoever left or registered anew starts at 0
    book.update(asked, rewards, at=block)
    weights = weigh(book.scores(metagraph.hotkeys), nothing=Refuse())
    """

    rule: ClassVar[str]
    """What stored books of this kind are known by."""
    settings: ClassVar[tuple[str, ...]]
    """The arguments of the constructor, which are attributes as well."""

    def __init__(self, *, half_life: float | None = None, grace: float = 0.0) -> None:
        """`half_life` and `grace` count in the unit of `at`, blocks or rounds; without a half-life nothing fades."""
        if half_life is not None and not number("half_life", half_life) > 0.0:
            raise OutOfRange(f"half_life is {half_life}, expected above 0", help="half_life=None, for scores to last")
        if number("grace", grace) < 0.0:
            raise OutOfRange(f"grace is {grace}, expected 0 or more")
        self.half_life = half_life
        self.grace = grace
        self.latest = 0
        """When the newest rewards came in."""
        self._entries: dict[str, Entry] = {}

    @property
    @abstractmethod
    def width(self) -> int:
        """How many numbers the book keeps of a miner; its score is their mean."""

    @abstractmethod
    def moved(self, marks: Array, rewards: Array) -> Array:
        """The marks, (N, width), after a reward for each, (N,)."""

    @property
    def hotkeys(self) -> tuple[str, ...]:
        """Whoever has an entry, in the order of arrival."""
        return tuple(self._entries)

    def update(self, hotkeys: Sequence[str], rewards: npt.ArrayLike, *, at: int) -> None:
        """Move the scores of those who were asked by what they earned, from 0 to 1; a newcomer starts at 0.

        A score moves from what it was worth at that time, so that one answer does not bring back what had faded.
        """
        _check_hotkeys(hotkeys)
        earned = sized("rewards", fractions("rewards", rewards), len(hotkeys))
        if whole("at", at) < self.latest:
            raise OutOfRange(f"at is {at}, and the scores are of {self.latest} already", help="count blocks upwards")
        entries = [self._entries.get(hotkey, Entry.newcomer(self.width, at)) for hotkey in hotkeys]
        marks = np.array([entry.marks for entry in entries]).reshape(len(entries), self.width)
        moved = self.moved(marks * self._freshness(entries, at)[:, None], earned)
        for hotkey, entry, row in zip(hotkeys, entries, moved.tolist(), strict=True):
            self._entries[hotkey] = Entry(tuple(row), entry.count + 1, at, entry.registered_at)
        self.latest = at

    def register(self, hotkey: str, registration_block: int) -> None:
        """Note when a hotkey registered; a block other than the known one is a new registration, and starts at 0.

        A hotkey that was scored before any block was known keeps its score.
        """
        _check_hotkeys([hotkey])
        block = whole("registration_block", registration_block)
        entry = self._entries.get(hotkey)
        if entry is None or entry.registered_at not in (None, block):
            entry = Entry.newcomer(self.width, self.latest)
        self._entries[hotkey] = Entry(entry.marks, entry.count, entry.last, block)

    def sync(self, hotkeys: Sequence[str], registered_at: Sequence[int] | Ints) -> None:
        """Follow the subnet: forget whoever is not on it any more, and note when each of the others registered."""
        _check_hotkeys(hotkeys)
        blocks = [whole(f"registered_at[{place}]", int(block)) for place, block in enumerate(registered_at)]
        if len(blocks) != len(hotkeys):
            raise WrongShape(f"registered_at has {len(blocks)} blocks, expected {len(hotkeys)}, one for each hotkey")
        present = set(hotkeys)
        self._entries = {hotkey: entry for hotkey, entry in self._entries.items() if hotkey in present}
        for hotkey, block in zip(hotkeys, blocks, strict=True):
            self.register(hotkey, block)

    def scores(self, hotkeys: Sequence[str], *, at: int | None = None) -> Array:
        """The scores in the order of the hotkeys, (N,), as they are worth at `at`: without it, at the latest update.

        A score halves with every `half_life` that passes after its `grace` has; 0 for whoever is not in the book.
        """
        now = self.latest if at is None else whole("at", at)
        entries = [self._entries.get(hotkey, Entry.newcomer(self.width, now)) for hotkey in hotkeys]
        means = np.array([np.mean(entry.marks) for entry in entries], dtype=np.float64)
        return means * self._freshness(entries, now)

    def counts(self, hotkeys: Sequence[str]) -> Ints:
        """How many rewards each score rests on, in the order of the hotkeys."""
        nobody = Entry.newcomer(self.width, 0)
        return np.array([self._entries.get(hotkey, nobody).count for hotkey in hotkeys], dtype=np.int64)

    def to_dict(self) -> dict[str, Any]:
        """The whole book as plain values; `from_dict` reads it back to the last bit."""
        settings = {name: getattr(self, name) for name in self.settings}
        return Stored(self.rule, settings, self.latest, self._entries).to_dict()

    @classmethod
    def from_dict(cls, content: object) -> Self:
        """The book that `to_dict` wrote; what is not one, or of another rule, is refused with the reason."""
        stored = Stored.from_dict(content, cls.rule, cls.settings)
        book = cls(**stored.settings)
        for hotkey, entry in stored.entries.items():
            if len(entry.marks) != book.width:
                raise WrongShape(f"entries[{hotkey!r}].marks has {len(entry.marks)} numbers, expected {book.width}")
        book._entries, book.latest = dict(stored.entries), stored.latest
        return book

    def _freshness(self, entries: Sequence[Entry], now: int) -> Array:
        if self.half_life is None:
            return np.ones(len(entries))
        age = np.array([now - entry.last for entry in entries], dtype=np.float64)
        # Counted from the end of the grace, so that nothing drops at once when it ends.
        with np.errstate(over="ignore"):  # endlessly many half-lives: nothing is left
            faded: Array = np.exp2(-np.maximum(age - self.grace, 0.0) / self.half_life)
        return faded


class MovingScores(ScoreBook):
    """An exponential moving average: each reward moves a score by `alpha` of the distance."""

    rule = "moving average"
    settings = ("alpha", "half_life", "grace")

    def __init__(self, alpha: float = 0.1, *, half_life: float | None = None, grace: float = 0.0) -> None:
        super().__init__(half_life=half_life, grace=grace)
        if not 0.0 < number("alpha", alpha) <= 1.0:
            raise OutOfRange(f"alpha is {alpha}, expected above 0 and at most 1", help="alpha=0.1")
        self.alpha = alpha

    @property
    def width(self) -> int:
        """One number: the average."""
        return 1

    def moved(self, marks: Array, rewards: Array) -> Array:
        """The averages after this reward."""
        return moving_average(marks, rewards[:, None], np.ones(marks.shape, dtype=np.bool_), self.alpha)


class WindowScores(ScoreBook):
    """The mean of the last `k` rewards, where those that have not come yet count 0."""

    rule = "window"
    settings = ("k", "half_life", "grace")

    def __init__(self, k: int, *, half_life: float | None = None, grace: float = 0.0) -> None:
        super().__init__(half_life=half_life, grace=grace)
        if not 1 <= whole("k", k) <= _WIDEST:
            raise OutOfRange(
                f"k is {k}, expected 1 to {_WIDEST}", help="a longer memory: MovingScores(alpha=2 / (k + 1))"
            )
        self.k = k

    @property
    def width(self) -> int:
        """The rewards in the window."""
        return self.k

    def moved(self, marks: Array, rewards: Array) -> Array:
        """The windows with the oldest reward out and this one in."""
        return np.column_stack([marks[:, 1:], rewards])


def _check_hotkeys(hotkeys: Sequence[str]) -> None:
    for hotkey, times in Counter(hotkeys).items():
        if times > 1:
            raise WrongShape(f"hotkey {hotkey!r} is named {times} times, expected once")
        if not hotkey:
            raise WrongShape("a hotkey is empty")
