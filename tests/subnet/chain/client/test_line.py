# SPDX-License-Identifier: Apache-2.0
"""Whoever waits at a line can be told to stop waiting, at every moment."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from protocols.errors import ChainUnreachable
from subnet.chain.client import Deadlines, SubstrateChain
from subnet.chain.client.faults import Lost
from subnet.chain.client.line import Line
from subnet.chain.client.session import Session
from tests.subnet.chain.client.scripted import Fault, ScriptedNode, running


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


@pytest.mark.parametrize("fault", ["hang", "cut", "close"])
async def test_a_line_that_has_ended_leaves_no_thread_and_no_socket(fault: Fault) -> None:
    async with running(ScriptedNode()) as node:
        async with await SubstrateChain.open([node.url], deadlines=Deadlines(request_s=0.5)) as chain:
            node.faults["chain_getHead"] = [fault]
            for _ in range(3):
                with pytest.raises(ChainUnreachable):
                    await chain.block()
            del node.faults["chain_getHead"]
            assert await chain.block() == 7
            await asyncio.to_thread(wait_for_owners, node.url, 1)
        await asyncio.to_thread(wait_for_owners, node.url, 0)


def wait_for_owners(url: str, count: int) -> None:
    """Wait until so few threads own a connection to a node."""
    late = time.monotonic() + 5.0
    while sum(thread.name == f"chain {url}" for thread in threading.enumerate()) > count:
        assert time.monotonic() < late, f"more than {count} threads are left"
        time.sleep(0.05)
