# SPDX-License-Identifier: Apache-2.0
"""Keyfiles that were made once, so that a test pays for opening one (seconds, on purpose) and not for making it too."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from protocols.keys import Keypair
from subnet.wallet import PasswordSource

KEPT: Final[dict[str, str]] = json.loads(
    (Path(__file__).parents[2] / "data" / "wallet_keyfiles.json").read_text(encoding="utf-8")
)
PHRASE, PASSWORD, ADDRESS = KEPT["phrase"], KEPT["password"], KEPT["address"]


def saying(password: str) -> PasswordSource:
    """A source that has one answer."""
    return lambda _: SecretStr(password)


def never(path: Path) -> SecretStr:
    """A source that nobody should ask."""
    raise AssertionError(f"asked for the password of {path}")


def private(path: Path, data: bytes) -> Path:
    """A file of its owner's alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def keyfile(kind: str) -> bytes:
    """The coldkey as one format stores it: nacl, ansible_vault or fernet."""
    return base64.b64decode(KEPT[kind])


def phrase_key() -> Keypair:
    """The key of the phrase, as the protocol derives it."""
    return Keypair.from_mnemonic(PHRASE)
