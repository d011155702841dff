# SPDX-License-Identifier: Apache-2.0
"""What `subnet COMMAND --help` says, read off the command's own signature: help cannot differ from behaviour."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TypedDict

from cyclopts.argument import Argument

from subnet.cli.answer import Answer
from subnet.cli.app import Command
from subnet.cli.signature import Signature, form

__all__ = ["Row", "page", "rows", "usage"]


class Row(TypedDict):
    """One word or flag of a command; `variable` is where its default may come from, if it is a setting."""

    name: str
    takes: str
    required: bool
    default: str | int | float | bool | None
    about: str
    bounds: str
    variable: str | None


def page(command: Command, signature: Signature) -> Answer:
    """Everything about one command, in both forms."""
    listed = rows(signature)
    lines = [f"usage: subnet {usage(signature)} [--json]", "", *(f"  {line}" for line in signature.about.splitlines())]
    heads = [f"{row['name']} {row['takes']}".strip() for row in listed]
    width = max(map(len, heads), default=0)
    if listed:
        lines += ["", *(f"  {head:{width}}  {_told(row)}" for head, row in zip(heads, listed, strict=True))]
    told = {"usage": usage(signature), "summary": command.summary, "about": signature.about, "parameters": listed}
    return Answer("\n".join(lines).rstrip(), told)


def usage(signature: Signature) -> str:
    """How the command is called, in a line."""
    words = [_word(argument) for argument in signature.arguments() if _is_word(argument)]
    options = [] if all(_is_word(argument) for argument in signature.arguments()) else ["[OPTIONS]"]
    return " ".join([signature.name, *words, *options])


def rows(signature: Signature) -> list[Row]:
    """The words and flags of a command, in their order."""
    return [_row(argument, signature) for argument in signature.arguments()]


def _row(argument: Argument, signature: Signature) -> Row:
    default = argument.field_info.default
    setting = signature.settings.get(argument.field_info.name)
    return Row(
        name=", ".join(argument.names),
        takes="" if _is_word(argument) else form(argument).symbol,
        required=argument.required,
        default=None if default is inspect.Parameter.empty else _plain(default),
        about=argument.parameter.help or "",
        bounds=setting.bounds if setting else "",
        variable=setting.variable if setting else None,
    )


def _plain(default: object) -> str | int | float | bool | None:
    if isinstance(default, Path):
        return str(default)
    return default if isinstance(default, str | int | float | bool) else None


def _told(row: Row) -> str:
    notes = [row["bounds"]] if row["bounds"] else []
    # A flag that is off unless given needs no word about it.
    if row["default"] not in (None, False):
        notes.append(f"default {row['default']}")
    notes += [row["variable"]] if row["variable"] else []
    return f"{row['about']} ({'; '.join(notes)})" if notes else row["about"]


def _is_word(argument: Argument) -> bool:
    return not argument.name.startswith("-")


def _word(argument: Argument) -> str:
    is_many = argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL
    name = f"{argument.name}..." if is_many else argument.name
    return name if argument.required else f"[{name}]"
