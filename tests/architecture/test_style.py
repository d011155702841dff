# SPDX-License-Identifier: Apache-2.0
"""Rules that a linter does not know: what opens a file, what may print, what may be swallowed, what must be typed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Rule, Source, findings, name, parameters, planted, public_functions

SPDX = "# SPDX-License-Identifier: Apache-2.0"
SWALLOWED = (ast.Pass, ast.Continue, ast.Break)


def unlicensed(source: Source) -> Iterator[str]:
    """Files whose first line does not name the licence."""
    if source.text.split("\n", 1)[0] != SPDX:
        yield source.at(1, f"begin with: {SPDX}")


def unexplained(source: Source) -> Iterator[str]:
    """Modules that do not say why they exist."""
    if not ast.get_docstring(source.tree):
        yield source.at(1, "begin with a docstring that says why this module exists")


def undescribed(source: Source) -> Iterator[str]:
    """Public functions and classes at the top of a public module that lack their sentence."""
    for node in source.tree.body if source.is_public else []:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            overloaded = any("overload" in ast.unparse(mark) for mark in node.decorator_list)
            if not overloaded and not ast.get_docstring(node):
                yield source.at(node, f"give {node.name} a docstring of one sentence")


def printing(source: Source) -> Iterator[str]:
    """Calls of `print` outside the command line."""
    if source.path.startswith("subnet/cli/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield source.at(node, "return a value or log; only subnet/cli prints")


def swallowing(source: Source) -> Iterator[str]:
    """Handlers that catch everything, or anything and do nothing."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield source.at(node, "name what is caught; a bare except catches cancellation too")
            elif _catch_all(node.type) and all(_idle(step) for step in node.body):
                yield source.at(node, "catch what can be handled here, and let the rest rise")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress") and _catch_all(*node.args):
            yield source.at(node, "suppress one named error, not all of them")


def untyped(source: Source) -> Iterator[str]:
    """Public functions with a parameter or a result of no stated type."""
    for function in public_functions(source.tree):
        for parameter in parameters(function):
            if parameter.annotation is None:
                yield source.at(parameter, f"say the type of {function.name}'s parameter {parameter.arg}")
        if function.returns is None:
            yield source.at(function, f"say what {function.name} returns")


def vague(source: Source) -> Iterator[str]:
    """Public functions that take `**anything`, so that a misspelt argument is silently lost."""
    for function in public_functions(source.tree):
        if function.args.kwarg and not function.name.startswith("__"):
            yield source.at(
                function, f"name {function.name}'s keyword arguments instead of **{function.args.kwarg.arg}"
            )


def acting_at_import(source: Source) -> Iterator[str]:
    """Calls made for their effect when a module is imported."""
    for node in source.tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
            yield source.at(node, "importing must change nothing: do this inside a function")


def forgetful(source: Source) -> Iterator[str]:
    """Calls of `wait_for`, which in Python 3.11 forgets a cancellation that comes together with the result."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "wait_for":
            yield source.at(node, "write `async with asyncio.timeout(...)`: wait_for may forget that it was cancelled")


def _catch_all(*caught: ast.expr) -> bool:
    names = {part.id for node in caught for part in ast.walk(node) if isinstance(part, ast.Name)}
    return not names.isdisjoint({"Exception", "BaseException"})


def _idle(step: ast.stmt) -> bool:
    is_constant = isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
    return isinstance(step, SWALLOWED) or is_constant


RULES = [
    (unlicensed, planted('"""Why."""\n'), "SPDX"),
    (unexplained, planted("x = 1\n"), "why this module exists"),
    (undescribed, planted("def f() -> int: ..."), "give f a docstring"),
    (undescribed, planted("class A: ..."), "give A a docstring"),
    (printing, planted("def f():\n    print(1)"), ":2: return a value"),
    (swallowing, planted("try:\n    f()\nexcept:\n    raise"), "bare except"),
    (swallowing, planted("try:\n    f()\nexcept Exception:\n    pass"), "let the rest rise"),
    (swallowing, planted("try:\n    f()\nexcept (OSError, Exception) as e:\n    ..."), "let the rest rise"),
    (swallowing, planted("with contextlib.suppress(Exception):\n    f()"), "not all of them"),
    (untyped, planted("class A:\n    def f(self, a) -> None: ..."), "type of f's parameter a"),
    (untyped, planted("class A:\n    def __init__(self, a: int): ..."), "say what __init__ returns"),
    (vague, planted("def f(**rest: int) -> None: ..."), "instead of **rest"),
    (forgetful, planted("async def f(a):\n    await asyncio.wait_for(a, 1)"), ":2: write `async with"),
    (acting_at_import, planted("import logging\nlogging.basicConfig()"), ":2: importing must change nothing"),
]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES), ids=name)
def test_what_is_shipped_keeps_the_rules(rule: Rule) -> None:
    found = findings(rule)
    assert not found, f"\n{found}"


@pytest.mark.parametrize(("rule", "source", "advice"), RULES, ids=name)
def test_a_planted_breach_of_a_rule_is_found(rule: Rule, source: Source, advice: str) -> None:
    assert advice in "\n".join(rule(source))


def test_the_command_line_may_print_and_a_handler_that_acts_may_catch() -> None:
    assert not list(printing(planted("print(1)", "subnet/cli/planted.py")))
    assert not list(swallowing(planted("try:\n    f()\nexcept Exception as e:\n    log(e)")))
    assert not list(untyped(planted("class _A:\n    def f(self, a): ...")))
