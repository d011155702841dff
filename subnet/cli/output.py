# SPDX-License-Identifier: Apache-2.0
"""The two forms in which everything is printed: words for people, JSON for programs.

Data goes to stdout and errors to stderr in both. What a command streams is one JSON document a line, so that a reader
can act on each while the command goes on. On a terminal a view, where the command has one, takes the place of the
text that would follow.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Protocol

from protocols.errors import SubnetError
from subnet.cli.answer import Answer, View

if TYPE_CHECKING:
    from subnet.cli.screen import Screen

__all__ = ["Json", "Output", "ReaderGone", "Text"]


class ReaderGone(Exception):
    """Whoever read our stdout (`| head`) has seen enough."""


class Output(Protocol):
    """Where a command's answers and its error go."""

    def whole(self, answer: Answer) -> None:
        """Print the one answer of a command."""
        ...

    def line(self, answer: Answer) -> None:
        """Print one of many answers, at once."""
        ...

    def show(self, view: View) -> None:
        """Where this is a terminal, draw a view from now on, in place of answers."""
        ...

    def end(self) -> None:
        """Leave the terminal as it was found, the view's last state above the cursor."""
        ...

    def error(self, error: SubnetError) -> None:
        """Print why there is no answer."""
        ...


class Text:
    """Words for people."""

    def __init__(self) -> None:
        self._screen: Screen | None = None

    def whole(self, answer: Answer) -> None:
        """Print the one answer of a command."""
        _print(answer.text)

    def line(self, answer: Answer) -> None:
        """Print one of many answers, at once, unless it is for programs alone; a view that is drawn tells the same."""
        if self._screen is None and answer.text:
            _print(answer.text)

    def show(self, view: View) -> None:
        """On a terminal that can move its cursor, draw a view from now on, in place of answers."""
        if sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
            from subnet.cli.screen import Screen  # slow to import, and nothing else needs it

            self._screen = Screen(view)

    def end(self) -> None:
        """Leave the terminal as it was found, the view's last state above the cursor."""
        if self._screen is not None:
            screen, self._screen = self._screen, None
            screen.close()

    def error(self, error: SubnetError) -> None:
        """Print why there is no answer, and what to type next."""
        print(error.render(), file=sys.stderr, flush=True)


class Json:
    """JSON for programs."""

    def whole(self, answer: Answer) -> None:
        """Print the one answer of a command, as a document that people can read too."""
        _print(json.dumps(answer.data, indent=2))

    def line(self, answer: Answer) -> None:
        """Print one of many answers as one line."""
        _print(json.dumps(answer.data))

    def show(self, view: View) -> None:
        """Nothing: programs read the answers."""

    def end(self) -> None:
        """Nothing: every line is complete."""

    def error(self, error: SubnetError) -> None:
        """Print why there is no answer, as a document."""
        print(json.dumps(error.to_json(), indent=2), file=sys.stderr, flush=True)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise ReaderGone from None
