# SPDX-License-Identifier: Apache-2.0
"""Metadata: what the runtime tells clients of itself, so that they need to know nothing of it beforehand.

It is read from the declarations alone, and so is true of what the node does. A class of runtimes declares the same
always, which is why each is described once.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from protocols.errors import LedgerError
from subnet.chain.node.metadata.seams import Described

__all__ = ["VERSIONS", "metadata"]

VERSIONS: Final = (14, 15)
"""The versions that can be asked for."""

_MAGIC: Final = b"meta"
_described: Final[WeakKeyDictionary[type[Any], dict[int, bytes]]] = WeakKeyDictionary()


def metadata(runtime: Described, version: int) -> bytes:
    """The metadata of a runtime with its prefix: `meta`, the version, and the description."""
    if version not in VERSIONS:
        raise LedgerError(f"metadata has no version {version} here, expected one of {VERSIONS}")
    known = _described.setdefault(type(runtime), {})
    if version not in known:
        known[version] = _MAGIC + bytes([version]) + _body(runtime, version)
    return known[version]


def _body(runtime: Described, version: int) -> bytes:
    # Not before somebody asks: a node is up sooner without.
    if version == 14:
        from subnet.chain.node.metadata.v14 import SCALE_V14, describe_v14

        return SCALE_V14.encode(describe_v14(runtime))
    from subnet.chain.node.metadata.v15 import SCALE_V15, describe_v15

    return SCALE_V15.encode(describe_v15(runtime))
