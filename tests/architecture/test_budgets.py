# SPDX-License-Identifier: Apache-2.0
"""Size budgets: a file that outgrows one screenful of thought, or a function that does, is split while it is easy."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.architecture.source import Function, Rule, Source, findings, functions, name, parameters, planted

FILE_LINES, FUNCTION_LINES, PARAMETERS = 300, 40, 6
DRAWERS = {"common", "helper", "helpers", "misc", "util", "utils"}


def long_files(source: Source) -> Iterator[str]:
    """Files over their budget of lines."""
    lines = len(source.text.splitlines())
    if lines > FILE_LINES:
        yield source.at(1, f"{lines} lines, at most {FILE_LINES}: split it by what it is about")


def long_functions(source: Source) -> Iterator[str]:
    """Functions over their budget of lines, signature and docstring included."""
    for function in functions(source.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield source.at(function, f"{function.name} has {lines} lines, at most {FUNCTION_LINES}: name its steps")


def wide_functions(source: Source) -> Iterator[str]:
    """Functions that ask for too much at once."""
    for function in functions(source.tree):
        count = len(parameters(function))
        if count > PARAMETERS and not _is_chains(function):
            advice = f"{function.name} takes {count} parameters, at most {PARAMETERS}: group what belongs together"
            yield source.at(function, advice)


def _is_chains(function: Function) -> bool:
    """Whether it is a call of a pallet, whose parameters the chain has decided."""
    return any(isinstance(mark, ast.Call) and ast.unparse(mark.func) == "call" for mark in function.decorator_list)


def drawers(source: Source) -> Iterator[str]:
    """Files and folders named for nothing in particular, where anything ends up."""
    for part in PurePosixPath(source.path.removesuffix(".py")).parts:
        if part.strip("_") in DRAWERS:
            yield source.at(1, f"{part!r} says nothing: name it for what it holds")


RULES = [
    (long_files, planted("x = 1\n" * 301), "301 lines"),
    (long_functions, planted("def f():\n" + "    x = 1\n" * 40), "f has 41 lines"),
    (wide_functions, planted("class A:\n    def f(self, a, b, c, /, d, *e, g, **h): ..."), "takes 7 parameters"),
    (drawers, planted("", "miners/utils/times.py"), "'utils' says nothing"),
    (drawers, planted("", "miners/_helpers.py"), "'_helpers' says nothing"),
]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES), ids=name)
def test_what_is_shipped_keeps_its_budgets(rule: Rule) -> None:
    found = findings(rule)
    assert not found, f"\n{found}"


@pytest.mark.parametrize(("rule", "source", "advice"), RULES, ids=name)
def test_a_planted_breach_of_a_budget_is_found(rule: Rule, source: Source, advice: str) -> None:
    assert advice in "\n".join(rule(source))


def test_a_file_and_a_function_of_exactly_the_budget_pass() -> None:
    assert not list(long_files(planted("x = 1\n" * FILE_LINES)))
    assert not list(long_functions(planted("def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1))))
    assert not list(wide_functions(planted("class A:\n    def f(self, a, b, c, d, e, g): ...")))
