# SPDX-License-Identifier: Apache-2.0
"""The vectors of docs/reference/wire.md, which is what somebody writes a client in another language from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from protocols import auth, seal
from protocols.keys import Keypair, Scheme, verify
from protocols.seal import RollingHash, Said

ROOT = Path(__file__).parents[2]
VECTORS: dict[Scheme, Any] = json.loads((ROOT / "tests/data/wire_vectors.json").read_text(encoding="utf-8"))
SCHEMES = pytest.mark.parametrize("scheme", ["ed25519", "sr25519"])


def signature(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@SCHEMES
def test_the_request_vector_is_what_we_sign_and_accept(scheme: Scheme) -> None:
    vector = VECTORS[scheme]["request"]
    alice, bob = Keypair.from_uri("//Alice", scheme), Keypair.from_uri("//Bob", scheme)
    digest = auth.body_digest(vector["body"].encode())
    claim, headers = auth.sign(
        alice, method="POST", target="/Ask", digest=digest, nonce_ns=1700000000000000000, receiver=bob.ss58_address
    )
    assert auth.request_payload(claim, method="POST", target="/Ask", digest=digest).decode() == vector["payload"]
    if scheme == "ed25519":
        assert headers == vector["headers"]
    accepted = auth.verify(
        vector["headers"],
        vector["body"].encode(),
        method="POST",
        target="/Ask",
        receiver=bob.ss58_address,
        now_ns=1700000000000000000,
    )
    assert accepted.sender == alice.ss58_address


@SCHEMES
def test_the_reply_vector_is_what_we_seal_and_open(scheme: Scheme) -> None:
    vector = VECTORS[scheme]["reply"]
    bob = Keypair.from_uri("//Bob", scheme)
    request = signature(VECTORS[scheme]["request"]["headers"]["X-Bittensor-Signature"])
    said = Said(200, vector["content_type"], seal.reply_digest(vector["body"].encode()))
    payload = seal.reply_payload(said, request=request, miner=bob.ss58_address, scheme=scheme)
    assert payload.decode() == vector["payload"]
    opened = seal.open_seal(vector["headers"], said, request=request, miner=bob.ss58_address)
    assert opened == signature(vector["headers"]["x-subnet-signature"])
    if scheme == "ed25519":
        assert bob.sign(payload) == opened


@SCHEMES
def test_the_stream_vector_is_what_we_roll_up_and_verify(scheme: Scheme) -> None:
    vector = VECTORS[scheme]["stream"]
    bob = Keypair.from_uri("//Bob", scheme)
    request = signature(VECTORS[scheme]["request"]["headers"]["X-Bittensor-Signature"])
    rolling = RollingHash(request)
    for frame in vector["frames"]:
        rolling.add(bytes.fromhex(frame))
    said = Said(200, vector["content_type"], "")
    payload = rolling.payload(said, request=request, miner=bob.ss58_address, scheme=scheme)
    assert payload.decode() == vector["payload"]
    assert verify(payload, signature(vector["signature"]), bob.ss58_address, scheme)


def test_the_page_shows_the_vectors() -> None:
    page = (ROOT / "docs/reference/wire.md").read_text(encoding="utf-8")
    lines = {line.strip() for line in page.splitlines()}
    vectors = VECTORS["ed25519"]
    for part in ("request", "reply", "stream"):
        assert set(vectors[part]["payload"].split("\n")) <= lines
    assert vectors["request"]["headers"]["X-Bittensor-Signature"] in lines
    assert vectors["reply"]["headers"]["x-subnet-signature"] in lines
    assert vectors["stream"]["signature"] in lines
    assert set(vectors["stream"]["frames"]) <= lines
