# SPDX-License-Identifier: Apache-2.0
"""One key in one file, in the format of the official tools: JSON, as it is or encrypted with a password.

The formats are those of bittensor-core itself, which writes today's (NaCl: argon2i and secretbox) and still reads the
two before it. Secrets are wrapped on both sides of each call to it, and its errors are never passed on: so no frame
that a traceback shows holds one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import bittensor_core as native
from pydantic import SecretBytes, SecretStr

from protocols.errors import (
    InvalidSecret,
    KeyfileDamaged,
    KeyfileForeign,
    NoPrivateKey,
    PasswordMissing,
    SubnetError,
    WalletError,
    WrongPassword,
)
from protocols.keys import Keypair, Scheme, short
from subnet.wallet.files import read_private, read_public, write_private
from subnet.wallet.password import PasswordSource

__all__ = ["Encryption", "Keyfile"]

Encryption: TypeAlias = Literal["plain", "NaCl", "Ansible Vault", "Fernet"]

_ENCRYPTIONS: Final[dict[str, Encryption]] = {"NaCl": "NaCl", "Ansible Vault": "Ansible Vault", "legacy": "Fernet"}
_CRYPTO: Final[dict[Scheme, int]] = {"sr25519": native.CRYPTO_SR25519, "ed25519": native.CRYPTO_ED25519}
_SCHEMES: Final[dict[int, Scheme]] = {crypto: scheme for scheme, crypto in _CRYPTO.items()}
_SEED_CHARACTERS: Final = 2 + 2 * 32
_NACL_BYTES: Final = 5 + 24 + 16  # its mark, its nonce, its seal: a whole one is not shorter


@dataclass(frozen=True, slots=True)
class Keyfile:
    """A key on disk."""

    path: Path

    def key(self, password: PasswordSource | None = None) -> Keypair:
        """Load the key, which can sign; the password is asked for only where the file is encrypted."""
        pair = self._pair(self._opened(password))
        if not _signs(pair):
            raise NoPrivateKey(f"{self.path} holds the address {short(pair.ss58_address)} and no private key")
        return Keypair(pair, _SCHEMES[pair.crypto_type], signs=True)

    def public(self) -> Keypair:
        """Load the address that a file holds, without the key; an encrypted one tells nobody its address."""
        data = read_public(self.path)
        if (encryption := _encryption(data)) != "plain":
            raise PasswordMissing(f"{self.path} is encrypted ({encryption}), which hides its address too")
        pair = self._pair(data)
        if _signs(pair):
            read_private(self.path)  # refuses a file that only an address could stand open in
        return Keypair.from_address(pair.ss58_address, _SCHEMES[pair.crypto_type])

    def encryption(self) -> Encryption:
        """Tell how the file is encrypted."""
        return _encryption(read_private(self.path))

    def write(
        self,
        secret: SecretStr,
        password: PasswordSource | None,
        *,
        scheme: Scheme = "sr25519",
        overwrite: bool = False,
    ) -> Keypair:
        """Write the key of a phrase, a 0x-seed or a secret URI; it is plain where there is no source of a password."""
        pair = _derived(secret, scheme)
        if pair is None:
            raise InvalidSecret("that is neither a phrase of 12 to 24 BIP39 words, nor a 0x-seed, nor a secret URI")
        data = SecretBytes(native.serialized_keypair_to_keyfile_data(pair))
        if password is not None:
            locked = _encrypted(data, password(self.path))
            if locked is None:
                raise _starved(self.path)
            data = locked
        write_private(self.path, data, overwrite=overwrite)
        return Keypair(pair, scheme, signs=True)

    def write_public(self, key: Keypair, *, overwrite: bool = False) -> None:
        """Write the address of a key."""
        public = native.Keypair(public_key=key.public_key, crypto_type=_CRYPTO[key.scheme])
        data = SecretBytes(native.serialized_keypair_to_keyfile_data(public))
        write_private(self.path, data, overwrite=overwrite)

    def _opened(self, password: PasswordSource | None) -> SecretBytes:
        data = read_private(self.path)
        if (encryption := _encryption(data)) == "plain":
            return data
        if password is None:
            raise PasswordMissing(f"{self.path} is encrypted ({encryption}), and no password was given")
        opened = _decrypted(data, password(self.path))
        if isinstance(opened, SecretBytes):
            return opened
        if opened is WalletError:
            raise _starved(self.path)
        if opened is WrongPassword:
            raise WrongPassword(f"the password does not open {self.path} ({encryption})")
        raise KeyfileDamaged(f"{self.path} begins like a keyfile ({encryption}) and is cut short, or damaged")

    def _pair(self, data: SecretBytes) -> Any:
        pair = _decoded(data)
        if pair is None and _is_export(data):
            raise KeyfileForeign(
                f"{self.path} is an export of polkadot.js, expected a keyfile",
                help=f"bring it into a wallet: btcli wallet regen-coldkey --json-path {self.path}",
            )
        if pair is None or pair.crypto_type not in _SCHEMES:
            raise KeyfileDamaged(
                f"{self.path} is no keyfile: it is cut short, contradicts itself, or is something else"
            )
        return pair


def _encryption(data: SecretBytes) -> Encryption:
    return _ENCRYPTIONS.get(native.keyfile_data_encryption_method(data.get_secret_value()), "plain")


def _decrypted(data: SecretBytes, password: SecretStr) -> SecretBytes | type[SubnetError]:
    """The plain data, or the error to raise once this frame, which held it, is gone."""
    try:
        return SecretBytes(native.decrypt_keyfile_data(data.get_secret_value(), _text(password)))
    except native.WrongPasswordError:
        return WrongPassword
    except native.KeyfileError:
        is_whole = _encryption(data) == "NaCl" and len(data) >= _NACL_BYTES
        return WalletError if is_whole else KeyfileDamaged


def _encrypted(data: SecretBytes, password: SecretStr) -> SecretBytes | None:
    try:
        return SecretBytes(native.encrypt_keyfile_data(data.get_secret_value(), _text(password)))
    except native.KeyfileError:
        return None


def _starved(path: Path) -> WalletError:
    return WalletError(
        f"{path} needs 512 MiB of memory to be locked or unlocked, and there is less",
        help="see how much is free: free -m   (a container or ulimit -v may allow less)",
    )


def _decoded(data: SecretBytes) -> Any | None:
    try:
        return native.deserialize_keypair_from_keyfile_data(data.get_secret_value())
    except (native.KeyfileError, ValueError):
        return None


def _derived(secret: SecretStr, scheme: Scheme) -> Any | None:
    crypto = _CRYPTO[scheme]
    try:
        if _text(secret).startswith("0x") and len(secret) == _SEED_CHARACTERS:
            return native.Keypair.from_seed(bytes.fromhex(_text(secret)[2:]), crypto)
        if "/" in _text(secret):
            return native.Keypair.from_uri(_text(secret), crypto)
        return native.Keypair.from_mnemonic(" ".join(_text(secret).split()), crypto, None)
    except ValueError:
        return None


def _is_export(data: SecretBytes) -> bool:
    try:
        fields = json.loads(data.get_secret_value())
    except ValueError:
        return False
    return isinstance(fields, dict) and {"encoded", "encoding"} <= fields.keys()


def _signs(pair: Any) -> bool:
    try:
        pair.sign(b"")
    except ValueError:
        return False
    return True


def _text(secret: SecretStr) -> str:
    return secret.get_secret_value()
