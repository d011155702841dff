# SPDX-License-Identifier: Apache-2.0
"""Where everything in this process stands, as text for a log: each thread, and each task with what it waits for.

Of a thread that runs an event loop the stack only says that the loop waits; which await has hung is told by the tasks.
Names of files and functions and lines of code are shown, never a local variable: among those are keys.
"""

from __future__ import annotations

import asyncio
import linecache
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Final, NamedTuple

__all__ = ["Stack", "stacks"]

_FRAMES: Final = 40
_TASKS: Final = 50


class Stack(NamedTuple):
    """Whose it is, and its frames, the innermost last."""

    of: str
    text: str


def stacks(loop: asyncio.AbstractEventLoop | None = None) -> list[Stack]:
    """The stacks of all threads, and of the tasks of a loop; may be called from any thread."""
    return [*_threads(), *(_tasks(loop) if loop is not None else ())]


def _threads() -> Iterator[Stack]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        yield Stack(f"thread {names.get(ident, ident)}", "".join(traceback.format_stack(frame, _FRAMES)).rstrip())


def _tasks(loop: asyncio.AbstractEventLoop) -> Iterator[Stack]:
    # A thousand questions under way wait at the same place, which is told once.
    alike = Counter((_named(task), _awaiting(task.get_coro())) for task in asyncio.all_tasks(loop))
    for (name, text), count in alike.most_common(_TASKS):
        yield Stack(f"task {name}" if count == 1 else f"{count} tasks {name}", text)


def _named(task: asyncio.Task[object]) -> str:
    coroutine = task.get_coro()
    return str(getattr(coroutine, "__qualname__", type(coroutine).__name__))


def _awaiting(coroutine: object) -> str:
    lines: list[str] = []
    while coroutine is not None and len(lines) < _FRAMES:
        frame = _of(coroutine, "cr_frame", "gi_frame", "ag_frame")
        if isinstance(frame, FrameType):
            code = frame.f_code
            source = linecache.getline(code.co_filename, frame.f_lineno).strip()
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}\n    {source}')
        coroutine = _of(coroutine, "cr_await", "gi_yieldfrom", "ag_await")
    return "\n".join(lines)


def _of(coroutine: object, *names: str) -> object:
    return next((found for name in names if (found := getattr(coroutine, name, None)) is not None), None)
