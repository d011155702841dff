# SPDX-License-Identifier: Apache-2.0
"""The shared environment: built once, whole or not at all, whoever builds it and however often they are killed."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.interop.environment import RELEASE, build, v10_python


@pytest.fixture
def wheel(tmp_path: Path) -> str:
    """A package that can be installed without a network."""
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return str(path)


def can_import(python: Path, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0


def test_two_builders_at_once_leave_one_whole_environment(tmp_path: Path, wheel: str) -> None:
    home = tmp_path / "cache" / "env"
    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.map(lambda _: build(home, wheel), range(2))
    assert first == second
    assert can_import(first, "tiny")


def test_a_whole_environment_is_kept_and_a_half_built_one_is_made_anew(tmp_path: Path, wheel: str) -> None:
    home = tmp_path / "env"
    python = build(home, wheel)
    mark = home / "mark"
    mark.touch()
    build(home, wheel)
    assert mark.exists()
    (home / ".ready").unlink()
    build(home, wheel)
    assert not mark.exists()
    mark.touch()
    python.unlink()
    assert can_import(build(home, wheel), "tiny")
    assert not mark.exists()


def test_a_failed_install_is_not_taken_for_a_whole_environment(tmp_path: Path, wheel: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "env", str(tmp_path / "missing-1.0-py3-none-any.whl"))
    assert can_import(build(tmp_path / "env", wheel), "tiny")


@pytest.mark.interop
@pytest.mark.timeout(600)
def test_the_interpreter_for_v10_imports_the_release_that_is_asked_for() -> None:
    ask = "from importlib.metadata import version; print('bittensor==' + version('bittensor'))"
    told = subprocess.run([v10_python(), "-c", ask], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == RELEASE
