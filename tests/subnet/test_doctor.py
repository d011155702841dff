# SPDX-License-Identifier: Apache-2.0
"""The doctor finds what is wrong, says what to type, and is quiet about a machine that is well."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from protocols.clock import SystemClock, VirtualClock
from subnet.cli import main
from subnet.doctor import Finding, address, clocks, dependencies, examine, packages, port, python, state

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without settings, for a user without any, whose miner takes any free port."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("SUBNET_MINER_PORT", "0")


def of(findings: list[Finding], check: str) -> Finding:
    """The finding of one check."""
    return next(finding for finding in findings if finding.check == check)


def test_a_machine_that_is_well_gets_no_advice_and_exit_code_0(tmp_path: Path, capsys: Capture) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert {one["verdict"] for one in told["findings"]} <= {"ok", "info"}
    assert [one["check"] for one in told["findings"] if one["verdict"] == "ok" and one["help"]] == []
    assert list(tmp_path.iterdir()) == []  # it looked and left nothing


def test_a_failed_check_exits_1_with_what_to_type_and_the_report_is_data(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBNET_LOCAL_HOST", "192.0.2.1")  # reserved for documentation: no machine has it
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "fail  local address" in out
    assert "help: ip address" in out


def test_another_projects_validators_is_found_before_it_is_imported(tmp_path: Path) -> None:
    stranger = tmp_path / "site/validators/__init__.py"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("raise ImportError('a stranger was imported')")
    path = f"{stranger.parents[1]}{os.pathsep}{ROOT}"
    ran = subprocess.run(
        [sys.executable, "-m", "subnet", "doctor", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (1, "")
    found = {one["check"]: one for one in json.loads(ran.stdout)["findings"]}
    assert found["package validators"]["verdict"] == "fail"
    assert str(stranger.parent) in found["package validators"]["found"]
    assert "pip uninstall -y validators" in found["package validators"]["help"]
    assert found["package miners"]["verdict"] == "ok"


def test_a_distribution_that_installed_over_one_of_our_packages_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "validators-0.36.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: validators\nVersion: 0.36.0\n")
    (told / "RECORD").write_text("validators/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = of(list(packages()), "package validators")
    assert (found.verdict, found.found) == ("fail", "is also installed by validators")
    assert found.help.startswith("pip uninstall -y validators && pip install ")


def test_settings_that_cannot_be_read_fail_and_the_other_checks_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBNET_LOCAL_MINRS", "4")
    findings = examine(SystemClock())
    assert of(findings, "settings") == (
        "settings",
        "fail",
        "no setting is called SUBNET_LOCAL_MINRS",
        "did you mean: SUBNET_LOCAL_MINERS",
    )
    assert of(findings, "clock").verdict == "ok"


def test_a_port_that_is_taken_is_a_warning_since_it_may_be_our_own_miner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        found = port("127.0.0.1", number)
        assert (found.verdict, found.help) == ("warn", f"ss -ltnp 'sport = :{number}'")
    assert port("127.0.0.1", number).verdict == "ok"


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_this_machines_fails(host: str) -> None:
    assert address(host).verdict == "fail"
    assert port(host, 0).verdict == "fail"


def test_a_state_folder_is_tried_where_it_would_be_made_and_nothing_is_left(tmp_path: Path) -> None:
    assert state(tmp_path / "a/b").found.endswith("a/b can be made")
    assert state(tmp_path).found.endswith("can be written")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert state(tmp_path / "file").verdict == "fail"
    assert state(Path("/proc/subnet")).verdict == "fail"


def test_a_clock_that_is_set_or_absurd_is_found() -> None:
    clock = VirtualClock(start_ns=SystemClock().time_ns())
    wall, steady = clock.time_ns(), clock.monotonic()
    assert clocks(clock, wall, steady).verdict == "ok"
    clock.jump(3.0)
    jumped = clocks(clock, wall, steady)
    assert (jumped.verdict, jumped.found) == ("warn", "the wall clock was set by +3.0 s just now")
    reset = VirtualClock(start_ns=0)
    absurd = clocks(reset, 0, 0.0)
    assert (absurd.verdict, absurd.help) == ("fail", "timedatectl status")


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 11, 0), "ok"), ((3, 14, 1), "ok"), ((3, 10, 9), "fail"), ((2, 7, 18), "fail")]
)
def test_python_is_to_be_new_enough(version: tuple[int, ...], verdict: str) -> None:
    assert python(version).verdict == verdict


@pytest.mark.parametrize(
    ("requirement", "version", "verdict"),
    [
        ("planted>=3.14,<3.15", "3.14.5", "ok"),
        ("planted>=3.14,<3.15", "3.15.0", "fail"),
        ("planted>=3.14,<3.15", "3.9", "fail"),
        ("planted==2.13.0; sys_platform != 'win32'", "2.13.0+cpu", "ok"),
        ("planted<3,>=2.2", "3", "fail"),
        ("planted; extra == 'ml'", "1", None),
        ("absent>=1", "1", "fail"),
    ],
)
def test_a_dependency_is_to_be_there_in_a_version_we_know(
    requirement: str, version: str, verdict: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, told in (("subnet", f"Requires-Dist: {requirement}\n"), ("planted", "")):
        number = version if name == "planted" else "0.1.0"
        folder = tmp_path / f"{name}-{number}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n{told}")
    monkeypatch.syspath_prepend(tmp_path)
    assert [one.verdict for one in dependencies()] == ([verdict] if verdict else [])
