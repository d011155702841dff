# SPDX-License-Identifier: Apache-2.0
"""The page of settings, read off the classes that hold them."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator

from protocols.client import ClientOptions, HttpOptions
from protocols.server import Limits, ServerOptions
from subnet.settings import sections, within

__all__ = ["NOTE", "settings"]

NOTE = "<!-- Generated from the code by `make docs`; do not edit. -->"

HEAD = f"""\
# Settings

{NOTE}

What an operator sets comes first; what a program gives to a server or client that it makes itself, after that.

The first of these that names a value decides:

1. a flag of the command, where the command has it: `--block-time 1`
2. the environment: `SUBNET_LOCAL_BLOCK_TIME=1`; an empty variable counts as not set
3. the project's file: `subnet.toml`, or `[tool.subnet]` of `pyproject.toml`, in the working directory or the nearest
   folder above that has one
4. the user's file: `subnet/config.toml` in `$XDG_CONFIG_HOME`, or in `~/.config` where that is not set
5. the default

In a file a section is a table: `[local]`, and below it `block_time = 1`. A name that is not listed here is refused, in
every source, and so is a value of the wrong type or out of bounds; other variables that begin with `SUBNET_`, such as
a cloud's `SUBNET_ID`, are left alone. `subnet config show --sources` says what holds and why, `subnet config path`
which files are read, `subnet config init` writes one that explains itself."""

DEVELOPERS = """
## In a program

What is not given has the default: `Server(key, answers, ServerOptions(limits=Limits(slots=8)))`,
`Client(key, ClientOptions(timeout_s=5.0))`."""


def settings() -> str:
    """Every setting of an operator, and every option of servers and clients."""
    return "\n".join([*_operators(), *_developers(), ""])


def _operators() -> Iterator[str]:
    yield HEAD
    for section, kind in sections().items():
        yield from ["", f"## {section}", "", " ".join((kind.__doc__ or "").split()), ""]
        yield from ["| name | what it is | allowed | default | variable |", "|---|---|---|---|---|"]
        for one in within(section):
            yield f"| `{one.name}` | {one.about} | {one.bounds} | `{one.default}` | `{one.variable}` |"


def _developers() -> Iterator[str]:
    yield DEVELOPERS
    for kind in (ServerOptions, Limits, ClientOptions, HttpOptions):
        about = " ".join((kind.__doc__ or "").split())
        yield from ["", f"## {kind.__name__}", "", about, "", "| name | default | what it is |", "|---|---|---|"]
        yield from (f"| `{name}` | {default} | {what} |" for name, default, what in _fields(kind))


# Attribute docstrings are not kept at run time; the source has them.
def _fields(kind: type) -> Iterator[tuple[str, str, str]]:
    definition = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(definition, ast.ClassDef)
    for field, after in itertools.pairwise([*definition.body, ast.Pass()]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(after, ast.Expr), f"{kind.__name__}.{field.target.id} has no docstring"
            assert isinstance(after.value, ast.Constant)
            default = "" if field.value is None else f"`{ast.unparse(field.value)}`"
            default = re.sub(r"field\(default_factory=(\w+)\)", r"\1()", default)
            yield field.target.id, default, " ".join(str(after.value.value).split())
