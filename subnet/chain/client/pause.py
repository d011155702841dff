# SPDX-License-Identifier: Apache-2.0
"""How long to wait between two looks at a chain that makes a block at once or every twelve seconds.

The first looks come quickly, so that a local chain is not waited for, and later ones slowly, so that a public node is
not asked in vain.
"""

from __future__ import annotations

from typing import Final

from protocols.clock import Clock

__all__ = ["Pause"]

_FIRST_S: Final = 0.02
_LONGEST_S: Final = 1.5
_GROWTH: Final = 1.5


class Pause:
    """Waits longer each time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s = _FIRST_S

    def reset(self) -> None:
        """Begin again with short waits: something has happened."""
        self._next_s = _FIRST_S

    async def wait(self) -> None:
        """Wait once."""
        await self._clock.sleep(self._next_s)
        self._next_s = min(self._next_s * _GROWTH, _LONGEST_S)
