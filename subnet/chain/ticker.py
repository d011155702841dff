# SPDX-License-Identifier: Apache-2.0
"""What a person or a program is told of each block of a local node: which calls it has, whose, and how they ended.

Blocks come faster than they can be told when a developer makes a million of them; then those without a call are left
out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from protocols.keys import encode_address, short
from subnet.chain.node.address import account_of
from subnet.chain.node.extrinsic import parse
from subnet.chain.node.header import Head
from subnet.chain.node.listening import Told
from subnet.chain.node.node import Node
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant

if TYPE_CHECKING:
    from protocols.chain import Receipt

__all__ = ["CallTold", "Tick", "Ticker"]

_WAITING: Final = 4_096
_HOLDING: Final = frozenset({"Proxy", "Sudo"})
"""Pallets whose calls hold the one that is meant."""


class CallTold(NamedTuple):
    """A call that a block includes."""

    hash: str
    signer: str
    call: str
    error: str
    """Empty where it succeeded."""

    def to_json(self) -> Mapping[str, Any]:
        """As plain data."""
        return {**self._asdict(), "error": self.error or None}


class Tick(NamedTuple):
    """A block that is the newest now; `is_back` where it is older than the one told before."""

    number: int
    hash: str
    calls: tuple[CallTold, ...]
    is_back: bool = False

    def text(self) -> str:
        """A line, or nothing for a block without calls."""
        if self.is_back:
            return f"block {self.number}  {self.hash[:10]}…  the chain was taken back to here"
        told = [f"{one.call} by {short(one.signer)}{f' FAILED {one.error}' if one.error else ''}" for one in self.calls]
        return f"block {self.number}  {self.hash[:10]}…  {', '.join(told)}" if told else ""

    def to_json(self) -> Mapping[str, Any]:
        """As plain data."""
        calls = [call.to_json() for call in self.calls]
        return {
            "event": "reverted" if self.is_back else "block",
            "block": self.number,
            "hash": self.hash,
            "calls": calls,
        }


class Ticker:
    """The blocks of a node from now on: `async for tick in ticker`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._last = node.head.number
        self._ticks: deque[Tick] = deque()
        self._arrived = asyncio.Event()
        self._fault: BaseException | None = None
        node.listen(self._hear)

    def fail(self, fault: BaseException) -> None:
        """Raise this to whoever reads."""
        self._fault = fault
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Tick]:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._ticks:
                yield self._ticks.popleft()
            if self._fault is not None:
                raise self._fault

    def _hear(self, told: Told) -> None:
        number, before, self._last = told.head.number, self._last, told.head.number
        if number == before:
            return  # amended by a developer
        is_back = number < before
        calls = () if is_back else self._calls(told.head)
        if calls or is_back or len(self._ticks) < _WAITING:
            self._ticks.append(Tick(number, f"0x{told.head.hash.hex()}", calls, is_back))
            self._arrived.set()

    def _calls(self, head: Head) -> tuple[CallTold, ...]:
        runtime = self._node.runtime
        assert isinstance(runtime, Runtime)
        # Blocks that are written down together have nothing in them, so that the last one speaks for all.
        if len(runtime.extrinsics) < 2:
            return ()
        block = self._node.block(head.hash)
        # A node is up before it has anything to say of calls, and what says it takes a while to load.
        from subnet.chain.receipts import receipt

        bodies = () if block is None else block.extrinsics
        return tuple(_call(body, receipt(runtime, head, body, at)) for at, body in enumerate(bodies) if at)


def _call(extrinsic: bytes, included: Receipt) -> CallTold:
    parsed = parse(extrinsic)
    who = None if parsed.signature is None else account_of(parsed.signature.address)
    error = "" if included.error is None else included.error.message.partition(":")[0]
    return CallTold(
        included.extrinsic_hash, "nobody" if who is None else encode_address(who), _name(parsed.call), error
    )


def _name(call: Variant) -> str:
    (inner,) = call.fields
    name = f"{call.name}.{inner.name}"
    if call.name not in _HOLDING:
        return name
    held = (part for part in inner.fields if isinstance(part, Variant) and part.fields)
    calls = [part for part in held if isinstance(part.fields[0], Variant)]
    return f"{name}({_name(calls[0])})" if calls else name
