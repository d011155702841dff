# SPDX-License-Identifier: Apache-2.0
"""What an installation receives: the five packages with their types and presets, and nothing else."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.architecture.source import PACKAGES, ROOT


@pytest.fixture
def wheel(tmp_path: Path) -> ZipFile:
    """The wheel of this tree."""
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    return ZipFile(built)


def test_the_wheel_holds_the_packages_their_types_and_the_presets_only(wheel: ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    presets = {f"subnet/_configs/{file.relative_to(ROOT / 'configs').as_posix()}" for file in files("configs")}
    assert presets
    assert presets <= names
    assert {file.relative_to(ROOT).as_posix() for package in PACKAGES for file in files(package)} <= names


def test_the_wheel_brings_the_command_and_the_licence(wheel: ZipFile) -> None:
    told = {name.split(".dist-info/")[1]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "subnet = subnet.cli:main" in wheel.read(told["entry_points.txt"]).decode()
    assert wheel.read(told["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()


def files(folder: str) -> list[Path]:
    """The source files below a folder of the repository."""
    found = (ROOT / folder).rglob("*")
    return [file for file in found if file.is_file() and "__pycache__" not in file.parts]
