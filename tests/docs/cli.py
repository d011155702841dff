# SPDX-License-Identifier: Apache-2.0
"""The page of the command line, read off the table of commands and the signatures behind it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from subnet.cli.app import COMMANDS, OPTIONS, Command
from subnet.cli.page import Row, rows, usage
from subnet.cli.signature import Signature
from tests.docs.settings import NOTE

__all__ = ["cli"]

HEAD = f"""\
# Command line

{NOTE}

Data goes to stdout, errors and other diagnostics to stderr. With `--json` both are JSON: one document, or one a line
where a command goes on talking while it works. At the prompt `subnet --help` lists the commands, and
`subnet COMMAND --help` describes one.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed, or a check found something |
| 2 | mistyped, or a setting cannot be used; nothing was started |
| 130 | stopped by Ctrl-C |
| 143 | stopped by SIGTERM |

A flag that has a variable is a [setting](settings.md): where the flag is not given, the environment and the files
decide. Words after `--` are never flags.

| option | what it does |
|---|---|"""


def cli() -> str:
    """Every command, with its words and flags."""
    lines = [HEAD, *(f"| `{option}` | {text} |" for option, text in OPTIONS.items())]
    for name in sorted(COMMANDS):
        lines += ["", *_command(name, COMMANDS[name])]
    return "\n".join([*lines, ""])


def _command(name: str, command: Command) -> Iterator[str]:
    module, _, function = command.target.partition(":")
    signature = Signature(name, getattr(import_module(module), function))
    yield from [f"## subnet {name}", "", f"    subnet {usage(signature)}", "", " ".join(signature.about.split())]
    listed = rows(signature)
    if listed:
        yield from ["", "| name | what it is | allowed | default | variable |", "|---|---|---|---|---|"]
        yield from (_row(row) for row in listed)


def _row(row: Row) -> str:
    name = f"{row['name']} {row['takes']}".strip().replace("|", "\\|")
    default = "" if row["default"] in (None, False) else f"`{row['default']}`"
    variable = f"`{row['variable']}`" if row["variable"] else ""
    return f"| `{name}` | {row['about']} | {row['bounds']} | {default} | {variable} |"
