# SPDX-License-Identifier: Apache-2.0
"""What was locked until a round of the beacon, opened with the beacon's signature of that round.

The cryptography is the official library's. What does not open, or holds no vote, is no vote: the answer is None.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from protocols.errors import LedgerError
from subnet.chain.node.scale.names import Blob, scale_of, u16, u64
from subnet.chain.node.scale.primitives import BYTES, Reader, UInt

__all__ = ["Opened", "open_commit", "unlocked"]

_ACCOUNT: Final = 32


class Opened(NamedTuple):
    """A vote that was locked; older ones do not say whose it is."""

    hotkey: bytes | None
    uids: tuple[int, ...]
    values: tuple[int, ...]
    version_key: int


class _Payload(NamedTuple):
    hotkey: Blob
    uids: tuple[u16, ...]
    values: tuple[u16, ...]
    version_key: u64


class _Legacy(NamedTuple):
    uids: tuple[u16, ...]
    values: tuple[u16, ...]
    version_key: u64


def open_commit(sealed: bytes, round_: int, signature: bytes) -> Opened | None:
    """The vote in a commit that was locked until a round, whose signature is known now."""
    plain = unlocked(sealed, round_, signature)
    if plain is None:
        return None
    vote = _read(_Payload, plain)
    # An older vote can look like one of these, but then what would be its hotkey is too short for one.
    if vote is not None and len(vote[0]) >= _ACCOUNT:
        return Opened(vote[0][:_ACCOUNT], *vote[1:])
    older = _read(_Legacy, plain)
    return None if older is None else Opened(None, *older)


def unlocked(sealed: bytes, round_: int, signature: bytes) -> bytes | None:
    """What was locked until a round, None where nothing can be made of it."""
    import bittensor_core

    wrapped = BYTES.encode(sealed) + UInt(8).encode(round_)
    try:
        plain: bytes = bittensor_core.decrypt_with_signature(wrapped, signature.hex())
    except BaseException as fault:
        # Whatever somebody has locked must not keep the chain from making blocks; a panic is no `Exception`.
        if isinstance(fault, ValueError) or type(fault).__name__ == "PanicException":
            return None
        raise
    return plain


def _read(kind: type, plain: bytes) -> tuple[Any, ...] | None:
    """A record at the beginning of some bytes; what follows it does not matter."""
    try:
        return tuple(scale_of(kind).read(Reader(plain)))
    except LedgerError:
        return None
