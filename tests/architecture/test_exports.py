# SPDX-License-Identifier: Apache-2.0
"""`__all__` is what a module promises: there, sorted, true and complete, so that a reader may start at it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

import subnet
from tests.architecture.source import Rule, Source, findings, name, planted


def unpromised(source: Source) -> Iterator[str]:
    """Public modules that hold something and do not say what."""
    body = source.tree.body[bool(ast.get_docstring(source.tree)) :]
    if source.is_public and body and _promise(source) is None:
        yield source.at(1, "list the public names: __all__ = [...]")


def unsorted(source: Source) -> Iterator[str]:
    """Lists that are not in plain order, or name something twice."""
    promised = _promise(source)
    if promised is not None and promised != sorted(set(promised)):
        yield source.at(1, f"sort __all__: {sorted(set(promised))}")


def incomplete(source: Source) -> Iterator[str]:
    """Public classes and functions that the module's list leaves out."""
    promised = _promise(source) or []
    for node in source.tree.body if source.is_public else []:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_") and node.name not in promised:
            yield source.at(node, f"add {node.name} to __all__, or name it _{node.name}")


def untrue(source: Source) -> Iterator[str]:
    """Names that are promised and missing, or private."""
    module = import_module(source.module)
    for promised in _promise(source) or []:
        if promised.startswith("_") and not promised.endswith("__"):
            yield source.at(1, f"{promised} is private: take it out of __all__")
        elif not hasattr(module, promised):
            yield source.at(1, f"{promised} is in __all__ and does not exist")


def _promise(source: Source) -> list[str] | None:
    for node in source.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = getattr(node, "value", None)
            assert isinstance(value, ast.List), source.at(node, "write __all__ as a plain list of strings")
            return [ast.literal_eval(item) for item in value.elts]
    return None


RULES = [
    (unpromised, planted("x = 1"), "list the public names"),
    (unsorted, planted('__all__ = ["b", "a"]'), "sort __all__: ['a', 'b']"),
    (unsorted, planted('__all__ = ["a", "a"]'), "sort __all__: ['a']"),
    (incomplete, planted("async def f() -> None: ..."), "add f to __all__"),
    (untrue, planted('__all__ = ["Missing"]', "subnet/__init__.py"), "Missing is in __all__ and does not exist"),
    (untrue, planted('__all__ = ["_HOMES"]', "subnet/__init__.py"), "_HOMES is private"),
]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES), ids=name)
def test_every_public_module_promises_what_it_has(rule: Rule) -> None:
    found = findings(rule)
    assert not found, f"\n{found}"


@pytest.mark.parametrize(("rule", "source", "advice"), RULES, ids=name)
def test_a_planted_untruth_is_found(rule: Rule, source: Source, advice: str) -> None:
    assert advice in "\n".join(rule(source))


def test_a_module_without_code_and_a_private_one_promise_nothing() -> None:
    assert not list(unpromised(planted('"""Only words."""')))
    assert not list(unpromised(planted("x = 1", "miners/_private.py")))


def test_the_facade_hands_out_the_very_objects_of_the_modules_behind_it() -> None:
    for promised in set(subnet.__all__) - {"__version__"}:
        value = getattr(subnet, promised)
        assert value is getattr(sys.modules[value.__module__], promised)


def test_the_facade_refuses_a_name_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match="module 'subnet' has no attribute 'Sbunet'"):
        getattr(subnet, "Sbunet")  # noqa: B009  (a plain attribute would be a type error)
