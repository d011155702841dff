# SPDX-License-Identifier: Apache-2.0
"""Whoever waits at a line can be told to stop waiting, at every moment."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from subnet.chain.client.faults import Lost
from subnet.chain.client.line import Line
from subnet.chain.client.session import Session
from tests.subnet.chain.client.scripted import ScriptedNode, running


async def test_a_cancellation_that_meets_the_answer_is_not_forgotten() -> None:
    may_fail, has_begun = threading.Event(), threading.Event()

    def fails(_: Session) -> None:
        has_begun.set()
        may_fail.wait()
        raise Lost("gone")

    async with running(ScriptedNode()) as node:
        line = Line(node.url, 5.0)
        asking = asyncio.create_task(line.ask(fails, 5.0))
        await asyncio.to_thread(has_begun.wait)
        may_fail.set()
        time.sleep(0.1)  # noqa: ASYNC251  # the loop stands still, so that both are told to it in one turn
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        line.close()
