# SPDX-License-Identifier: Apache-2.0
"""Whoever watches a validator: told of each stage and of each round as they begin and end, and able to change nothing.

Meters, the watchdog and the log are observers. The loop knows none of them, and none of them can hold it up or end it:
what one raises is logged, and the round goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from protocols.clock import Clock

if TYPE_CHECKING:
    from validators.round import Round

__all__ = ["Observer", "STAGES", "observed", "tell"]

_LOG: Final = logging.getLogger(__name__)

STAGES: Final = ("read", "sample", "ask", "vet", "score", "store", "weigh")
"""The stages of a round: read the chain, choose whom to ask, ask, find copies, score, remember, set weights."""


class Observer:
    """Looks away; one that watches overrides what it wants to be told. All are called on the event loop."""

    def began(self) -> None:
        """Another attempt at a round begins."""

    def completed(self, done: Round) -> None:
        """A round is over, and what it changed is remembered."""

    def organic(self, done: Round) -> None:
        """A user's question has been scored."""

    def failed(self, error: Exception) -> None:
        """An attempt at a round ended with this."""

    def entered(self, stage: str) -> None:
        """A stage begins."""

    def left(self, stage: str, seconds: float) -> None:
        """A stage has ended, well or badly, after so long."""


@contextmanager
def observed(stage: str, observers: Sequence[Observer], clock: Clock) -> Iterator[None]:
    """Tell observers of a stage and how long it took."""
    began = clock.monotonic()
    tell(observers, lambda one: one.entered(stage))
    try:
        yield
    finally:
        took = clock.monotonic() - began
        tell(observers, lambda one: one.left(stage, took))


def tell(observers: Sequence[Observer], what: Callable[[Observer], None]) -> None:
    """Tell each of something; one that fails is logged and keeps nobody from anything."""
    for one in observers:
        try:
            what(one)
        except Exception:
            _LOG.exception("%s could not be told what the validator does", type(one).__name__)
