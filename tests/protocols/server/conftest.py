# SPDX-License-Identifier: Apache-2.0
"""A miner for each test, on both event loops, and one rule for all of them: no attack makes the server log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import uvloop

from tests.attacks.miner import Target, serving


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Sockets close, fail and buffer differently on each, so what a stranger may do is tried on both."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def miner() -> AsyncIterator[Target]:
    """A miner with the default limits."""
    async with serving() as target:
        yield target


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever is sent, nothing is logged, by anyone; a test of what is logged clears it."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []
