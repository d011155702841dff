# SPDX-License-Identifier: Apache-2.0
"""A signed request is accepted once: the window in which accepted requests are remembered, in memory or in a file.

`SqliteReplay` when a server must serve at once after a restart, or runs as several processes; else `MemoryReplay`.
"""

from __future__ import annotations

from protocols.replay.memory import MemoryReplay
from protocols.replay.sqlite import SqliteReplay
from protocols.replay.window import CAPACITY, RETENTION_S, Replay

__all__ = ["CAPACITY", "MemoryReplay", "RETENTION_S", "Replay", "SqliteReplay"]
