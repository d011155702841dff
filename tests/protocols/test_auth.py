# SPDX-License-Identifier: Apache-2.0
"""Signed requests: what verifies, and that nothing does of which any part was changed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocols import auth
from protocols.errors import AuthError, BadSignature, MalformedAuth, StaleRequest, WrongReceiver
from protocols.keys import Keypair, Scheme

S = 1_000_000_000
NOW = 1_700_000_000 * S
ALICE, BOB, CHARLIE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))
BODY = b'{"prompt": "hello"}'
DIGEST = auth.body_digest(BODY)
SCHEMES: tuple[Scheme, ...] = ("sr25519", "ed25519")


def signed(key: Keypair = ALICE, *, receiver: str | None = BOB.ss58_address, nonce_ns: int = NOW) -> dict[str, str]:
    """The headers of `POST /Ask` with the usual body."""
    _, headers = auth.sign(key, method="POST", target="/Ask", digest=DIGEST, nonce_ns=nonce_ns, receiver=receiver)
    return headers


def verify(headers: dict[str, str], body: bytes = BODY, *, target: str = "/Ask", now_ns: int = NOW) -> auth.Claim:
    """Verify as Bob's server does."""
    return auth.verify(headers, body, method="POST", target=target, receiver=BOB.ss58_address, now_ns=now_ns)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_signed_request_verifies_in_both_schemes(scheme: Scheme) -> None:
    key = Keypair.from_uri("//Alice", scheme)
    claim = verify(signed(key))
    assert (claim.sender, claim.receiver, claim.nonce_ns) == (key.ss58_address, BOB.ss58_address, NOW)
    assert claim.scheme == scheme


def test_the_signed_bytes_are_those_of_the_official_protocol() -> None:
    claim = auth.Claim(ALICE.ss58_address, BOB.ss58_address, NOW, "sr25519", b"")
    assert auth.request_payload(claim, method="POST", target="/generate", digest=DIGEST).decode().split("\n") == [
        "btauth/1",
        "sr25519",
        "POST",
        "/generate",
        "341c57448e531310fbbe83f44cea2a5e838bd9e8a6b82b269f01d0dbbc23c3cc",
        "1700000000000000000",
        ALICE.ss58_address,
        BOB.ss58_address,
    ]


def test_headers_are_spelled_as_the_official_protocol_does_and_their_case_does_not_matter() -> None:
    headers = signed(Keypair.from_uri("//Alice", "ed25519"))
    assert {name.lower() for name in headers} == auth.HEADERS
    assert headers["X-Bittensor-Version"] == "1"
    assert headers["X-Bittensor-Signature"].startswith("0x")
    verify({name.upper(): value for name, value in headers.items()})


def test_the_default_scheme_is_not_named() -> None:
    assert "X-Bittensor-Crypto" not in signed()


def other(value: str) -> Callable[[str], str]:
    """Put this in place of what is there."""
    return lambda _: value


CHANGES: dict[str, tuple[str, Callable[[str], str], type[AuthError]]] = {
    "version": ("X-Bittensor-Version", other("2"), MalformedAuth),
    "sender": ("X-Bittensor-Hotkey", other(CHARLIE.ss58_address), BadSignature),
    "receiver": ("X-Bittensor-Receiver", other(CHARLIE.ss58_address), WrongReceiver),
    "nonce": ("X-Bittensor-Nonce", other(str(NOW + 1)), BadSignature),
    "scheme": ("X-Bittensor-Crypto", other("ed25519"), BadSignature),
    "signature": ("X-Bittensor-Signature", lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"), AuthError),
}


@pytest.mark.parametrize(("name", "change", "error"), CHANGES.values(), ids=CHANGES)
def test_a_request_with_a_changed_header_is_refused(
    name: str, change: Callable[[str], str], error: type[AuthError]
) -> None:
    headers = signed()
    headers[name] = change(headers.get(name, ""))
    with pytest.raises(error):
        verify(headers)


@given(st.binary(max_size=60))
def test_a_request_with_a_changed_body_is_refused(body: bytes) -> None:
    assume(body != BODY)
    with pytest.raises(BadSignature):
        verify(signed(), body)


@given(st.text(max_size=20))
def test_a_request_to_another_target_is_refused(target: str) -> None:
    assume(target != "/Ask" and target.isprintable())
    with pytest.raises(BadSignature):
        verify(signed(), target=target)


@pytest.mark.parametrize("target", ["/Ask?", "/Ask?a=1", "/ask", "//Ask", "/Ask/", "/%41sk"])
def test_a_target_that_means_nearly_the_same_is_another(target: str) -> None:
    with pytest.raises(BadSignature):
        verify(signed(), target=target)


@pytest.mark.parametrize("method", ["GET", "PUT", "post", ""])
def test_a_request_by_another_method_is_refused(method: str) -> None:
    claim = auth.read_claim({name.lower(): value for name, value in signed().items()})
    with pytest.raises(BadSignature):
        auth.check_signature(claim, method=method, target="/Ask", digest=DIGEST)


@given(st.integers(0, 511))
def test_a_signature_with_any_bit_flipped_is_refused(bit: int) -> None:
    claim = auth.read_claim({name.lower(): value for name, value in signed().items()})
    forged = bytearray(claim.signature)
    forged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSignature):
        auth.check_signature(
            msgspec.structs.replace(claim, signature=bytes(forged)), method="POST", target="/Ask", digest=DIGEST
        )


def test_a_request_for_nobody_is_refused() -> None:
    with pytest.raises(WrongReceiver, match="signed for missing"):
        verify(signed(receiver=None))


def test_a_request_that_says_it_is_for_nobody_was_not_signed_for_somebody() -> None:
    headers = signed()
    del headers["X-Bittensor-Receiver"]
    claim = auth.read_claim({name.lower(): value for name, value in headers.items()})
    with pytest.raises(BadSignature):
        auth.check_signature(claim, method="POST", target="/Ask", digest=DIGEST)


@pytest.mark.parametrize("name", ["Version", "Hotkey", "Nonce", "Signature"])
def test_a_request_that_lacks_a_header_is_malformed(name: str) -> None:
    headers = signed()
    del headers[f"X-Bittensor-{name}"]
    with pytest.raises(MalformedAuth):
        verify(headers)


@pytest.mark.parametrize(
    "nonce", ["", "0", "-1", "+1", "01", " 1", "1 ", "1_0", "1e9", "1.0", "\u0661", "\xb2", "9" * 21, "0x1", "1\n"]
)
def test_a_nonce_has_one_spelling(nonce: str) -> None:
    with pytest.raises(MalformedAuth):
        verify({**signed(), "X-Bittensor-Nonce": nonce})


@pytest.mark.parametrize("signature", ["", "0x", "0x" + "0" * 127, "0x" + "0" * 129, "0x" + "g" * 128, "\xb2" * 128])
def test_a_signature_is_64_bytes_in_hex(signature: str) -> None:
    with pytest.raises(MalformedAuth):
        verify({**signed(), "X-Bittensor-Signature": signature})


def test_a_signature_may_be_written_as_the_official_clients_do() -> None:
    headers = signed()
    bare = headers["X-Bittensor-Signature"].removeprefix("0x").upper()
    assert verify({**headers, "X-Bittensor-Signature": bare}) == verify(headers)


@pytest.mark.parametrize("crypto", ["", "SR25519", "ecdsa", "ed25519 ", "none"])
def test_a_scheme_is_one_of_two(crypto: str) -> None:
    with pytest.raises(MalformedAuth):
        verify({**signed(), "X-Bittensor-Crypto": crypto})


@pytest.mark.parametrize("hotkey", ["", "5", "x" * 48, ALICE.ss58_address + "1", ALICE.ss58_address.lower(), "\ud800"])
def test_a_hotkey_is_an_address(hotkey: str) -> None:
    with pytest.raises(MalformedAuth):
        verify({**signed(), "X-Bittensor-Hotkey": hotkey})


@pytest.mark.parametrize(("age_s", "fresh"), [(10.0, True), (10.1, False), (-2.0, True), (-2.1, False), (0.0, True)])
def test_a_request_is_fresh_for_ten_seconds_and_for_clocks_two_seconds_ahead(age_s: float, fresh: bool) -> None:
    now_ns = NOW + round(age_s * S)
    if fresh:
        verify(signed(), now_ns=now_ns)
    else:
        with pytest.raises(StaleRequest):
            verify(signed(), now_ns=now_ns)


@given(st.integers(1, 10**19), st.integers(1, 10**19))
def test_a_request_is_stale_exactly_outside_its_window(nonce_ns: int, now_ns: int) -> None:
    claim = auth.Claim(ALICE.ss58_address, None, nonce_ns, "sr25519", b"")
    try:
        auth.check_freshness(claim.nonce_ns, now_ns)
    except StaleRequest:
        assert not -2 * S < now_ns - nonce_ns < 10 * S
    else:
        assert -2.001 * S < now_ns - nonce_ns < 10.001 * S


def test_freshness_is_checked_before_the_signature_and_the_receiver_before_both() -> None:
    unsigned = {**signed(), "X-Bittensor-Signature": "0" * 128}
    with pytest.raises(StaleRequest):
        verify(unsigned, now_ns=NOW + 60 * S)
    with pytest.raises(WrongReceiver):
        verify({**unsigned, "X-Bittensor-Receiver": CHARLIE.ss58_address}, now_ns=NOW + 60 * S)


@given(st.dictionaries(st.sampled_from(sorted(auth.HEADERS)), st.text(max_size=140)))
def test_any_headers_are_a_claim_or_a_typed_error_that_shows_little_of_them(headers: dict[str, str]) -> None:
    said = ""
    try:
        auth.read_claim(headers)
    except MalformedAuth as error:
        said = error.message
    assert said.isprintable()
    assert len(said) < 300
