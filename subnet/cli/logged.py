# SPDX-License-Identifier: Apache-2.0
"""The log of a service that a command runs: on stderr, in the form that the settings and the terminal ask for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from subnet.settings import LogSettings

if TYPE_CHECKING:
    from subnet.telemetry import Writer

__all__ = ["logged"]


@asynccontextmanager
async def logged(log: LogSettings, *secrets: str) -> AsyncIterator[Writer]:
    """Write log lines until the block ends, and then the last of them; none shows any of `secrets`."""
    from subnet.telemetry import log_to

    as_json = log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())
    lines = log_to(sys.stderr, level=log.level, json=as_json, secrets=secrets)
    try:
        yield lines
    finally:
        await asyncio.to_thread(lines.flush)
