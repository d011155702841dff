# SPDX-License-Identifier: Apache-2.0
"""Run by a test as a program: starts the official `btcli` once, and a fork of it for every command it is told.

Nearly all of the seconds that a command takes go into imports and into putting together its eight hundred commands:
both are done before the first fork. A line of standard input holds a command's words and wallet; a line of standard
output answers with its exit status and what it wrote.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import cache
from typing import IO, NoReturn

from bittensor.cli.main import app, main
from typer import main as typer

__all__ = ["serve"]


def serve() -> None:
    """Answer commands until there are no more."""
    _put_together()
    for line in sys.stdin:
        command = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if child == 0:
                _become(command, out, err)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            answer = {"status": status, "out": _read(out), "err": _read(err)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _put_together() -> None:
    # `main` has its commands put together anew by this function of typer; a fork finds them made.
    typer.get_command = cache(typer.get_command)
    typer.get_command(app)


def _become(command: dict[str, list[str]], out: IO[str], err: IO[str]) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out.fileno(), 1), (err.fileno(), 2)):
        os.dup2(source, target)
    sys.argv = ["btcli", "--json", "--wallet", *command["wallet"], *command["words"]]
    status = 1
    try:
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    serve()
