# SPDX-License-Identifier: Apache-2.0
"""Runs what a command returned to its end: an answer, a stream of them, or a coroutine of either kind.

Ctrl-C and SIGTERM cancel a coroutine where it waits, so that it can close what it opened; the exit codes are those that
a shell gives a process which such a signal ended.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import aclosing, closing
from typing import TypeAlias

from subnet.cli.answer import Answer
from subnet.cli.output import Output

__all__ = ["Outcome", "drive"]

DONE, FAILED, TERMINATED = 0, 1, 143

Outcome: TypeAlias = (
    Answer | Generator[Answer, None, None] | AsyncGenerator[Answer, None] | Coroutine[object, object, Answer]
)


def drive(outcome: Outcome, output: Output) -> int:
    """Print every answer as it comes and return the exit code."""
    match outcome:
        case Answer():
            output.whole(outcome)
            return DONE if outcome.ok else FAILED
        case Generator():
            is_ok = True
            with closing(outcome):
                for answer in outcome:
                    output.line(answer)
                    is_ok = is_ok and answer.ok
            return DONE if is_ok else FAILED
        case _:
            import asyncio

            return asyncio.run(_until_stopped(outcome, output))


async def _until_stopped(
    outcome: AsyncGenerator[Answer, None] | Coroutine[object, object, Answer], output: Output
) -> int:
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        task.cancel()

    if threading.current_thread() is threading.main_thread():
        loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        return await _awaited(outcome, output)
    except asyncio.CancelledError:
        if stopped.is_set():
            return TERMINATED
        raise


async def _awaited(outcome: AsyncGenerator[Answer, None] | Coroutine[object, object, Answer], output: Output) -> int:
    is_ok = True
    if isinstance(outcome, AsyncGenerator):
        async with aclosing(outcome):
            async for answer in outcome:
                output.line(answer)
                is_ok = is_ok and answer.ok
    else:
        answer = await outcome
        output.whole(answer)
        is_ok = answer.ok
    return DONE if is_ok else FAILED
