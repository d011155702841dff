# SPDX-License-Identifier: Apache-2.0
"""The server's own tests have the miner, the two loops and the silent log of the attacks."""

from __future__ import annotations

from tests.attacks.conftest import miner, pytest_asyncio_loop_factories, silence

__all__ = ["miner", "pytest_asyncio_loop_factories", "silence"]
