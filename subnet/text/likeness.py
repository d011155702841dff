# SPDX-License-Identifier: Apache-2.0
"""By what answers are compared here: by their facts, to say what they are worth, and by their words, to find copies.

Honest miners agree in the facts, so facts cannot tell a copy from an honest answer; they differ in the words, and words
say nothing about worth. One embedder is not enough for both. All that is learned here is learned from texts that the
validator wrote itself, the same for all validators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

import numpy as np

from incentive.arrays import Array
from incentive.attention import Attention
from incentive.attention.kernels import Kernels
from incentive.similarity import CharNgrams
from subnet.text.chance import stream
from subnet.text.corpus import Quiz, compose
from subnet.text.vocabulary import REMARKS
from subnet.text.voice import Voice

__all__ = ["Pairs", "by_facts", "by_words", "nearness", "own_pairs"]

_LEARNED: Final = 32
_VOICES: Final = 12
_REWORDED: Final = 0.1
_ROUNDS: Final = 4
"""Rounds under way at once, of several validators in a process, whose answers are remembered."""


class Pairs(NamedTuple):
    """Pairs of answers to one question: two voices with the same facts, and one voice with a tenth of its words new."""

    distinct: list[tuple[str, str]]
    paraphrases: list[tuple[str, str]]


@cache
def by_words() -> CharNgrams:
    """Likeness of wording: all n-grams count alike."""
    return CharNgrams()


@cache
def by_facts() -> CharNgrams:
    """Likeness of content: what many answers say, whatever they are about, counts little."""
    rng = stream(0, "rare words")
    # Each text holds many wordings of one answer: all phrases are in most texts, and facts in only one.
    texts = [" ".join([quiz.answer, *_told(quiz, at, rng)]) for at, quiz in enumerate(_quizzes(_LEARNED, rng))]
    # Short n-grams: fewer of them span the border between a fact and the phrase around it.
    return CharNgrams(low=3, high=3, width=2048).fit(texts)


@lru_cache(maxsize=_ROUNDS)
def nearness(texts: tuple[str, ...], rule: Attention) -> Kernels:
    """How near answers are in their words; kept for a moment, since who looks for copies asks what who pays will ask.

    near = nearness(replies.texts, rule)
    near.same, attention_reward(near, quality, rule=rule)
    """
    return rule.kernels(_remembered().embed(texts))


def own_pairs(quizzes: int = 6) -> Pairs:
    """Answers that the validator wrote itself, to calibrate a band with.

    low, high = calibrate(by_words(), *own_pairs())
    """
    rng = stream(0, "pairs")
    pairs = Pairs([], [])
    for at, quiz in enumerate(_quizzes(quizzes, rng)):
        told = _told(quiz, at, rng)
        pairs.distinct.extend((a, b) for place, a in enumerate(told) for b in told[:place])
        pairs.paraphrases.extend((text, _reworded(text, rng)) for text in told)
    return pairs


class _Remembered:
    """Gives the rows of the texts of the last call again; a row depends on its own text alone."""

    def __init__(self) -> None:
        self._last: tuple[dict[str, int], Array] = ({}, np.zeros((0, 0)))

    def embed(self, texts: Sequence[str]) -> Array:
        """The row of each text by its words, (N, d)."""
        places, rows = self._last  # read at once: another thread may have other texts
        if not places.keys() >= set(texts):
            each = [*dict.fromkeys([*texts, ""])]  # an answer that is struck out is empty
            places = {text: at for at, text in enumerate(each)}
            del rows  # just before as much is needed again
            self._last = {}, np.zeros((0, 0))
            rows = by_words().embed(each)
            self._last = places, rows
        at = [places[text] for text in texts]
        return rows[: len(at)] if at == [*range(len(at))] else rows[at]


@cache
def _remembered() -> _Remembered:
    return _Remembered()


def _quizzes(count: int, rng: np.random.Generator) -> list[Quiz]:
    return [compose(rng) for _ in range(count)]


def _told(quiz: Quiz, at: int, rng: np.random.Generator) -> list[str]:
    """The true answer in as many voices, which are others for each quiz."""
    return [Voice(seed).word(quiz.place, quiz.asked, rng) for seed in range(at * _VOICES, (at + 1) * _VOICES)]


def _reworded(text: str, rng: np.random.Generator) -> str:
    """The text with every tenth word, as chance has it, replaced by one that says nothing."""
    spare = REMARKS[int(rng.integers(len(REMARKS)))].split()
    words = text.split(" ")
    changed = rng.permutation(len(words))[: math.ceil(_REWORDED * len(words))]
    for at in changed.tolist():
        words[at] = spare[at % len(spare)]
    return " ".join(words)
