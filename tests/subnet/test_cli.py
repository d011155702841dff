# SPDX-License-Identifier: Apache-2.0
"""The command line as a shell sees it: what is data, what is a diagnostic, and what the exit code says."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import pytest
from cyclopts import Parameter

import subnet
from protocols.errors import CATALOGUE, BindFailed, UnknownSubnet
from subnet.cli import main
from subnet.cli.answer import Answer
from subnet.cli.app import COMMANDS, Command
from subnet.cli.explain import entries
from subnet.cli.page import rows, usage
from subnet.cli.signature import Signature
from subnet.settings import LocalSettings, Settings

Capture = pytest.CaptureFixture[str]


def serve(
    app: Path,
    more: int = 1,
    /,
    *,
    local: LocalSettings,
    settings: Settings,
    mode: Annotated[Literal["fast", "slow"], Parameter(help="How.")] = "fast",
    name: str | None = None,
) -> Answer:
    """Say what arrived."""
    told = {"app": str(app), "more": more, "mode": mode, "name": name}
    return Answer(f"{app}", told | {"miners": local.seed, "seen": settings.local.seed, "tempo": local.tempo})


def check(*, good: bool = False) -> Answer:
    """Find something, unless told that all is good."""
    return Answer("found", {"good": good}, good)


def count(upto: int, /) -> Generator[Answer, None, None]:
    """Count, one line at a time."""
    for number in range(1, upto + 1):
        yield Answer(f"{number}", {"number": number}, number != 13)


async def ask() -> Answer:
    """Wait a moment for the one answer."""
    await asyncio.sleep(0)
    return Answer("asked", {"asked": True})


async def follow() -> AsyncGenerator[Answer, None]:
    """Go on until stopped, and clean up then."""
    try:
        yield Answer("begun", {"event": "begun"})
        await asyncio.sleep(60)
    finally:
        sys.stderr.write("cleaned up\n")


async def crowd(*, broken: bool = False) -> Answer:
    """Fail in two tasks at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_fail(BindFailed("port 1 is taken")))
        group.create_task(_fail(OSError("a fault") if broken else UnknownSubnet("no subnet 7")))
    return Answer("never", None)


async def _fail(error: Exception) -> None:
    raise error


ROOT = Path(__file__).parents[2]
HERE = "tests.subnet.test_cli"
TABLE = {
    "serve": Command(f"{HERE}:serve", "serve APP [MORE] [OPTIONS]", "serve"),
    "check": Command(f"{HERE}:check", "check [OPTIONS]", "check"),
    "count": Command(f"{HERE}:count", "count UPTO", "count"),
    "ask": Command(f"{HERE}:ask", "ask", "ask"),
    "follow": Command(f"{HERE}:follow", "follow", "follow"),
    "crowd": Command(f"{HERE}:crowd", "crowd [OPTIONS]", "crowd"),
}


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without settings, for a user without any."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))


def signature(name: str, command: Command) -> Signature:
    """A command's signature, as the root finds it."""
    module, _, function = command.target.partition(":")
    return Signature(name, getattr(import_module(module), function))


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


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_each_command_what_its_signature_says(name: str) -> None:
    command = COMMANDS[name]
    assert usage(signature(name, command)) == command.usage


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_words_and_flags_is_explained(name: str, capsys: Capture) -> None:
    own = signature(name, COMMANDS[name])
    assert len(own.about) > 20
    assert [row["name"] for row in rows(own) if len(row["about"]) < 10] == []
    assert main([name.split()[0], *name.split()[1:], "--help", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == rows(own)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["config"]])
def test_what_only_lists_imports_no_command_and_no_parser(words: list[str]) -> None:
    program = f"import sys; from subnet.cli import main; main({words}); print(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    slow = {"asyncio", "cyclopts", "pydantic", "rich", *(command.target.split(":")[0] for command in COMMANDS.values())}
    assert slow.intersection(run.stderr.split()) == set()


def test_help_of_a_group_lists_its_commands_only(capsys: Capture) -> None:
    assert main(["config"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: subnet config COMMAND")
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("  config")] == [
        ["config", "show"],
        ["config", "path"],
        ["config", "init"],
    ]
    assert "doctor" not in out


def test_help_shows_flags_with_types_bounds_defaults_and_variables(capsys: Capture) -> None:
    assert main(["serve", "--help"], TABLE) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: subnet serve APP [MORE] [OPTIONS] [--json]\n\n  Say what arrived.\n")
    assert "--seed INT" in out
    assert "Blocks from one epoch to the next. (at least 1, at most 65535; default 20; SUBNET_LOCAL_TEMPO)" in out
    assert "--mode fast|slow" in out
    assert "How. (default fast)" in out


def test_words_and_flags_arrive_with_their_types_and_sections_resolved(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBNET_LOCAL_MINERS", "7")
    monkeypatch.setenv("SUBNET_LOCAL_TEMPO", "9")
    assert main(["serve", "app.py", "4", "--seed=5", "--mode", "slow", "--json"], TABLE) == 0
    told = {"app": "app.py", "more": 4, "mode": "slow", "name": None, "miners": 5, "seen": 5, "tempo": 9}
    assert json.loads(capsys.readouterr().out) == told


def test_words_after_a_double_dash_are_words_whatever_they_look_like(capsys: Capture) -> None:
    assert main(["serve", "--json", "--", "--json"], TABLE) == 0
    assert json.loads(capsys.readouterr().out)["app"] == "--json"
    assert main(["serve", "--", "--help"], TABLE) == 0
    assert capsys.readouterr().out == "--help\n"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("serve a --sed=4", "subnet serve has no option '--sed'", "did you mean: subnet serve --seed"),
        ("serve a --jsno", "subnet serve has no option '--jsno'", "did you mean: subnet serve --json"),
        ("serve a -x", "subnet serve has no option '-x'", "subnet serve --help"),
        ("serve a --seed=-1", "--seed must be greater than or equal to 0, got -1", "see docs/reference/settings.md"),
        ("serve a --seed two", "--seed must be a whole number, got 'two'", "subnet serve --help"),
        ("serve a --seed 2.5", "--seed must be a whole number, got '2.5'", "subnet serve --help"),
        ("count 1 2", "subnet count has no use for '2'", "subnet count --help"),
        ("serve a --block-time x", "--block-time must be a number, got 'x'", "subnet serve --help"),
        ("serve a --mode warp", "--mode must be one of fast, slow, got 'warp'", "subnet serve --help"),
        ("serve a b", "MORE must be a whole number, got 'b'", "subnet serve --help"),
        ("serve a --name", "subnet serve needs a value for --name", "subnet serve --help"),
        ("serve", "subnet serve needs a value for APP", "subnet serve --help"),
        ("serve a --name b --name c", "--name is given more than once, expected once", "subnet serve --help"),
        ("ask me", "subnet ask has no use for 'me'", "subnet ask --help"),
        ("serv a", "no command or option 'serv a'", "did you mean: subnet serve"),
    ],
)
def test_what_cannot_be_carried_out_is_named_and_answered_with_what_to_type(
    words: str, message: str, hint: str, capsys: Capture
) -> None:
    assert main([*words.split(), "--json"], TABLE) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {"code": "usage_error", "message": message, "help": hint}


@pytest.mark.parametrize(("words", "hint"), [("config shw", "config show"), ("confg show", "config show")])
def test_a_slip_in_either_word_of_a_command_is_understood(words: str, hint: str, capsys: Capture) -> None:
    assert main(words.split()) == 2
    assert f"did you mean: subnet {hint}\n" in capsys.readouterr().err


def test_an_answer_that_is_not_ok_is_printed_and_exits_1(capsys: Capture) -> None:
    assert main(["check"], TABLE) == 1
    assert main(["check", "--good"], TABLE) == 0
    assert capsys.readouterr() == ("found\nfound\n", "")


def test_what_is_streamed_is_a_line_each_and_a_document_each(capsys: Capture) -> None:
    assert main(["count", "3"], TABLE) == 0
    assert capsys.readouterr().out == "1\n2\n3\n"
    assert main(["count", "3", "--json"], TABLE) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"number": n} for n in (1, 2, 3)]
    assert main(["count", "14"], TABLE) == 1


def test_a_coroutine_is_awaited_for_its_answer(capsys: Capture) -> None:
    assert main(["ask"], TABLE) == 0
    assert capsys.readouterr().out == "asked\n"


def test_errors_of_several_tasks_are_each_reported_and_a_fault_among_them_keeps_its_traceback(capsys: Capture) -> None:
    assert main(["crowd"], TABLE) == 78  # of several, the one that starting it again would not mend
    out, err = capsys.readouterr()
    assert out == ""
    assert "error[bind_failed]: port 1 is taken" in err
    assert "error[unknown_subnet]: no subnet 7" in err
    with pytest.raises(ExceptionGroup):
        main(["crowd", "--broken"], TABLE)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_command_which_cleans_up_and_leaves_no_traceback(sent: signal.Signals, code: int) -> None:
    # Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
    heard = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program = f"{heard}from subnet.cli import main; from {HERE} import TABLE; sys.exit(main(['follow'], TABLE))"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"  # while it still runs: nothing is held back
        process.send_signal(sent)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "cleaned up\n")


def test_a_stream_whose_reader_leaves_is_closed_without_a_traceback() -> None:
    program = f"import sys; from subnet.cli import main; from {HERE} import TABLE; main(['count', '100000'], TABLE)"
    piped = ["bash", "-c", f'{sys.executable} -c "{program}" | head -1']
    run = subprocess.run(piped, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)
    assert (run.stdout, run.stderr) == ("1\n", "")
