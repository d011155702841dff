# SPDX-License-Identifier: Apache-2.0
"""What tells one release's metadata from another's.

Clients keep what they have read of a chain under the hash of its first block. Two releases that declare their storage,
calls or answers differently must not have the same one, so a digest of all that is declared is written there. It is
written out here, because no start of a node should compute what only a change of the code can change; a test does.
"""

from __future__ import annotations

from typing import Any, Final

from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.pallet import Pallet, RuntimeApi
from subnet.chain.node.frame.storage import Storage
from subnet.chain.node.metadata.seams import Described

__all__ = ["DECLARED", "digest"]

DECLARED: Final = bytes.fromhex("43fd63b705fe020689d62ab1a05f221cfe382d1786115c65830b8df00d313782")
"""The digest of the runtime as it is."""


def digest(runtime: Described) -> bytes:
    """The hash of all that a runtime declares, with every type to its last part."""
    pallets = [_pallet(pallet) for pallet in runtime.pallets]
    apis = [_api(api) for api in runtime.apis]
    extensions = [(item.name, item.type, item.additional) for item in runtime.extensions]
    return blake2_256(repr((pallets, apis, extensions)).encode())


def _pallet(pallet: Pallet) -> tuple[object, ...]:
    storage = [
        (item.name, item.type, _default(item), [(key.hasher, key.type) for key in item.keys])
        for item in pallet.storage()
    ]
    calls = [(call.name, call.index, call.fields) for call in pallet.calls()]
    events = [(event.name, event.index, event.fields) for event in pallet.events()]
    errors = [(error.name, error.index) for error in pallet.errors()]
    constants = [(constant.name, constant.type, constant.value) for constant in pallet.constants()]
    return pallet.name, pallet.index, storage, calls, events, errors, constants


def _default(item: Storage[Any]) -> bytes | None:
    return None if item.optional else item.data(item.default())


def _api(api: RuntimeApi) -> tuple[object, ...]:
    return type(api).__name__, [(way.name, way.inputs, way.output) for way in api.methods()]
