# SPDX-License-Identifier: Apache-2.0
"""Replies that cost a miner no work, for any reply type: what a lazy or hostile miner sends to see whether it pays.

They are valid, so they pass the wire and reach `score`. A type that leaves no room for one kind (a text that must match
a pattern, say) is tried with the other kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import inspect

from protocols.codec import MSGPACK
from protocols.errors import MessageError
from protocols.synapse import Reply
from protocols.tensor import Tensor
from subnet.check.filling import CONSTANT, EMPTY, Filling
from subnet.check.playing import Items

__all__ = ["garbage"]

T = TypeVar("T")


def garbage(kind: type[Reply], honest: Sequence[Items], seed: int) -> Mapping[str, Sequence[Items]]:
    """Ways to answer without work, each with its answers in the order of the tasks."""
    rng = np.random.default_rng([seed, len(honest)])
    ways: dict[str, Sequence[Items]] = {}
    for name, filling in (("empty", EMPTY), ("constant", CONSTANT)):
        reply = _filled(kind, filling)
        if reply is not None:
            ways[name] = [(reply,)] * len(honest)
    scrambled = [tuple(_valid(_scrambled(item, rng), item) for item in items) for items in honest]
    if scrambled != list(honest):
        ways["scrambled"] = scrambled
    if len(honest) > 1:
        ways["of other tasks"] = [*honest[1:], honest[0]]
    return ways


def _filled(kind: type[Reply], filling: Filling) -> Reply | None:
    try:
        reply = msgspec.convert(filling.value(inspect.type_info(kind)), kind)
    except msgspec.ValidationError:
        return None
    return _valid(reply, None)


def _valid(reply: Reply, otherwise: T) -> Reply | T:
    try:
        return MSGPACK.decode(MSGPACK.encode(reply), type(reply))
    except MessageError:
        return otherwise


def _scrambled(value: Any, rng: np.random.Generator) -> Any:
    """The same with the letters of texts, bytes of bytes and numbers of arrays in another order."""
    scramble = _SCRAMBLERS.get(type(value))
    if scramble is not None:
        return scramble(value, rng)
    if isinstance(value, msgspec.Struct):
        fields = {name: _scrambled(getattr(value, name), rng) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


def _letters(text: str, rng: np.random.Generator) -> str:
    return "".join(rng.permutation(list(text)).tolist())


def _bytes(data: bytes, rng: np.random.Generator) -> bytes:
    return rng.permutation(np.frombuffer(data, np.uint8)).tobytes()


def _array(tensor: Tensor, rng: np.random.Generator) -> Tensor:
    return Tensor(rng.permutation(tensor.array.ravel()).reshape(tensor.shape))


def _list(values: list[Any], rng: np.random.Generator) -> list[Any]:
    return [_scrambled(value, rng) for value in values]


def _tuple(values: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
    return tuple(_scrambled(value, rng) for value in values)


def _dict(values: dict[Any, Any], rng: np.random.Generator) -> dict[Any, Any]:
    return {key: _scrambled(value, rng) for key, value in values.items()}


_SCRAMBLERS: Mapping[type, Callable[[Any, np.random.Generator], Any]] = {
    str: _letters,
    bytes: _bytes,
    Tensor: _array,
    list: _list,
    tuple: _tuple,
    dict: _dict,
}
