# SPDX-License-Identifier: Apache-2.0
"""What a model learns from: documents and questions as the subnet makes them, answered in many voices.

A voice is drawn anew for each example, and nothing in the question tells which, so that a trained model has no voice of
its own: each way of drawing its tokens words the same facts differently. All voices answer in the order of the
question, so that what comes next is never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subnet.text.corpus import Quiz, compose
from subnet.text.vocabulary import ATTRIBUTES
from subnet.text.voice import Voice

__all__ = ["Example", "example"]


@dataclass(frozen=True, slots=True)
class Example:
    """A question, and its true answer in somebody's words."""

    quiz: Quiz
    answer: str


class _Orderly(Voice):
    """A voice that tells what it knows in the order in which it is asked."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._rank = {attribute.name: at for at, attribute in enumerate(ATTRIBUTES)}


def example(rng: np.random.Generator, told: int = len(ATTRIBUTES)) -> Example:
    """A new one, whose document tells so many facts."""
    quiz = _shortened(compose(rng), told, rng)
    while True:
        answer = _Orderly(int(rng.integers(2**32))).word(quiz.place, quiz.asked, rng)
        # A value that always has a space before it is always made of the same tokens, and copied more easily.
        if all(f" {fact.value}" in answer for fact in quiz.asked):
            return Example(quiz, answer)


def _shortened(quiz: Quiz, told: int, rng: np.random.Generator) -> Quiz:
    """The quiz with so many of its facts, two to five of them asked."""
    facts = (*quiz.asked, *quiz.rest)
    if told >= len(facts):
        return quiz
    kept = [facts[at] for at in rng.permutation(len(facts))[:told]]
    about, *sentences = quiz.document.removesuffix(".").split(". ")
    document = ". ".join([about, *(one for one in sentences if any(fact.value in one for fact in kept))]) + "."
    asked = sorted(kept[: min(told, len(quiz.asked))], key=lambda fact: ATTRIBUTES.index(fact.attribute))
    return Quiz(quiz.place, document, tuple(asked), tuple(kept[len(asked) :]))
