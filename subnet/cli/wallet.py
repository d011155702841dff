# SPDX-License-Identifier: Apache-2.0
"""`subnet wallet`: make keys, bring them back from their phrases, and see which there are.

No flag takes a secret, only the name of where one comes from. A new phrase is in the text, for the person who writes
it down; it is never in the JSON, which ends up in logs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from cyclopts import Parameter
from pydantic import SecretStr

from protocols.errors import KeyfileMissing, WalletError
from subnet.cli.answer import Answer
from subnet.wallet import FOLDER, PasswordSource, Wallet, chosen, list_wallets, phrase, source

__all__ = ["create", "hotkey", "listing", "restore", "show"]

KEEP: Final = "Write the words down, by hand: whoever has them has the key, and they are not shown again."

Name: TypeAlias = Annotated[str, Parameter(help="What the wallet is called.")]
Hotkey: TypeAlias = Annotated[str, Parameter(help="What the hotkey is called.")]
Folder: TypeAlias = Annotated[Path, Parameter(help="Folder that the wallets are in.")]
Words: TypeAlias = Annotated[int, Parameter(help="How many words a phrase has: 12, 15, 18, 21 or 24.")]
Overwrite: TypeAlias = Annotated[bool, Parameter(help="Destroy a key of that name that is there already.")]
PasswordFrom: TypeAlias = Annotated[
    str,
    Parameter(
        help="Where the coldkey's password comes from: prompt, env:NAME, file:PATH, keyring, "
        "usual (the variables of the official tools, else prompt), or none (not encrypted)."
    ),
]
PhraseFrom: TypeAlias = Annotated[
    str, Parameter(help="Where the phrase or 0x-seed comes from: prompt, env:NAME or file:PATH.")
]


def create(
    name: Name = "default",
    /,
    *,
    hotkey: Hotkey = "default",
    words: Words = 12,
    password_from: PasswordFrom = "usual",
    path: Folder = FOLDER,
    overwrite: Overwrite = False,
) -> Answer:
    """Make a coldkey, encrypted, and a hotkey, plain, in a wallet that the official tools can use too."""
    wallet = Wallet.open(name, hotkey, path)
    phrases = wallet.create(_password(password_from), words=words, overwrite=overwrite)
    return _made(wallet, {"coldkey": wallet.coldkeypub(), "hotkey": wallet.hotkeypub()}, phrases._asdict())


def hotkey(
    hotkey: Hotkey,
    /,
    *,
    wallet: Name = "default",
    words: Words = 12,
    path: Folder = FOLDER,
    overwrite: Overwrite = False,
) -> Answer:
    """Make one more hotkey in a wallet; its coldkey is not needed."""
    target = Wallet.open(wallet, hotkey, path)
    phrases = {"hotkey": target.create_hotkey(words=words, overwrite=overwrite)}
    return _made(target, {"hotkey": target.hotkeypub()}, phrases)


def restore(
    name: Name = "default",
    /,
    *,
    hotkey: Annotated[str, Parameter(help="Make this hotkey; without it, the coldkey.")] = "",
    phrase_from: PhraseFrom = "prompt",
    password_from: PasswordFrom = "usual",
    path: Folder = FOLDER,
    overwrite: Overwrite = False,
) -> Answer:
    """Make a key again from its phrase: the coldkey, or with --hotkey a hotkey."""
    wallet = Wallet.open(name, hotkey or "default", path)
    target = wallet.hotkey_file if hotkey else wallet.coldkey_file
    secret = source(phrase_from, phrase)(target.path)
    if hotkey:
        return _made(wallet, {"hotkey": wallet.import_hotkey(secret, overwrite=overwrite)}, {})
    return _made(wallet, {"coldkey": wallet.import_coldkey(secret, _password(password_from), overwrite=overwrite)}, {})


def listing(*, path: Folder = FOLDER) -> Answer:
    """List every wallet with the addresses of its keys; no password is needed."""
    lines: list[str] = []
    data: list[dict[str, object]] = []
    for one in list_wallets(path):
        lines.append(f"{one.name}  {one.coldkey or '(address not known)'}")
        width = max(map(len, one.hotkeys), default=0)
        lines += [f"  {name:{width}}  {address or '(encrypted)'}" for name, address in one.hotkeys.items()]
        lines += [f"  cannot be used: {problem.message}\n    help: {problem.help}" for problem in one.problems]
        problems = [problem.to_json() for problem in one.problems]
        data.append({"name": one.name, "coldkey": one.coldkey, "hotkeys": one.hotkeys, "problems": problems})
    text = "\n".join(lines) or f"no wallets in {path.expanduser()}\nmake one: subnet wallet create"
    return Answer(text, {"path": str(path.expanduser()), "wallets": data})


def show(name: Name = "default", /, *, hotkey: Hotkey = "default", path: Folder = FOLDER) -> Answer:
    """Print the addresses of a wallet's coldkey and of one hotkey, and how their files are encrypted."""
    wallet = Wallet.open(name, hotkey, path)
    keys = {"coldkey": (wallet.coldkey_file, wallet.coldkeypub), "hotkey": (wallet.hotkey_file, wallet.hotkeypub)}
    if not wallet.folder.is_dir():
        wallet.coldkeypub()  # says that there is no such wallet, and how to make one
    data: dict[str, object] = {"name": name}
    lines, is_well = [name], True
    for kind, (file, address) in keys.items():
        try:
            told, encryption = address(), file.encryption() if file.path.exists() else "absent"
        except WalletError as error:
            lines.append(f"  {kind:7}  {error.message}\n{'':11}help: {error.help}")
            data[kind] = {"file": str(file.path), "problem": error.to_json()}
            # A machine that runs a miner has no coldkey, and is better so.
            is_well = is_well and isinstance(error, KeyfileMissing)
            continue
        lines.append(f"  {kind:7}  {told}  {encryption:6}  {file.path}")
        data[kind] = {"file": str(file.path), "address": told, "encryption": encryption}
    return Answer("\n".join(lines), data, is_well)


def _password(word: str) -> PasswordSource | None:
    return None if word == "none" else source(word, chosen)


def _made(wallet: Wallet, addresses: dict[str, str], phrases: dict[str, SecretStr]) -> Answer:
    lines = [f"made {wallet.name} in {wallet.folder.parent}{os.sep}"]
    for kind, address in addresses.items():
        lines.append(f"  {kind:7}  {address}")
        lines += [f"           {phrases[kind].get_secret_value()}"] if kind in phrases else []
    lines += [KEEP] if phrases else []
    hotkey = {"hotkey_name": wallet.hotkey_name} if "hotkey" in addresses else {}
    return Answer("\n".join(lines), {"name": wallet.name, **hotkey, "folder": str(wallet.folder), **addresses})
