# SPDX-License-Identifier: Apache-2.0
"""A wallet as the official tools lay it out: a folder with a coldkey, its address, and hotkeys.

    ~/.bittensor/wallets/NAME/coldkey           encrypted; owns what there is, needed to move it
                              coldkeypub.txt    its address
                              hotkeys/HOTKEY    plain; signs for a miner or validator
                              hotkeys/HOTKEYpub.txt

What a service needs is `Wallet.open(name, hotkey).hotkey()`: it opens the hotkey's file and no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import SecretStr

from protocols.errors import KeyfileDamaged, KeyfileExists, KeyfileMissing, PasswordMissing, WalletError
from protocols.keys import Keypair, Scheme, generate_mnemonic, short
from protocols.types import Coldkey, Hotkey, Ss58
from subnet.wallet.files import MARK
from subnet.wallet.keyfile import Keyfile
from subnet.wallet.password import PasswordSource

__all__ = ["FOLDER", "Listed", "Phrases", "Wallet", "list_wallets"]

FOLDER: Final = Path("~/.bittensor/wallets")
"""Where the official tools keep wallets."""

_PUBLIC: Final = "pub.txt"
_NAME: Final = re.compile(r"[^./\\\s\x00-\x1f-][^/\\\x00-\x1f]{0,99}")


class Phrases(NamedTuple):
    """The words from which a new wallet's keys can be made again."""

    coldkey: SecretStr
    hotkey: SecretStr


class Listed(NamedTuple):
    """A wallet in a list: its addresses, None where a file does not tell, and the files that cannot be used."""

    name: str
    coldkey: Coldkey | None
    hotkeys: dict[str, Hotkey | None]
    problems: tuple[WalletError, ...]


@dataclass(frozen=True, slots=True)
class Wallet:
    """One coldkey's folder, and one of the hotkeys in it; nothing is read until it is asked for."""

    name: str
    hotkey_name: str
    folder: Path

    @classmethod
    def open(cls, name: str = "default", hotkey: str = "default", path: Path | None = None) -> Wallet:
        """Name a wallet and a hotkey below `path`, by default the folder of the official tools."""
        if not _NAME.fullmatch(name):
            raise WalletError(f"{name!r} is no name for a wallet", help="use letters, digits, - and _")
        if not _NAME.fullmatch(hotkey) or hotkey.endswith((MARK, _PUBLIC)):
            raise WalletError(f"{hotkey!r} is no name for a hotkey", help="use letters, digits, - and _")
        return cls(name, hotkey, (path or FOLDER).expanduser() / name)

    @property
    def coldkey_file(self) -> Keyfile:
        """The file of the coldkey."""
        return Keyfile(self.folder / "coldkey")

    @property
    def hotkey_file(self) -> Keyfile:
        """The file of the hotkey."""
        return Keyfile(self.folder / "hotkeys" / self.hotkey_name)

    def hotkey(self, password: PasswordSource | None = None) -> Keypair:
        """Load the hotkey: all that a miner or a validator needs, and may have."""
        self._expect(self.hotkey_file)
        return self.hotkey_file.key(password)

    def hotkeypub(self) -> Hotkey:
        """Read the hotkey's address."""
        self._expect(self.hotkey_file)
        # The key itself cannot be out of date; the file beside it is asked only where the key is encrypted.
        is_hidden = self.hotkey_file.encryption() != "plain" and self._hotkeypub_file.path.exists()
        told = self._hotkeypub_file if is_hidden else self.hotkey_file
        return Ss58(told.public().ss58_address)

    def coldkey(self, password: PasswordSource) -> Keypair:
        """Unlock the coldkey, to sign one thing that moves value; no running service calls this."""
        self._expect(self.coldkey_file)
        key = self.coldkey_file.key(password)
        # Whoever exchanges the address that this wallet shows has its owner's funds sent to himself.
        if self._coldkeypub_file.path.exists() and (shown := self.coldkeypub()) != key.ss58_address:
            raise KeyfileDamaged(
                f"{self._coldkeypub_file.path} says {short(shown)}, the coldkey beside it is {short(key.ss58_address)}",
                help=f"find out who changed it; if all is well: rm {self._coldkeypub_file.path}",
            )
        return key

    def coldkeypub(self) -> Coldkey:
        """Read the coldkey's address; no password is needed."""
        self._expect(self._coldkeypub_file)
        return Ss58(self._coldkeypub_file.public().ss58_address)

    def create(self, password: PasswordSource | None, *, words: int = 12, overwrite: bool = False) -> Phrases:
        """Make a new coldkey and a new hotkey, or neither where one of them is there already."""
        self._expect_free(overwrite, self.hotkey_file, self._hotkeypub_file)
        # The coldkey first: where no password is to be had, nothing is made.
        coldkey = self.create_coldkey(password, words=words, overwrite=overwrite)
        return Phrases(coldkey, self.create_hotkey(words=words, overwrite=overwrite))

    def create_coldkey(self, password: PasswordSource | None, *, words: int = 12, overwrite: bool = False) -> SecretStr:
        """Make a new coldkey, encrypted unless the source of its password is None, and return its phrase."""
        phrase = SecretStr(generate_mnemonic(words))
        self.import_coldkey(phrase, password, overwrite=overwrite)
        return phrase

    def create_hotkey(self, *, words: int = 12, overwrite: bool = False) -> SecretStr:
        """Make a new hotkey, plain so that a service can start by itself, and return its phrase."""
        phrase = SecretStr(generate_mnemonic(words))
        self.import_hotkey(phrase, overwrite=overwrite)
        return phrase

    def import_coldkey(
        self,
        secret: SecretStr,
        password: PasswordSource | None,
        *,
        scheme: Scheme = "sr25519",
        overwrite: bool = False,
    ) -> Coldkey:
        """Write the coldkey of a phrase, a 0x-seed or a secret URI, and its address beside it."""
        public = self._coldkeypub_file
        self._expect_free(overwrite, self.coldkey_file, public)
        key = self.coldkey_file.write(secret, password, scheme=scheme, overwrite=overwrite)
        public.write_public(key, overwrite=overwrite)
        return Ss58(key.ss58_address)

    def import_hotkey(self, secret: SecretStr, *, scheme: Scheme = "sr25519", overwrite: bool = False) -> Hotkey:
        """Write the hotkey of a phrase, a 0x-seed or a secret URI, and its address beside it."""
        public = self._hotkeypub_file
        self._expect_free(overwrite, self.hotkey_file, public)
        key = self.hotkey_file.write(secret, None, scheme=scheme, overwrite=overwrite)
        public.write_public(key, overwrite=overwrite)
        return Ss58(key.ss58_address)

    @property
    def _coldkeypub_file(self) -> Keyfile:
        return Keyfile(self.folder / f"coldkey{_PUBLIC}")

    @property
    def _hotkeypub_file(self) -> Keyfile:
        return Keyfile(self.folder / "hotkeys" / f"{self.hotkey_name}{_PUBLIC}")

    def _expect(self, file: Keyfile) -> None:
        if file.path.exists():
            return
        if not self.folder.is_dir():
            raise KeyfileMissing(
                f"there is no wallet {self.name!r} in {self.folder.parent}",
                help=f"make one: subnet wallet create {self.name}   (or see which there are: subnet wallet list)",
            )
        names = ", ".join(_hotkeys(self.folder)) or "none"
        raise KeyfileMissing(f"there is no {file.path}", help=f"hotkeys of {self.name!r}: {names}")

    def _expect_free(self, overwrite: bool, *files: Keyfile) -> None:
        # Told before anybody is asked for a password; the write itself refuses too.
        for file in files:
            if file.path.exists() and not overwrite:
                raise KeyfileExists(f"{file.path} is there already")


def list_wallets(path: Path | None = None) -> list[Listed]:
    """List the wallets in a folder with their addresses; needs no password and never fails for one bad file."""
    root = (path or FOLDER).expanduser()
    folders = [one for one in root.iterdir() if one.is_dir() and _NAME.fullmatch(one.name)] if root.is_dir() else []
    return [_listed(folder) for folder in sorted(folders, key=lambda one: _natural(one.name))]


def _listed(folder: Path) -> Listed:
    problems: list[WalletError] = []
    coldkey: Coldkey | None = None
    if (folder / "coldkey").exists() or (folder / f"coldkey{_PUBLIC}").exists():
        try:
            coldkey = Wallet.open(folder.name, path=folder.parent).coldkeypub()
        except WalletError as error:
            problems.append(error)
    hotkeys: dict[str, Hotkey | None] = {}
    for name in _hotkeys(folder):
        hotkeys[name] = None
        try:
            hotkeys[name] = Wallet.open(folder.name, name, folder.parent).hotkeypub()
        except PasswordMissing:
            # Nothing is wrong with an encrypted hotkey; without its companion nobody can tell its address.
            continue
        except WalletError as error:
            problems.append(error)
    return Listed(folder.name, coldkey, hotkeys, tuple(problems))


def _hotkeys(folder: Path) -> list[str]:
    inside = folder / "hotkeys"
    files = [file.name for file in inside.iterdir() if file.is_file()] if inside.is_dir() else []
    named = [name for name in files if _NAME.fullmatch(name) and not name.endswith((MARK, _PUBLIC))]
    return sorted(named, key=_natural)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Miner2 before miner10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
