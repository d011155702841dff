# SPDX-License-Identifier: Apache-2.0
"""The units for systemd: systemd accepts them, they are hardened, and how they end agrees with the programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from protocols.errors import Stuck, UsageError
from subnet.settings import catalogue
from tests.docs.pages import ROOT

ROLES = ("miner", "validator")
_HARDENED = {
    "CapabilityBoundingSet": "",
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "ReadOnlyPaths": "-/var/lib/subnet/.bittensor",
    "RestrictSUIDSGID": "yes",
    "UMask": "0077",
}

_KNOWN = frozenset(
    [
        "After",
        "AmbientCapabilities",
        "CacheDirectory",
        "CapabilityBoundingSet",
        "ConfigurationDirectory",
        "Description",
        "Environment",
        "EnvironmentFile",
        "ExecStart",
        "Group",
        "LimitNOFILE",
        "LockPersonality",
        "NoNewPrivileges",
        "PrivateDevices",
        "PrivateTmp",
        "ProtectClock",
        "ProtectControlGroups",
        "ProtectHome",
        "ProtectHostname",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "ProtectKernelTunables",
        "ProtectProc",
        "ProtectSystem",
        "ReadOnlyPaths",
        "RemoveIPC",
        "Restart",
        "RestartPreventExitStatus",
        "RestartSec",
        "RestrictAddressFamilies",
        "RestrictNamespaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "StartLimitIntervalSec",
        "StateDirectory",
        "StateDirectoryMode",
        "SuccessExitStatus",
        "SystemCallArchitectures",
        "SystemCallErrorNumber",
        "SystemCallFilter",
        "TimeoutStopSec",
        "Type",
        "UMask",
        "User",
        "WantedBy",
        "Wants",
        "WorkingDirectory",
    ]
)
"""Names that systemd.unit(5), systemd.service(5) and systemd.exec(5) have; a slip would only be ignored there."""


def unit_of(role: str) -> Path:
    """The unit of a role."""
    return ROOT / f"configs/systemd/subnet-{role}.service"


def options(role: str) -> dict[str, list[str]]:
    """What a unit says, by name."""
    found: dict[str, list[str]] = {}
    for line in unit_of(role).read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_unit_is_hardened_and_may_only_read_the_wallet(role: str) -> None:
    said = options(role)
    assert {name: said[name] for name in _HARDENED} == {name: [value] for name, value in _HARDENED.items()}
    assert said["User"] == ["subnet"]


@pytest.mark.parametrize("role", ROLES)
def test_the_unit_restarts_what_restarting_may_help_and_nothing_else(role: str) -> None:
    said = options(role)
    assert said["Restart"] == ["on-failure"]
    assert said["SuccessExitStatus"] == ["143"]
    assert said["RestartPreventExitStatus"] == [f"{UsageError.exit_code} 78"]
    assert Stuck.exit_code not in map(int, said["RestartPreventExitStatus"][0].split())
    assert float(said["TimeoutStopSec"][0]) > catalogue()["miner.drain"].default + 5.0


@pytest.mark.parametrize("role", ROLES)
def test_the_unit_sets_only_variables_that_exist_and_runs_a_command_that_exists(role: str) -> None:
    variables = {line.partition("=")[0] for line in options(role)["Environment"]}
    ours = {name for name in variables if name.startswith("SUBNET_")}
    assert ours <= {setting.variable for setting in catalogue().values()}
    command = options(role)["ExecStart"][0].split()
    assert command[1] == role
    words = [sys.executable, "-m", "subnet", *command[1:3], "--help"]
    assert subprocess.run(words, capture_output=True, timeout=30, check=False).returncode == 0


@pytest.mark.parametrize("role", ROLES)
def test_the_unit_has_no_name_that_systemd_would_ignore(role: str) -> None:
    assert set(options(role)) <= _KNOWN


@pytest.mark.parametrize("role", ROLES)
def test_systemd_accepts_the_unit_and_finds_it_little_exposed_where_it_is_there_to_judge(
    role: str, tmp_path: Path
) -> None:
    if shutil.which("systemd-analyze") is None:  # no package of this project could bring it; the names are tested above
        return
    text = unit_of(role).read_text(encoding="utf-8").replace("/opt/subnet/bin/subnet", f"{sys.executable} -m subnet")
    unit = tmp_path / unit_of(role).name
    unit.write_text(text, encoding="utf-8")
    for words in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=20"]):
        judged = subprocess.run(
            ["systemd-analyze", *words, str(unit)], capture_output=True, text=True, timeout=30, check=False
        )
        assert judged.returncode == 0, judged.stdout + judged.stderr
    unit.write_text(text.replace("ProtectSystem=strict", "ProtectSistem=strict"), encoding="utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    assert "ProtectSistem" in subprocess.run(verify, capture_output=True, text=True, timeout=30, check=False).stderr
