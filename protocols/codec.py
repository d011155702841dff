# SPDX-License-Identifier: Apache-2.0
"""Values to bytes and back, in JSON or MessagePack, with every way to fail turned into an error of ours.

What a peer sent is checked in the order of cost: size, syntax, schema, then what a schema cannot say (see `fields`).
An error says what is wrong and where, with at most a glimpse of the peer's own text, in printable characters.

An object may repeat a key: the last one counts, as in Python's own `json`. Nothing here acts on bytes before they are
decoded, so a value cannot be smuggled past a check by writing it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from protocols.checks import Check
from protocols.errors import BodyTooLarge, InvalidMessage, InvalidSynapse, MalformedBody, UnsupportedMedia
from protocols.fields import DEFAULT_MAX_BYTES, DEFAULT_MAX_FIELD_BYTES, compile_check, type_name
from protocols.tensor import decode_base64, decode_bin, encode_hook

T = TypeVar("T")
Buffer = bytes | bytearray | memoryview

_SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that is worked out once for a type."""

    decode: Callable[[Buffer], Any]
    check: Check | None
    max_bytes: int


class Codec:
    """One encoding; `JSON` and `MSGPACK` are the two there are."""

    __slots__ = ("_encode", "_new_decoder", "_plans", "media_type", "name")

    def __init__(
        self,
        name: str,
        media_type: str,
        *,
        encode: Callable[[Any], bytes],
        new_decoder: Callable[[Any], Callable[[Buffer], Any]],
    ) -> None:
        self.name = name
        self.media_type = media_type
        self._encode = encode
        self._new_decoder = new_decoder
        # Keyed by the classes that a program defines and decodes, so it cannot grow with what peers send.
        self._plans: dict[Any, _Plan] = {}

    def __repr__(self) -> str:
        return f"Codec({self.media_type!r})"

    def prepare(self, kind: Any) -> _Plan:
        """Work out everything for a type ahead of its first message; raises `InvalidSynapse` if it cannot travel."""
        check = compile_check(kind, max_field_bytes=getattr(kind, "max_field_bytes", DEFAULT_MAX_FIELD_BYTES))
        try:
            decode = self._new_decoder(kind)
        except (TypeError, ValueError) as error:
            raise InvalidSynapse(f"{type_name(kind)} cannot be read from {self.name}: {error}") from None
        plan = _Plan(decode, check, getattr(kind, "max_bytes", DEFAULT_MAX_BYTES))
        self._plans[kind] = plan
        return plan

    def encode(self, value: object) -> bytes:
        """The value's bytes; what the other side would refuse for its size or for a NaN is refused here already."""
        kind = value.__class__
        plan = self._plans.get(kind) or self.prepare(kind)
        try:
            problem = None if plan.check is None else plan.check(value)
            data = self._encode(value)
        except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise InvalidMessage(f"{type_name(kind)} cannot be written as {self.name}: {_shown(error)}") from error
        if problem is not None:
            raise problem.error(_shown(f"{type_name(kind)}: {problem}"))
        if len(data) > plan.max_bytes:
            raise BodyTooLarge(f"{type_name(kind)} has {len(data)} bytes, limit {plan.max_bytes}")
        return data

    def decode(self, data: Buffer, kind: type[T]) -> T:
        """The value in these bytes, of exactly this type and within its limits, or a `MessageError`."""
        plan = self._plans.get(kind) or self.prepare(kind)
        if len(data) > plan.max_bytes:
            raise BodyTooLarge(f"{type_name(kind)} has {len(data)} bytes, limit {plan.max_bytes}")
        try:
            value: T = plan.decode(data)
            problem = None if plan.check is None else plan.check(value)
        except msgspec.ValidationError as error:
            said = _shown(error)
            raise InvalidMessage(f"{type_name(kind)}: {said[:1].lower()}{said[1:]}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedBody(f"body is not {self.name}: {_shown(error)}") from None
        except RecursionError:
            raise MalformedBody(f"body is not {self.name} that can be read: nested too deeply") from None
        if problem is not None:
            raise problem.error(_shown(f"{type_name(kind)}: {problem}"))
        return value


def codec_for(content_type: str) -> Codec:
    """The codec that a Content-Type header asks for; parameters are ignored (both encodings are UTF-8 only)."""
    codec = _CODECS.get(content_type) or _CODECS.get(content_type.partition(";")[0].strip().lower())
    if codec is None:
        raise UnsupportedMedia(f"content type is {content_type[:64]!a}, expected {' or '.join(_CODECS)}")
    return codec


def _shown(said: object) -> str:
    text = str(said)
    if len(text) > _SHOWN_CHARACTERS:
        # The end says where in the message it happened.
        text = f"{text[:120]} ... {text[-70:]}"
    return "".join(character if character.isprintable() else "?" for character in text)


JSON: Final = Codec(
    "JSON",
    "application/json",
    encode=msgspec.json.Encoder(enc_hook=encode_hook).encode,
    new_decoder=lambda kind: msgspec.json.Decoder(kind, dec_hook=decode_base64).decode,
)
MSGPACK: Final = Codec(
    "MessagePack",
    "application/msgpack",
    encode=msgspec.msgpack.Encoder(enc_hook=encode_hook).encode,
    new_decoder=lambda kind: msgspec.msgpack.Decoder(kind, dec_hook=decode_bin).decode,
)
_CODECS: Final = {codec.media_type: codec for codec in (JSON, MSGPACK)}

__all__ = ["Buffer", "Codec", "JSON", "MSGPACK", "codec_for"]
