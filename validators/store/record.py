# SPDX-License-Identifier: Apache-2.0
"""What is remembered of a round, as values: who was asked what, what each earned and why, and how scores stood.

A score is kept before and after each round, of all miners and not only of those asked: whoever doubts a score can move
it again by the definition's own arithmetic, round by round, and must come to the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from protocols.seal import Evidence, StreamEvidence
from protocols.types import Block, Hotkey

__all__ = ["Mark", "Proof", "RoundRecord", "Standing", "Unsigned"]

_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


class Standing(NamedTuple):
    """A miner's score, and the block of the registration that it belongs to."""

    score: float
    registered_at: Block


class Mark(NamedTuple):
    """What one miner earned in one round, and why."""

    hotkey: Hotkey
    reward: float
    elapsed_s: float
    miss: str
    """The code of why no reply came, empty where one did."""
    struck: str = ""
    """Why a reply that came did not count, such as `copy_of:5Grw…`; empty where it did."""
    first_item_s: float = math.inf
    because: Mapping[str, float] = _NOTHING
    """The factors of the reward, as the definition names them."""


class Unsigned(msgspec.Struct, frozen=True, tag_field="kind", tag="unsigned"):
    """A question and an answer that nobody signed: that they were so rests on the word of whoever kept them."""

    query: bytes
    items: tuple[bytes, ...]
    """The reply, or the items of a stream, each encoded as MessagePack."""


Proof: TypeAlias = Evidence | StreamEvidence | Unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRecord:
    """All that a round changes."""

    number: int
    block: Block
    epoch: int
    definition: str
    marks: Sequence[Mark]
    standings: Mapping[Hotkey, Standing]
    """The scores after it, in the order of uids."""
    before: Mapping[Hotkey, float] = field(default_factory=dict)
    """The scores of the same miners before it."""
    query: bytes = b""
    """The question as MessagePack, before it was put to each miner in words of its own; never its true answer."""
    is_organic: bool = False
    """Whether a user asked; else the validator did."""
    seed: int | None = None
    """What its choices followed from, where that was not the store's own seed."""
    proofs: Sequence[Proof | None] = ()
    """What each miner was asked and answered, in the order of the marks; none where nothing came. Read apart."""
    kept: Mapping[str, bytes] = field(default_factory=dict)
    """What stages want to find again after a restart, by name; each replaces what was kept before. Read apart."""
