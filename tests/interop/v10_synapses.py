# SPDX-License-Identifier: Apache-2.0
"""The synapses that the v10 parties of these tests exchange, and how those parties talk to the test that started them.

Imported by the Python that has bittensor 10.5.0 and nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Optional

# bittensor 10 reads the command line of whoever imports it.
os.environ["BT_NO_PARSE_CLI_ARGS"] = "true"

from bittensor.core.synapse import Synapse
from bittensor.utils import networking
from pydantic import BaseModel

__all__ = ["ELSEWHERE", "Ask", "Barred", "Channel", "Chat", "Kinds", "Spot", "mend"]

ELSEWHERE = "203.0.113.1"  # the address a node would learn from the internet; never this machine's


class Ask(Synapse):  # type: ignore[misc]
    """Both of its fields are signed."""

    prompt: str
    max_tokens: int = 64
    text: Optional[str] = None  # noqa: UP045 - as v10 subnets write it

    required_hash_fields: ClassVar[tuple[str, ...]] = ("prompt", "max_tokens")


class Chat(Synapse):  # type: ignore[misc]
    """Nothing of its body is signed, which is what v10 does unless told otherwise."""

    messages: list[str]
    text: Optional[str] = None  # noqa: UP045


class Barred(Synapse):  # type: ignore[misc]
    """Asked in vain: the axon blacklists everyone for it."""

    word: str
    text: Optional[str] = None  # noqa: UP045


class Spot(BaseModel):
    """A model within a synapse."""

    x: float = 0.0
    y: int = 0


class Kinds(Synapse):  # type: ignore[misc]
    """One signed field of each kind that JSON can carry; v10 cannot ask for a tuple or None without a default."""

    word: str
    whole: int
    real: float
    yes: bool
    maybe: Optional[str] = None  # noqa: UP045
    words: list[str]
    pair: tuple[int, float] = (0, 0.0)
    spot: Spot = Spot()
    by_name: dict[str, float]
    deep: list[dict[str, Any]]
    text: Optional[str] = None  # noqa: UP045

    required_hash_fields: ClassVar[tuple[str, ...]] = (
        "word",
        "whole",
        "real",
        "yes",
        "maybe",
        "words",
        "pair",
        "by_name",
        "deep",
        "spot",
    )


class Channel:
    """Lines of JSON over the original standard output; whatever bittensor logs there goes to standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, message: Mapping[str, Any]) -> None:
        """Send one answer."""
        self._out.write(json.dumps(message) + "\n")

    def commands(self) -> Iterator[dict[str, Any]]:
        """What is asked of this process, until the test closes its end."""
        return map(json.loads, sys.stdin)


def mend() -> None:
    """Ask nobody on the internet for this machine's address."""
    networking.get_external_ip = lambda: ELSEWHERE
