# SPDX-License-Identifier: Apache-2.0
"""The container: built from what it names, run by nobody in particular, unable to change or read what it need not."""

from __future__ import annotations

import ast
import fnmatch
import http.server
import json
import re
import subprocess
import sys
import threading
from importlib import import_module
from typing import Any

import pytest

from subnet.settings import catalogue
from tests.docs.pages import ROOT

yaml: Any = import_module("yaml")

_FILE = (ROOT / "configs/docker/Dockerfile").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")


def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each in one line."""
    joined = "\n".join(line for line in _FILE.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(word, " ".join(rest)) for word, *rest in (line.split() for line in joined.splitlines() if line)]


def composed() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "configs/docker/compose.yaml").read_text(encoding="utf-8"))
    return found


def test_an_image_is_built_of_files_that_exist_and_are_let_in() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for word, rest in steps()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)
    assert "*" in ignored, "leave out whatever is not named"
    assert any(fnmatch.fnmatch("some/.env", line) for line in ignored)


def test_torch_comes_first_and_in_the_version_that_the_project_names() -> None:
    installs = [rest for word, rest in steps() if word == "RUN" and "pip install" in rest]
    script = re.search(r'"\$\((sed .+? pyproject\.toml)\)"', installs[0])
    assert script is not None
    named = subprocess.run(["sh", "-c", script[1]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"torch==[\d.]+\n", named)
    assert installs[1] == 'pip install ".[ml]"'


def test_an_image_runs_as_nobody_in_particular_and_stops_as_a_service_does() -> None:
    last = dict(steps())
    assert last["USER"] == composed()["services"]["miner"]["user"] == "10001:10001"
    assert last["FROM"].startswith("python:3.11-slim")
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"]) == ["subnet", "miner", "run", "text"]


def test_an_image_and_its_composition_set_only_variables_that_exist() -> None:
    known = {setting.variable for setting in catalogue().values()}
    said = set(re.findall(r"\b(SUBNET_\w+)=", " ".join(rest for word, rest in steps() if word == "ENV")))
    assert said
    assert said | set(composed()["services"]["miner"]["environment"]) <= known


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_health_is_what_readyz_says(status: int, healthy: bool) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    _, command = next(rest for word, rest in steps() if word == "HEALTHCHECK").split("CMD ")
    words = [sys.executable, *json.loads(command)[1:]]
    ast.parse(words[2])
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = {"SUBNET_MINER_PORT": str(server.server_port)}
        done = subprocess.run(words, env=port, capture_output=True, timeout=30, check=False)
        server.shutdown()
        thread.join()
    assert (done.returncode == 0) is healthy


@pytest.mark.parametrize("role", ["miner", "validator"])
def test_a_composed_service_can_change_nothing_but_its_state_and_sees_no_key_but_its_hotkey(role: str) -> None:
    service = composed()["services"][role]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    writable = [volume["target"] for volume in service["volumes"] if not volume.get("read_only")]
    assert writable == ["/var/lib/subnet/state"]
    (key,) = [volume for volume in service["volumes"] if volume.get("read_only")]
    assert key["target"].endswith("/wallets/default/hotkeys/default")
    assert "ports" not in composed()["services"]["prometheus"]
    assert int(service["stop_grace_period"].removesuffix("s")) > catalogue()["miner.drain"].default + 5
    assert service["command"][:2] == [role, "run"]
    known = {setting.variable for setting in catalogue().values()} | {"OPENBLAS_NUM_THREADS"}
    assert set(service["environment"]) <= known


def test_a_composed_miner_and_validator_share_no_state_and_the_validator_s_page_is_for_this_machine() -> None:
    services = composed()["services"]
    states = [volume["source"] for role in ("miner", "validator") for volume in services[role]["volumes"]]
    assert len({state for state in states if not state.startswith("$")}) == 2
    port = catalogue()["validator.port"].default
    assert services["validator"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/readyz" in services["validator"]["healthcheck"]["test"][-1]
    assert services["validator"]["profiles"] == ["validator"]


def test_what_only_an_operator_can_know_has_no_default() -> None:
    text = (ROOT / "configs/docker/compose.yaml").read_text(encoding="utf-8")
    needed = {found[1] for found in _VARIABLE.finditer(text) if ":?" in found[0]}
    assert needed == {"SUBNET_CHAIN_NETUID", "SUBNET_CHAIN_NETWORK", "SUBNET_HOTKEY_FILE", "SUBNET_MINER_PUBLISHED"}
