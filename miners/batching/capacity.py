# SPDX-License-Identifier: Apache-2.0
"""How much a model does at once: settings, apart from what needs torch, so that reading them stays cheap."""

from __future__ import annotations

from dataclasses import dataclass, fields

from protocols.errors import OutOfRange

__all__ = ["Capacity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much is done at once; the defaults suit a small model on a few cores."""

    rows: int = 32
    """Answers in the making, besides those of the express lane."""
    express_rows: int = 4
    """Answers in the making for those whose priority is well above that of the others."""
    express_turns: int = 8
    """Turns of the express lane to one of all the rest."""
    waiting: int = 256
    """Who may wait for a place."""
    tokens: int = 512
    """Tokens of prompts that are read in one go: how long everybody else's next token may be held up."""
    texts: int = 64
    """Texts that are made vectors of in one go, as far as `tokens` allow."""

    def __post_init__(self) -> None:
        for name in (setting.name for setting in fields(self)):
            if getattr(self, name) < 1:
                raise OutOfRange(f"{name} is {getattr(self, name)}, expected 1 or more")
