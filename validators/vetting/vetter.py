# SPDX-License-Identifier: Apache-2.0
"""Takes out of a round what its sender did not make itself, and says whose it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.task import Replies
from protocols.types import Hotkey
from validators.query import Heard

__all__ = ["Vetted", "Vetter", "VettingOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VettingOptions:
    """Which copies are looked for, and what they cost."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """The replies as they are to be scored, and for those that were struck out the reason, such as `copy_of:5Grw…`."""

    replies: Replies
    struck: Mapping[Hotkey, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Vetter:
    """Vets for one validator, over many rounds."""

    definition: Subnet
    options: VettingOptions

    def vet(self, heard: Heard, metagraph: Metagraph) -> Vetted:
        """What of a round is its senders' own; runs in a thread, one round after the other."""
        return Vetted(heard.replies)

    def load(self, kept: bytes | None) -> None:
        """Go on where an earlier process was, with what `dump` gave it."""

    def dump(self) -> bytes:
        """What the next process needs to know, to be kept with the round."""
        return b""
