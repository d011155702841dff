# SPDX-License-Identifier: Apache-2.0
"""The storage of a chain as one document, to be carried to another machine: a version, a digest, and what it says.

Whatever is read may have been damaged on its way, or made to do damage: it is unpacked only as far as a chain can be
large, and nothing of it is used before all of it is understood.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from protocols.errors import DumpRefused

__all__ = ["Dump", "pack", "unpack"]

_MAGIC: Final = b"subnet-chain\n"
_VERSION: Final = 1
_DIGEST: Final = 32
_LARGEST: Final = 1 << 30
_HEAD: Final = len(_MAGIC) + 1 + _DIGEST


class Dump(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The storage that a block left."""

    chain: str
    spec_version: int
    number: int
    storage: Mapping[bytes, bytes]


def pack(chain: str, spec_version: int, number: int, storage: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The document; equal chains give equal documents."""
    body = zlib.compress(msgspec.msgpack.encode(Dump(chain, spec_version, number, dict(storage))), 6)
    return _MAGIC + bytes([_VERSION]) + _digest(body) + body


def unpack(data: bytes) -> Dump:
    """The inverse of `pack`; raises `DumpRefused` for anything else."""
    if not data.startswith(_MAGIC) or len(data) < _HEAD:
        raise DumpRefused(f"this is no dump of a chain: it begins with {data[:16]!r}, expected {_MAGIC!r}")
    version, digest, body = data[len(_MAGIC)], data[len(_MAGIC) + 1 : _HEAD], data[_HEAD:]
    if version != _VERSION:
        raise DumpRefused(f"the dump has version {version}, expected {_VERSION}", help="pip install --upgrade subnet")
    if digest != _digest(body):
        raise DumpRefused(f"the dump is damaged: its digest is {_digest(body).hex()}, expected {digest.hex()}")
    try:
        plain = zlib.decompressobj()
        content = plain.decompress(body, _LARGEST)
        if not plain.eof:
            raise DumpRefused(f"the dump is cut off, or holds over {_LARGEST} bytes")
        return msgspec.msgpack.decode(content, type=Dump)
    except (zlib.error, msgspec.MsgspecError) as fault:
        raise DumpRefused(f"the dump cannot be read: {fault}") from fault


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()
