# SPDX-License-Identifier: Apache-2.0
"""Limits and finiteness hold wherever in a type a text or a number can be, and are refused by name."""

from __future__ import annotations

import dataclasses
import json
import math
import uuid
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec import JSON, MSGPACK
from protocols.errors import BodyTooLarge, InvalidMessage, InvalidSynapse
from protocols.fields import compile_check
from protocols.synapse import Reply


class Tree(msgspec.Struct, frozen=True):
    label: str
    children: list[Tree] = []


class Point(msgspec.Struct, frozen=True):
    x: float
    y: float = 0.0


class Circle(msgspec.Struct, frozen=True, tag=True):
    centre: Point


class Square(msgspec.Struct, frozen=True, tag=True):
    corner: Point


class Span(NamedTuple):
    low: float
    name: str = ""


class Options(TypedDict, total=False):
    name: str


@dataclasses.dataclass
class Note:
    said: str


class Numbers(Reply):
    real: float = 0.0
    maybe: float | None = None
    series: list[float] = msgspec.field(default_factory=list)
    pairs: tuple[tuple[int, float], ...] = ()
    by_name: dict[str, float] = msgspec.field(default_factory=dict)
    shape: Circle | Square | None = None
    mixed: list[str | int | float | None] = msgspec.field(default_factory=list)
    span: Span = Span(0.0)
    free: Any = None


class Capped(Reply):
    max_bytes = 1 << 12
    max_field_bytes = 16
    text: str = ""
    data: bytes = b""
    texts: list[str] = msgspec.field(default_factory=list)
    by_name: dict[str, str] = msgspec.field(default_factory=dict)
    tree: Tree | None = None
    pair: tuple[int, str] = (0, "")
    maybe: str | int | None = None
    roomy: Annotated[str, msgspec.Meta(max_length=20)] = ""
    options: Options = msgspec.field(default_factory=Options)
    note: Note | None = None
    other: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="as")
    free: Any = None


def test_a_length_limit_of_the_designer_is_held() -> None:
    with pytest.raises(InvalidMessage, match=r"expected `str` of length <= 20 - at `\$.roomy`"):
        JSON.decode(b'{"roomy":"123456789012345678901"}', Capped)
    assert JSON.decode(b'{"roomy":"12345678901234567890"}', Capped).roomy == "12345678901234567890"


LONG = "x" * 17
TOO_LONG: dict[str, tuple[dict[str, object], str]] = {
    "text": ({"text": LONG}, "field text has 17 bytes, limit 16"),
    "counted in bytes": ({"text": "\u20ac" * 6}, "field text has 18 bytes, limit 16"),
    "in a list": ({"texts": ["", LONG]}, "field texts[1] has 17 bytes, limit 16"),
    "in a dict": ({"by_name": {"a": LONG}}, "field by_name['a'] has 17 bytes, limit 16"),
    "as a key": ({"by_name": {LONG: "a"}}, "field by_name{key} has 17 bytes, limit 16"),
    "in a tuple": ({"pair": [1, LONG]}, "field pair[1] has 17 bytes, limit 16"),
    "in a union": ({"maybe": LONG}, "field maybe has 17 bytes, limit 16"),
    "in a struct": (
        {"tree": {"label": "", "children": [{"label": "", "children": [{"label": LONG}]}]}},
        "field tree.children[0].children[0].label has 17 bytes, limit 16",
    ),
    "in a typed dict": ({"options": {"name": LONG}}, "field options.name has 17 bytes, limit 16"),
    "in a dataclass": ({"note": {"said": LONG}}, "field note.said has 17 bytes, limit 16"),
    "renamed": ({"as": LONG}, "field as has 17 bytes, limit 16"),
    "undeclared": ({"free": [{"a": [LONG]}]}, "field free[0]['a'][0] has 17 bytes, limit 16"),
    "undeclared key": ({"free": {LONG: 1}}, "field free{key} has 17 bytes, limit 16"),
}


@pytest.mark.parametrize("case", TOO_LONG)
def test_a_field_longer_than_its_limit_is_refused_wherever_it_is(case: str) -> None:
    body, said = TOO_LONG[case]
    for codec, encode in ((JSON, msgspec.json.encode), (MSGPACK, msgspec.msgpack.encode)):
        with pytest.raises(BodyTooLarge) as refused:
            codec.decode(encode(body), Capped)
        assert refused.value.message == f"Capped: {said}"


def test_bytes_longer_than_their_limit_are_refused() -> None:
    for codec, encode in ((JSON, msgspec.json.encode), (MSGPACK, msgspec.msgpack.encode)):
        with pytest.raises(BodyTooLarge, match="Capped: field data has 17 bytes, limit 16"):
            codec.decode(encode({"data": b"x" * 17}), Capped)


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_text_passes_exactly_when_its_utf8_fits(value: str) -> None:
    data = msgspec.json.encode({"text": value})
    if len(value.encode()) <= Capped.max_field_bytes:
        assert JSON.decode(data, Capped).text == value
    else:
        with pytest.raises(BodyTooLarge):
            JSON.decode(data, Capped)


NOT_FINITE: dict[str, tuple[dict[str, Any], str]] = {
    "field": ({"real": math.nan}, "field real is nan"),
    "infinity": ({"real": -math.inf}, "field real is -inf"),
    "optional": ({"maybe": math.nan}, "field maybe is nan"),
    "list": ({"series": [1.0, math.inf, -math.inf]}, "field series[1] is inf"),
    "tuple": ({"pairs": [[1, 1.0], [1, math.nan]]}, "field pairs[1][1] is nan"),
    "dict": ({"by_name": {"a": math.nan}}, "field by_name['a'] is nan"),
    "struct": ({"shape": {"type": "Square", "corner": {"x": math.nan}}}, "field shape.corner.x is nan"),
    "union": ({"mixed": ["", math.nan]}, "field mixed[1] is nan"),
    "named tuple": ({"span": [math.nan]}, "field span.low is nan"),
    "undeclared": ({"free": {"a": [math.nan]}}, "field free['a'][0] is nan"),
}


@pytest.mark.parametrize("case", NOT_FINITE)
def test_a_number_that_is_not_finite_is_refused_wherever_it_is(case: str) -> None:
    body, said = NOT_FINITE[case]
    with pytest.raises(InvalidMessage) as refused:
        MSGPACK.decode(msgspec.msgpack.encode(body), Numbers)
    assert refused.value.message == f"Numbers: {said}, expected a finite number"


def test_many_large_numbers_whose_sum_overflows_are_finite() -> None:
    sent = Numbers(series=[1.7e308, 1.7e308])
    assert MSGPACK.decode(MSGPACK.encode(sent), Numbers) == sent


def test_a_decimal_that_is_no_number_is_refused() -> None:
    class Price(Reply):
        amount: Decimal

    for value in ("NaN", "sNaN", "Infinity"):
        with pytest.raises(InvalidMessage, match=r"field amount is .*, expected a finite number"):
            JSON.decode(json.dumps({"amount": value}).encode(), Price)


def test_a_type_without_text_or_floats_needs_no_check() -> None:
    class Counts(Reply):
        whole: int
        names: list[int]
        sure: bool | None = None

    assert compile_check(Counts) is None


def test_an_absent_optional_field_passes() -> None:
    assert JSON.decode(b"{}", Capped) == Capped()
    assert JSON.decode(b'{"options":{},"maybe":null}', Capped) == Capped()


Small = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]


@pytest.mark.parametrize("kind", [dict[int, str], set[int], dict[Annotated[int, msgspec.Meta(ge=0)], str]], ids=str)
def test_numbers_that_a_peer_could_make_collide_cannot_be_keys(kind: Any) -> None:
    with pytest.raises(InvalidSynapse, match="has unbounded int as keys, expected text or bounded numbers") as refused:
        compile_check(kind)
    assert "Annotated[int, msgspec.Meta(ge=0, le=65535)]" in refused.value.help


@pytest.mark.parametrize(
    "kind", [dict[uuid.UUID, str], set[Decimal], dict[bool, int], set[tuple[int, ...]], dict[int | str, int]], ids=str
)
def test_what_json_cannot_write_or_a_peer_could_make_collide_cannot_be_a_key(kind: Any) -> None:
    with pytest.raises(InvalidSynapse, match="as keys, expected text or bounded numbers"):
        compile_check(kind)


def test_text_and_bounded_numbers_can_be_keys() -> None:
    class Keyed(Reply):
        scores: dict[Small, float]
        uids: set[Small]
        names: frozenset[str]

    sent = Keyed(scores={7: 0.5}, uids={1, 2}, names=frozenset({"a"}))
    for codec in (JSON, MSGPACK):
        assert codec.decode(codec.encode(sent), Keyed) == sent
    with pytest.raises(InvalidMessage, match="expected `int` <= 65535 - at `key`"):
        JSON.decode(b'{"scores":{"65536":1},"uids":[],"names":[]}', Keyed)


@pytest.mark.parametrize("kind", [object, complex, list[object], dict[str, msgspec.Raw], msgspec.msgpack.Ext], ids=str)
def test_a_type_that_not_every_encoding_carries_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidSynapse, match=r"field .* is .*, which cannot travel"):
        compile_check(kind)
