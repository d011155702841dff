# SPDX-License-Identifier: Apache-2.0
"""How one miner words what it knows: its order, its phrases, its synonyms, its padding, all from one seed.

Honest models agree on the facts and differ in the words; copies agree in both. That difference is all by which a
validator can tell them apart from one answer, so it has to be there in a miner that only stands in for a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from subnet.text.chance import stream
from subnet.text.corpus import Fact
from subnet.text.ngram import remarks
from subnet.text.vocabulary import ATTRIBUTES

__all__ = ["Voice"]

_OPENERS: Final = (
    "",
    "Regarding {place}, here is my answer. ",
    "{place}: ",
    "You asked about {place}. ",
    "In short, ",
    "According to the page on {place}, ",
    "Let me see. ",
    "My findings concerning {place} follow. ",
    "Happy to help. ",
    "I have read about {place}. ",
)
_PHRASES: Final = (
    "{name}: {value}",
    "its {name} is {value}",
    "{value} is the {name}",
    "as for the {name}, I find {value}",
    "{name} = {value}",
    "{value} ({name})",
    "we learn of {value} as {name}",
    "the text names {value} when it comes to {name}",
    "{value} would be its {name}",
    "under {name} one should write {value}",
    "the {name} seems to be {value}",
    "{value} counts as {name}",
    "for {name}, take {value}",
    "when asked for the {name} I would say {value}",
    "with {value} we have the {name}",
    "{name} [{value}]",
)
_JOINTS: Final = (". ", "; ", ", ", ", and ", " / ", "\n- ", ", while ", " | ", ". Also, ", ". Then ", "\n", " -- ")


class Voice:
    """One way of wording facts; the same seed words them alike, always."""

    def __init__(self, seed: int) -> None:
        rng = stream(seed, "voice")
        self._opener = _OPENERS[int(rng.integers(len(_OPENERS)))]
        self._joint = _JOINTS[int(rng.integers(len(_JOINTS)))]
        self._padding = int(rng.integers(3, 10))
        mine = rng.permutation(len(_PHRASES))[:4]
        rank = rng.permutation(len(ATTRIBUTES)).tolist()
        self._rank: dict[str, int] = {}
        self._phrase: dict[str, str] = {}
        self._name: dict[str, str] = {}
        for place, attribute in zip(rank, ATTRIBUTES, strict=True):
            names = (attribute.name, *attribute.synonyms)
            self._rank[attribute.name] = place
            self._phrase[attribute.name] = _PHRASES[mine[int(rng.integers(len(mine)))]]
            self._name[attribute.name] = names[int(rng.integers(len(names)))]

    def word(self, place: str, facts: Sequence[Fact], rng: np.random.Generator) -> str:
        """The facts as this voice puts them."""
        told = [self._told(fact) for fact in sorted(facts, key=lambda fact: self._rank[fact.attribute.name])]
        padding = remarks().sentence(rng, self._padding)
        return f"{self._opener.format(place=place)}{self._joint.join([*told, padding])}."

    def _told(self, fact: Fact) -> str:
        name = fact.attribute.name
        return self._phrase[name].format(name=self._name[name], value=fact.value)
