# SPDX-License-Identifier: Apache-2.0
"""A line of the log for each round, and the same as data for whoever follows the rounds of a validator."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from validators.observer import Observer
from validators.round import Round

__all__ = ["RoundLog"]

_LOG: Final = logging.getLogger(__name__)
_KEPT: Final = 256


class RoundLog(Observer):
    """Tells of each round once it is over."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_KEPT)

    def completed(self, done: Round) -> None:
        """Write its line, and keep it for whoever reads; of those that nobody reads the oldest is lost."""
        told = _fields(done)
        _LOG.info(
            "round %d: %d of %d answered, mean reward %.3f; %s",
            *(done.number, done.answered, len(done.asked), told["reward"], done.reason),
            extra=told,
        )
        if self._told.full():
            self._told.get_nowait()
        self._told.put_nowait(told)

    async def next(self) -> dict[str, Any]:
        """The next round."""
        return await self._told.get()


def _fields(done: Round) -> dict[str, Any]:
    rewards = done.rewards.values()
    return {
        "round": done.number,
        "block": done.block,
        "epoch": done.epoch,
        "asked": len(done.asked),
        "answered": done.answered,
        "struck": len(done.struck),
        "reward": round(sum(rewards) / len(rewards), 6) if rewards else 0.0,
        "weights": done.reason,
        "seconds": round(done.elapsed_s, 3),
    }
