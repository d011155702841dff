# SPDX-License-Identifier: Apache-2.0
"""A password comes from where its owner said, and its absence is an error that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from protocols.errors import KeyfileExposed, PasswordMissing, UsageError
from subnet.wallet import environment, file, source
from tests.subnet.wallet.kept import private

KEY = Path("w/coldkey")
ASK = """
import sys
from pathlib import Path
from protocols.errors import SubnetError
from subnet.wallet import source, chosen
try:
    sys.stdout.write(source(sys.argv[1], chosen)(Path("w/coldkey")).get_secret_value())
except SubnetError as error:
    sys.stdout.write(error.render())
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has set nothing."""
    for name in ("BT_WALLET_PASSWORD", "BT_WALLET_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


def asked(typed: str | None, word: str = "prompt") -> str:
    """What a program gets from a person who types this at a terminal, or from nobody where there is none."""
    ours, theirs = os.openpty()
    stdin = subprocess.DEVNULL if typed is None else theirs
    command = [sys.executable, "-c", ASK, word]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as program:
        os.close(theirs)
        typing = threading.Timer(0.0, _type, (program, ours, (typed or "").splitlines()))
        typing.start()
        assert program.stdout is not None
        told = program.stdout.read()
        typing.join()
    os.close(ours)
    return told


def _type(program: subprocess.Popen[str], terminal: int, lines: list[str]) -> None:
    assert program.stderr is not None
    for line in lines:
        # A prompt ends with a colon and a space; what is typed before it is thrown away.
        while program.stderr.read(1) not in (":", ""):
            continue
        program.stderr.read(1)
        os.write(terminal, f"{line}\n".encode())


def test_a_new_password_is_asked_for_twice() -> None:
    assert asked("horse\nhorse") == "horse"
    assert "are not the same" in asked("horse\nhoarse")


def test_without_a_terminal_nobody_is_asked() -> None:
    told = asked(None)
    assert told.startswith("error[password_missing]: w/coldkey shall be encrypted, and there is no terminal")
    assert "BT_WALLET_PASSWORD" in told


def test_the_variables_of_the_official_tools_come_before_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = private(tmp_path / "password", b"from a file\n")
    monkeypatch.setenv("BT_WALLET_PASSWORD_FILE", str(kept))
    assert source("usual")(KEY).get_secret_value() == "from a file"
    monkeypatch.setenv("BT_WALLET_PASSWORD", "from a variable")
    assert source("usual")(KEY).get_secret_value() == "from a variable"


def test_a_variable_that_the_official_tools_did_not_write_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BT_PW_W_COLDKEY", "not scrambled!")
    with pytest.raises(PasswordMissing, match="BT_PW_W_COLDKEY") as found:
        source("usual")(KEY)
    assert "not scrambled!" not in str(found.value)


def test_an_empty_source_is_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    for empty in (environment("EMPTY"), environment("NOT_SET"), file(private(tmp_path / "p", b" \n"))):
        with pytest.raises(PasswordMissing):
            empty(KEY)


def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    private(tmp_path / "p", b"horse").chmod(0o644)
    with pytest.raises(KeyfileExposed):
        source(f"file:{tmp_path / 'p'}")(KEY)


@pytest.mark.parametrize("word", ["", "horse", "env:", "file:", "prompt:horse", "keyring:horse", "pass:horse"])
def test_a_secret_in_place_of_its_source_is_refused_and_not_repeated(word: str) -> None:
    with pytest.raises(UsageError) as found:
        source(word)
    assert "horse" not in f"{found.value} {found.value.help}"


def test_a_missing_keyring_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(PasswordMissing) as found:
        source("keyring")(KEY)
    assert found.value.help == "pip install keyring"
