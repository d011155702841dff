# SPDX-License-Identifier: Apache-2.0
"""Who sent this request: `btauth/1`, the official signed-request protocol of Bittensor, byte for byte.

A request proves "sent by hotkey X, to hotkey Y, with exactly this body, just now". The signature covers the body's
hash, the method and target, a nonce that is the time in nanoseconds, the sender and the receiver, so that nothing of
it can be changed, sent to another miner, or sent again. The checks are separate functions because a server does the
cheap ones before it reads a body and the costly one after; `verify` does all of them in that order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from protocols import keys
from protocols.errors import BadSignature, InvalidAddress, MalformedAuth, StaleRequest, WrongReceiver
from protocols.keys import Scheme, Signer

PROTOCOL: Final = "btauth/1"
VERSION: Final = "1"
MAX_AGE_S: Final = 10.0
MAX_SKEW_S: Final = 2.0

_VERSION = "x-bittensor-version"
_HOTKEY = "x-bittensor-hotkey"
_RECEIVER = "x-bittensor-receiver"
_NONCE = "x-bittensor-nonce"
_CRYPTO = "x-bittensor-crypto"
_SIGNATURE = "x-bittensor-signature"
HEADERS: Final = frozenset((_VERSION, _HOTKEY, _RECEIVER, _NONCE, _CRYPTO, _SIGNATURE))

# No sign, no leading zero, no underscore: one number has one spelling, the one that was signed.
_DECIMAL = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
# Longer ones are refused before they are looked at, and so are never kept either.
_ADDRESS_CHARACTERS: Final = 48
_SIGNATURE_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{128})", re.ASCII)
_SCHEMES: Mapping[str, Scheme] = {"sr25519": "sr25519", "ed25519": "ed25519"}


class Claim(msgspec.Struct, frozen=True):
    """What a request says about its sender; worth nothing until `check_signature` has passed."""

    sender: str
    receiver: str | None
    nonce_ns: int
    scheme: Scheme
    signature: bytes


def body_digest(body: bytes | bytearray | memoryview) -> str:
    """The body's hash as a request's signature covers it."""
    return hashlib.sha256(body).hexdigest()


def request_payload(claim: Claim, *, method: str, target: str, digest: str) -> bytes:
    """The exact bytes that a request's signature covers."""
    return (
        f"{PROTOCOL}\n{claim.scheme}\n{method}\n{target}\n{digest}\n"
        f"{claim.nonce_ns}\n{claim.sender}\n{claim.receiver or '-'}"
    ).encode()


def sign(
    signer: Signer, *, method: str, target: str, digest: str, nonce_ns: int, receiver: str | None
) -> tuple[Claim, dict[str, str]]:
    """Sign a request; returns what was claimed and the headers that carry it."""
    unsigned = Claim(signer.ss58_address, receiver, nonce_ns, signer.scheme, b"")
    signature = signer.sign(request_payload(unsigned, method=method, target=target, digest=digest))
    claim = Claim(signer.ss58_address, receiver, nonce_ns, signer.scheme, signature)
    return claim, claim_headers(claim)


def claim_headers(claim: Claim) -> dict[str, str]:
    """The headers of a claim, as the official protocol spells them."""
    headers = {
        "X-Bittensor-Version": VERSION,
        "X-Bittensor-Hotkey": claim.sender,
        "X-Bittensor-Nonce": str(claim.nonce_ns),
        "X-Bittensor-Signature": "0x" + claim.signature.hex(),
    }
    if claim.receiver is not None:
        headers["X-Bittensor-Receiver"] = claim.receiver
    if claim.scheme != "sr25519":
        headers["X-Bittensor-Crypto"] = claim.scheme
    return headers


def read_claim(headers: Mapping[str, str]) -> Claim:
    """Read the claim from headers with lower-case names."""
    version = headers.get(_VERSION)
    if version != VERSION:
        raise MalformedAuth(f"X-Bittensor-Version is {_shown(version)}, expected {VERSION!r}")
    scheme = _SCHEMES.get(headers.get(_CRYPTO, "sr25519"))
    if scheme is None:
        raise MalformedAuth(f"X-Bittensor-Crypto is {_shown(headers.get(_CRYPTO))}, expected 'sr25519' or 'ed25519'")
    nonce = _DECIMAL.fullmatch(headers.get(_NONCE, ""))
    if nonce is None:
        raise MalformedAuth(f"X-Bittensor-Nonce is {_shown(headers.get(_NONCE))}, expected nanoseconds in decimal")
    signature = _SIGNATURE_HEX.fullmatch(headers.get(_SIGNATURE, ""))
    if signature is None:
        raise MalformedAuth("X-Bittensor-Signature is missing or is not 64 bytes in hex")
    sender = headers.get(_HOTKEY, "")
    if len(sender) > _ADDRESS_CHARACTERS or not _is_address(sender):
        raise MalformedAuth(f"X-Bittensor-Hotkey is {_shown(sender or None)}, expected an ss58 address of format 42")
    return Claim(sender, headers.get(_RECEIVER), int(nonce[0]), scheme, bytes.fromhex(signature[1]))


def check_receiver(claim: Claim, receiver: str) -> None:
    """Refuse what was signed for another hotkey, or for none."""
    if claim.receiver != receiver:
        raise WrongReceiver(f"request is signed for {_shown(claim.receiver)}, this is {receiver}")


def check_freshness(
    nonce_ns: int, now_ns: int, *, max_age_s: float = MAX_AGE_S, max_skew_s: float = MAX_SKEW_S
) -> None:
    """Refuse what was signed too long ago, or too far in the future."""
    age_s = (now_ns - nonce_ns) / 1e9
    if age_s > max_age_s:
        raise StaleRequest(f"request is {age_s:.1f} s old, at most {max_age_s:g} s are allowed")
    if -age_s > max_skew_s:
        raise StaleRequest(f"request is {-age_s:.1f} s in the future, at most {max_skew_s:g} s are allowed")


def check_signature(claim: Claim, *, method: str, target: str, digest: str) -> None:
    """Refuse what the claimed sender did not sign."""
    payload = request_payload(claim, method=method, target=target, digest=digest)
    if not keys.verify(payload, claim.signature, claim.sender, claim.scheme):
        raise BadSignature(f"signature does not verify against hotkey {keys.short(claim.sender)}")


def verify(headers: Mapping[str, str], body: bytes, *, method: str, target: str, receiver: str, now_ns: int) -> Claim:
    """All checks but replay, in the order of their cost; the caller remembers the nonce afterwards."""
    claim = read_claim({name.lower(): value for name, value in headers.items()})
    check_receiver(claim, receiver)
    check_freshness(claim.nonce_ns, now_ns)
    check_signature(claim, method=method, target=target, digest=body_digest(body))
    return claim


# Remembered, because few senders send many requests; bounded, because anyone can make up addresses.
@lru_cache(maxsize=4096)
def _is_address(address: str) -> bool:
    try:
        return len(keys.decode_address(address)) == 32
    except InvalidAddress:
        return False


def _shown(value: str | None) -> str:
    return "missing" if value is None else repr(value[:64])


__all__ = [
    "Claim",
    "HEADERS",
    "MAX_AGE_S",
    "MAX_SKEW_S",
    "PROTOCOL",
    "VERSION",
    "body_digest",
    "check_freshness",
    "check_receiver",
    "check_signature",
    "claim_headers",
    "read_claim",
    "request_payload",
    "sign",
    "verify",
]
