# SPDX-License-Identifier: Apache-2.0
"""The API keys of this machine's gateway, in its state folder; light, for commands that change no more than a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from protocols.clock import SystemClock
from subnet.settings import PathSettings
from validators.gateway.keys import Keys

__all__ = ["opened_keys"]

_FILE: Final = "gateway.db"


@asynccontextmanager
async def opened_keys(paths: PathSettings) -> AsyncIterator[Keys]:
    """The keys, which a gateway that runs reads with each request."""
    keys = await asyncio.to_thread(Keys, paths.state / _FILE, SystemClock())
    try:
        yield keys
    finally:
        await keys.close()
