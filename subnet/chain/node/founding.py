# SPDX-License-Identifier: Apache-2.0
"""The first block of a chain, and a chain that is opened: the same beginning gives the same hash, on any machine.

A file that holds another chain than the one that was asked for is refused rather than continued.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from protocols.errors import ChainFileRefused
from subnet.chain.node.frame.state import State
from subnet.chain.node.header import Header, Sealed, next_state_root
from subnet.chain.node.machine import Machine, MakeMachine
from subnet.chain.node.store import Founding, Store
from subnet.chain.node.trie import EMPTY_ROOT

__all__ = ["Beginning", "ensure_founded"]

_NOTHING: Final = bytes(32)


class Beginning(NamedTuple):
    """How a chain begins: its name, what tells it from others, and who writes its storage."""

    name: str
    fingerprint: bytes
    write: Callable[[Machine], None]


def ensure_founded(store: Store, make: MakeMachine, beginning: Beginning) -> Founding:
    """Found the chain in an empty store; raises `ChainFileRefused` where another one is in it."""
    known = store.founding
    state = State()
    runtime = make(state)
    version = runtime.version.spec_version
    if known is not None:
        _same(store, known, beginning, version)
        return known
    beginning.write(runtime)
    changes = tuple(state.changes())
    header = Header(_NOTHING, 0, next_state_root(_NOTHING, changes), EMPTY_ROOT)
    founding = Founding(beginning.name, header.hash, version, beginning.fingerprint)
    store.found(founding, Sealed(header.hash, header, (), changes))
    return founding


def _same(store: Store, known: Founding, wanted: Beginning, version: int) -> None:
    if known.fingerprint != wanted.fingerprint:
        raise ChainFileRefused(
            f"{store.path} holds the chain {known.name!r} with genesis 0x{known.genesis.hex()[:16]}…, "
            f"which began otherwise than {wanted.name!r} is to begin",
            help="name another file, or the genesis that this one began with",
        )
    if known.spec_version > version:
        raise ChainFileRefused(
            f"{store.path} was written by runtime {known.spec_version}, this release has {version}",
            help="pip install --upgrade subnet",
        )
