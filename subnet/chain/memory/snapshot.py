# SPDX-License-Identifier: Apache-2.0
"""A chain as bytes, and back: one document with a version and a digest, so that a local network survives a restart.

Whatever is read may have been damaged, or written to do damage. So nothing becomes a chain that a chain could not have
come to: every number has its bounds, every name its owner, and all money adds up to what was issued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from incentive.emission.nominators import Share, SharePool
from protocols.errors import LedgerError, SubnetError
from protocols.types import Hotkey, NetUid, Ss58
from subnet.chain.memory.accounts import account, address
from subnet.chain.memory.blocks import Blocks
from subnet.chain.memory.soundness import check
from subnet.chain.memory.state import Rao, State

__all__ = ["VERSION", "from_bytes", "to_bytes"]

VERSION: Final = 1
"""Of the document; one of another version is refused."""

_DIGEST_BYTES: Final = 32
_MANTISSA_BYTES: Final = 10  # of a number with 21 digits
_EXPONENT: Final = 64


class _Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    version: int
    digest: bytes
    body: bytes


class _Share(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A decimal number whose digits do not fit into the 64 bits of the format's integers."""

    mantissa: Annotated[bytes, msgspec.Meta(max_length=_MANTISSA_BYTES)]
    exponent: Annotated[int, msgspec.Meta(ge=-_EXPONENT, le=_EXPONENT)]


class _Pool(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    value: Rao
    total: _Share
    shares: dict[Ss58, _Share]


class _Whole(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A state, with its stakes beside it."""

    state: State
    pools: dict[NetUid, dict[Hotkey, _Pool]]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    newest: _Whole
    open_block: _Whole | None
    included: Rao


def to_bytes(blocks: Blocks) -> bytes:
    """The newest block and the open one."""
    open_block = None if blocks.open_block is None else _written(blocks.open_block)
    body = msgspec.msgpack.encode(_Body(_written(blocks.newest), open_block, blocks.included))
    return msgspec.msgpack.encode(_Envelope(VERSION, _digest(body), body))


def from_bytes(data: bytes) -> Blocks:
    """The inverse of `to_bytes`; raises `LedgerError` for anything else."""
    try:
        envelope = msgspec.msgpack.decode(data, type=_Envelope)
        if envelope.version != VERSION:
            raise LedgerError(f"it has version {envelope.version}, expected {VERSION}")
        if envelope.digest != _digest(envelope.body):
            raise LedgerError(f"its digest is {_digest(envelope.body).hex()}, expected {envelope.digest.hex()[:64]}")
        body = msgspec.msgpack.decode(envelope.body, type=_Body)
        newest = _read(body.newest)
        open_block = None if body.open_block is None else _read(body.open_block)
        check(newest, open_block, body.included)
    # Recursion is how deeply nested bytes end, and the rest is what types of our own say about values.
    except (msgspec.MsgspecError, SubnetError, ValueError, RecursionError) as error:
        raise LedgerError(
            f"the snapshot cannot be used: {error}", help="restore an older one, or start a new chain"
        ) from error
    return Blocks(newest, open_block, body.included)


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()


def _written(state: State) -> _Whole:
    pools = {
        netuid: {hotkey: _pool_written(pool) for hotkey, pool in stakes.items()}
        for netuid, stakes in state.stakes.items()
    }
    return _Whole(replace(state, stakes={}), pools)


def _read(whole: _Whole) -> State:
    return replace(whole.state, stakes={netuid: dict(_stakes_read(pools)) for netuid, pools in whole.pools.items()})


def _stakes_read(pools: Mapping[Hotkey, _Pool]) -> Iterator[tuple[Hotkey, SharePool]]:
    for hotkey, pool in pools.items():
        shares = {account(holder): _share_read(share) for holder, share in pool.shares.items()}
        yield hotkey, SharePool(pool.value, shares, _share_read(pool.total))


def _pool_written(pool: SharePool) -> _Pool:
    shares = {address(holder): _share_written(share) for holder, share in pool.shares.items()}
    return _Pool(pool.value, _share_written(pool.total), shares)


def _share_written(share: Share) -> _Share:
    return _Share(share.mantissa.to_bytes(_MANTISSA_BYTES, "big"), share.exponent)


def _share_read(share: _Share) -> Share:
    return Share.of(int.from_bytes(share.mantissa, "big"), share.exponent)
