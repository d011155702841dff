# SPDX-License-Identifier: Apache-2.0
"""The command line as a shell sees it: what is data, what is a diagnostic, and what the exit code says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import subnet
from protocols.errors import CATALOGUE
from subnet.cli import main
from subnet.cli.app import COMMANDS
from subnet.cli.explain import entries

Capture = pytest.CaptureFixture[str]


def test_the_version_is_printed_in_both_forms(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{subnet.__version__}\n"
    assert main(["--version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": subnet.__version__}


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(words: list[str], capsys: Capture) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(command.usage in out and command.summary in out for command in COMMANDS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_says_how_it_is_called(name: str, capsys: Capture) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: subnet {name}")


def test_explain_lists_every_code_with_its_meaning(capsys: Capture) -> None:
    assert main(["explain"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == sorted(CATALOGUE)
    assert main(["explain", "--json"]) == 0
    assert {row["code"] for row in json.loads(capsys.readouterr().out)} == set(CATALOGUE)


def test_no_error_is_without_a_meaning() -> None:
    assert not [entry.code for entry in entries() if len(entry.meaning) < 10]


@pytest.mark.parametrize("asked", ["stale_request", "StaleRequest"])
def test_explain_says_what_an_error_means_and_what_to_do(asked: str, capsys: Capture) -> None:
    cls = CATALOGUE["stale_request"]
    assert main(["explain", asked]) == 0
    out = capsys.readouterr().out
    assert (cls.__doc__ or "?") in out
    assert cls.advice in out
    assert "SubnetError > WireError > AuthError > StaleRequest" in out
    assert main(["explain", asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["status"], told["help"]) == (cls.code, cls.status, cls.advice)


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["explain", "stale-reqest"], "unknown_error_code", "did you mean: subnet explain stale_request"),
        (["explain", "xyzzy"], "unknown_error_code", "list the codes: subnet explain"),
        (["explain", "one", "two"], "usage_error", "subnet explain --help"),
        (["explian"], "usage_error", "did you mean: subnet explain"),
        (["--versoin"], "usage_error", "did you mean: subnet --version"),
        (["xyzzy"], "usage_error", "subnet --help"),
    ],
)
def test_what_is_mistyped_exits_2_with_a_hint_and_leaves_stdout_empty(
    words: list[str], code: str, hint: str, capsys: Capture
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error[{code}]: ")
    assert f"help: {hint}\n" in err
    assert main([*words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (json.loads(err)["code"], json.loads(err)["help"]) == (code, hint)


def test_a_reader_that_leaves_early_causes_no_traceback() -> None:
    # `true` is gone by the time there is something to write.
    piped = f"(sleep 0.2; {sys.executable} -m subnet explain) | true"
    run = subprocess.run(["bash", "-c", piped], check=True, capture_output=True, text=True, timeout=30)
    assert run.stderr == ""
