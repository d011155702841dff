# SPDX-License-Identifier: Apache-2.0
"""Imports: one direction, no cycles, no effects, nothing undeclared, and a command line that starts at once."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, Source, findings, planted, shipped

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = {"aiohttp", "fastapi", "numpy", "torch"}
CPU_BUDGET_S = 0.150

# One forbidden import for each line of the contracts.
MODULES = {
    "PyNaCl": "nacl",
    "scikit-learn": "sklearn",
    "substrate-interface": "substrateinterface",
    "websocket-client": "websocket",
}
"""Packages whose module has another name."""
BREACHES = {
    "protocols/up.py": "import subnet",
    "incentive/up.py": "import miners",
    "miners/across.py": "import validators",
    "incentive/across.py": "import protocols",
    "incentive/impure.py": "import sqlite3",
    "protocols/heavy.py": "import torch",
    "subnet/untested.py": "import tests",
}


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that sees the packages below `cwd` first."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=60)


def lint_imports(cwd: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the packages below `cwd`."""
    return python("-c", "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])", cwd=cwd)


def undeclared(source: Source) -> Iterator[str]:
    """Imports of packages that the project does not declare, so that an installation may lack them."""
    wanted = [*PROJECT["project"]["dependencies"]]
    for extra in ("ml", "plot", "sklearn"):
        wanted += PROJECT["project"]["optional-dependencies"][extra]
    packages = {re.split(r"[^\w-]", requirement)[0] for requirement in wanted}
    declared = {MODULES.get(package, package.replace("-", "_")) for package in packages}
    known = declared | set(PACKAGES) | set(sys.stdlib_module_names)
    for node in ast.walk(source.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for imported in {dotted.split(".")[0] for dotted in names} - known:
            yield source.at(node, f"declare {imported} in pyproject.toml, or do without it")


def test_imports_flow_in_one_direction() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


def test_a_breach_of_each_contract_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    for path, breach in BREACHES.items():
        (tmp_path / path).write_text(breach)
    linted = lint_imports(tmp_path)
    assert linted.returncode == 1, linted.stdout
    missed = [path for path in BREACHES if path.removesuffix(".py").replace("/", ".") not in linted.stdout]
    assert not missed, linted.stdout


def test_no_module_waits_for_itself_so_that_any_may_be_the_first_one_imported() -> None:
    wanted = {source.module: sorted(_wanted(source)) for source in shipped()}
    circle = _circle(wanted)
    assert not circle, " -> ".join(circle)


def test_a_circle_of_imports_is_found() -> None:
    assert _circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert not _circle({"a": ["b", "c"], "b": ["c"], "c": []})


def test_importing_anything_has_no_effect_that_is_seen() -> None:
    modules = [source.module for source in shipped() if not source.module.endswith("__main__")]
    run = python("-c", "\n".join(f"import {module}" for module in modules))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_an_import_of_a_packages_inside_counts_as_one_of_the_package() -> None:
    planted_one = planted("try:\n    from protocols.errors import node\nexcept ImportError:\n    pass", "subnet/one.py")
    assert set(_wanted(planted_one)) == {"protocols", "protocols.errors", "protocols.errors.node"}
    assert not set(_wanted(planted("if TYPE_CHECKING:\n    import protocols.errors", "subnet/one.py")))


def _wanted(source: Source) -> Iterator[str]:
    """The modules of ours that a module imports as it is imported, with the packages that they are in."""
    own = {source.module, *_packages(source.module)}
    for node in _at_once(source.tree.body):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [part if part in _known() else node.module for part in parts]
        for name in names:
            # Its own packages were begun before it, so that only what it names of them is waited for.
            yield from ({name, *(set(_packages(name)) - own)}) & _known()


def _at_once(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported, those within conditions included."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _at_once(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            for inner in (getattr(node, part, []) for part in ("body", "orelse", "finalbody")):
                yield from _at_once(inner)
            for handler in getattr(node, "handlers", []):
                yield from _at_once(handler.body)
        else:
            yield node


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@cache
def _known() -> frozenset[str]:
    return frozenset(source.module for source in shipped())


def _circle(wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """Modules that wait for each other, the first one named again at the end; none where there are none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        for other in () if module in done else wanted.get(module, ()):
            if found := walk(other, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for module in wanted if (found := walk(module, []))), [])


def test_every_import_is_declared() -> None:
    found = findings(undeclared)
    assert not found, f"\n{found}"


def test_an_undeclared_import_is_found() -> None:
    assert ":1: declare requests" in "\n".join(undeclared(planted("import requests.adapters")))
    assert not list(undeclared(planted("from bittensor_core import x\nfrom protocols.errors import y\nimport json")))


def test_the_command_line_starts_without_the_heavy_packages() -> None:
    started = python("-c", "import sys; from subnet.cli import main; main(['--version']); print(*sys.modules)")
    assert started.returncode == 0, started.stderr
    assert not HEAVY.intersection(started.stdout.split())


@pytest.mark.serial
def test_the_version_is_printed_within_its_budget_of_cpu() -> None:
    spent = min(cpu_seconds(sys.executable, "-m", "subnet", "--version") for _ in range(5))
    assert spent < CPU_BUDGET_S, f"{spent * 1000:.0f} ms of CPU, at most {CPU_BUDGET_S * 1000:.0f}: import later"


def cpu_seconds(*command: str) -> float:
    """What one run of a command costs, the operating system's share included."""
    silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=silence)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime
