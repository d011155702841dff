# SPDX-License-Identifier: Apache-2.0
"""The source of the shipped packages as the rules of the house see it: text, syntax tree and dotted name.

A rule is a function from one `Source` to the sentences that say where it is broken and what to do. Each rule is run
over everything that ships and over a planted breach, so a rule that has gone blind fails as loudly as bad code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("subnet", "protocols", "incentive", "miners", "validators")
ROOT = Path(__file__).parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One file: its path from the repository's root, its text, its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The name that `import` takes."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def is_public(self) -> bool:
        """Whether its names are meant for others."""
        return not any(part.startswith("_") for part in self.module.split("."))

    def at(self, node: ast.AST | int, advice: str) -> str:
        """A finding: where, and what to do."""
        return f"{self.path}:{node if isinstance(node, int) else getattr(node, 'lineno', 1)}: {advice}"


Rule = Callable[[Source], Iterable[str]]


def planted(text: str, path: str = "miners/planted.py") -> Source:
    """Source that exists only in a test."""
    return Source(path, text, ast.parse(text))


@cache
def shipped() -> tuple[Source, ...]:
    """All Python that goes into the wheel."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    texts = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return tuple(Source(path, text, ast.parse(text, path)) for path, text in texts.items())


def findings(rule: Rule) -> str:
    """Every breach of a rule in what is shipped, one a line; empty when the house is in order."""
    return "\n".join(finding for source in shipped() for finding in rule(source))


def name(value: object) -> str | None:
    """What pytest calls a parameter: rules by their name, the rest as it likes."""
    return getattr(value, "__name__", None)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public_functions(tree: ast.Module | ast.ClassDef) -> Iterator[Function]:
    """The functions that others call: at the top of the module, and methods of public classes, dunders included."""
    for node in tree.body:
        if isinstance(node, Function) and (not node.name.startswith("_") or node.name.endswith("__")):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)


def parameters(function: Function) -> list[ast.arg]:
    """Everything that a caller may pass; `self` and `cls` are not passed."""
    spec = function.args
    named = [*spec.posonlyargs, *spec.args]
    if named and named[0].arg in {"self", "cls", "mcs"}:
        named = named[1:]
    return [*named, *(arg for arg in [spec.vararg, spec.kwarg] if arg), *spec.kwonlyargs]
