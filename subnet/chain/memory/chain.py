# SPDX-License-Identifier: Apache-2.0
"""A whole chain in one process, for tests, simulations and local networks: no node, no socket, no file.

It keeps the public chain's rules and its exact mathematics, on any clock. Blocks are made by hand (`seal`) or by the
clock (`run`); in between nothing moves, so a thousand blocks of protocol can pass in a second.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

from protocols.balance import Balance
from protocols.calls import Call
from protocols.chain import Commitment, Epoch, Receipt, SubnetInfo, check_signer
from protocols.clock import Clock, SystemClock
from protocols.errors import ChainUnreachable, LedgerError
from protocols.hyperparameters import Hyperparameters
from protocols.keys import Signer
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Block, Hotkey, NetUid, Ss58
from subnet.chain.memory import views
from subnet.chain.memory.accounts import account
from subnet.chain.memory.bell import Bell
from subnet.chain.memory.blocks import Blocks
from subnet.chain.memory.genesis import Genesis, found
from subnet.chain.memory.snapshot import from_bytes, to_bytes

__all__ = ["MemoryChain"]

_CLOCK: Final = SystemClock()
_PATIENCE_S: Final = 60.0


class MemoryChain:
    """A `Chain` in memory, to be used on one event loop.

    chain = MemoryChain(Genesis.local(), clock=clock)
    await chain.submit(RegisterNetwork(hotkey), coldkey)
    chain.seal()
    """

    def __init__(
        self,
        genesis: Genesis | None = None,
        *,
        clock: Clock = _CLOCK,
        block_time: float = 1.0,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """Begin at block 0 of a genesis, unless told `Genesis.local()`; `patience_s` is how long a block is awaited."""
        for name, seconds in (("block_time", block_time), ("patience_s", patience_s)):
            if not 0 < seconds < math.inf:
                raise LedgerError(f"{name} is {seconds}, expected a number of seconds above 0")
        self._clock = clock
        self._block_time = block_time
        self._patience_s = patience_s
        self._blocks = Blocks(found(Genesis.local() if genesis is None else genesis))
        self._bell = Bell(clock)
        self._running = False
        self._sealed_ns = clock.time_ns()
        self._seen: dict[NetUid, Metagraph] = {}  # metagraphs of the newest block, which many ask for

    @classmethod
    def restore(
        cls, data: bytes, *, clock: Clock = _CLOCK, block_time: float = 1.0, patience_s: float = _PATIENCE_S
    ) -> MemoryChain:
        """Go on where `snapshot` was taken; raises `LedgerError` for bytes that are not of a sound chain."""
        chain = cls(Genesis(), clock=clock, block_time=block_time, patience_s=patience_s)
        chain._blocks = from_bytes(data)
        return chain

    def snapshot(self) -> bytes:
        """Everything that the chain knows, the open block included; blocks before the newest are not kept."""
        return to_bytes(self._blocks)

    def seal(self, blocks: int = 1) -> Block:
        """Make blocks at once, and return the newest."""
        for _ in range(blocks):
            self._blocks.seal()
        self._sealed_ns = self._clock.time_ns()
        self._seen = {}
        self._bell.ring()
        return self._blocks.newest.block

    async def run(self) -> None:
        """Make a block every `block_time` seconds until cancelled.

        Blocks keep to the times that were right from the start, so that nothing drifts; one that would come too late
        is left out, as a chain leaves out a slot.
        """
        if self._running:
            raise LedgerError("the chain runs already, expected one run() at a time", help="cancel the other one first")
        self._running = True
        try:
            begun, beat = self._clock.monotonic(), 0
            while True:
                passed = (self._clock.monotonic() - begun) / self._block_time
                beat = max(beat, math.floor(passed)) + 1
                await self._clock.sleep(begun + beat * self._block_time - self._clock.monotonic())
                self.seal()
        finally:
            self._running = False

    @property
    def genesis(self) -> str:
        """The hash of block 0."""
        return self._blocks.newest.founding.genesis

    @property
    def is_local(self) -> bool:
        """Whether published development keys may sign."""
        return self._blocks.newest.founding.is_local

    async def block(self) -> Block:
        """The newest sealed block."""
        return self._blocks.newest.block

    async def time_ns(self) -> int:
        """When the newest block says that it was made, in nanoseconds since 1970."""
        return self._sealed_ns

    async def wait_for_block(self, block: Block) -> Block:
        """Wait for a block and return the newest by then; `ChainUnreachable` where none comes in time."""
        while (newest := self._blocks.newest.block) < block:
            if not await self._bell.heard_within(self._patience_s):
                raise ChainUnreachable(
                    f"block {newest} is still the newest after {self._patience_s} s, {block} was waited for",
                    help="make blocks: chain.seal(), or a task of chain.run()",
                )
        return newest

    async def subnets(self) -> tuple[SubnetInfo, ...]:
        """All subnets, by netuid."""
        return views.subnets(self._blocks.newest)

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        """All neurons of a subnet, now or at one of the last blocks."""
        newest = self._blocks.newest
        if block is not None and block != newest.block:
            return views.metagraph(self._blocks.at(block), netuid)
        if netuid not in self._seen:
            self._seen[netuid] = views.metagraph(newest, netuid)
        return self._seen[netuid]

    async def hyperparameters(self, netuid: NetUid) -> Hyperparameters:
        """The rules of a subnet."""
        return views.hyperparameters(self._blocks.newest, netuid)

    async def epoch(self, netuid: NetUid) -> Epoch:
        """When consensus ran last and runs next."""
        return views.epoch(self._blocks.newest, netuid)

    async def weights(self, netuid: NetUid) -> SparseRows:
        """The weights as they are stored, hidden ones excepted."""
        return views.weights(self._blocks.newest, netuid)

    async def bonds(self, netuid: NetUid) -> SparseRows:
        """The bonds that the last epoch left."""
        return views.bonds(self._blocks.newest, netuid)

    async def commitments(self, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
        """What hotkeys of a subnet have published."""
        return views.commitments(self._blocks.newest, netuid)

    async def balance(self, address: Ss58) -> Balance:
        """The tao that an account can spend."""
        account(address)
        return Balance(self._blocks.newest.free(address))

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        """Carry out a call in the open block, and where blocks are made by the clock, wait for that block."""
        check_signer(self, signer)
        receipt = self._blocks.include(call, signer)
        if not self._running:
            return receipt
        await self.wait_for_block(receipt.block)
        return dataclasses.replace(receipt, finalised=True)
