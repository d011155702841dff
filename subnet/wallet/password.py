# SPDX-License-Identifier: Apache-2.0
"""Where a password or a phrase comes from: a terminal, the environment, a file or the system's keyring, never argv.

What stands in argv is in the shell's history and in every other user's list of processes, so there is no way to pass
a secret there. Sources are named by a word (`prompt`, `env:NAME`, `file:PATH`, `keyring`); the variables are those of
the official tools, so that a machine set up for them is set up for us.
"""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

import bittensor_core as native
from pydantic import SecretStr

from protocols.errors import PasswordMissing, UsageError
from subnet.wallet.files import read_private

__all__ = ["PasswordSource", "chosen", "environment", "file", "keyring", "phrase", "prompt", "source", "usual"]

PasswordSource: TypeAlias = Callable[[Path], SecretStr]
"""Returns the password of the keyfile at a path, or raises `PasswordMissing`."""

_VARIABLE: Final = "BT_WALLET_PASSWORD"
_FILE_VARIABLE: Final = "BT_WALLET_PASSWORD_FILE"
_SERVICE: Final = "subnet"


def prompt(path: Path) -> SecretStr:
    """Ask at the terminal for the password of a keyfile; nothing is echoed."""
    return _asked(f"Password of {path}: ", f"{path} is encrypted")


def chosen(path: Path) -> SecretStr:
    """Ask at the terminal, twice, for the password that a new keyfile shall have."""
    first = _asked(f"New password for {path}: ", f"{path} shall be encrypted")
    if _asked("The same again: ", f"{path} shall be encrypted") != first:
        raise PasswordMissing("the two passwords are not the same", help="try again")
    return first


def phrase(path: Path) -> SecretStr:
    """Ask at the terminal for the phrase, or the 0x-seed, of a key; nothing is echoed."""
    advice = "name where it comes from: --phrase-from env:NAME or file:PATH"
    return _asked(f"Phrase for {path}: ", f"{path} is made from a phrase", advice)


def environment(variable: str) -> PasswordSource:
    """Take what a variable of the environment holds."""

    def read(_: Path) -> SecretStr:
        return _present(SecretStr(os.environ.get(variable, "")), f"the variable {variable} is not set")

    return read


def file(path: Path) -> PasswordSource:
    """Take what a file holds, without the white space around it; the file must be its owner's alone."""

    def read(_: Path) -> SecretStr:
        text = SecretStr(read_private(path.expanduser()).get_secret_value().decode(errors="replace").strip())
        return _present(text, f"{path} is empty")

    return read


def keyring(path: Path) -> SecretStr:
    """Take what the system's keyring holds for a keyfile, under the service `subnet` and the file's path."""
    try:
        ring = import_module("keyring")
    except ImportError:
        raise PasswordMissing("the package keyring is not installed", help="pip install keyring") from None
    account = str(path.absolute())
    held = SecretStr(ring.get_password(_SERVICE, account) or "")
    return _present(held, f"the keyring holds nothing for {account}", f"keyring set {_SERVICE} {account}")


def usual(path: Path, ask: PasswordSource = prompt) -> SecretStr:
    """Take what the variables of the official tools say, in their order, and ask where none is set."""
    if os.environ.get(_VARIABLE):
        return environment(_VARIABLE)(path)
    own = f"BT_PW_{str(path).replace(os.sep, '_').replace('.', '_').upper()}"
    if kept := _unscrambled(own):
        return kept
    if named := os.environ.get(_FILE_VARIABLE):
        return file(Path(named))(path)
    return ask(path)


def source(word: str, ask: PasswordSource = prompt) -> PasswordSource:
    """Read the name of a source: `prompt`, `env:NAME`, `file:PATH`, `keyring`, or `usual`."""
    kind, _, name = word.partition(":")
    match kind, name:
        case "usual", "":
            return lambda path: usual(path, ask)
        case "prompt", "":
            return ask
        case "keyring", "":
            return keyring
        case "env", str(name) if name:
            return environment(name)
        case "file", str(name) if name:
            return file(Path(name))
    # The word is not shown: somebody may have typed the secret itself.
    raise UsageError(
        "that is no source of a secret",
        help="name one: usual, prompt, env:NAME, file:PATH or keyring; never the secret",
    )


def _unscrambled(variable: str) -> SecretStr:
    """What the official tools keep in a variable, scrambled against a glance and no more; empty if nothing."""
    try:
        return SecretStr(native.get_password_from_environment(variable) or "")
    except (native.KeyfileError, ValueError):
        raise PasswordMissing(f"the variable {variable} holds no password as the official tools store it") from None


def _asked(question: str, purpose: str, advice: str | None = None) -> SecretStr:
    missing = f"{purpose}, and there is no terminal to ask at"
    with warnings.catch_warnings():
        # Without a terminal getpass would warn, and then read and echo whatever stdin holds.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            answer = SecretStr(getpass.getpass(question))
        except (getpass.GetPassWarning, EOFError, OSError):
            raise PasswordMissing(missing, help=advice) from None
    return _present(answer, "nothing was typed", advice)


def _present(secret: SecretStr, missing: str, advice: str | None = None) -> SecretStr:
    if not secret.get_secret_value():
        raise PasswordMissing(missing, help=advice)
    return secret
