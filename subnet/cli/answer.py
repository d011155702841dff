# SPDX-License-Identifier: Apache-2.0
"""What a command returns, or yields as it works: an answer in two forms, so that no command decides about `--json`.

A command that goes on may first yield a view of its work: a terminal shows that in place of the answers' text, and
whoever reads a file, a pipe or JSON never hears of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["Answer", "View"]


class Answer(NamedTuple):
    """The answer as a person reads it, as plain data that JSON can carry, and whether it is a good one.

    An answer that is not ok (a check that found something) is printed like any other and makes the exit code 1.
    """

    text: str
    data: object
    ok: bool = True


class View(Protocol):
    """What a terminal shows of a command's work, drawn again several times a second as it changes."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw how things stand at this moment."""
        ...

    def end(self) -> None:
        """Nothing changes any more: what is drawn next stays."""
        ...
