# SPDX-License-Identifier: Apache-2.0
"""Who somebody is on the network: an ss58 address, and the key that proves it.

Keys are the chain's own (sr25519 and ed25519, Substrate derivation), so a wallet made elsewhere signs here and ours
sign there. `verify` is what a server does for each request before anything else: one key has one address (network
format 42), and the published keys for which anybody can forge a signature never verify. No secret is ever shown:
not by `repr`, not by an error, not by pickling.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final, Literal, NoReturn, Protocol, TypeAlias

import bittensor_core as native

from protocols.errors import InvalidAddress, InvalidSecret, KeyMaterialError, NoPrivateKey
from protocols.types import Ss58

__all__ = [
    "Keypair",
    "Scheme",
    "Signer",
    "decode_address",
    "encode_address",
    "generate_mnemonic",
    "is_dev_address",
    "short",
    "verify",
]

Scheme: TypeAlias = Literal["sr25519", "ed25519"]

_SS58_FORMAT: Final = 42
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_ADDRESS_CHARACTERS: Final = 48
_WORD_COUNTS: Final = (12, 15, 18, 21, 24)
_CRYPTO: Final[dict[str, int]] = {"sr25519": native.CRYPTO_SR25519, "ed25519": native.CRYPTO_ED25519}

# Points of small order: for these "keys" a signature over any message can be written down without knowing anything.
# The first is also the account of 32 zero bytes, the chain's placeholder for nobody, as an sr25519 key.
_FIELD: Final = 2**255 - 19
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
_FORGEABLE: Final = frozenset(
    (y | sign << 255).to_bytes(_KEY_BYTES, "little")
    for y in (0, 1, _FIELD - 1, _FIELD, _FIELD + 1, _ORDER_8, _FIELD - _ORDER_8)
    for sign in (0, 1)
)


class Signer(Protocol):
    """Whoever can sign: a `Keypair`, or a device or service that holds the key elsewhere."""

    @property
    def ss58_address(self) -> str:
        """The address that the signatures verify for."""
        ...

    @property
    def scheme(self) -> Scheme:
        """The kind of signature that `sign` makes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes that prove that the holder of this address meant this message."""
        ...


class Keypair:
    """An address with, unless it was made by `from_address`, the private key behind it."""

    __slots__ = ("_native", "_scheme", "_signs", "_ss58_address")

    def __init__(self, pair: Any, scheme: Scheme, *, signs: bool) -> None:
        self._native = pair
        self._scheme = scheme
        self._signs = signs
        self._ss58_address: str = pair.ss58_address

    @classmethod
    def from_mnemonic(cls, mnemonic: str, scheme: Scheme = "sr25519", *, password: str | None = None) -> Keypair:
        """Derive the key of a BIP39 phrase as the chain's other wallets do."""
        words = len(mnemonic.split())
        if words not in _WORD_COUNTS:
            raise InvalidSecret(f"a mnemonic has {_one_of(_WORD_COUNTS)} words, got {words}")
        failure = "the mnemonic is not valid: a word is not in the BIP39 list, or the words are in another order"
        return cls._derive(lambda: native.Keypair.from_mnemonic(mnemonic, _crypto(scheme), password), scheme, failure)

    @classmethod
    def from_seed(cls, seed: bytes, scheme: Scheme = "sr25519") -> Keypair:
        """Derive the key of a 32-byte seed."""
        if len(seed) != _KEY_BYTES:
            raise InvalidSecret(f"a seed has {_KEY_BYTES} bytes, got {len(seed)}", help="give the seed's raw bytes")
        return cls._derive(lambda: native.Keypair.from_seed(seed, _crypto(scheme)), scheme, "the seed is not valid")

    @classmethod
    def from_uri(cls, uri: str, scheme: Scheme = "sr25519") -> Keypair:
        """Derive the key of a secret URI: `//Alice`, or `<mnemonic>//hard/soft///password`."""
        if not uri.strip():
            # Substrate reads nothing as its published development phrase: an unset variable would become a public key.
            raise InvalidSecret("the secret URI is empty", help="give a mnemonic, optionally followed by //path")
        failure = "the secret URI is not valid"
        if scheme == "ed25519":
            failure += " (ed25519 derives by hard steps only: //step, not /step)"
        return cls._derive(lambda: native.Keypair.from_uri(uri, _crypto(scheme)), scheme, failure)

    @classmethod
    def from_address(cls, address: str, scheme: Scheme = "sr25519") -> Keypair:
        """Make a key that can verify but not sign."""
        public_key = decode_address(address)
        return cls(native.Keypair(public_key=public_key, crypto_type=_crypto(scheme)), scheme, signs=False)

    @classmethod
    def generate(cls, scheme: Scheme = "sr25519") -> Keypair:
        """Make a new key from the operating system's randomness."""
        return cls.from_seed(secrets.token_bytes(_KEY_BYTES), scheme)

    @classmethod
    def _derive(cls, make: Callable[[], Any], scheme: Scheme, failure: str) -> Keypair:
        try:
            pair = make()
        except ValueError:
            pair = None
        # Raised out here, not in the handler: the native error may carry the secret, and `from None` only hides it.
        if pair is None:
            raise InvalidSecret(failure)
        return cls(pair, scheme, signs=True)

    @property
    def ss58_address(self) -> str:
        """The address, network format 42."""
        return self._ss58_address

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that the address encodes."""
        return bytes(self._native.public_key)

    @property
    def scheme(self) -> Scheme:
        """The kind of signature that this key makes and verifies."""
        return self._scheme

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a message."""
        if not self._signs:
            raise NoPrivateKey(f"{short(self._ss58_address)} can verify but not sign: only its address is known")
        signature: bytes = self._native.sign(message)
        return signature

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key signed this message."""
        return verify(message, signature, self._ss58_address, self._scheme)

    def __repr__(self) -> str:
        return f"<Keypair {short(self._ss58_address)} {self._scheme}{'' if self._signs else ' verify-only'}>"

    def __reduce__(self) -> NoReturn:
        raise KeyMaterialError(
            f"the key of {short(self._ss58_address)} cannot be copied or pickled",
            help="pass its address, and load the key where it is needed",
        )


def verify(message: bytes, signature: bytes, address: str, scheme: Scheme = "sr25519") -> bool:
    """Tell whether the holder of this address signed this message.

    Like every wallet of the chain, it also accepts a signature over `<Bytes>` + message + `</Bytes>`, which is how
    browser wallets sign text that a web page shows them.
    """
    if len(signature) != _SIGNATURE_BYTES:
        return False
    verifier = _verifier(address, scheme)
    try:
        return verifier is not None and bool(verifier.verify(message, signature))
    except ValueError:  # 64 bytes that are no signature, or 32 that are no point on the curve
        return False


def decode_address(address: str) -> bytes:
    """Return the 32 public bytes of an ss58 address, network format 42."""
    try:
        # Decoding takes time in the square of the length, and a stranger chooses the length.
        public_key: bytes = native.decode_ss58(address if len(address) <= _ADDRESS_CHARACTERS else "")
    except ValueError:
        raise InvalidAddress(f"{short(address)!r} is not an ss58 address") from None
    # Each network format spells the same key differently: a second spelling would be a second identity for one signer.
    if (expected := native.encode_ss58(public_key, _SS58_FORMAT)) != address:
        raise InvalidAddress(
            f"{short(address)!r} is an address of another network than format {_SS58_FORMAT}",
            help=f"in format {_SS58_FORMAT} it is {expected}",
        )
    return public_key


def encode_address(public_key: bytes) -> Ss58:
    """Return the ss58 address, network format 42, of 32 public bytes."""
    if len(public_key) != _KEY_BYTES:
        raise InvalidAddress(f"a public key has {_KEY_BYTES} bytes, got {len(public_key)}", help="give the raw bytes")
    return Ss58(native.encode_ss58(public_key, _SS58_FORMAT))


def generate_mnemonic(words: int = 12) -> str:
    """Return a new BIP39 phrase; whoever reads it owns the key."""
    if words not in _WORD_COUNTS:
        raise InvalidSecret(f"a mnemonic has {_one_of(_WORD_COUNTS)} words, got {words}", help="12 words are enough")
    phrase: str = native.Keypair.generate_mnemonic(words)
    return phrase


def is_dev_address(address: str) -> bool:
    """Tell whether this is one of Substrate's published development keys, with which anybody can sign."""
    return address in _dev_addresses()


def short(address: str) -> str:
    """Shorten an address for people: `5Grwva…KutQY`."""
    return address if len(address) <= 12 else f"{address[:6]}…{address[-5:]}"


# Few callers send many requests, so what an address means is kept; bounded, because anybody can make up addresses.
@lru_cache(maxsize=4096)
def _verifier(address: str, scheme: Scheme) -> Any | None:
    public_key, crypto = decode_address(address), _crypto(scheme)
    return None if public_key in _FORGEABLE else native.Keypair(public_key=public_key, crypto_type=crypto)


@cache
def _dev_addresses() -> frozenset[str]:
    names = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "Alice//stash", "Bob//stash")
    uris = ("", *(f"//{name}" for name in names))  # the empty URI is the phrase itself
    return frozenset(native.Keypair.from_uri(uri, crypto).ss58_address for uri in uris for crypto in _CRYPTO.values())


def _crypto(scheme: str) -> int:
    crypto = _CRYPTO.get(scheme)
    if crypto is None:
        raise KeyMaterialError(f"unknown key scheme: got {scheme!r}, expected {' or '.join(_CRYPTO)}")
    return crypto


def _one_of(numbers: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} or {numbers[-1]}"
