# SPDX-License-Identifier: Apache-2.0
"""The root of the command line: finds the command, prints its answer, turns what it raises into words and an exit code.

It knows the commands by name and import path only. A command is a module with `run(words) -> Answer` that fails by
raising a `SubnetError`, as everything else here does.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from protocols.errors import SubnetError, UsageError
from subnet.cli.answer import Answer

__all__ = ["COMMANDS", "Command", "main"]

DONE, FAILED, MISTYPED, INTERRUPTED = 0, 1, 2, 130


class Command(NamedTuple):
    """Where a command lives, how it is called and what it does, in a line each."""

    module: str
    usage: str
    summary: str


COMMANDS = {
    "explain": Command("subnet.cli.explain", "explain [CODE]", "say what an error code means and what to do about it"),
}

OPTIONS = {
    "--version": "print the version",
    "--help": "print this; after a command, how to call it",
    "--json": "print data, and errors, as JSON",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    words = [word for word in given if word != "--json"]
    as_json = len(words) < len(given)
    try:
        answer = _answer(words)
        print(json.dumps(answer.data, indent=2) if as_json else answer.text, flush=True)
    except SubnetError as error:
        print(json.dumps(error.to_json(), indent=2) if as_json else error.render(), file=sys.stderr)
        return MISTYPED if isinstance(error, UsageError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; without this the interpreter complains again while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return DONE


def _answer(words: list[str]) -> Answer:
    match words:
        case [] | ["-h" | "--help"]:
            return _help()
        case ["-V" | "--version"]:
            return _version()
        case [name, *rest] if name in COMMANDS:
            return _run(COMMANDS[name], rest)
        case _:
            near = difflib.get_close_matches(words[0], [*COMMANDS, *OPTIONS], n=1)
            raise UsageError(
                f"no command or option {' '.join(words)!r}", help=f"did you mean: subnet {near[0]}" if near else None
            )


def _run(command: Command, words: list[str]) -> Answer:
    if "-h" in words or "--help" in words:
        return Answer(f"usage: subnet {command.usage} [--json]\n\n  {command.summary}", command._asdict())
    answer: Answer = import_module(command.module).run(words)
    return answer


def _help() -> Answer:
    rows = {command.usage: command.summary for command in COMMANDS.values()} | OPTIONS
    width = max(map(len, rows))
    lines = ["usage: subnet COMMAND [--json]", "", *(f"  {usage:{width}}  {text}" for usage, text in rows.items())]
    return Answer("\n".join(lines), rows)


def _version() -> Answer:
    from subnet import __version__

    return Answer(__version__, {"version": __version__})
