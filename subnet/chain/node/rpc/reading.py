# SPDX-License-Identifier: Apache-2.0
"""Parameters of calls: bytes as hexadecimal digits, hashes of blocks, numbers, and how to say that one is wrong.

Clients leave trailing parameters out or give null for them, and some write bytes without `0x`; all of that is read.
"""

from __future__ import annotations

from typing import Final

from protocols.errors import LedgerError, StateDiscarded, SubnetError
from protocols.keys import decode_address
from protocols.types import Json
from subnet.chain.node.rpc.errors import RpcError, invalid_params

__all__ = ["CLIENT_ERROR", "account", "block_hash", "given", "hexadecimal", "many", "octets", "unavailable", "whole"]

CLIENT_ERROR: Final = 4003
"""The number of every failure within the chain."""

_HASH: Final = 32


def given(params: list[Json], place: int) -> Json:
    """A parameter, None where it was left out."""
    return params[place] if len(params) > place else None


def octets(value: Json) -> bytes:
    """Bytes from hexadecimal digits; raises `RpcError`."""
    if isinstance(value, str):
        try:
            return bytes.fromhex(value[2:] if value[:2] == "0x" else value)
        except ValueError:
            pass
    raise invalid_params(f"{_shown(value)} is not bytes as hexadecimal digits, expected such as 0x26aa")


def hexadecimal(data: bytes | None) -> str | None:
    """Bytes as clients read them, None for what is not there."""
    return None if data is None else "0x" + data.hex()


def block_hash(params: list[Json], place: int) -> bytes | None:
    """The hash of a block, None for the newest; raises `RpcError`."""
    value = params[place] if len(params) > place else None
    if value is None:
        return None
    hash = octets(value)
    if len(hash) != _HASH:
        raise invalid_params(f"a block hash has {_HASH} bytes, {_shown(value)} has {len(hash)}")
    return hash


def many(value: Json) -> list[bytes]:
    """A list of bytes; raises `RpcError`."""
    if not isinstance(value, list):
        raise invalid_params(f"{_shown(value)} is not a list of bytes as hexadecimal digits")
    return [octets(part) for part in value]


def whole(value: Json) -> int:
    """A number that is not negative, given as a number or in hexadecimal digits; raises `RpcError`."""
    if isinstance(value, str) and value[:2] == "0x":
        try:
            return int(value, 16)
        except ValueError:
            pass
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise invalid_params(f"{_shown(value)} is not a number, expected such as 7 or 0x7")


def account(value: Json) -> bytes:
    """The account of an address; raises `RpcError`."""
    try:
        return decode_address(value if isinstance(value, str) else "")
    except SubnetError as fault:
        raise invalid_params(fault.message) from fault


def unavailable(fault: LedgerError, at: bytes | None) -> RpcError:
    """What is told of a block whose state cannot be asked, in the words of a Substrate node."""
    hash = hexadecimal(at)
    if isinstance(fault, StateDiscarded):
        return RpcError(CLIENT_ERROR, f"Client error: UnknownBlock: State already discarded for {hash}")
    return RpcError(CLIENT_ERROR, f"Client error: UnknownBlock: Header was not found in the database: {hash}")


def _shown(value: Json) -> str:
    return repr(value)[:64]
