# SPDX-License-Identifier: Apache-2.0
"""What a subnet's designer writes: a query, and in it the reply that a miner may give.

    class Ask(Synapse):
        prompt: str
        max_tokens: int = 64

        class Reply:
            text: str

Request and reply are two types, both immutable, so that nothing a miner sends can touch what it was asked. Everything
that could be wrong with such a class is found when it is defined. A type checker wants to see
`class Reply(protocols.synapse.Reply)`, which is what a plain nested `class Reply` is turned into.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final, cast, dataclass_transform

import msgspec

from protocols.codec import JSON, MSGPACK
from protocols.errors import InvalidSynapse
from protocols.fields import DEFAULT_MAX_BYTES, DEFAULT_MAX_FIELD_BYTES
from protocols.tensor import schema_hook

RESERVED_ROUTES: Final = frozenset(("livez", "readyz", "info", "metrics", "docs", "openapi.json"))

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_RESERVED_FIELDS: Final = frozenset(("Reply", "max_bytes", "max_field_bytes", "route"))
_HOW: Final = "write inside the class:  class Reply:  and in it the fields of the answer, such as  text: str"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _MessageMeta(msgspec.StructMeta):
    """Makes a real reply type of a nested class and refuses unsound definitions.

    A metaclass rather than `__init_subclass__`, which Python calls before msgspec knows the fields.
    """

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> _MessageMeta:
        if "Reply" in namespace:
            namespace["Reply"] = _reply_type(name, namespace["Reply"])
        # msgspec inherits `frozen` but not this; without it no required field could follow an inherited default.
        options.setdefault("kw_only", True)
        try:
            cls = super().__new__(mcls, name, bases, namespace, **options)
        except (TypeError, ValueError) as error:
            raise InvalidSynapse(f"{namespace.get('__qualname__', name)} cannot be defined: {error}") from error
        if bases != (msgspec.Struct,):
            _check_message(cls)
        return cls


class Reply(msgspec.Struct, metaclass=_MessageMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what miners answer."""

    max_bytes: ClassVar[int] = DEFAULT_MAX_BYTES
    max_field_bytes: ClassVar[int] = DEFAULT_MAX_FIELD_BYTES


_AnyReply = Reply


class Synapse(msgspec.Struct, metaclass=_MessageMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what validators ask; a subclass with fields has a `Reply`, its own or inherited."""

    Reply: ClassVar[type[_AnyReply]]
    max_bytes: ClassVar[int] = DEFAULT_MAX_BYTES
    max_field_bytes: ClassVar[int] = DEFAULT_MAX_FIELD_BYTES

    @classmethod
    def route(cls) -> str:
        """The path that this query is sent to."""
        if not hasattr(cls, "Reply"):
            raise InvalidSynapse(f"{cls.__qualname__} has no Reply", help=_HOW)
        return f"/{cls.__name__}"


def schema(kind: type) -> dict[str, Any]:
    """The type as a JSON Schema document of its own."""
    return {"$schema": _DIALECT, **msgspec.json.schema(kind, schema_hook=schema_hook)}


def schema_components(
    kinds: Iterable[type], *, ref_template: str = "#/components/schemas/{name}"
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """The types as parts of a larger document: a reference to each, and all definitions by name."""
    return msgspec.json.schema_components(kinds, schema_hook=schema_hook, ref_template=ref_template)


def _reply_type(owner: str, nested: object) -> type[_AnyReply]:
    if not isinstance(nested, type):
        raise InvalidSynapse(f"{owner}.Reply is {type(nested).__qualname__}, expected a class", help=_HOW)
    if issubclass(nested, _AnyReply):
        return nested
    if nested.__bases__ != (object,):
        bases = ", ".join(base.__qualname__ for base in nested.__bases__)
        raise InvalidSynapse(f"{owner}.Reply inherits from {bases}, expected nothing or protocols.synapse.Reply")
    body = {name: value for name, value in vars(nested).items() if name not in ("__dict__", "__weakref__")}
    # Pickle and tracebacks find a class by this name.
    body["__qualname__"] = nested.__qualname__
    return cast("type[_AnyReply]", _MessageMeta(nested.__name__, (_AnyReply,), body))


def _check_message(cls: Any) -> None:
    name, config = cls.__qualname__, cls.__struct_config__
    if not config.frozen or config.array_like or config.tag is not None:
        raise InvalidSynapse(f"{name} is mutable, tagged or an array, expected an immutable object of named fields")
    reserved = sorted(_RESERVED_FIELDS.intersection(cls.__struct_fields__))
    if reserved:
        raise InvalidSynapse(f"{name} has a field named {reserved[0]}, which means something else here")
    for limit in ("max_bytes", "max_field_bytes"):
        value = getattr(cls, limit)
        if type(value) is not int or value <= 0:
            raise InvalidSynapse(f"{name}.{limit} is {value!r}, expected a positive number of bytes")
    if issubclass(cls, Synapse):
        _check_route(cls)
    for codec in (JSON, MSGPACK):
        codec.prepare(cls)
    try:
        schema(cls)
    except (TypeError, ValueError) as error:
        raise InvalidSynapse(f"{name} has no JSON Schema: {error}") from None


def _check_route(cls: type[Synapse]) -> None:
    name = cls.__name__
    if not name.isascii():
        raise InvalidSynapse(f"{cls.__qualname__} would be served at /{name}, expected a name of ASCII letters")
    if name.lower() in RESERVED_ROUTES:
        raise InvalidSynapse(f"{cls.__qualname__} would be served at /{name}, which is one of the server's own pages")
    # A class without fields may be a base that only sets limits; what has fields can be asked.
    if cls.__struct_fields__ and not hasattr(cls, "Reply"):
        raise InvalidSynapse(f"{cls.__qualname__} has no Reply", help=_HOW)


__all__ = ["RESERVED_ROUTES", "Reply", "Synapse", "schema", "schema_components"]
