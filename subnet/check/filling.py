# SPDX-License-Identifier: Apache-2.0
"""A value of any type that can travel, made from next to nothing: one text, one number and one length.

The type is walked as msgspec describes it, bounds included. What comes out is plain data; msgspec turns it into the
type, and refuses what is still not one (a text that must match a pattern).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from msgspec import inspect

from protocols.tensor import Tensor

__all__ = ["CONSTANT", "EMPTY", "Filling"]

_DEEP: Final = 4
_MOMENTS: Final = {
    inspect.DateTimeType: "2024-01-01T00:00:00Z",
    inspect.DateType: "2024-01-01",
    inspect.TimeType: "00:00:00",
    inspect.TimeDeltaType: "P1D",
    inspect.UUIDType: "00000000-0000-0000-0000-000000000000",
}


@dataclass(frozen=True, slots=True)
class Filling:
    """What every text, number and list is made of."""

    text: str
    number: float
    length: int

    def value(self, info: inspect.Type, depth: int = 0) -> Any:
        """Plain data for this type."""
        match info:
            case inspect.Metadata():
                return self.value(info.type, depth)
            case inspect.StrType():
                return _fitted(self.text, info.min_length, info.max_length, ".")
            case inspect.BytesType() | inspect.ByteArrayType() | inspect.MemoryViewType():
                return _fitted(self.text.encode(), info.min_length, info.max_length, b".")
            case inspect.IntType() | inspect.FloatType():
                return _bounded(self.number, info)
            case inspect.DecimalType():
                return str(self.number)
            case inspect.BoolType():
                return self.number > 0
            case inspect.NoneType():
                return None
            case inspect.AnyType():
                return self.text
            case inspect.LiteralType():
                return info.values[0]
            case inspect.EnumType():
                return next(iter(info.cls)).value
            case inspect.CustomType() if info.cls is Tensor:
                return Tensor(np.full(self.length, self.number))
            case inspect.UnionType():
                return self._either(info, depth)
        return self._composed(info, depth)

    def _either(self, info: inspect.UnionType, depth: int) -> Any:
        is_brief = self.length == 0 or depth >= _DEEP
        arms = sorted(info.types, key=lambda arm: isinstance(arm, inspect.NoneType) != is_brief)
        return self.value(arms[0], depth)

    def _composed(self, info: inspect.Type, depth: int) -> Any:
        match info:
            case inspect.CollectionType():
                return [self.value(info.item_type, depth + 1)] * self._size(info, depth)
            case inspect.TupleType():
                return [self.value(item, depth + 1) for item in info.item_types]
            case inspect.DictType():
                pairs = min(self._size(info, depth), 1)
                return {self.value(info.key_type): self.value(info.value_type, depth + 1) for _ in range(pairs)}
            case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType():
                fields = [field for field in info.fields if field.required or depth < _DEEP]
                return {field.encode_name: self.value(field.type, depth + 1) for field in fields}
            case inspect.NamedTupleType():
                return [self.value(field.type, depth + 1) for field in info.fields]
        return _MOMENTS.get(type(info))

    def _size(self, info: inspect.CollectionType | inspect.DictType, depth: int) -> int:
        size = max(self.length if depth < _DEEP else 0, info.min_length or 0)
        return size if info.max_length is None else min(size, info.max_length)


def _fitted(text: Any, low: int | None, high: int | None, pad: Any) -> Any:
    return (text + pad * ((low or 0) - len(text)))[:high]


def _bounded(number: float, info: inspect.IntType | inspect.FloatType) -> float:
    step = 1 if isinstance(info, inspect.IntType) else 1e-6
    above = [
        -math.inf,
        *(bound for bound in (info.ge, None if info.gt is None else info.gt + step) if bound is not None),
    ]
    below = [
        math.inf,
        *(bound for bound in (info.le, None if info.lt is None else info.lt - step) if bound is not None),
    ]
    inside = max(min(number, min(below)), max(above))
    if info.multiple_of:
        inside = math.ceil(inside / info.multiple_of) * info.multiple_of
    return int(inside) if isinstance(info, inspect.IntType) else float(inside)


EMPTY: Final = Filling(text="", number=0, length=0)
CONSTANT: Final = Filling(text="There is nothing to add.", number=7, length=3)
