# SPDX-License-Identifier: Apache-2.0
"""Models that answer without weights, a network or a wait: one that reads more or less well, and some that do not.

Each is what a miner may be started with (`protocols.task.Model`). Their answers depend on their parameters and the
prompt alone, so that a population of miners gives the same rewards in a test, in a simulation and on a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from protocols.errors import OutOfRange
from protocols.model import Model, Sampling
from subnet.text.chance import stream
from subnet.text.corpus import Fact, invented
from subnet.text.reading import read
from subnet.text.vocabulary import Attribute
from subnet.text.voice import Voice

__all__ = ["Constant", "Extractive", "Silent"]

_MISTAKEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Extractive(Model):
    """Finds what is asked in the document and tells it in a voice of its own.

    Each asked fact is recalled with probability `skill`; of the others one half is told wrong, the other left out.

        honest = Extractive(skill=0.9, seed=3)
        await honest.generate(ask.prompt, max_tokens=128)
    """

    skill: float
    seed: int
    _voice: Voice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.skill <= 1.0:
            raise OutOfRange(f"skill is {self.skill}, expected 0 to 1")
        object.__setattr__(self, "_voice", Voice(self.seed))

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """The answer, of at most so many words."""
        reading, rng = read(prompt), stream(self.seed, prompt)
        told = {fact.attribute.name: fact for fact in reading.told}
        known = [self._recalled(attribute, told.get(attribute.name), rng) for attribute in reading.asked]
        answer = self._voice.word(reading.place, [fact for fact in known if fact], rng)
        return _capped(answer, max_tokens)

    def _recalled(self, attribute: Attribute, fact: Fact | None, rng: np.random.Generator) -> Fact | None:
        luck, mistaken = rng.random(2)
        if luck < self.skill:
            return fact
        return Fact(attribute, invented(rng, attribute.parts)) if mistaken < _MISTAKEN else None


@dataclass(frozen=True, slots=True)
class Constant(Model):
    """Says the same whatever is asked."""

    text: str

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """The text, of at most so many words."""
        return _capped(self.text, max_tokens)


@dataclass(frozen=True, slots=True)
class Silent(Model):
    """Has nothing to say: its answers arrive, and are empty."""

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """Nothing."""
        return ""


def _capped(text: str, max_words: int) -> str:
    return text if text.count(" ") < max_words else " ".join(text.split(" ")[: max(max_words, 0)])
