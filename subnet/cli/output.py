# SPDX-License-Identifier: Apache-2.0
"""The two forms in which everything is printed: words for people, JSON for programs.

Data goes to stdout and errors to stderr in both. What a command streams is one JSON document a line, so that a reader
can act on each while the command goes on.
"""

from __future__ import annotations

import json
import sys
from typing import Protocol

from protocols.errors import SubnetError
from subnet.cli.answer import Answer

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

    def error(self, error: SubnetError) -> None:
        """Print why there is no answer."""
        ...


class Text:
    """Words for people."""

    def whole(self, answer: Answer) -> None:
        """Print the one answer of a command."""
        _print(answer.text)

    def line(self, answer: Answer) -> None:
        """Print one of many answers, at once."""
        _print(answer.text)

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

    def error(self, error: SubnetError) -> None:
        """Print why there is no answer, as a document."""
        print(json.dumps(error.to_json(), indent=2), file=sys.stderr, flush=True)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise ReaderGone from None
