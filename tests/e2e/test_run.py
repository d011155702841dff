# SPDX-License-Identifier: Apache-2.0
"""`subnet run` as its reader sees it: a table that stays in place, plain lines in a pipe, and an end when asked."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil
import pytest

from subnet.cli.answer import Answer
from subnet.cli.app import Command
from tests.e2e.terminal import PRELUDE, ROOT, Terminal

HERE = "tests.e2e.test_run"
QUICK = ["--block-time", "0.1", "--rpc-port", "0", "--model", "toy"]  # epochs of two seconds, and nothing to load
HEAD = ["uid", "role", "quality", "incentive", "dividends", "trust", "emission", "earned"]


async def slow() -> AsyncGenerator[Answer, None]:
    """A command that takes its time to close."""
    try:
        yield Answer("begun", "begun")
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(60)


TABLE = {"slow": Command(f"{HERE}:slow", "slow", "close slowly")}


def program(*words: str, table: str = "") -> str:
    """A program that runs one command line."""
    return f"from subnet.cli import main; {table}sys.exit(main({list(words)!r}{', TABLE' if table else ''}))"


def rows(lines: list[str]) -> dict[str, list[str]]:
    """The words of each participant's line, by its name."""
    split = [line.split() for line in lines]
    return {words[1]: words for words in split if len(words) > 1 and words[0].isdigit()}


def ports(pid: int) -> set[int]:
    """Where a process listens."""
    return {
        place.laddr.port for place in psutil.Process(pid).net_connections("tcp") if place.status == psutil.CONN_LISTEN
    }


def is_free(port: int) -> bool:
    """Whether anybody could listen there."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past connections may linger
        tried.bind(("127.0.0.1", port))
        return True


def is_paid(lines: list[str]) -> bool:
    """Whether the screen shows what an epoch paid."""
    return len(rows(lines).get("good-1", [])) > 3


@pytest.mark.timeout(90)
@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_shows_one_table_in_place_and_keeps_its_last_state(columns: int) -> None:
    with Terminal(program("run", "text", "--epochs", "3", *QUICK), columns) as terminal:
        terminal.wait(lambda lines: "starting" in lines[0])
        terminal.wait(lambda lines: len(rows(lines)) == 11)
        assert "epoch 1  block" in terminal.lines[0]
        assert "next epoch in" in terminal.lines[0]
        assert terminal.lines[1] == "Ctrl-C stops it"
        assert re.fullmatch(r"chain: ws://127\.0\.0\.1:\d+", terminal.lines[2])
        assert terminal.lines[3].split() == HEAD
        terminal.wait(is_paid)
        assert terminal.finish() == 0
        seen = terminal.lines
    assert "epoch 4  block" in seen[0]
    assert seen[1:3] == ["stopped", seen[2]]
    assert sum(line.split() == HEAD for line in seen) == 1  # drawn in place, not one below the other
    assert list(rows(seen))[-3:] == ["honest-1", "honest-2", "honest-3"]
    assert all(len(words) == 6 for words in rows(seen).values()), "a number is missing or cut"
    assert float(rows(seen)["good-2"][3]) > float(rows(seen)["silent-1"][3]) == 0.0
    assert terminal.has_cursor


@pytest.mark.timeout(90)
def test_a_terminal_that_is_too_small_says_what_it_leaves_out_and_in_the_end_shows_every_row() -> None:
    with Terminal(program("run", "text", "--epochs", "1", *QUICK), columns=52, lines=12) as terminal:
        terminal.wait(lambda lines: len(rows(lines)) > 3)
        assert "too narrow for: dividends, trust, earned" in " ".join(terminal.lines[1:3])
        assert "more, for which this terminal is too low" in terminal.lines[-1]
        assert terminal.finish() == 0
        assert "…" not in terminal.raw.decode()
        assert rows(terminal.lines).keys() >= {"honest-1", "honest-2", "honest-3"}


@pytest.mark.timeout(90)
def test_a_terminal_that_cannot_move_its_cursor_and_one_that_json_was_asked_on_get_plain_lines() -> None:
    with Terminal(program("run", "text", "--epochs", "1", *QUICK), 100, 40, {"TERM": "dumb"}) as terminal:
        assert terminal.finish() == 0
        assert b"\x1b" not in terminal.raw
        assert terminal.lines[0].startswith("text@1  epoch 2  block")
    with Terminal(program("run", "text", "--epochs", "2", "--json", *QUICK)) as terminal:
        assert terminal.finish() == 0
        told = [json.loads(line) for line in terminal.raw.splitlines()]
        assert [one["epoch"] for one in told] == [2, 3]
        assert all(re.fullmatch(r"ws://127\.0\.0\.1:\d+", one["endpoint"]) for one in told)


@pytest.mark.timeout(90)
def test_ctrl_c_on_a_terminal_ends_the_network_promptly_and_leaves_the_last_table() -> None:
    with Terminal(program("run", "text", *QUICK)) as terminal:
        terminal.wait(is_paid)
        process = psutil.Process(terminal.process.pid)
        listening, children = ports(process.pid), process.children(recursive=True)
        began = time.monotonic()
        terminal.press(b"\x03")
        assert terminal.finish() == 130
        assert time.monotonic() - began < 3
        assert terminal.lines[1] == "stopped"
        assert len(rows(terminal.lines)) == 11
        assert terminal.has_cursor
        assert b"Traceback" not in terminal.raw
        assert b"^C" not in "\n".join(terminal.lines).encode()
    assert len(listening) == 9  # eight miners, and the chain
    assert all(is_free(port) for port in listening)
    assert not psutil.wait_procs(children, timeout=1)[1]


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_network_in_a_pipe_after_a_whole_table_and_without_a_word(
    sent: signal.Signals, code: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PRELUDE + program("run", "text", *QUICK)]
    written = tmp_path / "out"
    with written.open("w") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.PIPE) as process:
        while not written.read_text():
            time.sleep(0.05)
        listening, began = ports(process.pid), time.monotonic()
        process.send_signal(sent)
        _, err = process.communicate(timeout=30)
        took = time.monotonic() - began
    assert (process.returncode, err) == (code, b"")
    assert took < 3
    tables = written.read_text().split("\n\n")
    assert tables.pop() == "", "the last table is cut off"
    assert all(table.startswith("text@1  epoch ") and len(rows(table.splitlines())) == 11 for table in tables)
    assert all(is_free(port) for port in listening)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_what_closes_slowly_at_once(sent: signal.Signals) -> None:
    table = f"from {HERE} import TABLE; "
    command = [sys.executable, "-c", PRELUDE + program("slow", table=table)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(sent)
        _, err = process.communicate(timeout=3)
    assert (process.returncode, err) == (128 + sent, "")
