# SPDX-License-Identifier: Apache-2.0
"""The key that a miner or validator signs with, by a word that a setting can hold: a wallet's hotkey, or `//Alice`.

A development key is derived from a phrase that everyone knows. The chain refuses the famous ones, but `//Miner7` is
just as public and looks like any other address, so here the form decides: such keys are for local chains only.
"""

from __future__ import annotations

from pathlib import Path

from protocols.chain import Chain
from protocols.errors import DevKeyRefused, InvalidSecret
from protocols.keys import Keypair
from subnet.wallet.password import PasswordSource
from subnet.wallet.wallet import Wallet

__all__ = ["signing_key"]


def signing_key(word: str, chain: Chain, path: Path | None = None, password: PasswordSource | None = None) -> Keypair:
    """Load the hotkey that `WALLET` or `WALLET/HOTKEY` names, or on a local chain derive `//Alice`."""
    if word.startswith("//"):
        if not chain.is_local:
            raise DevKeyRefused(f"{word} is a development key, and chain {chain.genesis} is not local")
        return Keypair.from_uri(word)
    if " " in word or word.startswith("0x"):
        raise InvalidSecret("a key is named here, not spelled out", help="name a wallet: WALLET or WALLET/HOTKEY")
    name, _, hotkey = word.partition("/")
    return Wallet.open(name, hotkey or "default", path).hotkey(password)
