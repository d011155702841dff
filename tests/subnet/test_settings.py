# SPDX-License-Identifier: Apache-2.0
"""Settings as an operator meets them: which source decides, which slips are caught, what `config` says and writes."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from protocols.errors import UsageError
from subnet.cli import main
from subnet.settings import Section, Setting, Settings, catalogue, load, plain
from subnet.sources import files

Capture = pytest.CaptureFixture[str]

# Whatever may name `local.tempo`, the strongest first, and what is said of it.
LAYERS = ["flag", "environment", "project", "user", "default"]


class Account(Section):
    """What a service of somebody else asks for."""

    token: SecretStr = SecretStr("")
    """How it knows us."""


class Extended(Settings):
    """Our settings and a secret."""

    account: Account = Account()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, entered by a user who has set nothing."""
    for name in [name for name in os.environ if name.startswith("SUBNET_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(file: Path, text: str) -> Path:
    """A file with these lines, and the folders it needs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("strongest", range(len(LAYERS)))
def test_the_strongest_source_that_names_a_value_decides(
    strongest: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = LAYERS[strongest:]
    if "environment" in there:
        monkeypatch.setenv("SUBNET_LOCAL_TEMPO", "11")
    if "project" in there:
        write(project / "subnet.toml", "[local]\ntempo = 12\n")
    if "user" in there:
        write(project.parent / "user/subnet/config.toml", "[local]\ntempo = 13\nepochs = 5\n")
    resolved = load({"local": {"tempo": 10}} if "flag" in there else None)
    assert resolved.settings.local.tempo == [10, 11, 12, 13, 20][strongest]
    assert resolved.sources["local.tempo"].kind == LAYERS[strongest]
    # A source that names one value leaves the others to the next.
    assert resolved.settings.local.epochs == (5 if "user" in there else 0)


def test_every_setting_can_be_set_by_its_variable_and_by_a_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other: dict[str, Any] = {name: _another(setting) for name, setting in catalogue().items()}
    for name, setting in catalogue().items():
        write(project / "subnet.toml", f"[{setting.section}]\n{setting.name} = {json.dumps(other[name])}\n")
        resolved = load()
        value = getattr(getattr(resolved.settings, setting.section), setting.name)
        value = value.get_secret_value() if isinstance(value, SecretStr) else value
        assert str(other[name]) in str(value)
        assert resolved.sources[name] == ("project", str(project / "subnet.toml"))
    for name, setting in catalogue().items():
        monkeypatch.setenv(setting.variable, str(other[name]))
        assert load().sources[name] == ("environment", setting.variable)


def test_no_setting_is_without_an_explanation() -> None:
    assert [name for name, setting in catalogue().items() if not setting.about.endswith(".")] == []


def test_a_table_of_pyproject_serves_as_the_projects_file_from_folders_below_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(project / "pyproject.toml", "[project]\nname = 'x'\n[tool.subnet.local]\ntempo = 4\n")
    below = project / "a/b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load().settings.local.tempo == 4
    assert load().sources["local.tempo"] == ("project", str(file))


def test_the_nearest_projects_file_is_the_only_one(project: Path) -> None:
    write(project.parent / "subnet.toml", "[local]\ntempo = 4\nepochs = 4\n")
    write(project / "pyproject.toml", "[tool.other]\nx = 1\n")
    assert load().settings.local.tempo == 4
    write(project / "subnet.toml", "[local]\ntempo = 5\n")
    assert (load().settings.local.tempo, load().settings.local.epochs) == (5, 0)


def test_a_path_is_meant_from_where_it_is_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert load().settings.paths.state == below / ".subnet"
    write(project / "subnet.toml", "")
    assert load().settings.paths.state == project / ".subnet"
    write(project / "subnet.toml", "[paths]\nstate = 'kept'\n")
    assert load().settings.paths.state == project / "kept"
    monkeypatch.setenv("SUBNET_PATHS_STATE", "kept")
    assert load().settings.paths.state == below / "kept"
    monkeypatch.setenv("HOME", str(project))
    monkeypatch.setenv("SUBNET_PATHS_STATE", "~/kept")
    assert load().settings.paths.state == project / "kept"


def test_an_empty_variable_is_not_set_and_a_strangers_variable_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBNET_LOCAL_TEMPO", "")
    monkeypatch.setenv("SUBNET_ID", "subnet-0a1b")
    monkeypatch.setenv("SUBNET_LOCAL", "10.0.0.0/8")
    assert load().settings.local.tempo == 20


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[local]\ntmpo = 4", "no setting is called tmpo in [local] of FILE", "did you mean: tempo in [local]"),
        ("[local]\ndrain = 4", "no setting is called drain in [local] of FILE", "did you mean: drain in [miner]"),
        ("[local]\nxyzzy = 4", "no setting is called xyzzy in [local] of FILE", "see docs/reference/settings.md"),
        ("[locale]\ntempo = 4", "no section is called [locale] in FILE", "did you mean: [local]"),
        ("tempo = 4", "no section is called [tempo] in FILE", "did you mean: tempo in [local]"),
        ("local = 4", "local in FILE must be a table, got 4", "write it as [local]"),
        ("[local]\ntempo = '4'", "tempo in [local] of FILE must be a valid integer, got '4'", ""),
        ("[local]\ntempo = true", "tempo in [local] of FILE must be a valid integer, got True", ""),
        ("[local]\ntempo = 0", "tempo in [local] of FILE must be greater than or equal to 1, got 0", ""),
        ("[local]\nblock_time = inf", "block_time in [local] of FILE must be a finite number, got inf", ""),
        ("[local]\nhost = ''", "host in [local] of FILE must have at least 1 character, got ''", ""),
        ("[paths]\nstate = 3", "state in [paths] of FILE must be a path, got 3", ""),
        ("[local", "FILE cannot be read: ", "mend or remove it: FILE"),
    ],
)
@pytest.mark.parametrize("place", ["subnet.toml", "../user/subnet/config.toml"])
def test_a_slip_in_a_file_is_named_with_its_place_and_what_was_meant(
    text: str, message: str, hint: str, place: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write((project / place).resolve(), text)
    # A stronger source that hides the value does not hide the slip.
    monkeypatch.setenv("SUBNET_LOCAL_TEMPO", "4")
    with pytest.raises(UsageError) as caught:
        load()
    assert message.replace("FILE", str(file)) in caught.value.message
    assert hint.replace("FILE", str(file)) in caught.value.help


@pytest.mark.parametrize(
    ("variable", "text", "message", "hint"),
    [
        ("SUBNET_LOCAL_TEMPO", "x", "SUBNET_LOCAL_TEMPO must be a valid integer, got 'x'", ""),
        ("SUBNET_MINER_PORT", "70000", "SUBNET_MINER_PORT must be less than or equal to 65535, got '70000'", ""),
        ("SUBNET_VALIDATOR_INTERVAL", "nan", "SUBNET_VALIDATOR_INTERVAL must be a finite number, got 'nan'", ""),
        ("SUBNET_LOCAL_TEMPOO", "4", "no setting is called SUBNET_LOCAL_TEMPOO", "did you mean: SUBNET_LOCAL_TEMPO"),
        ("SUBNET_LOCL_TEMPO", "4", "no setting is called SUBNET_LOCL_TEMPO", "did you mean: SUBNET_LOCAL_TEMPO"),
        ("SUBNET_TEMPO", "4", "no setting is called SUBNET_TEMPO", "did you mean: SUBNET_LOCAL_TEMPO"),
    ],
)
def test_a_slip_in_the_environment_is_named_with_what_was_meant(
    variable: str, text: str, message: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(UsageError) as caught:
        load()
    assert message in caught.value.message
    assert hint in caught.value.help


def test_two_files_of_one_folder_are_refused_rather_than_one_ignored(project: Path) -> None:
    write(project / "subnet.toml", "")
    write(project / "pyproject.toml", "[tool.subnet]\n")
    with pytest.raises(UsageError, match=r"both .*subnet.toml and .*pyproject.toml hold settings"):
        files()


def test_a_secret_is_neither_shown_nor_told_in_an_error(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    monkeypatch.setenv("SUBNET_ACCOUNT_TOKEN", "hunter2")
    resolved = load(model=Extended)
    assert isinstance(resolved.settings, Extended)
    assert resolved.settings.account.token.get_secret_value() == "hunter2"
    assert plain(resolved.settings.account.token) == "***"
    assert "hunter2" not in f"{resolved}"
    write(project / "subnet.toml", "[account]\ntoken = ['hunter2']\n")
    with pytest.raises(UsageError) as caught:
        load(model=Extended)
    assert "token in [account]" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_config_show_prints_toml_and_says_where_each_value_came_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("SUBNET_LOCAL_SEED", "7")
    file = write(project / "subnet.toml", "[local]\nhost = 'é\"x'\n")
    assert main(["config", "show"]) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert (shown["local"]["seed"], shown["local"]["host"]) == (7, 'é"x')
    assert main(["config", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == shown
    assert main(["config", "show", "--sources"]) == 0
    out = capsys.readouterr().out
    assert tomllib.loads(out) == shown
    assert "seed = 7  # SUBNET_LOCAL_SEED\n" in out
    assert f"  # {file}\n" in out
    assert "tempo = 20  # default\n" in out
    assert main(["config", "show", "--sources", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["local"]
    assert told["seed"] == {"value": 7, "source": "environment", "place": "SUBNET_LOCAL_SEED"}
    assert told["tempo"] == {"value": 20, "source": "default", "place": None}


def test_config_path_names_the_files_that_are_read(project: Path, capsys: Capture) -> None:
    assert main(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["project"] == {"path": None, "exists": False}
    file = write(project / "subnet.toml", "")
    assert main(["config", "path"]) == 0
    out = capsys.readouterr().out
    assert f"project  {file}\n" in out
    assert f"{project.parent}/user/subnet/config.toml (not there)\n" in out


def test_config_init_writes_a_file_that_names_every_setting_and_changes_none(project: Path, capsys: Capture) -> None:
    before = load().settings
    assert main(["config", "init"]) == 0
    assert str(project / "subnet.toml") in capsys.readouterr().out
    assert load().settings == before
    text = (project / "subnet.toml").read_text(encoding="utf-8")
    # Each line that is switched on says what the default says.
    switched = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    assert {f"{section}.{name}" for section, values in tomllib.loads(switched).items() for name in values} == set(
        catalogue()
    )
    (project / "subnet.toml").write_text(switched, encoding="utf-8")
    assert load().settings == before


@pytest.mark.parametrize("name", ["subnet.toml", "pyproject.toml"])
def test_config_init_keeps_what_is_there(name: str, project: Path, capsys: Capture) -> None:
    file = write(project / name, "[tool.subnet]\n" if name == "pyproject.toml" else "[local]\n")
    before = file.read_bytes()
    assert main(["config", "init"]) == 2
    assert "holds this folder's settings already" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert [path.name for path in project.iterdir()] == [name]


def _another(setting: Setting) -> object:
    """A value that the setting may have and has not."""
    choices = [choice for choice in get_args(setting.kind) if choice != setting.default]
    if choices:
        return choices[-1]
    if isinstance(setting.default, bool):
        return not setting.default
    if isinstance(setting.default, int | float):
        return setting.default / 2 if "at most 1" in setting.bounds.split(", ") else setting.default + 1
    return "elsewhere"
