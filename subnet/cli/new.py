# SPDX-License-Identifier: Apache-2.0
"""`subnet new`: a project to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from subnet.cli.answer import Answer
from subnet.scaffold import new

__all__ = ["run"]


def run(
    name: Annotated[str, Parameter(help="What the subnet is called: lower-case words joined by dashes.")],
    /,
    *,
    folder: Annotated[Path, Parameter(help="Folder in which the project's own is made.")] = Path(),
) -> Answer:
    """Copy the bundled text subnet into a project of your own that runs and passes its own test."""
    created = new(name, folder)
    lines = [f"made {created.folder}", *(f"  {file}" for file in created.files), "next:"]
    lines += [f"  {command}" for command in created.commands]
    data = {
        "folder": str(created.folder),
        "files": [str(file) for file in created.files],
        "commands": list(created.commands),
    }
    return Answer("\n".join(lines), data)
