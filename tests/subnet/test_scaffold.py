# SPDX-License-Identifier: Apache-2.0
"""A new project runs and passes its own test, is made whole or not at all, and its name is one that will work."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from protocols.errors import InvalidSubnet, UsageError
from protocols.registry import load
from protocols.spec import Subnet
from subnet.scaffold import Created, new
from subnet.settings import Settings, catalogue, plain
from tests.subnet.check.sound import Reverse

ROOT = Path(__file__).parents[2]
NAMES = ["demo", "my-reader", "a", "a1-b2", "task", "x" * 48]
NO_NAMES = [
    "",
    "My-Reader",
    "my reader",
    "my_reader",
    "-a",
    "a-",
    "a--b",
    "9lives",
    "../up",
    "/tmp",
    "é",
    "a\n",
    "x" * 49,
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Created:
    """A project as it is made."""
    return new("my-reader", tmp_path_factory.mktemp("projects"))


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in a folder."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, check=False, capture_output=True, text=True, timeout=60
    )


def everything(folder: Path) -> list[Path]:
    """All there is below a folder."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def test_a_project_lists_its_files_and_the_commands_to_type(project: Created) -> None:
    assert [file.as_posix() for file in project.files] == [
        ".gitignore",
        "README.md",
        "my_reader.py",
        "pyproject.toml",
        "subnet.toml",
        "tests/test_my_reader.py",
    ]
    assert all((project.folder / file).is_file() for file in project.files)
    assert project.commands == ("cd my-reader", "subnet check my_reader.py", "subnet run my_reader.py")
    assert everything(project.folder.parent)[0] == Path("my-reader")
    read = (project.folder / "README.md").read_text(encoding="utf-8")
    assert all(command in read for command in project.commands[1:])


def test_the_projects_own_test_passes(project: Created, tmp_path: Path) -> None:
    run = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-p", "no:asyncio", cwd=project.folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout


def test_the_definition_is_the_bundled_one_under_the_projects_name(project: Created) -> None:
    module = project.folder / "my_reader.py"
    definition = load(str(module))
    assert (definition.ref(), definition.__name__, definition.synapse.route()) == (
        "my-reader@1",
        "MyReader",
        "/MyReaderAsk",
    )
    written = module.read_text(encoding="utf-8")
    bundled = (ROOT / "subnet/templates/text/text.py").read_text(encoding="utf-8")
    assert (
        written.replace("MyReaderAsk", "Ask")
        .replace("MyReader", "Text")
        .replace("my-reader", "text")
        .replace('"Text", "Ask"', '"Ask", "Text"')
        == bundled
    )
    (made,) = [node for node in ast.parse(written).body if isinstance(node, ast.ClassDef) and node.name == "MyReader"]
    assert (made.end_lineno or 0) - made.lineno < 40


def test_what_is_written_is_sound_python_and_toml(project: Created) -> None:
    told = tomllib.loads((project.folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["name"] == "my-reader"
    assert told["project"]["entry-points"]["subnet.subnets"] == {"my-reader": "my_reader:MyReader"}
    assert told["project"]["dependencies"] == ["subnet>=0.1,<0.2"]
    linted = python("-m", "ruff", "check", "--no-cache", ".", cwd=project.folder)
    assert linted.returncode == 0, linted.stdout
    formatted = python("-m", "ruff", "format", "--check", "--no-cache", ".", cwd=project.folder)
    assert formatted.returncode == 0, formatted.stdout
    assert not [file for file in project.files if "$" in (project.folder / file).read_text(encoding="utf-8")]


def test_each_setting_that_is_shown_is_one_and_has_the_default_that_is_shown(project: Created) -> None:
    text = (project.folder / "subnet.toml").read_text(encoding="utf-8")
    assert not any(tomllib.loads(text).values())
    shown = tomllib.loads(re.sub(r"(?m)^# (?=[a-z0-9_]+ = )", "", text))
    listed = {f"{section}.{name}": value for section, values in shown.items() for name, value in values.items()}
    assert listed == {dotted: plain(setting.default) for dotted, setting in catalogue(Settings).items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_a_subnet_can_have_makes_a_project_that_loads(name: str, tmp_path: Path) -> None:
    created = new(name, tmp_path)
    definition = load(str(created.folder / f"{name.replace('-', '_')}.py"))
    assert definition.name == name
    assert issubclass(definition, Subnet)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_no_subnet_can_have_is_refused_here_as_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSubnet):
        type("Named", (Reverse,), {"name": name})
    with pytest.raises(UsageError, match="a subnet cannot be called"):
        new(name, tmp_path)
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "words", "help"),
    [
        ("MyReader", "'MyReader', expected lower-case words", "did you mean: my-reader"),
        ("My Reader 2", "at most 48 characters", "did you mean: my-reader-2"),
        ("9_lives", "'9_lives'", "did you mean: lives"),
        ("???", "'???'", "subnet new my-subnet"),
        ("json", "json.py would hide Python's own module json", "did you mean: json-subnet"),
        ("class", "would hide a word of the language", "did you mean: class-subnet"),
        ("protocols", "the package protocols of subnet itself", "did you mean: protocols-subnet"),
        ("text", "subnet itself brings a subnet called text", "did you mean: my-text"),
        ("numpy", "a module of the installed package numpy", "did you mean: numpy-subnet"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_type(name: str, words: str, help: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        new(name, tmp_path)
    assert words in refused.value.message
    assert refused.value.help == help
    assert everything(tmp_path) == []


def test_an_empty_folder_is_filled_and_one_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    new("demo", tmp_path)
    before = everything(tmp_path)
    with pytest.raises(UsageError, match=r"demo is there already and holds 6 files"):
        new("demo", tmp_path)
    assert everything(tmp_path) == before


def test_a_link_a_file_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (tmp_path / "linked").symlink_to(away)
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    for name in ("linked", "taken"):
        with pytest.raises(UsageError, match="is there already, and is no folder"):
            new(name, tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        new("demo", tmp_path / "missing")
    assert everything(away) == []
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


def test_where_the_disk_gives_out_nothing_is_left(tmp_path: Path) -> None:
    script = f"""
import resource
from pathlib import Path
from protocols.errors import UsageError
from subnet.scaffold import new
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    new("demo", Path({str(tmp_path)!r}))
except UsageError as error:
    print(error.message)
"""
    run = python("-B", "-c", script, cwd=ROOT)
    assert f"{tmp_path / 'demo'} cannot be made: File too large" in run.stdout, run.stderr
    assert everything(tmp_path) == []
