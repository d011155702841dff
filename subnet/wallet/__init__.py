# SPDX-License-Identifier: Apache-2.0
"""Keys on disk, in the folders and formats of the official tools, which read ours as we read theirs.

A miner or a validator calls `signing_key`, or `Wallet.open(...).hotkey()`, and never comes near a coldkey. Passwords
come from a `PasswordSource`; phrases and passwords travel wrapped, so that no log and no traceback shows them.
"""

from __future__ import annotations

from subnet.wallet.keyfile import Encryption, Keyfile
from subnet.wallet.password import PasswordSource, chosen, environment, file, keyring, phrase, prompt, source, usual
from subnet.wallet.signing import signing_key
from subnet.wallet.wallet import FOLDER, Listed, Phrases, Wallet, list_wallets

__all__ = [
    "Encryption",
    "FOLDER",
    "Keyfile",
    "Listed",
    "PasswordSource",
    "Phrases",
    "Wallet",
    "chosen",
    "environment",
    "file",
    "keyring",
    "list_wallets",
    "phrase",
    "prompt",
    "signing_key",
    "source",
    "usual",
]
