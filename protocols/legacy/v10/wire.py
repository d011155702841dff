# SPDX-License-Identifier: Apache-2.0
"""What both halves of the v10 dialect share: the signed text, the body hash, and bodies that hold three things at once.

A v10 synapse is request, reply and framework data in one flat object. Here a body is taken apart by name before
anything of it is read, so that each part meets only the type that it belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import msgspec

from protocols.codec import JSON
from protocols.endpoint import Endpoint
from protocols.errors import InvalidSynapse, MalformedBody
from protocols.synapse import Reply, Synapse
from protocols.tensor import encode_hook

PROTOCOL: Final = "v10"
DENDRITE: Final = "bt_header_dendrite_"
AXON: Final = "bt_header_axon_"

# As `serve_axon` of bittensor 10 writes its release: 10.5.0 is 10005000.
_RELEASES: Final = range(10_000_000, 11_000_000)

# Fields of the v10 base class; `required_hash_fields` was one of them in its older releases.
FRAMEWORK: Final = frozenset(
    (
        "axon",
        "computed_body_hash",
        "dendrite",
        "header_size",
        "name",
        "required_hash_fields",
        "timeout",
        "total_size",
    )
)

HashFields = Mapping[type[Synapse], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """One query type and those of its fields that a v10 signature covers."""

    query: type[Synapse]
    fields: tuple[str, ...]
    ignored: frozenset[str]
    """What a body may hold besides the query: framework data, and the reply's fields, still empty."""

    @property
    def whole(self) -> bool:
        """Whether nothing of a query can be changed on its way."""
        return bool(self.fields) and set(self.fields) == set(self.query.__struct_fields__)

    def read(self, body: bytes) -> Synapse:
        """The query in a body, checked like any other; what it shares the body with is dropped unread."""
        mine = {name: raw for name, raw in split(body).items() if name not in self.ignored}
        return JSON.decode(msgspec.json.encode(mine), self.query)

    def digest(self, query: Synapse) -> str:
        """The hash of the covered fields; like v10, of what a body was read as, not of its text."""
        values = (msgspec.to_builtins(getattr(query, name), enc_hook=encode_hook) for name in self.fields)
        return _sha3("".join(_sha3(str(value)) for value in values))


def published(endpoint: Endpoint) -> bool:
    """Whether whoever answers there is an axon of bittensor 10: its tools publish their own release."""
    return endpoint.version in _RELEASES


def coverages(hash_fields: HashFields, unsigned_bodies: AbstractSet[type[Synapse]]) -> dict[str, Coverage]:
    """What the given queries are covered by, by route; no body goes unsigned unless it is named as such."""
    both = [query.__name__ for query in unsigned_bodies if query in hash_fields]
    if both:
        raise InvalidSynapse(f"{both[0]} has hash fields and is among the unsigned bodies, expected one of the two")
    for query, fields in hash_fields.items():
        unknown = sorted(set(fields).difference(query.__struct_fields__))
        if unknown or not fields:
            told = f"hash field {unknown[0]!r}" if unknown else "no hash fields"
            raise InvalidSynapse(
                f"{query.__name__} has {told}, expected some of {', '.join(query.__struct_fields__)}",
                help="name the v10 class's required_hash_fields, or put the query among unsigned_bodies",
            )
    named = {**hash_fields, **dict.fromkeys(unsigned_bodies, ())}
    return {query.route(): _coverage(query, tuple(fields)) for query, fields in named.items()}


def signed_text(*, nonce_ns: int, sender: str, receiver: str, uuid: str, digest: str) -> bytes:
    """The exact bytes that a v10 request's signature covers."""
    return f"{nonce_ns}.{sender}.{receiver}.{uuid}.{digest}".encode()


def split(body: bytes) -> dict[str, msgspec.Raw]:
    """The fields of a JSON object, none of them read yet; raises `MalformedBody`."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody(f"body is not a JSON object: {error}") from None
    except RecursionError:
        raise MalformedBody("body is not JSON that can be read: nested too deeply") from None


def names(kind: type[Synapse] | type[Reply]) -> Iterable[str]:
    """The names that a type's fields have in JSON."""
    return kind.__struct_encode_fields__


def _coverage(query: type[Synapse], fields: tuple[str, ...]) -> Coverage:
    for kind in (query, query.Reply):
        taken = sorted(FRAMEWORK.intersection(names(kind)))
        if taken:
            raise InvalidSynapse(f"{kind.__qualname__} has a field {taken[0]!r}, which v10 uses for itself")
    return Coverage(query, fields, FRAMEWORK.union(names(query.Reply)).difference(names(query)))


def _sha3(text: str) -> str:
    return hashlib.sha3_256(text.encode()).hexdigest()


__all__ = [
    "AXON",
    "Coverage",
    "DENDRITE",
    "FRAMEWORK",
    "HashFields",
    "PROTOCOL",
    "coverages",
    "names",
    "published",
    "signed_text",
    "split",
]
