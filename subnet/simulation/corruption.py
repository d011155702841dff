# SPDX-License-Identifier: Apache-2.0
"""What a careless miner makes of a right answer: words lost and out of order, numbers off, choices wrong.

It knows the types of fields and nothing of what they mean, so it works for any definition. Every corrupted reply is one
that a miner could send: what would break a limit of its field is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import inspect

from protocols.codec import MSGPACK
from protocols.errors import MessageError
from protocols.tensor import Tensor

__all__ = ["corrupt", "corrupt_stream"]

_LOST: Final = 0.4
_OFF: Final = 0.5
_TRIES: Final = 4


def corrupt(reply: Any, rng: np.random.Generator) -> Any:
    """The reply, a message, with every field made worse that can be."""
    kind = type(reply)
    for field in msgspec.structs.fields(kind):
        for _ in range(_TRIES):
            worse = _worse(getattr(reply, field.name), inspect.type_info(field.type), rng)
            tried = msgspec.structs.replace(reply, **{field.name: worse})
            try:
                tried = MSGPACK.decode(MSGPACK.encode(tried), kind)
            except MessageError:
                continue
            if tried != reply:  # chance may leave a short word as it was
                reply = tried
                break
    return reply


def corrupt_stream(items: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Each item made worse and, of a stream, some lost and the rest out of order; one is always left."""
    worse = [corrupt(item, rng) for item in items]
    kept = max(1, round((1.0 - _LOST) * len(worse)))
    return [worse[at] for at in rng.permutation(len(worse))[:kept].tolist()]


def _worse(value: Any, info: inspect.Type, rng: np.random.Generator) -> Any:
    while isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.LiteralType):
        return _another(value, info.values, rng)
    match value:
        case bool():
            return not value
        case Enum():
            return _another(value, tuple(type(value)), rng)
        case int() | float():
            return _off(value, info, rng)
        case str():
            return _garbled(value, rng)
        case bytes():
            return bytes(rng.permutation(np.frombuffer(value, dtype=np.uint8)))
        case Tensor():
            return Tensor(_rearranged(value.array, rng))
        case list() | tuple():
            return _each(value, info, rng)
        case dict():
            held = getattr(info, "value_type", inspect.AnyType())
            return {key: _worse(one, held, rng) for key, one in value.items()}
        case msgspec.Struct():
            return corrupt(value, rng)
    return value


def _each(values: list[Any] | tuple[Any, ...], info: inspect.Type, rng: np.random.Generator) -> list[Any]:
    held = getattr(info, "item_type", inspect.AnyType())
    return [_worse(value, held, rng) for value in values]


def _another(value: Any, choices: tuple[Any, ...], rng: np.random.Generator) -> Any:
    others = [choice for choice in choices if choice != value]
    return others[int(rng.integers(len(others)))] if others else value


def _off(value: float, info: inspect.Type, rng: np.random.Generator) -> float:
    """The number off by about half of itself, within the bounds of its field."""
    low, high = getattr(info, "ge", None), getattr(info, "le", None)
    spread = high - low if low is not None and high is not None else max(abs(value), 1.0)
    off = value + _OFF * float(spread) * float(rng.normal())
    off = max(off, low) if low is not None else off
    off = min(off, high) if high is not None else off
    return round(off) if isinstance(value, int) else off


def _garbled(text: str, rng: np.random.Generator) -> str:
    """Some words gone and the rest out of order; of a single word, the letters out of order."""
    words = text.split()
    if len(words) < 2:
        return "".join(np.array(list(text), dtype=object)[rng.permutation(len(text))])
    kept = [words[at] for at in rng.permutation(len(words)).tolist() if rng.random() >= _LOST]
    return " ".join(kept)


def _rearranged(array: Any, rng: np.random.Generator) -> Any:
    """The same numbers in other places: right in every total, and of no use."""
    return rng.permutation(array.ravel()).reshape(array.shape)
