# SPDX-License-Identifier: Apache-2.0
"""Whatever a designer may declare survives both encodings; whatever a peer may send is that or an error of ours."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import synapse
from protocols.codec import JSON, MSGPACK, Codec, codec_for
from protocols.errors import BodyTooLarge, InvalidMessage, MalformedBody, MessageError, UnsupportedMedia
from protocols.synapse import Reply, Synapse
from tests.protocols.samples import KINDS, Anything, Numbers, Rich, Short, Small, Text, plain, values

CODECS = (JSON, MSGPACK)
both_codecs = pytest.mark.parametrize("codec", CODECS, ids=repr)


@both_codecs
@given(value=values)
def test_every_value_survives_the_wire(codec: Codec, value: Reply) -> None:
    assert codec.decode(codec.encode(value), type(value)) == value


@both_codecs
@given(value=values)
def test_a_view_of_a_buffer_decodes_like_its_bytes(codec: Codec, value: Reply) -> None:
    data = bytearray(b"?" + codec.encode(value))
    assert codec.decode(memoryview(data)[1:], type(value)) == value


def test_only_the_fields_are_written() -> None:
    assert JSON.encode(Text(prompt="hi")) == b'{"prompt":"hi","max_tokens":64}'
    assert MSGPACK.encode(Text(prompt="hi")) == b"\x82\xa6prompt\xa2hi\xaamax_tokens\x40"


@both_codecs
@given(data=st.binary(), kind=st.sampled_from(KINDS))
def test_any_bytes_are_a_value_or_a_message_error(codec: Codec, data: bytes, kind: type[Reply]) -> None:
    decode_or_refuse(codec, data, kind)


@both_codecs
@given(value=plain | st.fixed_dictionaries({"prompt": plain}), kind=st.sampled_from(KINDS))
def test_any_structure_is_a_value_or_a_message_error(codec: Codec, value: object, kind: type[Reply]) -> None:
    decode_or_refuse(codec, {JSON: msgspec.json, MSGPACK: msgspec.msgpack}[codec].encode(value), kind)


@both_codecs
@given(value=values, at=st.integers(0), byte=st.integers(0, 255))
def test_a_message_with_one_byte_changed_is_a_value_or_a_message_error(
    codec: Codec, value: Reply, at: int, byte: int
) -> None:
    data = bytearray(codec.encode(value))
    data[at % len(data)] = byte
    decode_or_refuse(codec, bytes(data), type(value))


def decode_or_refuse(codec: Codec, data: bytes, kind: type[Reply]) -> None:
    try:
        value = codec.decode(data, kind)
    except MessageError as error:
        message = error.message
    else:
        assert isinstance(value, kind)
        return
    assert len(message) < 300
    assert message.isprintable()


MALFORMED: dict[str, tuple[Codec, bytes]] = {
    "empty JSON": (JSON, b""),
    "empty MessagePack": (MSGPACK, b""),
    "cut": (JSON, b'{"prompt":"hi"'),
    "cut MessagePack": (MSGPACK, b"\x81\xa6prompt\xa5hi"),
    "trailing": (JSON, b'{"prompt":"hi"} {}'),
    "trailing MessagePack": (MSGPACK, b"\x81\xa6prompt\xa2hi\x00"),
    "invalid UTF-8": (JSON, b'{"prompt":"\xff"}'),
    "invalid UTF-8 in MessagePack": (MSGPACK, b"\x81\xa6prompt\xa1\xff"),
    "a surrogate": (JSON, b'{"prompt":"\xed\xa0\x80"}'),
    "NaN": (JSON, b'{"prompt":NaN}'),
    "array longer than the body": (MSGPACK, b"\x81\xa6prompt\xdd\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_body_that_cannot_be_parsed_is_malformed(case: str) -> None:
    codec, data = MALFORMED[case]
    kind = Anything if "array" in case else Text
    with pytest.raises(MalformedBody, match=r"body is not (JSON|MessagePack)"):
        codec.decode(data.replace(b"\xa6prompt", b"\xa5value") if kind is Anything else data, kind)


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        (JSON, b'{"value":' + b"[" * 100_000),
        (JSON, b'{"value":' + b'{"a":' * 100_000),
        (JSON, b'{"value":' + b"[" * 700 + b"]" * 700 + b"}"),
        (MSGPACK, b"\x81\xa5value" + b"\x91" * 100_000),
        (MSGPACK, b"\x81\xa5value" + b"\x91" * 700 + b"\xc0"),
    ],
)
def test_deep_nesting_is_malformed(codec: Codec, data: bytes) -> None:
    with pytest.raises(MalformedBody, match="nested too deeply"):
        codec.decode(data, Anything)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Text: object missing required field `prompt`"),
        ({"prompt": 5}, "Text: expected `str`, got `int` - at `$.prompt`"),
        ({"prompt": "", "max_tokens": "1"}, "Text: expected `int`, got `str` - at `$.max_tokens`"),
        ({"prompt": "", "max_tokens": 1.5}, "Text: expected `int`, got `float` - at `$.max_tokens`"),
        ({"prompt": "", "secret": 1}, "Text: object contains unknown field `secret`"),
        ([], "Text: expected `object`, got `array`"),
        (5, "Text: expected `object`, got `int`"),
    ],
)
def test_a_body_that_breaks_the_schema_is_refused_with_its_path(body: object, said: str) -> None:
    for codec, encode in ((JSON, msgspec.json.encode), (MSGPACK, msgspec.msgpack.encode)):
        with pytest.raises(InvalidMessage) as refused:
            codec.decode(encode(body), Text)
        assert refused.value.message == said


def test_a_repeated_key_counts_once_and_the_last_one_counts() -> None:
    assert JSON.decode(b'{"prompt":"first","prompt":"last"}', Text) == Text(prompt="last")
    assert MSGPACK.decode(b"\x82\xa6prompt\xa1a\xa6prompt\xa1b", Text) == Text(prompt="b")


@both_codecs
def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not(codec: Codec) -> None:
    spare = Short.max_bytes - len(codec.encode(Short(text="x" * 32)))
    fits = Short(text="x" * (32 + spare))
    data = codec.encode(fits)
    assert len(data) == Short.max_bytes
    assert codec.decode(data, Short) == fits
    with pytest.raises(BodyTooLarge, match="Short has 65 bytes, limit 64"):
        codec.decode(data + b" ", Short)
    with pytest.raises(BodyTooLarge, match="Short has 65 bytes, limit 64"):
        codec.encode(Short(text=fits.text + "x"))


@both_codecs
def test_what_the_other_side_would_refuse_is_not_written(codec: Codec) -> None:
    with pytest.raises(InvalidMessage, match="field real is nan, expected a finite number"):
        codec.encode(Numbers(whole=1, real=math.nan, yes=True))
    with pytest.raises(BodyTooLarge, match="field text has 17 bytes, limit 16"):
        codec.encode(Small(text="x" * 17))


@pytest.mark.parametrize(
    "value",
    [Text(prompt=5), Text(prompt="\ud800"), Numbers(whole=1 << 70, real=0.0, yes=True), Anything(value=object())],  # type: ignore[arg-type]
    ids=["wrong type", "surrogate", "beyond 64 bits", "object"],
)
def test_what_cannot_be_written_is_an_error_of_ours(value: Reply) -> None:
    with pytest.raises(InvalidMessage, match="cannot be written as MessagePack"):
        MSGPACK.encode(value)


def test_a_structure_that_contains_itself_cannot_be_written() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(InvalidMessage, match="cannot be written as JSON"):
        JSON.encode(Anything(value=loop))


@both_codecs
def test_an_error_repeats_little_of_the_body_and_nothing_unprintable(codec: Codec) -> None:
    encode = {JSON: msgspec.json, MSGPACK: msgspec.msgpack}[codec].encode
    for body in ({"\u202e\x1b[2J\n" * 1000: 1}, {"mode": "\u202e\x1b\n" * 1000}, {"free": {"\x1b\n" * 5: "x" * 17}}):
        with pytest.raises(MessageError) as refused:
            codec.decode(encode(body), Small if "free" in body else Rich)
        assert refused.value.message.isprintable()
        assert len(refused.value.message) <= 250


@both_codecs
def test_types_that_are_no_messages_travel_too(codec: Codec) -> None:
    assert codec.decode(codec.encode({"code": "x"}), dict[str, str]) == {"code": "x"}
    assert codec.decode(codec.encode([1, 2]), list[int]) == [1, 2]


@pytest.mark.parametrize(
    ("header", "codec"),
    [
        ("application/json", JSON),
        ("application/msgpack", MSGPACK),
        ("application/json; charset=utf-8", JSON),
        ("Application/JSON ;charset=UTF-8", JSON),
        (" application/msgpack;", MSGPACK),
    ],
)
def test_a_content_type_chooses_its_codec_whatever_its_case_and_parameters(header: str, codec: Codec) -> None:
    assert codec_for(header) is codec


@pytest.mark.parametrize(
    "header", ["", "text/plain", "application/jsonp", "application", ";application/json", "a" * 999]
)
def test_another_content_type_is_unsupported(header: str) -> None:
    with pytest.raises(UnsupportedMedia, match="expected application/json or application/msgpack") as refused:
        codec_for(header)
    assert len(refused.value.message) < 200


def test_a_query_decodes_to_its_own_class_only() -> None:
    class Ask(Synapse):
        prompt: str

        class Reply(synapse.Reply):
            text: str

    assert type(JSON.decode(b'{"prompt":"hi"}', Ask)) is Ask
    with pytest.raises(InvalidMessage, match=r"Reply: object contains unknown field `prompt`"):
        JSON.decode(b'{"prompt":"hi"}', Ask.Reply)
