# SPDX-License-Identifier: Apache-2.0
"""Imports: one direction, no cycles, no effects, nothing undeclared, and a command line that starts at once."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, Source, findings, planted, shipped

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = {"aiohttp", "fastapi", "numpy", "torch"}
CPU_BUDGET_S = 0.150

# One forbidden import for each line of the contracts.
FIRST = """
import contextlib, importlib, os, sys, traceback

foreign, modules = (words.split(",") for words in sys.argv[1:])
for name in foreign:  # once, since they take seconds; nothing of ours is loaded by them
    importlib.import_module(name)
assert not {"subnet", "protocols", "incentive", "miners", "validators"} & set(sys.modules)
for module in modules:
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        with contextlib.suppress(BaseException):
            try:
                importlib.import_module(module)
            except BaseException:
                traceback.print_exc()
        sys.stdout.flush()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        words = pipe.read()
    _, status = os.waitpid(child, 0)
    if words or status:
        print(f"import {module}:", status, words)
"""
"""Imports each module in a process of its own that has seen none of ours before."""

MODULES = {"substrate-interface": "substrateinterface", "websocket-client": "websocket"}
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
    for extra in ("ml", "plot"):
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


@pytest.mark.timeout(300)
def test_every_module_can_be_the_first_one_imported() -> None:
    modules = [source.module for source in shipped() if not source.module.endswith("__main__")]
    foreign = {name for source in shipped() for name in _foreign(source)}

    def fresh(part: list[str]) -> str:
        words = [sys.executable, "-c", FIRST, ",".join(sorted(foreign)), ",".join(part)]
        run = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=280)
        return run.stdout + run.stderr

    # A cycle shows as a traceback; any other text shows that importing had an effect.
    with ThreadPoolExecutor(2) as pool:
        said = "".join(pool.map(fresh, [modules[::2], modules[1::2]]))
    assert not said, said


def _foreign(source: Source) -> Iterator[str]:
    """The packages of others that a module imports as it is imported."""
    for node in source.tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] not in PACKAGES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] not in PACKAGES:
            yield node.module


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
