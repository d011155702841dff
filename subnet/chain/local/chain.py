# SPDX-License-Identifier: Apache-2.0
"""The local node without its sockets, as a `Chain`: for tests, simulations and networks within one process.

Calls become signed transactions, which the node's pool, author and runtime take as from any client. Blocks are made
by hand (`seal`), by the clock (`run`), and while nobody runs it, for whoever submits something.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from protocols.balance import Balance
from protocols.calls import Call
from protocols.chain import Commitment, Epoch, Receipt, SubnetInfo, check_signer
from protocols.clock import Clock, SystemClock
from protocols.errors import ChainUnreachable, ExtrinsicFailed, LedgerError, PoolRefusal
from protocols.hyperparameters import Hyperparameters
from protocols.keys import Signer, decode_address
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Block, Hotkey, NetUid, Ss58
from subnet.chain.calls import check_readable
from subnet.chain.local import views
from subnet.chain.local.signing import composed, signed
from subnet.chain.memory.bell import Bell
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.header import Head
from subnet.chain.node.node import Node
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.status import Watch
from subnet.chain.node.store import Store
from subnet.chain.node.validity import InvalidTransaction
from subnet.chain.presets import LOCAL, preset
from subnet.chain.receipts import receipt, refusal

__all__ = ["LocalChain"]

_NS_PER_MS: Final = 1_000_000
_CLOCK: Final = SystemClock()
_PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.005

_T = TypeVar("_T")


class LocalChain:
    """A `Chain` that is the local node, to be used on one event loop; a context manager lets go of its file.

    chain = LocalChain(clock=clock)
    await chain.submit(RegisterNetwork(hotkey), coldkey)
    chain.seal(10)

    A key signs on the event loop, so it must be one that answers at once.
    """

    def __init__(
        self,
        genesis: Genesis | None = None,
        *,
        clock: Clock = _CLOCK,
        block_time: float = 1.0,
        patience_s: float = _PATIENCE_S,
        path: Path | None = None,
    ) -> None:
        """Begin as a genesis says, or as the preset `local`, or go on in a file; a block is awaited `patience_s`."""
        for name, seconds in (("block_time", block_time), ("patience_s", patience_s)):
            if not 0 < seconds < math.inf:
                raise LedgerError(f"{name} is {seconds}, expected a number of seconds above 0")
        store = Store(path)
        try:
            ensure_founded(store, Runtime, (genesis or preset(LOCAL)).beginning)
            self.node = Node(store, Runtime, clock, Sealing(mode=Mode.INTERVAL, block_time=block_time))
        except BaseException:
            store.close()
            raise
        self._clock = clock
        self._patience_s = patience_s
        self._bell = Bell(clock)
        self._running = False
        self._held = False
        self._seen: dict[NetUid, Metagraph] = {}  # metagraphs of the newest block, which many ask for
        self._genesis = self.node.hash_at(0) or self.node.head.hash
        self.node.listen(lambda _: self._moved())

    def close(self) -> None:
        """Let go of the file."""
        self.node.store.close()

    def __enter__(self) -> LocalChain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seal(self, blocks: int = 1) -> Block:
        """Make blocks at once, a `block_time` apart on the chain's own clock, and return the newest."""
        return Block(self.node.skip(blocks).number)

    async def run(self) -> None:
        """Make a block every `block_time` seconds until cancelled; one that would come too late is left out."""
        if self._running:
            raise LedgerError("the chain runs already, expected one run() at a time", help="cancel the other one first")
        self._running = True
        try:
            await self.node.author.run()
        finally:
            self._running = False

    async def together(self, works: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
        """Do several things at once, with all their calls in one block, made when nobody has anything else to do.

        So how many blocks there are does not depend on who was quicker. For a chain that nobody runs.
        """
        tasks = [asyncio.create_task(work) for work in works]
        self._held = True
        try:
            while busy := sum(not task.done() for task in tasks):
                if self.node.pool.has_ready and len(self.node.pool) >= busy:
                    self.seal()
                await self._clock.sleep(_LOOK_S)
            return [task.result() for task in tasks]
        finally:
            self._held = False
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def genesis(self) -> str:
        """The hash of block 0."""
        return f"0x{self._genesis.hex()}"

    @property
    def is_local(self) -> bool:
        """Published development keys may sign: this chain is always somebody's own."""
        return True

    async def block(self) -> Block:
        """The newest block."""
        return Block(self.node.head.number)

    async def time_ns(self) -> int:
        """When the newest block says that it was made, in nanoseconds since 1970."""
        return self._runtime.timestamp.Now.value * _NS_PER_MS

    async def wait_for_block(self, block: Block) -> Block:
        """Wait for a block and return the newest by then; `ChainUnreachable` where none comes in time."""
        while (newest := self.node.head.number) < block:
            await self._hear(f"block {block}")
        return Block(newest)

    async def subnets(self) -> tuple[SubnetInfo, ...]:
        """All subnets, by netuid."""
        return views.subnets(self._runtime)

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        """All neurons of a subnet, now or at one of the last blocks."""
        if block is not None and block != self.node.head.number:
            return views.metagraph(self._at(block), netuid)
        if netuid not in self._seen:
            self._seen[netuid] = views.metagraph(self._runtime, netuid)
        return self._seen[netuid]

    async def hyperparameters(self, netuid: NetUid) -> Hyperparameters:
        """The rules of a subnet."""
        return views.hyperparameters(self._runtime, netuid)

    async def epoch(self, netuid: NetUid) -> Epoch:
        """When consensus ran last and runs next."""
        return views.epoch(self._runtime, netuid)

    async def weights(self, netuid: NetUid) -> SparseRows:
        """The weights as they are stored, hidden ones excepted."""
        return views.rows(self._runtime, netuid, "Weights")

    async def bonds(self, netuid: NetUid) -> SparseRows:
        """The bonds that the last epoch left."""
        return views.rows(self._runtime, netuid, "Bonds")

    async def commitments(self, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
        """What hotkeys of a subnet have published."""
        return views.commitments(self._runtime, netuid)

    async def balance(self, address: Ss58) -> Balance:
        """The tao that an account can spend."""
        return views.balance(self._runtime, decode_address(address))

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        """Sign and send a call, and wait for the block that includes it; where nobody runs the chain, make it.

        Whatever else is submitted in the same turn of the event loop goes into the same block.
        """
        check_signer(self, signer)
        check_readable(call)
        who = decode_address(signer.ss58_address)
        whole = composed(self._runtime, call, who)
        extrinsic = signed(self._runtime, self._genesis, whole, signer, self.node.next_nonce(who))
        try:
            watch = self.node.watch(extrinsic)
        except (InvalidTransaction, PoolRefusal) as fault:
            raise refusal(fault, call) from fault
        return self._receipt(await self._included(watch), extrinsic)

    async def _included(self, watch: Watch) -> bytes:
        """The hash of the block that includes a transaction."""
        await self._clock.sleep(0)
        while not watch.is_over:
            if self._running or self._held:
                await self._hear("the block with the call")
            elif self.node.pool.has_ready:
                self.seal()
            else:
                raise ExtrinsicFailed("InvalidTransaction.Future: an earlier call of this account is not included")
        hash = None
        while not watch.is_empty:
            status = watch.take()
            hash = status.hash if status.kind == "finalized" else None
        if hash is None:
            raise ExtrinsicFailed(f"InvalidTransaction: no block took the call, it is {status.kind}")
        return hash

    def _receipt(self, hash: bytes, extrinsic: bytes) -> Receipt:
        block = self.node.block(hash)
        assert block is not None
        runtime, number = self.node.runtime_at(hash), block.header.number
        assert isinstance(runtime, Runtime)
        return receipt(runtime, Head(number, hash), extrinsic, block.extrinsics.index(extrinsic))

    @property
    def _runtime(self) -> Runtime:
        assert isinstance(self.node.runtime, Runtime)
        return self.node.runtime

    def _at(self, block: Block) -> Runtime:
        hash = self.node.hash_at(block)
        if hash is None:
            raise LedgerError(f"block {block} was asked for, the newest is {self.node.head.number}")
        runtime = self.node.runtime_at(hash)
        assert isinstance(runtime, Runtime)
        return runtime

    def _moved(self) -> None:
        self._seen = {}
        self._bell.ring()

    async def _hear(self, what: str) -> None:
        if not await self._bell.heard_within(self._patience_s):
            raise ChainUnreachable(
                f"block {self.node.head.number} is still the newest after {self._patience_s} s, {what} was waited for",
                help="make blocks: chain.seal(), or a task of chain.run()",
            )
