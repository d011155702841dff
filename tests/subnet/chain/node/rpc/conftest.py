# SPDX-License-Identifier: Apache-2.0
"""The node's port is tried on both event loops, since each closes, fails and buffers sockets in its own way."""

from __future__ import annotations

from tests.attacks.conftest import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
