# SPDX-License-Identifier: Apache-2.0
"""Reading a document as `corpus` writes it: what it is about, what it tells, and what is asked.

A stand-in for a model that can read, so that a whole subnet runs offline and in no time. It knows how documents tell
a fact and takes any other text for one that tells nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from subnet.text.corpus import Fact
from subnet.text.vocabulary import ATTRIBUTES, Attribute

__all__ = ["Reading", "read"]

_ABOUT: Final = re.compile(r"This page is about (the [\w ]{1,60})\.")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of a prompt: the place, what is asked, and those facts that the document tells."""

    place: str
    asked: tuple[Attribute, ...]
    told: tuple[Fact, ...]


def read(prompt: str) -> Reading:
    """Understand a prompt as far as it is one of ours."""
    document, _, question = prompt.rpartition("\n\nQuestion: ")
    about = _ABOUT.match(document)
    asked = tuple(attribute for attribute in ATTRIBUTES if f"the {attribute.name}" in question)
    found = [_fact(sentence) for sentence in document.split(". ")]
    return Reading(about[1] if about else "it", asked, tuple(fact for fact in found if fact))


def _fact(sentence: str) -> Fact | None:
    match = _grammar().fullmatch(sentence.removesuffix("."))
    if match is None or match.lastindex is None:
        return None
    return Fact(_tellings()[match.lastindex - 1][0], match[match.lastindex])


@cache
def _tellings() -> list[tuple[Attribute, str]]:
    return [(attribute, told) for attribute in ATTRIBUTES for told in attribute.told]


@cache
def _grammar() -> re.Pattern[str]:
    """All ways of telling a fact, each with a group for its value."""
    value = r"([\w ]{1,40})"
    return re.compile("|".join([re.escape(told).replace(r"\{value\}", value) for _, told in _tellings()]))
