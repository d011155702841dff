# SPDX-License-Identifier: Apache-2.0
"""Garbage of any type is valid, so that it passes the wire, and differs from the work that it stands beside."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import numpy as np
import pytest
from msgspec import Meta, inspect

from protocols import synapse
from protocols.codec import JSON, MSGPACK
from protocols.tensor import Tensor
from subnet.check.filling import CONSTANT, EMPTY, Filling
from subnet.check.garbage import garbage


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Table(TypedDict):
    rows: int


class Place(NamedTuple):
    x: float
    y: float


class Tree(msgspec.Struct, frozen=True):
    value: int
    branches: list[Tree] = []


class Anything(synapse.Reply):
    text: Annotated[str, Meta(min_length=2, max_length=5)]
    share: Annotated[float, Meta(gt=0.0, lt=1.0)]
    even: Annotated[int, Meta(ge=11, le=20, multiple_of=2)]
    low: Annotated[int, Meta(le=-3)]
    price: Decimal
    at: datetime
    within: timedelta
    id: uuid.UUID
    colour: Colour
    word: Literal["yes", "no"]
    flag: bool
    data: bytes
    free: Any
    cells: Tensor
    table: Table
    place: Place
    tree: Tree
    seen: set[str]
    pairs: dict[str, list[float]]
    fixed: tuple[int, str]
    many: Annotated[list[int], Meta(min_length=2, max_length=4)]
    maybe: str | None


class Coded(synapse.Reply):
    code: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class Number(synapse.Reply):
    total: int


@pytest.mark.parametrize("filling", [EMPTY, CONSTANT], ids=["empty", "constant"])
def test_every_type_that_travels_can_be_filled(filling: Filling) -> None:
    reply = msgspec.convert(filling.value(inspect.type_info(Anything)), Anything)
    for codec in (JSON, MSGPACK):
        assert codec.decode(codec.encode(reply), Anything) == reply


def test_empty_is_as_little_as_the_type_allows_and_constant_says_something() -> None:
    honest = msgspec.convert(CONSTANT.value(inspect.type_info(Anything)), Anything)
    (empty,), (constant,) = (garbage(Anything, [(honest,)], 0)[way][0] for way in ("empty", "constant"))
    assert isinstance(empty, Anything)
    assert isinstance(constant, Anything)
    assert (empty.text, empty.even, empty.low, empty.many, empty.maybe) == ("..", 12, -3, [0, 0], None)
    assert (constant.text, constant.even, constant.low, constant.flag) == ("There", 12, -3, True)
    assert 0 < empty.share < constant.share < 1
    assert empty.cells.shape == (0,)
    assert constant.maybe


def test_scrambled_holds_the_same_letters_and_numbers_in_another_order() -> None:
    class Mixed(synapse.Reply):
        text: str
        cells: Tensor
        words: list[str]

    honest = Mixed(text="abcdefghij", cells=Tensor(np.arange(12.0).reshape(3, 4)), words=["klmnopqr"])
    (scrambled,) = garbage(Mixed, [(honest,)], 1)["scrambled"][0]
    assert isinstance(scrambled, Mixed)
    assert scrambled.text != honest.text
    assert sorted(scrambled.text) == sorted(honest.text)
    assert sorted(scrambled.words[0]) == sorted(honest.words[0])
    assert scrambled.cells.shape == (3, 4)
    assert scrambled.cells != honest.cells


def test_answers_are_dealt_to_other_tasks_where_there_are_any() -> None:
    honest = [(Number(total=total),) for total in (3, 5, 8)]
    ways = garbage(Number, honest, 0)
    assert ways["of other tasks"] == [*honest[1:], honest[0]]
    assert set(ways) == {"empty", "constant", "of other tasks"}
    assert "of other tasks" not in garbage(Number, honest[:1], 0)


def test_a_kind_for_which_the_type_leaves_no_room_is_left_out() -> None:
    honest = [(Coded(code="ABC"),), (Coded(code="XYZ"),)]
    ways = garbage(Coded, honest, 0)
    assert "empty" not in ways
    assert "constant" not in ways
    for (reply,) in ways["scrambled"]:
        assert JSON.decode(JSON.encode(reply), Coded) == reply
