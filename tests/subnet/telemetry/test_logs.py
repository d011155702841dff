# SPDX-License-Identifier: Apache-2.0
"""Log lines: whole, readable by machines, free of secrets and of a stranger's own lines, and never waited for."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from subnet.telemetry import Writer, log_to

_LOG = logging.getLogger("miners.planted")
_KEY = "sk-ten-green-bottles"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    names = ("subnet", "miners", "validators", "protocols", "uvicorn", "uvicorn.error", "uvicorn.access")
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        if isinstance(handler, Writer):
            handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    logging.captureWarnings(False)


class Lines:
    """What is written to a stream."""

    def __init__(self, level: str = "debug", *, json: bool = True, secrets: tuple[str, ...] = ()) -> None:
        self.stream = io.StringIO()
        self.writer = log_to(self.stream, level=level, json=json, secrets=secrets)

    def text(self) -> str:
        """All of it so far."""
        self.writer.flush()
        return self.stream.getvalue()

    def objects(self) -> list[dict[str, Any]]:
        """The lines as a program reads them, to whom NaN is no number."""
        return [json.loads(line, parse_constant=pytest.fail) for line in self.text().splitlines()]


def test_a_line_is_one_json_object_with_what_happened_where_and_about_whom() -> None:
    lines = Lines()
    before = time.time()
    _LOG.info("answered %s", "Ask", extra={"request": "r-1", "seconds": float("nan"), "peer": Path("x")})
    (line,) = lines.objects()
    assert (line["event"], line["level"], line["logger"]) == ("answered Ask", "info", "miners.planted")
    assert (line["request"], line["seconds"]) == ("r-1", "nan")
    assert "x" in line["peer"]
    assert line["time"][:4] == time.strftime("%Y", time.gmtime(before))
    assert line["time"].endswith("Z")


def test_an_exception_is_inside_its_line() -> None:
    lines = Lines()
    try:
        raise ValueError("boom\nnext")
    except ValueError:
        _LOG.exception("it failed")
    (line,) = lines.objects()
    assert line["event"] == "it failed"
    assert "Traceback" in line["exception"]
    assert "ValueError: boom" in line["exception"]


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_no_secret_is_seen_wherever_it_stands(as_json: bool) -> None:
    lines = Lines(json=as_json, secrets=(_KEY, 'has "quotes"'))
    phrase = "legal winner thank year wave"
    _LOG.info("asking with %s", _KEY, extra={"api_key": "of-another", "mnemonic": phrase, "Password": "hunter22"})
    _LOG.info("connecting to wss://operator:letmein@node.example:443", extra={"header": "Bearer abcdef.ghi"})
    try:
        local_secret = "swordfish"  # what lies in a variable is nobody's business either
        raise ValueError(f'refused {_KEY} and has "quotes" ({len(local_secret)})')
    except ValueError:
        _LOG.exception("it failed")
    text = lines.text()
    for secret in (_KEY, "quotes", "of-another", phrase, "hunter22", "letmein", "abcdef", "operator:"):
        assert secret not in text.replace('has \\"quotes\\" ({len', ""), secret
    assert text.count("***") >= 6
    assert "node.example:443" in text


def test_a_stranger_cannot_write_a_line_of_his_own_nor_drive_the_terminal() -> None:
    lines = Lines(json=False)
    _LOG.info("route /a\n2026 [info] registered\x1b[2J", extra={"peer": "x\r\nforged"})
    text = lines.text()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert "\r" not in text


def test_other_packages_are_heard_from_warnings_up_and_a_malformed_request_is_worth_no_line() -> None:
    lines = Lines()
    logging.getLogger("somebody.else").info("chatter")
    logging.getLogger("somebody.else").warning("mind this")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    _LOG.debug("details")
    assert [line["event"] for line in lines.objects()] == ["mind this", "details"]


def test_the_level_holds_for_ours_and_a_library_s_warning_is_a_line_too() -> None:
    lines = Lines("warning")
    _LOG.info("not wanted")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log_to(lines.stream, level="warning", json=True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
        logging.getLogger().handlers[0].flush()
    (line,) = [json.loads(line) for line in lines.stream.getvalue().splitlines()]
    assert line["logger"] == "py.warnings"
    assert "old way" in line["event"]


def test_what_cannot_be_shown_costs_its_line_and_not_the_others() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise ValueError("no")

    lines = Lines()
    _LOG.info("one", extra={"about": Mute()})
    _LOG.info("two")
    first, second = lines.objects()
    assert "cannot be written: ValueError" in first["event"]
    assert second["event"] == "two"


def test_a_reader_who_stops_holds_nobody_and_learns_how_much_it_missed() -> None:
    reading, writing = os.pipe()
    heard: list[bytes] = []

    def hear() -> None:
        while data := os.read(reading, 1 << 16):
            heard.append(data)

    with os.fdopen(writing, "w") as stream:
        writer = log_to(stream, json=True)
        began = time.perf_counter()
        for at in range(20_000):
            _LOG.warning("line %d %s", at, "x" * 50)
        assert time.perf_counter() - began < 10.0
        assert writer.dropped > 5_000
        reader = threading.Thread(target=hear)
        reader.start()
        while b"log lines were lost" not in b"".join(heard):
            _LOG.warning("is anybody there")
            time.sleep(0.01)
        writer.close()
    reader.join()
    os.close(reading)


def test_a_process_ends_although_nobody_reads_and_loses_nothing_where_somebody_does() -> None:
    program = (
        "import logging, sys\nfrom subnet.telemetry import log_to\nlog_to(sys.stderr, json=True)\n"
        "for at in range({lines}): logging.getLogger('subnet.x').info('line %d %s', at, 'x' * 100)\n"
    )
    read = subprocess.run(
        [sys.executable, "-c", program.format(lines=500)], capture_output=True, text=True, timeout=30, check=True
    )
    assert [json.loads(line)["event"].split()[1] for line in read.stderr.splitlines()] == [str(at) for at in range(500)]
    with subprocess.Popen([sys.executable, "-c", program.format(lines=5000)], stderr=subprocess.PIPE) as unread:
        assert unread.wait(timeout=30) == 0
