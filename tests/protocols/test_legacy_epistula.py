# SPDX-License-Identifier: Apache-2.0
"""The Epistula dialect with its doors closed, and both our halves of it together.

A peer that is not ours is met in tests/interop/test_epistula.py; streams as such in test_legacy_events.py.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols import synapse
from protocols.client import Client, Peer
from protocols.dialect import Arrived, Caller, Head
from protocols.errors import (
    AuthError,
    BadSignature,
    HandlerFailed,
    InvalidMessage,
    KeyMaterialError,
    MalformedAuth,
    MalformedBody,
    MalformedReply,
    PeerError,
    StaleRequest,
    SubnetError,
    UnsupportedMedia,
    WrongReceiver,
)
from protocols.keys import Keypair
from protocols.legacy.epistula import EpistulaHeard, EpistulaHearing, EpistulaSpeaking
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.synapse import Synapse

ALICE, BOB, CHARLIE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))
NOW_MS = 1_795_254_845_678
NOW = NOW_MS * 1_000_000
UUID = "1b0d3e8c-7f4a-4b1e-9a57-0c2f6d1e8a90"
BODY = b'{"prompt": "hi"}'


class Ask(Synapse):
    prompt: str

    class Reply(synapse.Reply):
        text: str


class Tell(Synapse):
    prompt: str

    class Reply(synapse.Reply):
        text: str


class Count(Synapse):
    n: int

    class Reply(synapse.Reply):
        i: int


SPEAKING = EpistulaSpeaking()

# Signed once by bittensor_core 0.1.5, from the protocol's text alone.
GOLDEN = {
    "content-type": "application/json",
    "epistula-version": "2",
    "epistula-timestamp": str(NOW_MS),
    "epistula-uuid": UUID,
    "epistula-signed-by": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "epistula-signed-for": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    "epistula-request-signature": "0xcedd84d316e8364bf20d91bffec3e7e148d644820013cdec435e449578fd435c"
    "114940735ca49bdd5e1ee83f95e569f9fb1c243615ddc092e25bd3bdea0b1288",
}


class Silent:
    """A key that must not be asked to sign."""

    ss58_address = BOB.ss58_address
    scheme: Literal["sr25519"] = "sr25519"

    def sign(self, message: bytes) -> bytes:
        raise AssertionError(f"signed {message!r} for a stranger")


def signed(
    body: bytes = BODY,
    *,
    key: Keypair = ALICE,
    receiver: str = BOB.ss58_address,
    at_ms: int = NOW_MS,
    uuid: str = UUID,
) -> dict[str, str]:
    """The headers of a request, made from the protocol's text."""
    text = f"{hashlib.sha256(body).hexdigest()}.{uuid}.{at_ms}.{receiver}"
    headers = GOLDEN | {
        "epistula-timestamp": str(at_ms),
        "epistula-uuid": uuid,
        "epistula-signed-by": key.ss58_address,
        "epistula-signed-for": receiver,
        "epistula-request-signature": "0x" + key.sign(text.encode()).hex(),
    }
    return headers if receiver else without(headers, "epistula-signed-for")


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


def hear(
    headers: dict[str, str], *, target: str = "/Ask", now_ns: int = NOW, at: EpistulaHearing | None = None
) -> EpistulaHeard:
    return (at or EpistulaHearing()).hear(Head("POST", target, headers), Silent(), now_ns)


@dataclass
class Served:
    """One of our servers, as //Bob, and whom it believed."""

    url: str = ""
    callers: list[Caller] = field(default_factory=list)

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        self.callers.append(ctx.caller)
        return Ask.Reply(text=f"{ctx.caller.dialect} {ask.prompt}")

    async def tell(self, ask: Tell, ctx: Context) -> Tell.Reply:
        self.callers.append(ctx.caller)
        return Tell.Reply(text=ask.prompt)

    async def count(self, ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        for i in range(abs(ask.n)):
            yield Count.Reply(i=i)
        if ask.n < 0:
            raise HandlerFailed("no more")

    async def post(self, path: str, headers: dict[str, str], body: bytes = BODY) -> str:
        """What the server says: the code of its error, or nothing."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, headers=headers, data=body) as said,
        ):
            answer = await said.json()
        return "" if said.status == 200 else str(answer["error"]["code"])


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    served = Served()
    options = ServerOptions(legacy=(EpistulaHearing(),), replay=MemoryReplay.never_served_before())
    async with Server(BOB, {Ask: served.answer, Tell: served.tell, Count: served.count}, options) as server:
        served.url = await server.start()
        yield served


async def test_our_two_halves_meet_on_a_server_that_speaks_btauth_too() -> None:
    async with serving() as served, Client(ALICE) as client:
        old, new = Peer(BOB.ss58_address, served.url, SPEAKING), Peer(BOB.ss58_address, served.url)
        outcomes = await client.ask_all([old, new, old], Ask(prompt="hi"))
        assert [outcome.unwrap().text for outcome in outcomes] == ["epistula/2 hi", "btauth/1 hi", "epistula/2 hi"]
        assert [outcome.evidence is None for outcome in outcomes] == [True, False, True]
        assert {caller.hotkey for caller in served.callers} == {ALICE.ss58_address}
        assert all(caller.body_authenticated for caller in served.callers)
        astray = await client.outcome(Peer(CHARLIE.ss58_address, served.url, SPEAKING), Ask(prompt="hi"))
        assert isinstance(astray.error, PeerError)
        assert astray.error.peer_code == "wrong_receiver"


async def test_a_stream_comes_whole_or_says_why_not() -> None:
    async with serving() as served, Client(ALICE) as client:
        peer = Peer(BOB.ss58_address, served.url, SPEAKING)
        async with client.stream(peer, Count(n=3)) as stream:
            assert [item.i async for item in stream] == [0, 1, 2]
        assert stream.complete
        async with client.stream(peer, Count(n=-2)) as stream:
            assert [(await anext(stream)).i for _ in range(2)] == [0, 1]
            with pytest.raises(PeerError, match=r"handler_failed \(unsigned\): no more"):
                await anext(stream)
        assert not stream.complete


async def test_a_request_is_accepted_once_for_all_queries() -> None:
    async with serving() as served:
        now_ms = time.time_ns() // 1_000_000
        first = signed(at_ms=now_ms)
        assert await served.post("/Ask", first) == ""
        assert await served.post("/Ask", first) == "replayed_request"
        assert await served.post("/Tell", first) == "replayed_request"
        other = b'{"prompt": "ho"}'
        assert await served.post("/Ask", signed(other, at_ms=now_ms), other) == "replayed_request"
        assert await served.post("/Ask", signed(at_ms=now_ms, uuid=UUID.upper())) == "replayed_request"
        assert await served.post("/Ask", signed(at_ms=now_ms + 1)) == ""
        assert await served.post("/Ask", signed(at_ms=now_ms, key=CHARLIE)) == ""
        hotkeys = [caller.hotkey for caller in served.callers]
        assert hotkeys == [ALICE.ss58_address, ALICE.ss58_address, CHARLIE.ss58_address]


async def test_a_request_whose_signature_fails_uses_up_no_nonce() -> None:
    async with serving() as served:
        honest = signed(at_ms=time.time_ns() // 1_000_000)
        assert await served.post("/Ask", honest, b'{"prompt": "ho"}') == "bad_signature"
        assert await served.post("/Ask", honest) == ""


def test_a_request_made_elsewhere_is_believed() -> None:
    assert EpistulaHearing().speaks(GOLDEN)
    heard = hear(GOLDEN)
    caller = heard.authenticate(BODY)
    assert caller.hotkey == heard.sender == ALICE.ss58_address
    assert (caller.nonce_ns, caller.dialect, caller.request_id) == (heard.nonce_ns, "epistula/2", UUID)
    assert caller.body_authenticated
    assert heard.read(BODY, Ask) == Ask(prompt="hi")


def test_our_requests_are_what_the_text_says() -> None:
    composed = SPEAKING.compose(Ask(prompt="hi"))
    headers = SPEAKING.ask(composed, ALICE, BOB.ss58_address, NOW + 999_999).headers
    digest, uuid = hashlib.sha256(composed.body).hexdigest(), headers["Epistula-Uuid"]
    text = f"{digest}.{uuid}.{NOW_MS}.{BOB.ss58_address}"
    assert ALICE.verify(text.encode(), bytes.fromhex(headers["Epistula-Request-Signature"].removeprefix("0x")))
    assert {name.lower() for name in headers} == set(GOLDEN)
    assert uuid != SPEAKING.ask(composed, ALICE, BOB.ss58_address, NOW).headers["Epistula-Uuid"]


@given(st.binary(max_size=40))
def test_no_other_body_is_believed(body: bytes) -> None:
    heard = hear(GOLDEN)
    if body == BODY:
        heard.authenticate(body)
    else:
        with pytest.raises(BadSignature):
            heard.authenticate(body)


def test_a_request_to_another_miner_or_to_none_is_refused() -> None:
    for receiver in (CHARLIE.ss58_address, ""):
        headers = signed(receiver=receiver)
        with pytest.raises(WrongReceiver):
            hear(headers)
        with pytest.raises(BadSignature):
            hear(headers | {"epistula-signed-for": BOB.ss58_address}).authenticate(BODY)
    with pytest.raises(WrongReceiver):
        hear(GOLDEN | {"epistula-signed-for": ""})


def test_a_named_query_may_come_unaddressed_and_nothing_else_changes() -> None:
    at, nobody = EpistulaHearing(unaddressed={Ask}), signed(receiver="")
    for headers in (nobody, nobody | {"epistula-signed-for": ""}, GOLDEN):
        assert hear(headers, at=at).authenticate(BODY).body_authenticated
    with pytest.raises(BadSignature):
        hear(nobody, at=at).authenticate(b'{"prompt": "ho"}')
    with pytest.raises(BadSignature):
        hear(without(GOLDEN, "epistula-signed-for"), at=at).authenticate(BODY)
    with pytest.raises(WrongReceiver):
        hear(signed(receiver=CHARLIE.ss58_address), at=at)
    with pytest.raises(StaleRequest):
        hear(nobody, at=at, now_ns=NOW + 9_000_000_000)
    for target in ("/Tell", "/Ask?x=1", "/ask"):
        with pytest.raises(WrongReceiver):
            hear(nobody, at=at, target=target)


@example(8_000)
@example(8_001)
@example(-2_000)
@given(st.integers(-2_000, 20_000))
def test_a_request_is_never_older_than_the_protocol_allows(age_ms: int) -> None:
    now_ns = NOW + age_ms * 1_000_000
    if age_ms <= 8_000:
        # What a restarted server refuses is everything up to its clock and the skew, which no nonce may lie beyond.
        assert hear(GOLDEN, now_ns=now_ns).nonce_ns <= NOW
    else:
        with pytest.raises(StaleRequest):
            hear(GOLDEN, now_ns=now_ns)


@given(st.uuids(version=4), st.uuids(version=4), st.integers(0, 8_000))
def test_nonces_follow_time_and_tell_uuids_apart(one: Any, other: Any, later_ms: int) -> None:
    first = hear(signed(uuid=str(one))).nonce_ns
    second = hear(signed(uuid=str(other), at_ms=NOW_MS - later_ms)).nonce_ns
    assert NOW - 100_000_000 < first <= NOW
    if later_ms >= 100:
        assert second < first
    elif later_ms == 0:
        assert (first == second) == ((one.int - other.int) % 100_000_000 == 0)


@pytest.mark.parametrize("spell", [str.upper, str.lower, lambda text: "0x" + text, lambda text: "0x" + text.upper()])
def test_hex_may_be_written_either_way(spell: Any) -> None:
    bare = GOLDEN["epistula-request-signature"].removeprefix("0x")
    hear(GOLDEN | {"epistula-request-signature": spell(bare)}).authenticate(BODY)
    upper = signed(uuid=UUID.upper())
    assert hear(upper).nonce_ns == hear(GOLDEN).nonce_ns
    hear(upper).authenticate(BODY)
    with pytest.raises(BadSignature):
        hear(GOLDEN | {"epistula-uuid": UUID.upper()}).authenticate(BODY)


UNREADABLE: dict[str, list[str]] = {
    "epistula-version": ["", "1", "02", "2.0", "\u0662"],
    "epistula-timestamp": [
        "",
        "0",
        f"0{NOW_MS}",
        f"+{NOW_MS}",
        f"{NOW_MS}.0",
        f"{NOW_MS}\n",
        "1_000",
        "9" * 17,
        "\xb2",
    ],
    "epistula-uuid": [
        "",
        "x",
        UUID[:-1],
        UUID + "0",
        UUID.replace("-", ""),
        UUID.replace("-4", "-1"),
        "{" + UUID + "}",
    ],
    "epistula-signed-by": ["", "alice", BOB.ss58_address[:-1], "\xe9", "0x" + ALICE.public_key.hex()],
    "epistula-request-signature": ["", "0x", "00" * 63, "0x" + "00" * 65, "0X" + "00" * 64, "zz" * 64, "\xe9" * 128],
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_header_that_is_missing_or_unreadable_is_refused_by_its_name(name: str) -> None:
    for headers in (without(GOLDEN, name), *(GOLDEN | {name: value} for value in UNREADABLE[name])):
        with pytest.raises(MalformedAuth, match=name.title()):
            hear(headers)


values = st.text(st.characters(codec="latin-1"), max_size=140) | st.sampled_from(sorted(GOLDEN.values()))


@given(st.dictionaries(st.sampled_from(sorted(GOLDEN)) | values, values, min_size=1), st.binary(max_size=20))
def test_garbage_is_refused_with_a_typed_error_or_changes_nothing(changes: dict[str, str], body: bytes) -> None:
    headers = GOLDEN | changes
    EpistulaHearing().speaks(headers)
    with pytest.raises((AuthError, UnsupportedMedia)):
        hear(headers).authenticate(body)
    try:
        caller = hear(headers).authenticate(BODY)
    except (AuthError, UnsupportedMedia):
        return
    assert caller.hotkey == ALICE.ss58_address
    assert all(headers[name] == GOLDEN[name] for name in GOLDEN if name != "content-type")


def test_only_sr25519_keys_take_part() -> None:
    other = Keypair.from_uri("//Alice", "ed25519")
    with pytest.raises(BadSignature):
        hear(signed(key=other)).authenticate(BODY)
    with pytest.raises(KeyMaterialError, match="verify sr25519"):
        SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), other, BOB.ss58_address, NOW)


def test_only_json_of_exactly_the_query_is_read() -> None:
    for content_type in ("application/msgpack", "text/plain"):
        with pytest.raises(UnsupportedMedia):
            hear(GOLDEN | {"content-type": content_type})
    with pytest.raises(UnsupportedMedia):
        hear(without(GOLDEN, "content-type"))
    heard = hear(GOLDEN | {"content-type": "application/json; charset=utf-8"})
    with pytest.raises(InvalidMessage):
        heard.read(b'{"prompt": "hi", "model": "m"}', Ask)
    with pytest.raises(MalformedBody):
        heard.read(b"\x80", Ask)


@pytest.mark.parametrize(
    ("status", "content_type", "body", "error"),
    [
        (200, "application/json", b'{"text": null}', MalformedReply),
        (200, "application/json", b'{"text": "HI", "prompt": "hi"}', MalformedReply),
        (200, "application/msgpack", b"\x80", MalformedReply),
        (200, "", b'{"text": "HI"}', MalformedReply),
        (500, "text/html", b"<html>", PeerError),
        (500, "application/json", b'{"detail": [1]}', PeerError),
        (204, "", b"", PeerError),
    ],
)
def test_what_is_no_reply_is_a_typed_error(
    status: int, content_type: str, body: bytes, error: type[SubnetError]
) -> None:
    asked = SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), ALICE, BOB.ss58_address, NOW)
    with pytest.raises(error):
        asked.open(Arrived(status, {"content-type": content_type}), body)


def test_a_peers_own_error_is_shown_as_far_as_a_log_can_bear_it() -> None:
    asked = SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), ALICE, BOB.ss58_address, NOW)
    with pytest.raises(PeerError, match=r"401 unknown \(unsigned\): Signature\? Mismatch") as raised:
        asked.open(Arrived(401, {"retry-after": "3"}), json.dumps({"detail": "Signature\x1b Mismatch"}).encode())
    assert (raised.value.peer_code, raised.value.retry_after_s) == ("unknown", 3.0)
