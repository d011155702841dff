# SPDX-License-Identifier: Apache-2.0
"""The controls of a local chain for its developer, as RPC methods `dev_*`.

A node that is to keep its hands off the chain is served without this room: its methods are then not found. Results are
JSON: hashes and bytes as hexadecimal digits, blocks as number and hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import GenericAlias
from typing import Annotated, Any, Final

import msgspec

from protocols.errors import SubnetError
from protocols.types import Json
from subnet.chain.node.dev import Dev
from subnet.chain.node.header import Head
from subnet.chain.node.plain import account
from subnet.chain.node.rpc.errors import RpcError, invalid_params
from subnet.chain.node.rpc.methods import method
from subnet.chain.node.rpc.session import Session

__all__ = ["DevMethods"]

_REFUSED: Final = -32_000
_Hex = Annotated[str, msgspec.Meta(pattern="^0x(?:[0-9a-fA-F]{2})*$")]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
_Natural = Annotated[int, msgspec.Meta(ge=0)]


class _Blocks(msgspec.Struct, forbid_unknown_fields=True):
    count: _Count = 1


class _Forward(msgspec.Struct, forbid_unknown_fields=True):
    blocks: _Count | None = None
    netuid: Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)] | None = None
    tempos: _Count = 1


class DevMethods:
    """The methods."""

    def __init__(self, dev: Dev) -> None:
        self._dev = dev

    @method("dev_snapshot")
    def snapshot(self, session: Session, params: list[Json]) -> Json:
        """Remember the chain as it is; the id is what `dev_revert` takes."""
        _read(params)
        return self._dev.snapshot()

    @method("dev_revert")
    def revert(self, session: Session, params: list[Json]) -> Json:
        """Go back to a snapshot: `[id]`."""
        (snapshot,) = _read(params, _Natural)
        with _refusing():
            return _block(self._dev.revert(snapshot))

    @method("dev_newBlock")
    def new_block(self, session: Session, params: list[Json]) -> Json:
        """Make blocks now: `[]`, `[count]` or `[{"count": 3}]`."""
        (asked,) = _read(params or [1], _Count | _Blocks)
        with _refusing():
            return _block(self._dev.new_block(asked.count if isinstance(asked, _Blocks) else asked))

    @method("dev_fastForward")
    def fast_forward(self, session: Session, params: list[Json]) -> Json:
        """Make blocks as if their time had passed: `[100]`, `[{"blocks": 100}]` or `[{"netuid": 1, "tempos": 2}]`."""
        (asked,) = _read(params, _Count | _Forward)
        wanted = asked if isinstance(asked, _Forward) else _Forward(asked)
        if (wanted.blocks is None) == (wanted.netuid is None):
            raise invalid_params("give either blocks, or the netuid whose tempos are counted")
        with _refusing():
            if wanted.netuid is not None:
                return _block(self._dev.fast_forward_tempos(wanted.netuid, wanted.tempos))
            return _block(self._dev.fast_forward(wanted.blocks or 1))

    @method("dev_setTime")
    def set_time(self, session: Session, params: list[Json]) -> Json:
        """Give the next block a timestamp: `[milliseconds since 1970]`."""
        (milliseconds,) = _read(params, _Natural)
        with _refusing():
            return self._dev.set_time(milliseconds)

    @method("dev_timeTravel")
    def travel(self, session: Session, params: list[Json]) -> Json:
        """Put the chain's clock forth: `[milliseconds]`; the answer is what it shows."""
        (milliseconds,) = _read(params, _Natural)
        with _refusing():
            return self._dev.travel(milliseconds)

    @method("dev_setBalance")
    def set_balance(self, session: Session, params: list[Json]) -> Json:
        """Give an account just so much free money: `[account, rao]`."""
        who, rao = _read(params, str, _Natural)
        with _refusing():
            self._dev.set_balance(account(who), rao)
        return _block(self._dev.node.head)

    @method("dev_setStorage")
    def set_storage(self, session: Session, params: list[Json]) -> Json:
        """Write entries by their bytes: `[[[key, value], [key, null]]]`."""
        (pairs,) = _read(params, list[tuple[_Hex, _Hex | None]])
        changes = [(_bytes(key), None if value is None else _bytes(value)) for key, value in pairs]
        with _refusing():
            self._dev.set_storage(changes)
        return _block(self._dev.node.head)

    @method("dev_impersonate")
    def impersonate(self, session: Session, params: list[Json]) -> Json:
        """Let any signature be this account's: `[account]`."""
        (who,) = _read(params, str)
        with _refusing():
            self._dev.impersonate(account(who))
        return True

    @method("dev_stopImpersonating")
    def stop_impersonating(self, session: Session, params: list[Json]) -> Json:
        """Its own signature only is the account's again: `[account]`."""
        (who,) = _read(params, str)
        with _refusing():
            self._dev.stop_impersonating(account(who))
        return True

    @method("dev_dumpState")
    def dump(self, session: Session, params: list[Json]) -> Json:
        """The head's storage as one document."""
        _read(params)
        return f"0x{self._dev.dump().hex()}"

    @method("dev_loadState")
    def load(self, session: Session, params: list[Json]) -> Json:
        """Make a block that leaves what a document holds: `[document]`."""
        (document,) = _read(params, _Hex)
        with _refusing():
            return _block(self._dev.load(_bytes(document)))

    @method("dev_drandPulse")
    def drand_pulse(self, session: Session, params: list[Json]) -> Json:
        """Let the chain know a round of the drand beacon: `[round, randomness, signature]`."""
        number, randomness, signature = _read(params, _Natural, _Hex, _Hex)
        with _refusing():
            self._dev.drand_pulse(number, _bytes(randomness), _bytes(signature))
        return _block(self._dev.node.head)


def _read(params: list[Json], *kinds: Any) -> tuple[Any, ...]:
    try:
        read: tuple[Any, ...] = msgspec.convert(tuple(params), GenericAlias(tuple, kinds))
    except msgspec.ValidationError as fault:
        raise invalid_params(str(fault)) from None
    return read


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except SubnetError as error:
        raise RpcError(_REFUSED, error.message, error.help or None) from error


def _block(head: Head) -> Json:
    return {"number": head.number, "hash": f"0x{head.hash.hex()}"}


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
