# SPDX-License-Identifier: Apache-2.0
"""What was locked until a round of the beacon, opened with the beacon's signature of that round.

The cryptography is the official library's. What does not open, or holds no vote, is no vote: the answer is None.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols.errors import LedgerError
from subnet.chain.node.scale.names import Blob, scale_of, u16, u64
from subnet.chain.node.scale.primitives import BYTES, UInt

__all__ = ["Opened", "open_commit"]


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
    plain = _decrypted(BYTES.encode(sealed) + UInt(8).encode(round_), signature)
    if plain is None:
        return None
    for kind in (_Payload, _Legacy):
        try:
            vote = scale_of(kind).decode(plain)
        except LedgerError:
            continue
        return Opened(*vote) if kind is _Payload else Opened(None, *vote)
    return None


def _decrypted(wrapped: bytes, signature: bytes) -> bytes | None:
    import bittensor_core

    try:
        plain: bytes = bittensor_core.decrypt_with_signature(wrapped, signature.hex())
    except (RuntimeError, ValueError):
        return None
    return plain
