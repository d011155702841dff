# SPDX-License-Identifier: Apache-2.0
"""What msgspec cannot promise of a decoded value: that no text or bytes in it is too long and every number is finite.

MessagePack carries NaN and infinity, and one NaN in a score can turn a whole weight vector into NaN. A type is walked
once, when it is defined; what comes out is one function that looks only where something can be wrong, or None where
nothing can. The same walk refuses types that not every encoding carries: a designer learns it before a validator does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from msgspec import inspect

from protocols.checks import (
    Check,
    anything_check,
    binary_check,
    by_key,
    each_field,
    each_item,
    each_pair,
    each_position,
    finite,
    finite_decimal,
    optional,
    text_check,
)
from protocols.errors import InvalidSynapse
from protocols.tensor import Tensor

DEFAULT_MAX_BYTES: Final = 1 << 20
DEFAULT_MAX_FIELD_BYTES: Final = 1 << 18


def type_name(kind: Any) -> str:
    """The type as messages name it."""
    return getattr(kind, "__qualname__", None) or str(kind)


def compile_check(kind: Any, *, max_field_bytes: int = DEFAULT_MAX_FIELD_BYTES) -> Check | None:
    """What every value of this type has to pass after decoding; raises `InvalidSynapse` for what cannot travel."""
    try:
        info = inspect.type_info(kind)
    except NameError as error:
        raise InvalidSynapse(
            f"{type_name(kind)} has a field whose type is unknown: {error}",
            help="define the types of fields at the top of a module, before the class that uses them",
        ) from None
    except (TypeError, ValueError) as error:
        raise InvalidSynapse(f"{type_name(kind)} cannot be described: {error}") from None
    return _Compiler(type_name(kind), max_field_bytes).check(info, "")


class _Compiler:
    """Turns msgspec's description of a type into its check."""

    def __init__(self, owner: str, limit: int) -> None:
        self._owner = owner
        self._text = text_check(limit)
        self._binary = binary_check(limit)
        self._records: dict[int, Check | None] = {}
        self._open: set[int] = set()

    def check(self, info: inspect.Type, path: str) -> Check | None:
        match info:
            case inspect.Metadata():
                return self.check(info.type, path)
            case inspect.StrType():
                return self._text if info.max_length is None else None
            case inspect.BytesType() | inspect.ByteArrayType() | inspect.MemoryViewType():
                return self._binary if info.max_length is None else None
            case inspect.FloatType():
                return finite
            case inspect.DecimalType():
                return finite_decimal
            case inspect.AnyType():
                return anything_check(self._text, self._binary)
            case inspect.UnionType():
                return self._union(info, path)
            case inspect.SetType() | inspect.FrozenSetType():
                return each_item(self._hashed(info.item_type, path))
            case inspect.CollectionType():
                return each_item(self.check(info.item_type, f"{path}[]"))
            case inspect.TupleType():
                return each_position([self.check(item, f"{path}[{at}]") for at, item in enumerate(info.item_types)])
            case inspect.DictType():
                return each_pair(self._hashed(info.key_type, path), self.check(info.value_type, f"{path}{{}}"))
            case inspect.StructType() | inspect.DataclassType() | inspect.NamedTupleType() | inspect.TypedDictType():
                return self._record(info, path)
        return self._scalar(info, path)

    def _scalar(self, info: inspect.Type, path: str) -> Check | None:
        if isinstance(info, _CARRIED) or (isinstance(info, inspect.CustomType) and info.cls is Tensor):
            return None
        kind = type_name(info.cls) if isinstance(info, inspect.CustomType) else type(info).__name__.removesuffix("Type")
        raise InvalidSynapse(
            f"field {_shown(path)} of {self._owner} is {kind}, which cannot travel",
            help="use numbers, text, bytes, lists, dicts, msgspec structs, or protocols.tensor.Tensor for arrays",
        )

    # JSON writes every key as text, so a key is what text stands for without doubt. And a peer chooses the keys: with
    # whole numbers of any size, which can be made to hash alike, one body could keep a core busy for ten seconds.
    def _hashed(self, info: inspect.Type, path: str) -> Check | None:
        plain = _plain(info)
        bounded = not isinstance(plain, inspect.IntType) or _is_bounded(plain)
        if isinstance(plain, _HASHED) and bounded:
            return self.check(plain, path)
        kind = type(plain).__name__.removesuffix("Type").lower()
        raise InvalidSynapse(
            f"field {_shown(path)} of {self._owner} has {'' if bounded else 'unbounded '}{kind} as keys, "
            "expected text or bounded numbers",
            help="bound whole numbers: Annotated[int, msgspec.Meta(ge=0, le=65535)]",
        )

    def _union(self, info: inspect.UnionType, path: str) -> Check | None:
        checks = {_runtime_class(arm): self.check(arm, path) for arm in info.types}
        table = {kind: check for kind, check in checks.items() if check is not None}
        if not table:
            return None
        return lambda value: None if (check := table.get(type(value))) is None else check(value)

    # A type that contains itself is met again while it is being walked: then its check is looked up when it is called.
    def _record(self, info: Any, path: str) -> Check | None:
        key = id(info)
        if key in self._records:
            return self._records[key]
        if key in self._open:
            return lambda value: None if (check := self._records[key]) is None else check(value)
        self._open.add(key)
        pick = by_key if isinstance(info, inspect.TypedDictType) else getattr
        fields = []
        for field in info.fields:
            check = self.check(field.type, f"{path}.{field.encode_name}")
            if check is not None:
                fields.append((field.name, f".{field.encode_name}", check if field.required else optional(check)))
        self._records[key] = each_field(tuple(fields), pick) if fields else None
        return self._records[key]


_WORDS: Final = (
    inspect.IntType,
    inspect.EnumType,
    inspect.LiteralType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.TimeDeltaType,
)
_CARRIED: Final = (inspect.NoneType, inspect.BoolType, inspect.UUIDType, *_WORDS)
_HASHED: Final = (inspect.AnyType, inspect.StrType, inspect.BytesType, inspect.FloatType, *_WORDS)
_CLASSES: Final[dict[type[inspect.Type], type]] = {
    inspect.NoneType: type(None),
    inspect.StrType: str,
    inspect.BytesType: bytes,
    inspect.ByteArrayType: bytearray,
    inspect.MemoryViewType: memoryview,
    inspect.FloatType: float,
    inspect.DecimalType: Decimal,
    inspect.ListType: list,
    inspect.SetType: set,
    inspect.FrozenSetType: frozenset,
    inspect.VarTupleType: tuple,
    inspect.TupleType: tuple,
    inspect.DictType: dict,
    inspect.TypedDictType: dict,
}


def _shown(path: str) -> str:
    return path.lstrip(".") or "at the top"


def _is_bounded(info: inspect.IntType) -> bool:
    return (info.ge, info.gt) != (None, None) and (info.le, info.lt) != (None, None)


def _plain(info: inspect.Type) -> inspect.Type:
    while isinstance(info, inspect.Metadata):
        info = info.type
    return info


def _runtime_class(info: inspect.Type) -> Any:
    info = _plain(info)
    kind = getattr(info, "cls", type(info))
    return _CLASSES.get(type(info), getattr(kind, "__origin__", kind))


__all__ = ["DEFAULT_MAX_BYTES", "DEFAULT_MAX_FIELD_BYTES", "compile_check", "type_name"]
