# SPDX-License-Identifier: Apache-2.0
"""Runs what a command returned to its end: an answer, a stream of them, or a coroutine of either kind.

Ctrl-C and SIGTERM cancel a coroutine where it waits, so that it can close what it opened; a second one ends the process
at once. The exit codes are those that a shell gives a process which such a signal ended.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import aclosing, closing
from typing import TypeAlias

from subnet.cli.answer import Answer, View
from subnet.cli.output import Output

__all__ = ["Outcome", "drive"]

DONE, FAILED, SIGNALLED = 0, 1, 128

Outcome: TypeAlias = (
    Answer | Generator[Answer, None, None] | AsyncGenerator[Answer | View, None] | Coroutine[object, object, Answer]
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

            try:
                return asyncio.run(_until_stopped(outcome, output))
            finally:
                output.end()


async def _until_stopped(
    outcome: AsyncGenerator[Answer | View, None] | Coroutine[object, object, Answer], output: Output
) -> int:
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    heard: list[int] = []

    def stop(number: int) -> None:
        if heard:  # whatever is still being closed, whoever asks twice does not want to wait for it
            output.end()
            os._exit(SIGNALLED + number)
        heard.append(number)
        task.cancel()

    if threading.current_thread() is threading.main_thread():
        loop.add_signal_handler(signal.SIGTERM, stop, signal.SIGTERM)
        # What runs in the background of a script has Ctrl-C ignored, and is to stay so.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGINT, stop, signal.SIGINT)
    try:
        return await _awaited(outcome, output)
    except asyncio.CancelledError:
        if heard:
            return SIGNALLED + heard[0]
        raise


async def _awaited(
    outcome: AsyncGenerator[Answer | View, None] | Coroutine[object, object, Answer], output: Output
) -> int:
    is_ok = True
    if isinstance(outcome, AsyncGenerator):
        async with aclosing(outcome):
            async for told in outcome:
                if isinstance(told, Answer):
                    output.line(told)
                    is_ok = is_ok and told.ok
                else:
                    output.show(told)
    else:
        answer = await outcome
        output.whole(answer)
        is_ok = answer.ok
    return DONE if is_ok else FAILED
