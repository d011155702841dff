# SPDX-License-Identifier: Apache-2.0
"""Who may speak in whose name: nobody but the holder of a key, once, to one miner, with exactly these words.

Each test is a flaw that older miners had, or an attempt to bring one back.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from bittensor_core import encode_ss58
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.keys import Keypair, encode_address
from tests.attacks.miner import ALICE, BODY, CHARLIE, MINER, Letter, Recording, Target, altered, serving, until
from tests.attacks.raw import exchange, request

SIGNED = ["X-Bittensor-Version", "X-Bittensor-Hotkey", "X-Bittensor-Receiver", "X-Bittensor-Nonce"]


@pytest.mark.parametrize("name", [*SIGNED, "X-Bittensor-Signature"])
async def test_a_request_without_one_of_its_headers_is_refused_unsigned(miner: Target, name: str) -> None:
    headers = {given: value for given, value in Letter().headers().items() if given != name}
    response = await exchange(miner.url, request(headers=headers.items(), body=BODY))
    expected = (403, "wrong_receiver") if name == "X-Bittensor-Receiver" else (401, "malformed_auth")
    assert (response.status, response.code) == expected
    assert not response.signed
    assert not miner.seen.asked


TAMPERED: dict[str, tuple[Callable[[], bytes], str]] = {
    "body": (
        lambda: request(headers=Letter().headers().items(), body=BODY.replace(b"hello", b"hullo")),
        "bad_signature",
    ),
    "path": (lambda: request("/Count", Letter().headers().items(), BODY), "bad_signature"),
    "path spelling": (lambda: request("/%41sk", Letter().headers().items(), BODY), "bad_signature"),
    "query": (lambda: request("/Ask?n=2", Letter(target="/Ask?n=1").headers().items(), BODY), "bad_signature"),
    "no query": (lambda: request("/Ask", Letter(target="/Ask?n=1").headers().items(), BODY), "bad_signature"),
    "method": (lambda: request(headers=Letter(method="PUT").headers().items(), body=BODY), "bad_signature"),
    "receiver": (lambda: Letter(receiver=CHARLIE.ss58_address).bytes(), "wrong_receiver"),
    "receiver, written over": (
        lambda: altered("X-Bittensor-Receiver", MINER.ss58_address, Letter(receiver=CHARLIE.ss58_address)),
        "bad_signature",
    ),
    "no receiver": (lambda: altered("X-Bittensor-Receiver", "-"), "wrong_receiver"),
    "sender": (lambda: altered("X-Bittensor-Hotkey", CHARLIE.ss58_address), "bad_signature"),
    "scheme": (lambda: altered("X-Bittensor-Crypto", "ed25519"), "bad_signature"),
    "unknown scheme": (lambda: altered("X-Bittensor-Crypto", "ecdsa"), "malformed_auth"),
    "nonce": (lambda: altered("X-Bittensor-Nonce", str(time.time_ns())), "bad_signature"),
    "nonce with a sign": (lambda: altered("X-Bittensor-Nonce", f"+{time.time_ns()}"), "malformed_auth"),
    "nonce with a leading zero": (lambda: altered("X-Bittensor-Nonce", f"0{time.time_ns()}"), "malformed_auth"),
    "nonce in other digits": (lambda: altered("X-Bittensor-Nonce", "\xb2" * 19), "malformed_auth"),
    "version": (lambda: altered("X-Bittensor-Version", "2"), "malformed_auth"),
    "signature": (lambda: altered("X-Bittensor-Signature", "0x" + "ab" * 64), "bad_signature"),
    "short signature": (lambda: altered("X-Bittensor-Signature", "0x" + "ab" * 63), "malformed_auth"),
    "empty signature": (lambda: altered("X-Bittensor-Signature", ""), "malformed_auth"),
}


@pytest.mark.parametrize("part", TAMPERED)
async def test_a_request_with_a_tampered_part_is_refused_unsigned(miner: Target, part: str) -> None:
    make, code = TAMPERED[part]
    response = await exchange(miner.url, make())
    assert response.code == code
    assert not response.signed
    assert not miner.seen.asked


async def test_a_body_may_not_be_moved_to_another_query_that_could_read_it(miner: Target) -> None:
    response = await exchange(miner.url, request("/Count", Letter(body=b'{"n":1}').headers().items(), b'{"n":1}'))
    assert response.code == "bad_signature"
    assert miner.seen.counted == 0


@pytest.mark.parametrize("name", [*SIGNED, "X-Bittensor-Signature", "Content-Type", "X-Subnet-Timeout"])
async def test_a_header_that_is_given_twice_is_refused(miner: Target, name: str) -> None:
    headers = {**Letter().headers(), "X-Subnet-Timeout": "9"}
    twice = [*headers.items(), (name.lower(), headers[name])]
    response = await exchange(miner.url, request(headers=twice, body=BODY))
    assert (response.status, response.code) == (401, "malformed_auth")
    assert not miner.seen.asked


async def test_the_caller_is_who_signed_and_not_who_the_body_names(miner: Target) -> None:
    body = b'{"prompt":"hi","hotkey":"%s"}' % CHARLIE.ss58_address.encode()
    reply = await exchange(miner.url, Letter(body=body).bytes({"hotkey": CHARLIE.ss58_address}))
    assert reply.json() == {"text": "HI", "caller": ALICE.ss58_address}


async def test_a_body_cannot_bring_an_identity_in_fields_of_its_own(miner: Target) -> None:
    body = b'{"prompt":"hi","dendrite":{"hotkey":"%s"}}' % CHARLIE.ss58_address.encode()
    response = await exchange(miner.url, Letter(body=body).bytes())
    assert (response.status, response.code) == (422, "invalid_message")
    assert not miner.seen.asked


@pytest.mark.parametrize("address_format", [0, 2, 41, 63])
async def test_other_spellings_of_a_key_are_not_other_callers(miner: Target, address_format: int) -> None:
    spelled = encode_ss58(ALICE.public_key, address_format)
    assert (await exchange(miner.url, altered("X-Bittensor-Hotkey", spelled))).code == "malformed_auth"
    upper = ALICE.ss58_address.upper()
    assert (await exchange(miner.url, altered("X-Bittensor-Hotkey", upper))).code == "malformed_auth"
    hexed = "0x" + ALICE.public_key.hex()
    assert (await exchange(miner.url, altered("X-Bittensor-Hotkey", hexed))).code == "malformed_auth"


@pytest.mark.parametrize("scheme", ["sr25519", "ed25519"])
@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"], ids=bytes.hex)
async def test_a_key_for_which_anybody_can_sign_is_no_caller(miner: Target, key: bytes, scheme: str) -> None:
    identity, zero = b"\x01" + bytes(31), bytes(32)
    headers = {**Letter().headers(), "X-Bittensor-Hotkey": encode_address(key), "X-Bittensor-Crypto": scheme}
    for commitment in (identity, zero, key):
        headers["X-Bittensor-Signature"] = "0x" + (commitment + bytes(31) + b"\x00").hex()
        response = await exchange(miner.url, request(headers=headers.items(), body=BODY))
        assert response.code == "bad_signature"
    assert not miner.seen.asked


async def test_a_key_of_the_other_scheme_is_served_and_not_confused(miner: Target) -> None:
    edward = Keypair.from_uri("//Alice", "ed25519")
    assert (await exchange(miner.url, Letter(key=edward).bytes())).json()["caller"] == edward.ss58_address
    confused = altered("X-Bittensor-Crypto", "sr25519", Letter(key=edward))
    assert (await exchange(miner.url, confused)).code == "bad_signature"


async def test_nothing_is_signed_for_a_stranger() -> None:
    signer = Recording(MINER)
    chosen = "sign-this-for-me"
    strangers = [
        request(),
        request(headers=[("bt_header_axon_nonce", chosen)], body=BODY),
        request(f"/{chosen}"),
        request(method="GET"),
        request("/info", method="GET"),
        *(make() for make, _ in TAMPERED.values()),
        altered("X-Bittensor-Hotkey", chosen),
        altered("X-Bittensor-Nonce", chosen),
        Letter(nonce_ns=1).bytes({"X-Anything": chosen}),
        b"GARBAGE\r\n\r\n",
    ]
    async with serving(key=signer) as target:
        for stranger in strangers:
            response = await exchange(target.url, stranger)
            assert not response.signed, stranger
    assert signer.signed == []


async def test_what_is_signed_for_a_caller_holds_no_text_of_the_callers() -> None:
    signer = Recording(MINER)
    chosen = "btauth/1\\nsr25519"
    bodies = [
        b'{"prompt":"%s"}' % chosen.encode(),
        b'{"prompt":1,"%s":2}' % chosen.encode(),
        b'{"%s' % chosen.encode(),
        chosen.encode(),
    ]
    async with serving(key=signer) as target:
        for body in bodies:
            letter = Letter(body=body, target=f"/Ask?{chosen}")
            response = await exchange(target.url, letter.bytes({"X-Subnet-Timeout": "5", "X-Chosen": chosen}))
            assert response.signed
        timeout = await exchange(target.url, Letter().bytes({"X-Subnet-Timeout": chosen}))
        assert (timeout.code, timeout.signed) == ("malformed_body", True)
        stream = await exchange(target.url, Letter(target="/Count", body=b'{"n":2}').bytes())
        assert stream.status == 200
    assert len(signer.signed) == 6
    for message in signer.signed:
        lines = message.decode().split("\n")
        assert lines[0] in ("subnet-reply/1", "subnet-stream/1")
        assert len(lines) == (7 if lines[0] == "subnet-reply/1" else 8)
        assert "btauth" not in message.decode()
        assert lines[-1] == MINER.ss58_address


async def test_an_error_for_a_known_caller_is_signed(miner: Target) -> None:
    response = await exchange(miner.url, Letter(body=b"{}").bytes())
    assert (response.status, response.code, response.signed) == (422, "invalid_message", True)


@pytest.mark.serial
async def test_a_hotkey_of_many_characters_costs_no_more_than_another(miner: Target) -> None:
    headers = Letter().headers()
    longs = ["5" + "".join(random.choices("123456789ABCDEFGH", k=14_000)) for _ in range(20)]
    used = time.process_time()
    for long in longs:
        data = request(headers={**headers, "X-Bittensor-Hotkey": long}.items(), body=BODY)
        assert (await exchange(miner.url, data)).code == "malformed_auth"
    assert time.process_time() - used < 0.1


# Each part as it is, or replaced by something a little or wholly different.
_PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=140)
_FLIPS = st.dictionaries(
    st.sampled_from([*SIGNED, "X-Bittensor-Signature", "X-Bittensor-Crypto"]), _PRINTABLE, min_size=1
)


@settings(max_examples=60)
@given(flips=_FLIPS)
async def test_no_change_of_any_header_gets_a_request_accepted(flips: dict[str, str]) -> None:
    signed = Letter().headers()
    changed = {**signed, **flips}
    if changed == signed or changed == {**signed, "X-Bittensor-Crypto": "sr25519"}:
        return
    async with serving() as target:
        response = await exchange(target.url, request(headers=changed.items(), body=BODY))
        assert response.status in (401, 403)
        assert not response.signed
        await until(lambda: not target.seen.asked)
