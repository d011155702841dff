# SPDX-License-Identifier: Apache-2.0
"""The repository as a stranger meets it: it names no one's machine, its versions agree, its commands are listed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import subnet
from tests.architecture.source import PACKAGES, ROOT

TOP = {*PACKAGES, "tests", "docs", "configs", ".ci"}
TEXT = {".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
# Somebody's home or scratch folder; the pattern is written so that it does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.:~/\-])/(?:home|Users|root|work|tmp|private/var)/[\w.]|[A-Z]:\\Users\\")


def texts() -> Iterator[tuple[str, str]]:
    """Every text file that belongs to the repository."""
    tops = [path for path in ROOT.iterdir() if path.is_file() or path.name in TOP]
    for path in sorted(file for top in tops for file in ([top] if top.is_file() else top.rglob("*"))):
        if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def machine_paths(path: str, text: str) -> Iterator[str]:
    """Places that exist on one machine only."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := MACHINE_PATH.search(line):
            yield f"{path}:{number}: {found.group()}... is a path of one machine: derive it, or take it from a setting"


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [finding for path, text in texts() for finding in machine_paths(path, text)]
    assert not found, "\n" + "\n".join(found)


def test_a_machine_path_is_found_and_a_url_is_not() -> None:
    home = "/" + "home/somebody/x"
    assert next(machine_paths("a.md", f"see {home}")).startswith("a.md:1: ")
    assert not list(machine_paths("a.md", f"see https://host{home} and docs{home}"))


def test_everything_but_data_names_its_licence_first() -> None:
    unnamed = [
        path
        for path, text in texts()
        if path.endswith((".py", ".sh", ".toml")) and "/data/" not in path
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text.split("\n", 2)[:2])
    ]
    assert not unnamed, "begin with an SPDX line: " + ", ".join(unnamed)


def test_each_package_is_marked_as_typed_and_is_shipped() -> None:
    wheel = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) == set(PACKAGES)
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert project["version"] == subnet.__version__
    assert f"## {subnet.__version__}" in read("CHANGES.md")


def test_make_lists_every_command() -> None:
    commands = re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE)
    listed = make("help")
    assert commands
    assert all(f"make {command} " in listed for command in commands)


def test_make_up_runs_a_network_and_shows_who_earns_what() -> None:
    shown = make("up", "ARGS=--epochs 1 --lockstep")
    assert "text@1  epoch 2" in shown
    assert re.search(r"good-1 +good +0\.[0-9]+ +0\.[0-9]+", shown)


def read(path: str) -> str:
    """A file of the repository."""
    return (ROOT / Path(path)).read_text(encoding="utf-8")


def make(*arguments: str) -> str:
    """What `make TARGET` prints."""
    command = ["make", "--silent", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=50).stdout
