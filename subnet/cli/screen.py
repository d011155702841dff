# SPDX-License-Identifier: Apache-2.0
"""A terminal on which one view is drawn again and again, in place, until it is closed.

A thread draws, so that a terminal that is held (Ctrl-S) holds nothing else. What others write to stdout or stderr
meanwhile, a warning in a log for one, appears above the view.
"""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.live import Live

from subnet.cli.answer import View

__all__ = ["Screen"]

_TIMES_A_SECOND: Final = 2


class Screen:
    """A view on the terminal that is this process's stdout."""

    def __init__(self, view: View) -> None:
        """Draw it at once, and from then on twice a second."""
        self._view = view
        self._live = Live(view, console=Console(), refresh_per_second=_TIMES_A_SECOND, vertical_overflow="crop")
        self._live.start(refresh=True)

    def close(self) -> None:
        """Draw it for the last time, whole, and give the cursor back."""
        self._view.end()
        self._live.stop()
