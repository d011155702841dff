# SPDX-License-Identifier: Apache-2.0
"""The place where a public chain announces the key for encrypted transactions; here there is none.

Clients that only prefer to encrypt see that no key is announced, and send in the clear. Those that insist are told so
by their own tools.
"""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.frame.hashing import blake2_128_concat
from subnet.chain.node.frame.items import Error, Event
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.scale.names import AccountId, Blob, Hash, u32

__all__ = ["MevShield"]


class MevShield(Pallet):
    """Keys for encrypted transactions."""

    name: ClassVar[str] = "MevShield"
    index: ClassVar[int] = 30

    CurrentKey = Value[bytes | None](Blob | None, None)
    PendingKey = Value[bytes | None](Blob | None, None)
    NextKey = Value[bytes | None](Blob | None, None)
    KeyHashByBlock = Map[bytes | None](Hash | None, None, blake2_128_concat(u32))

    EncryptedSubmitted = Event(0, id=Hash, who=AccountId)

    BadPublicKeyLen = Error(4)
    KeyExpired = Error(5)
