# SPDX-License-Identifier: Apache-2.0
"""The page of settings and metrics, read off the classes that hold them."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator

from protocols.client import ClientOptions, HttpOptions
from protocols.keys import Keypair
from protocols.server import Limits, Server, ServerOptions

__all__ = ["NOTE", "settings"]

NOTE = "<!-- Generated from the code by `make docs`; do not edit. -->"


def settings() -> str:
    """Every setting of servers and clients, and every metric."""
    lines = [
        "# Servers and clients: settings and metrics",
        "",
        NOTE,
        "",
        "What is not given has the default: `Server(key, answers, ServerOptions(limits=Limits(slots=8)))`,",
        "`Client(key, ClientOptions(timeout_s=5.0))`.",
    ]
    for kind in (ServerOptions, Limits, ClientOptions, HttpOptions):
        about = " ".join((kind.__doc__ or "").split())
        lines += ["", f"## {kind.__name__}", "", about, "", "| name | default | what it is |", "|---|---|---|"]
        lines += [f"| `{name}` | {default} | {what} |" for name, default, what in _fields(kind)]
    lines += ["", "## Metrics", "", "A server shows these at `/metrics`.", ""]
    lines += ["| metric | kind | labels | what it is |", "|---|---|---|---|", *_metrics(), ""]
    return "\n".join(lines)


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


def _metrics() -> Iterator[str]:
    meters = Server(Keypair.from_uri("//Bob"), {}).meters
    meters.answered("Ask", "ok", 0.1)
    meters.refused("head_too_large")
    for family in meters.collect():
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        suffix = "_total" if family.type == "counter" else ""
        yield f"| `{family.name}{suffix}` | {family.type} | {', '.join(labels)} | {family.documentation} |"
