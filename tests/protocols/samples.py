# SPDX-License-Identifier: Apache-2.0
"""Replies of every shape that a designer may declare, and values of them."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from hypothesis import strategies as st

from protocols.synapse import Reply
from protocols.tensor import Tensor


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(msgspec.Struct, frozen=True):
    x: float
    y: float = 0.0


class Circle(msgspec.Struct, frozen=True, tag=True):
    centre: Point
    radius: float


class Square(msgspec.Struct, frozen=True, tag=True):
    corner: Point


class Tree(msgspec.Struct, frozen=True):
    label: str
    children: list[Tree] = []


class Text(Reply):
    prompt: str
    max_tokens: int = 64


class Numbers(Reply):
    whole: int
    real: float
    yes: bool
    maybe: float | None = None
    series: list[float] = msgspec.field(default_factory=list)
    pairs: tuple[tuple[int, float], ...] = ()
    by_name: dict[str, float] = msgspec.field(default_factory=dict)


class Rich(Reply):
    colour: Colour
    mode: Literal["fast", "slow"]
    at: datetime.datetime
    id: uuid.UUID
    amount: Decimal
    data: bytes
    short: Annotated[str, msgspec.Meta(max_length=8)]
    notes: dict[str, list[str]]


class Shapes(Reply):
    shape: Circle | Square
    more: list[Circle | Square | None]
    mixed: list[str | int | float | None]
    tree: Tree
    optional: str | msgspec.UnsetType = msgspec.UNSET


class Image(Reply):
    pixels: Tensor
    thumbnails: list[Tensor] = msgspec.field(default_factory=list)
    mask: Tensor | None = None


class Anything(Reply):
    value: Any


class Short(Reply):
    max_bytes = 64
    text: str


class Small(Reply):
    max_bytes = 64
    max_field_bytes = 16
    text: str = ""
    free: Any = None


KINDS: tuple[type[Reply], ...] = (Text, Numbers, Rich, Shapes, Image, Anything, Small)

finite = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**63), 2**63 - 1)
text = st.text(st.characters(codec="utf-8"), max_size=20)
points = st.builds(Point, x=finite, y=finite)
shapes = st.builds(Circle, centre=points, radius=finite) | st.builds(Square, corner=points)
trees = st.recursive(
    st.builds(Tree, label=text), lambda inner: st.builds(Tree, label=text, children=st.lists(inner, max_size=3))
)
tensors = st.lists(finite, max_size=5).map(lambda numbers: Tensor(np.array(numbers)))
plain = st.recursive(
    st.none() | st.booleans() | whole | finite | text, lambda inner: st.lists(inner) | st.dictionaries(text, inner)
)
values = st.one_of(
    st.builds(Text, prompt=text, max_tokens=whole),
    st.builds(
        Numbers,
        whole=whole,
        real=finite,
        yes=st.booleans(),
        maybe=st.none() | finite,
        series=st.lists(finite),
        pairs=st.lists(st.tuples(whole, finite)).map(tuple),
        by_name=st.dictionaries(text, finite),
    ),
    st.builds(
        Rich,
        colour=st.sampled_from(Colour),
        mode=st.sampled_from(["fast", "slow"]),
        at=st.datetimes(datetime.datetime(1970, 1, 1), timezones=st.just(datetime.UTC)),
        id=st.uuids(),
        amount=st.decimals(allow_nan=False, allow_infinity=False),
        data=st.binary(),
        short=st.text("abc", max_size=8),
        notes=st.dictionaries(text, st.lists(text)),
    ),
    st.builds(
        Shapes,
        shape=shapes,
        more=st.lists(st.none() | shapes),
        mixed=st.lists(text | whole | st.none()),
        tree=trees,
        optional=st.just(msgspec.UNSET) | text,
    ),
    st.builds(Image, pixels=tensors, thumbnails=st.lists(tensors, max_size=3), mask=st.none() | tensors),
    st.builds(Anything, value=plain),
)
