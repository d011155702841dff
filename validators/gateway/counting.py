# SPDX-License-Identifier: Apache-2.0
"""What a question costs: tokens, counted by us and never by the miner that would be believed to have written many.

Without a count of the definition's own a token is four bytes of UTF-8, rounded up; with it users are billed by what the
definition calls a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocols.organic import CountsTokens, Prompt, Texts, default_tokens
from protocols.spec import Subnet

__all__ = ["Counter", "Usage"]

_BYTES: Final = 4
_UNKNOWN: Final = 256
"""Tokens that an answer is reckoned to have while it is under way, where neither user nor query says."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were read and written."""

    prompt: int
    completion: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts for one definition."""

    definition: Subnet

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        if isinstance(self.definition, CountsTokens):
            return max(0, int(self.definition.tokens(text)))
        return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES)

    def asked(self, query: Prompt | Texts) -> Usage:
        """What a question costs, as far as it is known before there is an answer."""
        if isinstance(query, Texts):
            return Usage(sum(map(self.tokens, query.texts)))
        most = query.max_tokens or default_tokens(self.definition.synapse) or _UNKNOWN
        return Usage(self.tokens(query.text), most)
