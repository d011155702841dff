# SPDX-License-Identifier: Apache-2.0
"""Keys are the chain's own, verification is strict, and no secret leaves a key.

Known answers: the Substrate development keys (docs.polkadot.com, subkey), RFC 8032 section 7.1 test 3.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import pickle
import traceback

import bittensor_core
import pytest
from bittensor import sp_core
from hypothesis import example, given
from hypothesis import strategies as st

from protocols import keys
from protocols.errors import InvalidAddress, InvalidSecret, KeyMaterialError, NoPrivateKey
from protocols.keys import (
    Keypair,
    Scheme,
    Signer,
    decode_address,
    encode_address,
    generate_mnemonic,
    is_dev_address,
    short,
    verify,
)

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_ED25519 = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"
NOBODY = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM"
PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
MESSAGE = b"btauth/1\nwho asks what of whom"
SCHEMES: tuple[Scheme, ...] = ("sr25519", "ed25519")
both = pytest.mark.parametrize("scheme", SCHEMES)


def ss58_by_hand(public_key: bytes, network: int) -> str:
    """The address format as its specification says it, for networks 0 to 63."""
    body = bytes([network]) + public_key
    number = int.from_bytes(body + hashlib.blake2b(b"SS58PRE" + body, digest_size=64).digest()[:2], "big")
    alphabet, text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return ("1" if body[0] == 0 else "") + text


# Known answers


@pytest.mark.parametrize(("scheme", "address"), [("sr25519", ALICE), ("ed25519", ALICE_ED25519)])
def test_alice_has_the_address_that_the_chain_gives_her(scheme: Scheme, address: str) -> None:
    assert Keypair.from_uri("//Alice", scheme).ss58_address == address
    assert Keypair.from_uri(f"{PHRASE}//Alice", scheme).ss58_address == address


def test_the_development_phrase_has_its_known_address() -> None:
    assert Keypair.from_mnemonic(PHRASE).ss58_address == "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
    assert (
        Keypair.from_mnemonic(f"  {PHRASE.replace(' ', '  ')}\n").ss58_address
        == Keypair.from_mnemonic(PHRASE).ss58_address
    )


def test_rfc_8032_signature_verifies_and_its_seed_makes_it_again() -> None:
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    public_key = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    address = encode_address(public_key)
    assert verify(bytes.fromhex("af82"), signature, address, "ed25519")
    assert not verify(bytes.fromhex("af83"), signature, address, "ed25519")
    assert not verify(bytes.fromhex("af82"), signature, address, "sr25519")
    assert Keypair.from_seed(seed, "ed25519").sign(bytes.fromhex("af82")) == signature


def test_a_password_makes_another_key() -> None:
    plain, locked = Keypair.from_mnemonic(PHRASE), Keypair.from_mnemonic(PHRASE, password="open sesame")
    assert plain.ss58_address != locked.ss58_address
    assert locked.ss58_address == Keypair.from_uri(f"{PHRASE}///open sesame").ss58_address


# Addresses


@given(st.binary(min_size=32, max_size=32))
@example(bytes(32))
def test_an_address_is_what_its_specification_says_and_reads_back(public_key: bytes) -> None:
    address = encode_address(public_key)
    assert address == ss58_by_hand(public_key, 42)
    assert decode_address(address) == public_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        ALICE[:-1],
        ALICE + "Y",
        ALICE + "\n",
        " " + ALICE,
        ALICE.lower(),
        "0x" + "d4" * 32,
        "é" * 48,
        "\ud800",
        "1" * 9999,
    ],
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress, match="is not an ss58 address"):
        decode_address(text)
    with pytest.raises(InvalidAddress):
        Keypair.from_address(text)
    with pytest.raises(InvalidAddress):
        verify(MESSAGE, bytes(64), text)


@pytest.mark.parametrize("place", [0, 1, 20, 47])
def test_a_mistyped_character_is_noticed(place: int) -> None:
    other = "3" if ALICE[place] != "3" else "4"
    with pytest.raises(InvalidAddress):
        decode_address(ALICE[:place] + other + ALICE[place + 1 :])


@pytest.mark.parametrize("network", [0, 2, 41, 43])
def test_one_key_has_one_address_so_other_networks_spellings_are_refused(network: int) -> None:
    alice = Keypair.from_uri("//Alice")
    elsewhere = ss58_by_hand(alice.public_key, network)
    with pytest.raises(InvalidAddress, match="another network") as refused:
        verify(MESSAGE, alice.sign(MESSAGE), elsewhere)
    assert ALICE in refused.value.help


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_public_key_of_another_length_has_no_address(size: int) -> None:
    with pytest.raises(InvalidAddress, match=f"32 bytes, got {size}"):
        encode_address(bytes(size))


# Signing and verifying


@both
def test_a_signature_verifies_for_its_signer_and_its_message_only(scheme: Scheme) -> None:
    signer, other = Keypair.generate(scheme), Keypair.generate(scheme)
    signature = signer.sign(MESSAGE)
    assert len(signature) == 64
    assert verify(MESSAGE, signature, signer.ss58_address, scheme)
    assert signer.verify(MESSAGE, signature)
    assert not verify(MESSAGE + b" ", signature, signer.ss58_address, scheme)
    assert not verify(MESSAGE, signature, other.ss58_address, scheme)


@both
@given(place=st.integers(0, 511))
def test_one_changed_bit_spoils_a_signature(scheme: Scheme, place: int) -> None:
    alice = Keypair.from_uri("//Alice", scheme)
    changed = bytearray(alice.sign(MESSAGE))
    changed[place // 8] ^= 1 << place % 8
    assert not alice.verify(MESSAGE, bytes(changed))


@both
@given(signature=st.binary(max_size=130))
@example(signature=bytes(64))
@example(signature=b"\xff" * 64)
def test_bytes_that_are_no_signature_are_no_error(scheme: Scheme, signature: bytes) -> None:
    assert not Keypair.from_uri("//Alice", scheme).verify(MESSAGE, signature)


@both
def test_an_address_that_is_no_point_on_the_curve_verifies_nothing(scheme: Scheme) -> None:
    assert not verify(MESSAGE, bytes(64), encode_address(b"\xff" * 31 + b"\x3f"), scheme)


def test_nobody_can_sign_for_the_account_of_zeros_though_the_curve_would_allow_it() -> None:
    forgery = bytes(63) + b"\x80"  # the neutral point, and zero: known to anyone
    assert bittensor_core.verify(MESSAGE, forgery, NOBODY)
    assert not verify(MESSAGE, forgery, NOBODY)


def test_the_points_of_small_order_verify_nothing_though_the_curve_would_allow_it() -> None:
    forgery = b"\x01" + bytes(63)
    weak = [encode_address(key) for key in keys._FORGEABLE]
    assert len(weak) == 14
    assert all(bittensor_core.verify(MESSAGE, forgery, address, bittensor_core.CRYPTO_ED25519) for address in weak)
    assert not any(verify(MESSAGE, forgery, address, "ed25519") for address in weak)


@both
def test_a_signature_over_text_wrapped_by_a_browser_wallet_is_taken_as_the_chains_wallets_take_it(
    scheme: Scheme,
) -> None:
    alice = Keypair.from_uri("//Alice", scheme)
    wrapped = b"<Bytes>" + MESSAGE + b"</Bytes>"
    assert alice.verify(MESSAGE, alice.sign(wrapped))
    assert not alice.verify(wrapped, alice.sign(MESSAGE))


@both
def test_a_key_of_an_address_only_verifies_and_says_why_it_cannot_sign(scheme: Scheme) -> None:
    signer = Keypair.generate(scheme)
    public = Keypair.from_address(signer.ss58_address, scheme)
    assert public.verify(MESSAGE, signer.sign(MESSAGE))
    assert (public.ss58_address, public.public_key) == (signer.ss58_address, signer.public_key)
    with pytest.raises(NoPrivateKey, match=short(signer.ss58_address)):
        public.sign(MESSAGE)


def test_an_unknown_scheme_is_refused_everywhere() -> None:
    unknown: Scheme = "ecdsa"  # type: ignore[assignment]
    with pytest.raises(KeyMaterialError, match="'ecdsa', expected sr25519 or ed25519"):
        verify(MESSAGE, bytes(64), ALICE, unknown)
    with pytest.raises(KeyMaterialError):
        Keypair.from_uri("//Alice", unknown)
    with pytest.raises(KeyMaterialError):
        Keypair.from_address(ALICE, unknown)


def test_a_keypair_is_a_signer() -> None:
    signer: Signer = Keypair.from_uri("//Alice")
    assert (signer.ss58_address, signer.scheme) == (ALICE, "sr25519")


def test_generated_keys_differ() -> None:
    assert Keypair.generate().ss58_address != Keypair.generate().ss58_address


@pytest.mark.parametrize("words", [12, 24])
def test_a_generated_mnemonic_makes_one_key(words: int) -> None:
    phrase = generate_mnemonic(words)
    assert len(phrase.split()) == words
    assert phrase != generate_mnemonic(words)
    assert Keypair.from_mnemonic(phrase).ss58_address == Keypair.from_uri(phrase).ss58_address


@pytest.mark.parametrize("words", [0, 3, 13, 25])
def test_a_mnemonic_of_another_length_is_not_made(words: int) -> None:
    with pytest.raises(InvalidSecret, match=f"12, 15, 18, 21 or 24 words, got {words}"):
        generate_mnemonic(words)


# Secrets


SECRETS = {
    "mnemonic": "zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra",
    "short mnemonic": "hunter2 hunter2",
    "not even text": "\ud800 " + "hunter2 " * 11,
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_wrong_mnemonic_or_uri_is_never_shown(secret: str) -> None:
    for make in (Keypair.from_mnemonic, Keypair.from_uri):
        with pytest.raises(InvalidSecret) as refused:
            make(secret)
        shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value.to_json())
        assert "hunter2" not in shown
        assert "zebra" not in shown
        assert refused.value.__context__ is None


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused_by_its_length(size: int) -> None:
    with pytest.raises(InvalidSecret, match=f"32 bytes, got {size}"):
        Keypair.from_seed(b"x" * size)


@pytest.mark.parametrize("uri", ["", "  ", "\n"])
def test_an_empty_uri_is_not_the_public_development_key(uri: str) -> None:
    with pytest.raises(InvalidSecret, match="empty"):
        Keypair.from_uri(uri)


def test_ed25519_says_that_it_cannot_derive_softly() -> None:
    with pytest.raises(InvalidSecret, match="hard steps only"):
        Keypair.from_uri("//Alice/soft", "ed25519")


@given(st.text(max_size=80))
def test_any_text_as_a_uri_is_a_key_or_an_invalid_secret(uri: str) -> None:
    with contextlib.suppress(InvalidSecret):
        assert len(Keypair.from_uri(uri).sign(b"")) == 64


@both
def test_a_key_shows_its_address_and_nothing_else(scheme: Scheme) -> None:
    key = Keypair.from_seed(b"hunter2!" * 4, scheme)
    for shown in (repr(key), str(key), f"{key}"):
        assert shown == f"<Keypair {short(key.ss58_address)} {scheme}>"
    assert repr(Keypair.from_address(ALICE)) == "<Keypair 5Grwva…KutQY sr25519 verify-only>"
    assert not hasattr(key, "__dict__")


def test_a_key_cannot_be_copied_or_pickled() -> None:
    key = Keypair.from_uri("//Alice")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(KeyMaterialError, match="cannot be copied or pickled"):
            leak(key)


# Development keys, and addresses for people


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "name", ["", "//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie", "//Alice//stash", "//Bob//stash"]
)
def test_published_keys_are_known_as_such(name: str, scheme: Scheme) -> None:
    assert is_dev_address(Keypair.from_uri(PHRASE + name, scheme).ss58_address)


def test_other_keys_are_not_development_keys() -> None:
    assert not is_dev_address(Keypair.generate().ss58_address)
    assert not is_dev_address("")


def test_an_address_is_shortened_for_people() -> None:
    assert short(ALICE) == "5Grwva…KutQY"
    assert short("5Grwva") == "5Grwva"


# Interoperation


@pytest.mark.interop
@both
def test_signatures_are_exchanged_with_the_official_sdk(scheme: Scheme) -> None:
    theirs = sp_core.Keypair.create_from_mnemonic(PHRASE, crypto_type=int(scheme == "sr25519"))
    ours = Keypair.from_mnemonic(PHRASE, scheme)
    assert theirs.ss58_address == ours.ss58_address
    assert theirs.verify(MESSAGE, ours.sign(MESSAGE))
    assert ours.verify(MESSAGE, theirs.sign(MESSAGE))
