# SPDX-License-Identifier: Apache-2.0
"""A library for subnets about text that need no model, no data and no network: documents, readers and likeness.

The bundled subnet `text` is made of it, and so is whatever a designer makes of that one. Everything is deterministic,
and everything that a miner could learn by heart is invented anew for each task.
"""

from __future__ import annotations

from subnet.text.answering import Constant, Extractive, Silent
from subnet.text.corpus import Key, Quiz, compose
from subnet.text.crowd import agreement
from subnet.text.likeness import Pairs, by_facts, by_words, nearness, own_pairs
from subnet.text.ngram import NGram

__all__ = [
    "Constant",
    "Extractive",
    "Key",
    "NGram",
    "Pairs",
    "Quiz",
    "Silent",
    "agreement",
    "by_facts",
    "by_words",
    "compose",
    "nearness",
    "own_pairs",
]
