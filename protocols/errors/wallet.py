# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with keys on disk: a file is missing, locked, damaged, open to others, or already there.

None of these ever carries a secret: they name files, formats and addresses.
"""

from __future__ import annotations

from protocols.errors.domain import KeyMaterialError

__all__ = [
    "KeyfileDamaged",
    "KeyfileExists",
    "KeyfileExposed",
    "KeyfileForeign",
    "KeyfileMissing",
    "PasswordMissing",
    "WalletError",
    "WrongPassword",
]


class WalletError(KeyMaterialError):
    """A wallet cannot be used: its name is not one, or the operating system refuses its files."""

    code = "wallet_error"


class KeyfileMissing(WalletError):
    """There is no such wallet, or it has no such key."""

    code = "keyfile_missing"
    advice = "see which there are: subnet wallet list"


class KeyfileExists(WalletError):
    """A key of that name is there already; it is kept, since whoever loses a key loses what it owns."""

    code = "keyfile_exists"
    advice = "choose another name; --overwrite destroys the old key"


class KeyfileExposed(WalletError):
    """Others on this machine can read or change the secret, so it is not used, as ssh does not use such a key."""

    code = "keyfile_exposed"
    advice = "make it yours alone: chmod 600 FILE"


class KeyfileDamaged(WalletError):
    """The file is no keyfile, is cut short, or contradicts itself."""

    code = "keyfile_damaged"
    advice = "make it again from its words: subnet wallet import NAME --overwrite"


class KeyfileForeign(WalletError):
    """The file holds a key in the format of another program."""

    code = "keyfile_foreign"
    advice = "bring it into a wallet: btcli wallet regen-coldkey --json-path FILE"


class PasswordMissing(WalletError):
    """The key is encrypted, or shall be, and no password is to be had."""

    code = "password_missing"
    advice = "give it at a terminal, in BT_WALLET_PASSWORD, or with --password-from file:PATH"


class WrongPassword(WalletError):
    """The password does not open the keyfile; one that was cut short in transit looks the same."""

    code = "wrong_password"
    advice = "try again, or make the key again from its words: subnet wallet import NAME --overwrite"
