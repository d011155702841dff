# SPDX-License-Identifier: Apache-2.0
"""The v10 dialect with its doors closed: each thing that a v10 axon let through is refused here.

What real v10 peers send and accept is tested with them, in tests/interop/test_v10.py.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import synapse
from protocols.auth import MAX_AGE_S, MAX_SKEW_S
from protocols.client import Client, ClientOptions, Peer
from protocols.clock import VirtualClock
from protocols.codec import JSON
from protocols.dialect import Arrived, Head
from protocols.errors import (
    AuthError,
    BadSignature,
    BodyTooLarge,
    DeadlineExceeded,
    HandlerFailed,
    InvalidMessage,
    InvalidSynapse,
    KeyMaterialError,
    MalformedAuth,
    MalformedBody,
    MalformedReply,
    MethodNotAllowed,
    NotAdmitted,
    PeerError,
    RedirectRefused,
    ReplayedRequest,
    SubnetError,
    UnsupportedMedia,
    WrongReceiver,
)
from protocols.keys import Keypair
from protocols.legacy.v10 import V10Hearing, V10Speaking
from protocols.legacy.v10.hearing import V10Heard
from protocols.legacy.v10.wire import HashFields
from protocols.memory import MemoryNetwork, MemoryTransport
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.synapse import Synapse

ALICE, BOB, CHARLIE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))
NOW = 1_795_254_845_000_000_000


class Ask(Synapse):
    max_field_bytes: ClassVar[int] = 4096
    prompt: str
    max_tokens: int = 64

    class Reply(synapse.Reply):
        text: str


class Kinds(Synapse):
    word: str
    whole: int
    real: float
    yes: bool
    maybe: str | None
    words: list[str]
    pair: tuple[int, float]
    by_name: dict[str, float]

    class Reply(synapse.Reply):
        text: str = ""


class Point(msgspec.Struct, frozen=True):
    x: float
    y: float = 0.0


class Draft(Synapse):
    text: str
    at: Point

    class Reply(synapse.Reply):
        text: str


class Chat(Synapse):
    messages: list[str]

    class Reply(synapse.Reply):
        text: str | None = None


class Count(Synapse):
    n: int

    class Reply(synapse.Reply):
        i: int


ASK = ("prompt", "max_tokens")
HEARING = V10Hearing({Ask: ASK, Kinds: Kinds.__struct_fields__}, unsigned_bodies={Chat})
SPEAKING = V10Speaking({Ask: ASK, Kinds: Kinds.__struct_fields__}, unsigned_bodies={Chat})

# As `Dendrite.preprocess_synapse_for_request` of bittensor 10.5.0 made it for Ask(prompt="hi"), //Alice to //Bob.
GOLDEN_HEADERS = {
    "name": "Ask",
    "timeout": "5.0",
    "bt_header_axon_ip": "127.0.0.1",
    "bt_header_axon_port": "38117",
    "bt_header_axon_hotkey": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    "bt_header_dendrite_ip": "203.0.113.1",
    "bt_header_dendrite_version": "10005000",
    "bt_header_dendrite_nonce": "1795254844928470129",
    "bt_header_dendrite_uuid": "7c89a490-e591-11f1-8689-02fc00000001",
    "bt_header_dendrite_hotkey": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "bt_header_dendrite_signature": "0xbc7b45feac08cf5eb56727748746bb575ce704d8a56475486949346287e7a178"
    "06987e09dfcc5bc34db08670f64413ba0a6966fda4fd646c2be23162520d6889",
    "bt_header_input_obj_prompt": "IiI=",
    "header_size": "464",
    "total_size": "3108",
    "computed_body_hash": "79bc454c484308bb3718dcb9ac306ee2b24b5a72fdbaf496d59410c9146a63d6",
    "content-type": "application/json",
}
GOLDEN_BODY: dict[str, Any] = {
    "name": "Ask",
    "timeout": 5.0,
    "total_size": 3108,
    "header_size": 0,
    "dendrite": {"hotkey": CHARLIE.ss58_address, "nonce": 1},  # a body may say what it likes of its sender
    "axon": {"status_code": None, "hotkey": BOB.ss58_address},
    "computed_body_hash": "",
    "prompt": "hi",
    "max_tokens": 64,
    "text": None,
}
SIGNED = [f"bt_header_dendrite_{name}" for name in ("nonce", "uuid", "signature")] + ["computed_body_hash"]

text = st.text(st.characters(codec="utf-8"), max_size=20)
real = st.floats(allow_nan=False, allow_infinity=False)
kinds = st.builds(
    Kinds,
    word=text,
    whole=st.integers(),
    real=real | st.integers(-(2**53), 2**53),  # msgspec leaves an int in a field of floats as it was given
    yes=st.booleans(),
    maybe=st.none() | text,
    words=st.lists(text, max_size=3),
    pair=st.tuples(st.integers(), real),
    by_name=st.dictionaries(text, real, max_size=3),
)


class Silent:
    """A key that must not be asked to sign."""

    ss58_address = BOB.ss58_address
    scheme: Literal["sr25519"] = "sr25519"

    def sign(self, message: bytes) -> bytes:
        raise AssertionError(f"signed {message!r} for a stranger")


def hear(headers: dict[str, str], *, target: str = "/Ask", now_ns: int = NOW, at: V10Hearing = HEARING) -> V10Heard:
    return at.hear(Head("POST", target, headers), Silent(), now_ns)


def golden(**changes: Any) -> bytes:
    return json.dumps({**GOLDEN_BODY, **changes}).encode()


def sent(query: Synapse, *, receiver: Keypair = BOB, now_ns: int = NOW) -> tuple[dict[str, str], bytes]:
    composed = SPEAKING.compose(query)
    asked = SPEAKING.ask(composed, ALICE, receiver.ss58_address, now_ns)
    return {name.lower(): value for name, value in asked.headers.items()}, composed.body


def test_a_request_of_a_real_dendrite_is_believed_and_its_body_names_nobody() -> None:
    assert HEARING.speaks(GOLDEN_HEADERS)
    heard = hear(GOLDEN_HEADERS)
    caller = heard.authenticate(golden())
    assert caller.hotkey == heard.sender == ALICE.ss58_address
    assert (caller.nonce_ns, caller.dialect, caller.body_authenticated) == (1795254844928470129, "v10", True)
    assert heard.read(golden(), Ask) == Ask(prompt="hi")


@pytest.mark.parametrize("change", [{"prompt": "ho"}, {"prompt": "hi "}, {"max_tokens": 65}])
def test_a_tampered_body_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadSignature, match="body hashes to"):
        hear(GOLDEN_HEADERS).authenticate(golden(**change))


@pytest.mark.parametrize(
    ("off_s", "status"),
    [(MAX_AGE_S, 200), (MAX_AGE_S + 1e-5, 401), (-MAX_SKEW_S, 200), (-MAX_SKEW_S - 1e-5, 401)],
)
async def test_unsigned_headers_never_widen_the_window(off_s: float, status: int) -> None:
    async def answer(ask: Ask, ctx: Context) -> Any:
        return Ask.Reply(text="yes")

    lax = GOLDEN_HEADERS | {"timeout": "99999", "bt_header_dendrite_version": "1"}
    clock = VirtualClock(start_ns=int(lax["bt_header_dendrite_nonce"]) + round(off_s * 1e9))
    network = MemoryNetwork()
    options = ServerOptions(legacy=(HEARING,), replay=MemoryReplay.never_served_before(), clock=clock)
    async with Server(Silent(), {Ask: answer}, options) as server:
        url = network.serve("bob", server.app)
        arrival = await MemoryTransport(network).send(f"{url}/Ask", golden(), lambda: lax)
        assert arrival.head.status == status
        assert (b"request is" in await arrival.read(4096)) is (status == 401)


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("value", [None, "", "0", "0x" + "00" * 65, "\x85", "7c89a490-e591-11f1-8689-02fc00000001"])
def test_no_request_is_believed_with_a_signed_header_missing_or_changed(name: str, value: str | None) -> None:
    headers = {key: old for key, old in GOLDEN_HEADERS.items() if key != name}
    if value is not None and value != GOLDEN_HEADERS[name]:
        headers[name] = value
    elif value is not None:
        headers[name] = value.replace("7", "8")
    with pytest.raises(AuthError):
        hear(headers).authenticate(golden())


@given(st.dictionaries(st.sampled_from(sorted(GOLDEN_HEADERS)), st.text(st.characters(codec="latin-1")), min_size=1))
def test_changed_headers_are_refused_with_a_typed_error_or_change_nothing(changes: dict[str, str]) -> None:
    try:
        caller = hear(GOLDEN_HEADERS | changes).authenticate(golden())
    except (AuthError, UnsupportedMedia):
        return
    assert caller.hotkey == ALICE.ss58_address
    assert not set(changes).intersection(SIGNED)


def test_a_request_to_another_miner_is_refused_and_says_so_as_v10_does() -> None:
    headers, body = sent(Ask(prompt="hi"), receiver=CHARLIE)
    heard = hear(headers)
    with pytest.raises(WrongReceiver, match=BOB.ss58_address) as refused:
        heard.authenticate(body)
    assert heard.refuse(refused.value).status == 401
    with pytest.raises(BadSignature):
        hear(headers | {"bt_header_axon_hotkey": BOB.ss58_address}).authenticate(body)


def test_a_text_that_a_v10_axon_signs_for_strangers_is_no_request_of_that_axon() -> None:
    uuid = GOLDEN_HEADERS["bt_header_dendrite_uuid"]
    told = f"{NOW}.{ALICE.ss58_address}.{BOB.ss58_address}.x.{uuid}"
    headers = GOLDEN_HEADERS | {
        "bt_header_dendrite_nonce": str(NOW),
        "bt_header_dendrite_uuid": "x",
        "bt_header_dendrite_signature": "0x" + ALICE.sign(told.encode()).hex(),
        "computed_body_hash": uuid,
    }
    with pytest.raises(MalformedAuth, match="computed_body_hash"):
        hear(headers)


@pytest.mark.parametrize("target", ["/Count", "/%41sk", "/Ask?x=1", "/Ask/", ""])
def test_a_query_without_hash_fields_is_refused_unless_it_was_opened(target: str) -> None:
    with pytest.raises(MalformedAuth, match="not open to v10"):
        hear(GOLDEN_HEADERS, target=target)


def test_a_body_counts_as_authenticated_only_where_all_of_it_is_signed() -> None:
    for hearing, speaking, expected in (
        (HEARING, SPEAKING, True),
        (V10Hearing({Ask: ("prompt",)}), V10Speaking({Ask: ("prompt",)}), False),
        (V10Hearing(unsigned_bodies={Ask}), V10Speaking(unsigned_bodies={Ask}), False),
    ):
        composed = speaking.compose(Ask(prompt="hi"))
        headers = speaking.ask(composed, ALICE, BOB.ss58_address, NOW).headers
        lower = {name.lower(): value for name, value in headers.items()}
        assert hear(lower, at=hearing).authenticate(composed.body).body_authenticated is expected


def test_an_unsigned_body_still_needs_a_signed_head() -> None:
    headers, body = sent(Chat(messages=["hi"]))
    assert headers["computed_body_hash"] == "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
    assert hear(headers, target="/Chat").authenticate(b'{"messages": ["ho"]}').body_authenticated is False
    with pytest.raises(BadSignature):
        hear(headers | {"bt_header_dendrite_nonce": str(NOW + 1)}, target="/Chat").authenticate(body)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (golden(unknown=1), InvalidMessage),
        (golden(prompt=1), InvalidMessage),
        (golden(prompt="x" * 5000), BodyTooLarge),
        (b"[]", MalformedBody),
        (b"{", MalformedBody),
        (b'{"\xff": 1}', MalformedBody),
        (b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", MalformedBody),
        (b'{"prompt": "hi", "max_tokens": 64, "prompt": "ho"}', BadSignature),
    ],
)
def test_what_is_not_exactly_the_query_is_refused(body: bytes, error: type[SubnetError]) -> None:
    with pytest.raises(error):
        hear(GOLDEN_HEADERS).authenticate(body)


def test_a_field_of_query_and_reply_is_read_as_the_query_and_answered_as_the_reply() -> None:
    hash_fields: HashFields = {Draft: ("text", "at")}
    composed = V10Speaking(hash_fields).compose(Draft(text="hi", at=Point(1)))
    # What Python's str makes of a v10 model is what it makes of a dict.
    parts = [hashlib.sha3_256(part.encode()).hexdigest() for part in ("hi", "{'x': 1.0, 'y': 0.0}")]
    assert composed.digest == hashlib.sha3_256("".join(parts).encode()).hexdigest()
    headers = V10Speaking(hash_fields).ask(composed, ALICE, BOB.ss58_address, NOW).headers
    heard = hear({n.lower(): v for n, v in headers.items()}, target="/Draft", at=V10Hearing(hash_fields))
    heard.authenticate(composed.body)
    assert heard.read(composed.body, Draft) == Draft(text="hi", at=Point(1.0))
    assert json.loads(heard.answer(Draft.Reply(text="HI")).body)["text"] == "HI"


def test_only_json_is_read() -> None:
    with pytest.raises(UnsupportedMedia):
        hear(GOLDEN_HEADERS | {"content-type": "application/msgpack"})
    with pytest.raises(UnsupportedMedia):
        hear({name: value for name, value in GOLDEN_HEADERS.items() if name != "content-type"})


def test_an_answer_is_the_whole_synapse_and_is_not_signed() -> None:
    heard = hear(GOLDEN_HEADERS | {"bt_header_axon_hotkey": CHARLIE.ss58_address})  # unsigned, so it may lie
    heard.authenticate(golden())
    outgoing = heard.answer(Ask.Reply(text="HI"))
    fields = json.loads(outgoing.body)
    assert (outgoing.status, dict(outgoing.headers)[b"content-type"]) == (200, b"application/json")
    assert (fields["prompt"], fields["max_tokens"], fields["text"]) == ("hi", 64, "HI")
    assert (fields["axon"]["status_code"], fields["axon"]["hotkey"]) == (200, BOB.ss58_address)
    assert fields["dendrite"]["hotkey"] == ALICE.ss58_address


@pytest.mark.parametrize(
    ("error", "status"),
    [(ReplayedRequest, 401), (BadSignature, 401), (NotAdmitted, 403), (DeadlineExceeded, 408), (HandlerFailed, 500)],
)
def test_an_error_is_worded_as_v10_words_it(error: type[SubnetError], status: int) -> None:
    outgoing = hear(GOLDEN_HEADERS).refuse(error("no", retry_after_s=2.0))
    assert (outgoing.status, json.loads(outgoing.body)) == (status, {"message": "no"})
    assert dict(outgoing.headers)[b"retry-after"] == b"2"


def test_neither_half_has_streams() -> None:
    with pytest.raises(MethodNotAllowed):
        hear(GOLDEN_HEADERS).stream()
    with pytest.raises(MethodNotAllowed):
        SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), ALICE, BOB.ss58_address, NOW).stream(Arrived(200, {}))


class Named(Synapse):
    name: str

    class Reply(synapse.Reply):
        text: str


@pytest.mark.parametrize("half", [V10Hearing, V10Speaking])
@pytest.mark.parametrize(
    ("hash_fields", "unsigned", "complaint"),
    [
        ({Ask: ()}, set(), "no hash fields"),
        ({Ask: "prompt"}, set(), "hash field 'm'"),
        ({Ask: ("text",)}, set(), "hash field 'text'"),
        ({Ask: ("prompt",)}, {Ask}, "one of the two"),
        ({}, {Named}, "'name', which v10 uses for itself"),
    ],
)
def test_what_cannot_be_spoken_is_found_before_anyone_asks(
    half: Any, hash_fields: Any, unsigned: Any, complaint: str
) -> None:
    with pytest.raises(InvalidSynapse, match=complaint):
        half(hash_fields, unsigned_bodies=unsigned)


@given(kinds)
def test_every_query_arrives_as_it_was_asked(query: Kinds) -> None:
    headers, body = sent(query)
    heard = hear(headers, target="/Kinds")
    assert heard.authenticate(body).body_authenticated
    assert heard.read(body, Kinds) == query


@given(kinds, kinds, st.sampled_from(Kinds.__struct_fields__))
def test_a_change_of_any_signed_field_is_refused_unless_its_text_stays_the_same(
    signed: Kinds, other: Kinds, field: str
) -> None:
    changed = msgspec.structs.replace(signed, **{field: getattr(other, field)})
    heard = hear(sent(signed)[0], target="/Kinds")
    before, after = (JSON.decode(JSON.encode(query), Kinds) for query in (signed, changed))
    if str(getattr(before, field)) == str(getattr(after, field)):
        heard.authenticate(sent(changed)[1])
    else:
        with pytest.raises(BadSignature):
            heard.authenticate(sent(changed)[1])


def test_an_axon_gets_an_empty_value_for_each_field_without_a_default() -> None:
    query = Kinds(word="w", whole=7, real=0.5, yes=True, maybe=None, words=["w"], pair=(1, 2.0), by_name={"a": 1.0})
    headers, _ = sent(query)
    told = {name.removeprefix("bt_header_input_obj_"): value for name, value in headers.items() if "input_obj" in name}
    assert (told["word"], told["whole"], told["words"], told["by_name"]) == ("IiI=", "MA==", "W10=", "e30=")
    assert "maybe" not in told
    assert "bt_header_input_obj_max_tokens" not in sent(Ask(prompt="hi"))[0]


def test_a_query_is_not_sent_unsigned_or_under_another_name_by_mistake() -> None:
    with pytest.raises(InvalidSynapse, match="no hash fields"):
        SPEAKING.compose(Count(n=1))
    with pytest.raises(InvalidSynapse, match="no hash fields"):
        V10Speaking({type("Ask", (Ask,), {"__annotations__": {}}): ASK}).compose(Ask(prompt="hi"))
    composed = V10Speaking({Ask: ASK}, sender=ALICE.ss58_address).compose(Ask(prompt="hi"))
    assert json.loads(composed.body)["dendrite"] == {"hotkey": ALICE.ss58_address}
    with pytest.raises(KeyMaterialError, match="names sender"):
        V10Speaking({Ask: ASK}, sender=BOB.ss58_address).ask(composed, ALICE, BOB.ss58_address, NOW)
    with pytest.raises(KeyMaterialError, match="verify sr25519"):
        SPEAKING.ask(composed, Keypair.from_uri("//Alice", "ed25519"), BOB.ss58_address, NOW)


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (302, {"location": "http://10.0.0.1"}, b"", RedirectRefused),
        (200, {"content-type": "application/json"}, b'{"prompt": "hi", "text": null}', MalformedReply),
        (200, {"content-type": "application/json"}, b'{"prompt": "hi"}', MalformedReply),
        (200, {"content-type": "application/json"}, b"[]", MalformedReply),
        (200, {"content-type": "application/msgpack"}, b"\x80", MalformedReply),
        (200, {}, b'{"text": "HI"}', MalformedReply),
        (200, {"content-type": "application/json", "content-encoding": "gzip"}, b"", MalformedReply),
        (500, {}, b"<html>", PeerError),
    ],
)
def test_what_is_no_reply_is_a_typed_error(
    status: int, headers: dict[str, str], body: bytes, error: type[SubnetError]
) -> None:
    asked = SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), ALICE, BOB.ss58_address, NOW)
    with pytest.raises(error):
        asked.open(Arrived(status, headers), body)


def test_a_peers_own_error_is_shown_with_a_code_of_ours() -> None:
    asked = SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), ALICE, BOB.ss58_address, NOW)
    with pytest.raises(PeerError, match=r"403 not_admitted \(unsigned\): Forbidden\?\?" + "x" * 245) as raised:
        asked.open(Arrived(403, {}), json.dumps({"message": "Forbidden\n\x1b" + "x" * 1000}).encode())
    assert raised.value.peer_code == "not_admitted"


def test_a_reply_is_read_out_of_the_synapse_and_the_rest_is_dropped() -> None:
    asked = SPEAKING.ask(SPEAKING.compose(Ask(prompt="hi")), ALICE, BOB.ss58_address, NOW)
    body = json.dumps({**GOLDEN_BODY, "prompt": "never asked", "text": "HI", "more": [1]}).encode()
    opened = asked.open(Arrived(200, {"content-type": "application/json"}), body)
    assert (opened.reply, opened.evidence) == (Ask.Reply(text="HI"), None)


async def test_a_server_serves_both_dialects_and_accepts_a_v10_request_once() -> None:
    async def answer(ask: Ask, ctx: Context) -> Any:
        return Ask.Reply(text=f"{ctx.caller.dialect} {ask.prompt}")

    network = MemoryNetwork()
    options = ServerOptions(legacy=(HEARING,), replay=MemoryReplay.never_served_before())
    async with (
        Server(BOB, {Ask: answer}, options) as server,
        Client(ALICE, ClientOptions(transport=MemoryTransport(network))) as client,
    ):
        url = network.serve("bob", server.app)
        old, new = Peer(BOB.ss58_address, url, SPEAKING), Peer(BOB.ss58_address, url)
        outcomes = await client.ask_all([old, new, old], Ask(prompt="hi"))
        assert [outcome.unwrap().text for outcome in outcomes] == ["v10 hi", "btauth/1 hi", "v10 hi"]
        assert outcomes[0].evidence is None
        refused = await client.outcome(Peer(CHARLIE.ss58_address, url, SPEAKING), Ask(prompt="hi"))
        assert isinstance(refused.error, PeerError)
        assert refused.error.peer_code == "auth_error"
