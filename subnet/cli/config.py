# SPDX-License-Identifier: Apache-2.0
"""`subnet config`: which settings hold here and why, which files they are read from, and a file to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from protocols.errors import UsageError
from subnet.cli.answer import Answer
from subnet.settings import load, plain, sections, within
from subnet.sources import files

__all__ = ["init", "path", "show"]

HEAD = """\
# Settings of `subnet` for this folder and those below it; what is not set here has the default that is shown.
# A flag decides before a variable of the environment, and that before this file: subnet config show --sources
"""


def show(
    *, sources: Annotated[bool, Parameter(help="Say for each value whether a flag, variable or file set it.")] = False
) -> Answer:
    """Print every setting with the value that holds here. The text is TOML; a secret shows as ***."""
    resolved = load()
    lines: list[str] = []
    data: dict[str, dict[str, object]] = {}
    for section in sections():
        lines += ["", f"[{section}]"]
        for setting in within(section):
            value = plain(getattr(getattr(resolved.settings, section), setting.name))
            source = resolved.sources[f"{section}.{setting.name}"]
            line = f"{setting.name} = {_toml(value)}"
            lines.append(f"{line}  # {source.place or source.kind}" if sources else line)
            told = {"value": value, "source": source.kind, "place": source.place or None}
            data.setdefault(section, {})[setting.name] = told if sources else value
    return Answer("\n".join(lines[1:]), data)


def path() -> Answer:
    """Print the files that settings are read from here: the project's, if there is one, and this user's."""
    found = files()
    listed = [("project", found.project), ("user", found.user)]
    data = {kind: {"path": str(one) if one else None, "exists": bool(one and one.is_file())} for kind, one in listed}
    absent = "none; write one: subnet config init"
    lines = [f"{kind:8} {_place(one) if one else absent}" for kind, one in listed]
    return Answer("\n".join(lines), data)


def init() -> Answer:
    """Write a subnet.toml into this folder that names and explains every setting; an existing one is kept."""
    target, found = Path.cwd() / "subnet.toml", files()
    if found.project and found.project.parent == target.parent:
        raise UsageError(f"{found.project} holds this folder's settings already", help="edit it, or remove it first")
    try:
        with target.open("x", encoding="utf-8") as fresh:
            fresh.write(_template())
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", help="choose a folder of your own") from error
    return Answer(f"wrote {target}\nnext: subnet config show --sources", {"path": str(target)})


def _template() -> str:
    lines = [HEAD]
    for section, kind in sections().items():
        lines += [f"# {kind.__doc__}", f"[{section}]"]
        for setting in within(section):
            bounds = f" ({setting.bounds})" if setting.bounds else ""
            lines += [f"# {setting.about}{bounds}", f"# {setting.name} = {_toml(plain(setting.default))}"]
        lines.append("")
    return "\n".join(lines)


def _place(file: Path) -> str:
    return f"{file}" if file.is_file() else f"{file} (not there)"


def _toml(value: str | int | float | bool) -> str:
    # JSON's notation for these four types is TOML's too.
    return json.dumps(value, ensure_ascii=False)
