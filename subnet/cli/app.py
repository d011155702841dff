# SPDX-License-Identifier: Apache-2.0
"""The root of the command line: finds the command, prints its answers, turns what it raises into an exit code.

It knows the commands by name and import path only, so that `--help` and `--version` cost nothing. A command is a
function whose signature is its command line (see `subnet.cli.signature`); it returns an `Answer`, or yields them while
it works, plainly or as a coroutine, and fails by raising a `SubnetError`, as everything else here does.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from protocols.errors import SubnetError, UsageError
from subnet.cli.answer import Answer
from subnet.cli.output import Json, Output, ReaderGone, Text

__all__ = ["COMMANDS", "Command", "main"]

FAILED, INTERRUPTED = 1, 130


class Command(NamedTuple):
    """Where a command lives (`module:function`), how it is called and what it does, in a line each."""

    target: str
    usage: str
    summary: str


COMMANDS = {
    "new": Command("subnet.cli.new:run", "new NAME [OPTIONS]", "make a project to begin with"),
    "check": Command("subnet.cli.check:run", "check APP [OPTIONS]", "try whether a definition is sound"),
    "run": Command("subnet.cli.run:run", "run [APP] [OPTIONS]", "run a whole network on this machine"),
    "simulate": Command("subnet.cli.simulate:run", "simulate [APP] [OPTIONS]", "judge what each attack would earn"),
    "miner run": Command("subnet.cli.miner:run", "miner run [APP] [OPTIONS]", "serve a subnet's queries with a model"),
    "miner status": Command("subnet.cli.miner:status", "miner status [URL]", "look at a miner that runs"),
    "miner register": Command(
        "subnet.cli.miner:register", "miner register [OPTIONS]", "buy a place for a hotkey on a subnet"
    ),
    "validator run": Command(
        "subnet.cli.validator:run", "validator run [APP] [OPTIONS]", "measure a subnet's miners and set weights"
    ),
    "validator status": Command(
        "subnet.cli.validator:status", "validator status [URL]", "look at a validator that runs"
    ),
    "validator explain": Command(
        "subnet.cli.account:explain", "validator explain [HOTKEY] [OPTIONS]", "show where a miner's weight came from"
    ),
    "validator verify": Command(
        "subnet.cli.account:verify", "validator verify FILE", "check the signed answers behind a weight"
    ),
    "gateway run": Command(
        "subnet.cli.gateway:run", "gateway run [APP] [OPTIONS]", "serve users with a subnet's miners, and judge them"
    ),
    "gateway key add": Command(
        "subnet.cli.gateway:add", "gateway key add NAME [OPTIONS]", "make an API key for a user"
    ),
    "gateway key list": Command("subnet.cli.gateway:listing", "gateway key list [OPTIONS]", "print who has a key"),
    "gateway key revoke": Command(
        "subnet.cli.gateway:revoke", "gateway key revoke NAME [OPTIONS]", "make an API key worth nothing"
    ),
    "chain up": Command("subnet.cli.chain:up", "chain up [OPTIONS]", "start a chain on this machine"),
    "chain accounts": Command("subnet.cli.chain:accounts", "chain accounts [OPTIONS]", "print who has money on it"),
    "chain status": Command("subnet.cli.chain:status", "chain status [URL]", "print which chain a node has"),
    "chain dump": Command("subnet.cli.chain:dump", "chain dump FILE [OPTIONS]", "write a chain's state to a file"),
    "chain load": Command("subnet.cli.chain:load", "chain load FILE [OPTIONS]", "give a chain a written state"),
    "config show": Command("subnet.cli.config:show", "config show [OPTIONS]", "print every setting that holds here"),
    "config path": Command("subnet.cli.config:path", "config path", "print which files settings are read from"),
    "config init": Command("subnet.cli.config:init", "config init", "write a subnet.toml that explains every setting"),
    "wallet create": Command(
        "subnet.cli.wallet:create", "wallet create [NAME] [OPTIONS]", "make a coldkey and a hotkey"
    ),
    "wallet hotkey": Command("subnet.cli.wallet:hotkey", "wallet hotkey HOTKEY [OPTIONS]", "make one more hotkey"),
    "wallet import": Command(
        "subnet.cli.wallet:restore", "wallet import [NAME] [OPTIONS]", "make a key from its phrase"
    ),
    "wallet list": Command("subnet.cli.wallet:listing", "wallet list [OPTIONS]", "list the wallets on this machine"),
    "wallet show": Command("subnet.cli.wallet:show", "wallet show [NAME] [OPTIONS]", "print the addresses of a wallet"),
    "doctor": Command("subnet.cli.doctor:run", "doctor", "look for what would keep a network from running here"),
    "explain": Command(
        "subnet.cli.explain:run", "explain [CODE]", "say what an error code means and what to do about it"
    ),
}

OPTIONS = {
    "--version": "print the version",
    "--help": "print this; after a command, how to call it",
    "--json": "print data, and errors, as JSON",
}


def main(argv: Sequence[str] | None = None, commands: Mapping[str, Command] = COMMANDS) -> int:
    """Run one command line and return its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    # What follows `--` is meant for the command, whatever it looks like.
    end = given.index("--") if "--" in given else len(given)
    words = [word for word in given[:end] if word != "--json"] + given[end:]
    output: Output = Json() if len(words) < len(given) else Text()
    try:
        return _perform(words, commands, output)
    except SubnetError as error:
        return _failed([error], output)
    except ExceptionGroup as group:
        errors = _expected(group)
        if not errors:
            raise
        return _failed(errors, output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except ReaderGone:
        # Without this the interpreter complains again while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _failed(errors: Sequence[SubnetError], output: Output) -> int:
    for error in errors:
        output.error(error)
    # What was typed is the reason only where nothing else went wrong.
    return max((error.exit_code for error in errors), key=lambda code: (code != UsageError.exit_code, code))


def _perform(words: list[str], commands: Mapping[str, Command], output: Output) -> int:
    match words:
        case [] | ["-h" | "--help"]:
            output.whole(_help("", commands))
            return 0
        case ["-V" | "--version"]:
            output.whole(_version())
            return 0
    for size in (3, 2, 1):
        name = " ".join(words[:size])
        if name in commands:
            return _run(name, commands[name], words[size:], output)
    group = words[:-1] if words[-1] in ("-h", "--help") else words
    within = {name: command for name, command in commands.items() if name.split()[: len(group)] == group}
    if within:
        output.whole(_help(f"{' '.join(group)} ", within))
        return 0
    raise _unknown(words, commands)


def _run(name: str, command: Command, words: list[str], output: Output) -> int:
    from subnet.cli.drive import drive
    from subnet.cli.signature import Signature

    module, _, function = command.target.partition(":")
    signature = Signature(name, getattr(import_module(module), function))
    own = words[: words.index("--")] if "--" in words else words
    if "-h" in own or "--help" in own:
        from subnet.cli.page import page

        output.whole(page(command, signature))
        return 0
    return drive(signature.call(words), output)


def _unknown(words: list[str], commands: Mapping[str, Command]) -> UsageError:
    groups = {name.split()[0] for name in commands}
    near = difflib.get_close_matches(" ".join(words[:2]), [*commands, *OPTIONS], n=1)
    near = near or difflib.get_close_matches(words[0], [*groups, *commands, *OPTIONS], n=1)
    advice = f"did you mean: subnet {near[0]}" if near else None
    return UsageError(f"no command or option {' '.join(words)!r}", help=advice)


def _expected(group: ExceptionGroup[Exception]) -> list[SubnetError]:
    """What the tasks of a group raised, if all of it is ours: a stranger among them is a fault and keeps its trace."""
    _, strangers = group.split(SubnetError)
    return [] if strangers else list(_leaves(group))


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[SubnetError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        elif isinstance(error, SubnetError):
            yield error


def _help(group: str, commands: Mapping[str, Command]) -> Answer:
    options = {option: text for option, text in OPTIONS.items() if not group or option != "--version"}
    rows = {command.usage: command.summary for command in commands.values()} | options
    width = max(map(len, rows))
    lines = [f"usage: subnet {group}COMMAND [--json]", ""]
    return Answer("\n".join([*lines, *(f"  {usage:{width}}  {text}" for usage, text in rows.items())]), rows)


def _version() -> Answer:
    from subnet import __version__

    return Answer(__version__, {"version": __version__})
