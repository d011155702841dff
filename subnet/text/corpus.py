# SPDX-License-Identifier: Apache-2.0
"""Small documents about places that do not exist, each with a question and the answer that its author knows.

Their author knows what is true in a document, and so can also write false answers to its question: some that share
with the true one all but the facts, and some that tell everything but what was asked. What an answer has in common
with the former it has without reading the document, and with the latter without reading the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from subnet.text.vocabulary import ATTRIBUTES, KINDS, NAME, Attribute, Parts

__all__ = ["Fact", "Key", "Quiz", "compose", "invented"]

_ASKED: Final = 5
_FALSE: Final = 4


@dataclass(frozen=True, slots=True)
class Fact:
    """That a place's attribute has this value."""

    attribute: Attribute
    value: str

    def __str__(self) -> str:
        return f"The {self.attribute.name} is {self.value}."


@dataclass(frozen=True, slots=True)
class Key:
    """What a validator knows: the true answer, and false ones of two kinds."""

    answer: str
    twins: tuple[str, ...]
    """The same question answered with other values."""

    floods: tuple[str, ...]
    """The same, and after it everything that the document tells besides."""


@dataclass(frozen=True, slots=True)
class Quiz:
    """A document, what it is about, which of its facts are asked for, and the rest of them."""

    place: str
    document: str
    asked: tuple[Fact, ...]
    rest: tuple[Fact, ...]

    @property
    def prompt(self) -> str:
        """The document and the question as one text."""
        names = [f"the {fact.attribute.name}" for fact in self.asked]
        return f"{self.document}\n\nQuestion: What are {', '.join(names[:-1])} and {names[-1]} of {self.place}?"

    @property
    def answer(self) -> str:
        """The true answer in plain words."""
        return _plain(self.place, self.asked)

    def key(self, rng: np.random.Generator) -> Key:
        """The true answer beside false ones; the values of these are drawn from `rng`."""
        false = [_others(rng, self.asked) for _ in range(_FALSE)]
        twins = [_plain(self.place, facts) for facts in false]
        floods = [_plain(self.place, (*facts, *self.rest)) for facts in false]
        return Key(self.answer, tuple(twins), tuple(floods))


def compose(rng: np.random.Generator) -> Quiz:
    """A new document and a question about some of its facts.

    quiz = compose(numpy.random.default_rng(7))
    quiz.prompt, quiz.answer
    """
    place = f"the {_one(rng, KINDS)} of {invented(rng, NAME)}"
    facts = [Fact(attribute, invented(rng, attribute.parts)) for attribute in ATTRIBUTES]
    told = [_one(rng, fact.attribute.told).format(value=fact.value) + "." for fact in facts]
    document = " ".join([f"This page is about {place}.", *_shuffled(rng, told)])
    order = rng.permutation(len(facts))
    asked, rest = sorted(order[:_ASKED]), sorted(order[_ASKED:])
    return Quiz(place, document, tuple(facts[at] for at in asked), tuple(facts[at] for at in rest))


def invented(rng: np.random.Generator, parts: Parts) -> str:
    """A value made of one of each part."""
    return "".join([_one(rng, words) for words in parts])


def _plain(place: str, facts: tuple[Fact, ...]) -> str:
    return " ".join([f"About {place}.", *map(str, facts)])


def _others(rng: np.random.Generator, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(Fact(fact.attribute, invented(rng, fact.attribute.parts)) for fact in facts)


def _shuffled(rng: np.random.Generator, texts: list[str]) -> list[str]:
    return [texts[at] for at in rng.permutation(len(texts))]


def _one(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
