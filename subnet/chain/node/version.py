# SPDX-License-Identifier: Apache-2.0
"""Which runtime this is: clients choose types and features by it, and keep the metadata of each version they met.

Its number is that of the subtensor source whose rules the pallets follow.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, NamedTuple, TypeAlias

from subnet.chain.node.scale.names import Str, u8, u32
from subnet.chain.node.scale.primitives import FixedBytes

__all__ = ["RuntimeVersion", "VERSION"]

_ID_BYTES: Final = 8
_ApiId: TypeAlias = Annotated[bytes, FixedBytes(_ID_BYTES)]

_APIS: Final[dict[str, int]] = {
    "Core": 5,
    "Metadata": 2,
    "TaggedTransactionQueue": 3,
    "AccountNonceApi": 1,
    "TransactionPaymentApi": 4,
    "TransactionPaymentCallApi": 3,
    "DelegateInfoRuntimeApi": 1,
    "NeuronInfoRuntimeApi": 1,
    "SubnetInfoRuntimeApi": 1,
    "StakeInfoRuntimeApi": 1,
    "SubnetRegistrationRuntimeApi": 1,
    "SwapRuntimeApi": 1,
    "BetaBasketRuntimeApi": 1,
}


class RuntimeVersion(NamedTuple):
    """The chain's record of it."""

    spec_name: Str
    impl_name: Str
    authoring_version: u32
    spec_version: u32
    impl_version: u32
    apis: tuple[tuple[_ApiId, u32], ...]
    transaction_version: u32
    system_version: u8


def _identity(api: str) -> bytes:
    return hashlib.blake2b(api.encode(), digest_size=_ID_BYTES).digest()


VERSION: Final = RuntimeVersion(
    spec_name="node-subtensor",
    impl_name="node-subtensor",
    authoring_version=1,
    spec_version=425,
    impl_version=1,
    apis=tuple((_identity(name), version) for name, version in _APIS.items()),
    transaction_version=1,
    system_version=1,
)
