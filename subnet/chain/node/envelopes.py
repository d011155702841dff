# SPDX-License-Identifier: Apache-2.0
"""Envelopes: transactions that were encrypted, so that nobody may act on them before they are in a block.

There is one key for all local chains and all time, and its secret is written here, like that of //Alice: an envelope
opens after a restart and on every machine, and no block has to make a key. It hides nothing from whoever wants to know;
what is to stay secret belongs on no chain for development. The public half is written out, so that a chain starts
without cryptography; the packages that open envelopes are imported with the first one.
"""

from __future__ import annotations

from base64 import b64decode
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.errors import LedgerError
from subnet.chain.node.scale.primitives import Compact, Reader, UInt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

__all__ = ["ENVELOPE_KEY", "Envelope", "open_envelope", "read_envelope"]

_SECRET: Final = b"the key of every local chain"
_SEED_BYTES: Final = 64
_KEY_HASH_BYTES: Final = 16
_SIZE_BYTES: Final = 2
_NONCE_BYTES: Final = 24
_LENGTH: Final = Compact(UInt(4))
_PUBLIC: Final = (
    "+rWv9YyQqdYleTgvvFCucsXKyhmFQpbJTQqUXJIbqqeSFuBdPQQqRigAlFe2GVJEf1huKoRGgwRfnKaclWMBYtwc0Qs2eCZ7twOnnPYO6yyqeeoQ"
    "ZYGNA0goS8Q385xCXVQ0drQfdARBeGyArwtwaZRO1cA+NJqMATGhq6zJNomNpeJu+CDINJoTP4EUixK+UDRj0kFpPQOtJGyt6uNwuQg4pnWZ3tpn"
    "fhua+pmIQpGQhMjFuJmsqZdFyzS6y5PII2uMIIhD38JlD5mNL8W2JdV/ZFplopmrYQa13AwFG2lb9NBv7PNJzDnJBzAwufE2bjU7vaMfM5zOhrdk"
    "HGQm8LNjijI0FnYF8iY87JSnqkkzsRGn1xegzTZFHeHGlWUqdOoHFXsi5qhhB3F9UrtLHue88dIMHuCW75BJPaNxxTiTBbhf76u4ZqZVPJBnKjpn"
    "Jwh0akQmzRqlrdQjdnwj5ZpmFXdaBwm2N3uzChlMO3yOjTiqzzq5b1eBNArCvJZoZ3QWEGyo26kW8Lwh16NlTrlLJVBtshfG/jVhBqZDhzgOTmdz"
    "/mlnvfuFzQRhMVt+giu8QPIdD+c3b/p4ute0ICeOnyCqDQRZf1XPN9GbYRw1KHcobpO+XxC2HadHuhGK9bVrTRsE4/khYioa1hptMMwC4ZY7e9JK"
    "hmcwjmyz+OFo1XuBYFJhaIurYhlqi5hlZ2o+vWFk7McWYQp3K8EN7RAT13w0Mwhk9WATvdyV5/YainxdNdwZoYYOPJR4MPwczWYASDq9uFBuT+Od"
    "U4p/wKsZbDItnHpPz5m/0jWIYnyyBKLBwfY7a4QpxQy8QkdWhBpg3YGKnFhC1dHIguSo0CYcyNe91zIf7XZB0lufdzs8eUA1YKm/LggHTBSXPumU"
    "6hI+ZlAKVHc4gehq1BTAsHUzlwiSb+qPUHo5HvYLHXxJmqGa9weQGywqR5p47aEHO3CFO9TLm7m7hgXF5ruUX5xg1kgcleV21CHAB4R9h7zKQpUr"
    "JLUKCYmC7Ee3+etJ7BU4LwBIAPgpHTeMq1jGFxx9v4dxmUOtfnVRODMOkxu+eTGZozcEimd5lXZZD+qqF1iqTFA9pnAnWCF+oYVO+pfL+vh3QUDJ"
    "ALGj2ZEE1rpctdI+iQJC8MqrFjdlMIJwhcEwnaOBkNu4lxSpEbFWeFO7yDMxpnFh9ZyXC1J4INe4nMl3eCJgzTkKzhYiuHkzihgX3bNLSPFkIEVb"
    "n9mx/uAC3eUm7tSvZRYLIUx9bgMIc4GAtwxW4KoXTdY34Kc7l3KLxsKMwPAR/wOUaDImyKptc5gkboQwq0BKmfyirJRmW7RIeil+EdmWDmOW/rwT"
    "yHlFoHpsbYx2C6l+7FbOAkYAvTiJ8AIQ83Qz0NwYrLoTtdN473uN4QhjP+wAyDFalvktwdc0wQYSCztn2OUxPvEN3NiB9HN1pkurptaiLcN9nEa3"
    "R4JG7VwufaxbMHJI+aSIVRJznAxs7kaAaTWpyFJiUkKCufc12Ap0N2I3dNu8qMIjXQQiL6BesUsOLtoSvbULIE33B2Nq55KdMBJzrkl5yFV5kAPk"
    "lq2iGx45FDA="
)

ENVELOPE_KEY: Final = b64decode(_PUBLIC)
"""The ML-KEM-768 key that transactions are encrypted for."""


class Envelope(NamedTuple):
    """An encrypted transaction, and what it takes to open it."""

    key_hash: bytes
    """Of the key that it was made for."""
    capsule: bytes
    """The secret of this one envelope, encrypted for that key."""
    nonce: bytes
    sealed: bytes


def read_envelope(ciphertext: bytes) -> Envelope | None:
    """The parts of an envelope, None for what is not one."""
    source = Reader(ciphertext)
    try:
        key_hash = source.take(_KEY_HASH_BYTES)
        capsule = source.take(int.from_bytes(source.take(_SIZE_BYTES), "little"))
        return Envelope(key_hash, capsule, source.take(_NONCE_BYTES), source.take(source.left()))
    except LedgerError:
        return None


def open_envelope(envelope: Envelope) -> bytes | None:
    """The transaction within, which may be anything at all; None if the envelope was not made for our key."""
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
    from nacl.exceptions import CryptoError

    try:
        secret = _private_key().decapsulate(envelope.capsule)
        plain = decrypt(envelope.sealed, None, envelope.nonce, secret)
    except (CryptoError, ValueError):  # what is too short to be decrypted is a ValueError
        return None
    return _first(plain)


def _first(plain: bytes) -> bytes | None:
    """A transaction says how long it is; what is behind it counts for nothing."""
    source = Reader(plain)
    try:
        source.take(_LENGTH.read(source))
    except LedgerError:
        return None
    return plain[: source.at]


@cache
def _private_key() -> MLKEM768PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

    return MLKEM768PrivateKey.from_seed_bytes(blake2b(_SECRET, digest_size=_SEED_BYTES).digest())
