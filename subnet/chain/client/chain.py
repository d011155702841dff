# SPDX-License-Identifier: Apache-2.0
"""A Substrate chain with Bittensor's `SubtensorModule`, over JSON-RPC: our own node, the test network, the main one.

It answers and takes what `protocols.chain` says, so that miners and validators cannot tell it from a chain in memory.
What is read is typed and of one block; what is written ends in a receipt out of the block that includes it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from protocols.balance import Balance
from protocols.calls import Call, CommitTimelockedWeights, ServeAxon, SetWeights
from protocols.chain import Commitment, Epoch, Receipt, SubnetInfo, check_reachable, check_signer
from protocols.clock import Clock, SystemClock
from protocols.errors import ChainUnreachable
from protocols.hyperparameters import Hyperparameters
from protocols.keys import Signer, decode_address
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Block, Hotkey, NetUid, Ss58
from subnet.chain.calls import check_readable
from subnet.chain.client import reads
from subnet.chain.client.forecast import Forecast, forecast
from subnet.chain.client.link import Deadlines, Identity, Link
from subnet.chain.client.neurons import metagraph
from subnet.chain.client.pause import Pause
from subnet.chain.client.sender import Sender
from subnet.chain.client.session import Session
from subnet.chain.client.timelock import timelocked

__all__ = ["PUBLIC_GENESES", "SubstrateChain"]

_LOG: Final = logging.getLogger(__name__)
_CLOCK: Final = SystemClock()
_DEADLINES: Final = Deadlines()
_LOCAL_KINDS: Final = frozenset({"Development", "Local"})

PUBLIC_GENESES: Final[Mapping[str, str]] = {
    "finney": "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03",
    "test": "0x8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105",
}
"""The networks that are nobody's own, whatever a node of theirs says about itself."""


class SubstrateChain:
    """A `Chain` behind one or more endpoints, to be used on one event loop.

    async with await SubstrateChain.open(["ws://127.0.0.1:9944"]) as chain:
        metagraph = await chain.metagraph(NetUid(1))
    """

    def __init__(self, link: Link, identity: Identity, clock: Clock) -> None:
        self._link = link
        self._identity = identity
        self._clock = clock
        self._sender = Sender(link, clock)
        self._last: dict[NetUid, tuple[str, Metagraph, float]] = {}

    @classmethod
    async def open(
        cls,
        urls: Sequence[str],
        *,
        genesis: str | None = None,
        deadlines: Deadlines = _DEADLINES,
        clock: Clock = _CLOCK,
    ) -> Self:
        """Connect to the first endpoint that answers; with a `genesis`, only to this chain.

        `ChainUnreachable` where none answers, `LedgerError` where all that do are of another chain.
        """
        link = Link(urls, deadlines, genesis)
        try:
            return cls(link, await link.identify(), clock)
        except BaseException:
            await link.close()
            raise

    async def close(self) -> None:
        """Hang up."""
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def genesis(self) -> str:
        """The hash of block 0."""
        return self._identity.genesis

    @property
    def is_local(self) -> bool:
        """Whether the chain says that it is for development, and is none of the public ones."""
        return self._identity.kind in _LOCAL_KINDS and self.genesis not in PUBLIC_GENESES.values()

    async def block(self) -> Block:
        """The newest block."""
        return await self._link.ask(lambda session: session.number(session.head()))

    async def time_ns(self) -> int:
        """When the newest block says that it was made, in nanoseconds since 1970."""
        return await self._link.ask(reads.time_ns)

    async def wait_for_block(self, block: Block) -> Block:
        """Wait for a block and return the newest by then; `ChainUnreachable` where the chain stands still."""
        newest, since, pause = await self.block(), self._clock.monotonic(), Pause(self._clock)
        while newest < block:
            await pause.wait()
            if (now := await self.block()) > newest:
                newest, since = now, self._clock.monotonic()
                pause.reset()
            elif self._clock.monotonic() - since > (patience := self._link.deadlines.block_s):
                raise ChainUnreachable(
                    f"block {newest} is still the newest after {patience:g} s, {block} was waited for",
                    help="does the node make blocks? For a chain of your own: subnet chain up",
                )
        return newest

    async def subnets(self) -> tuple[SubnetInfo, ...]:
        """All subnets, by netuid."""
        return await self._link.ask(reads.subnets)

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        """All neurons of a subnet, now or at a block; the last good one while the chain is away."""
        if block is not None:
            return await self._link.ask(lambda session: metagraph(session, netuid, session.state_of(block)))
        try:
            return await self._newest(netuid)
        except ChainUnreachable as error:
            if netuid not in self._last:
                raise
            _, last, read_at = self._last[netuid]
            age = self._clock.monotonic() - read_at
            _LOG.warning("the metagraph of block %d is served, %.0f s old: %s", last.block, age, error.message)
            return last

    async def hyperparameters(self, netuid: NetUid) -> Hyperparameters:
        """The rules of a subnet."""
        return await self._link.ask(lambda session: reads.hyperparameters(session, netuid))

    async def epoch(self, netuid: NetUid) -> Epoch:
        """When consensus ran last and runs next."""
        return await self._link.ask(lambda session: reads.epoch(session, netuid))

    async def weights(self, netuid: NetUid) -> SparseRows:
        """The weights as the chain stores them, hidden ones excepted."""
        return await self._link.ask(lambda session: reads.rows(session, netuid, "Weights"))

    async def bonds(self, netuid: NetUid) -> SparseRows:
        """The bonds that the last epoch left."""
        return await self._link.ask(lambda session: reads.rows(session, netuid, "Bonds"))

    async def commitments(self, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
        """What hotkeys of a subnet have published."""
        return await self._link.ask(lambda session: reads.commitments(session, netuid))

    async def balance(self, address: Ss58) -> Balance:
        """The tao that an account can spend."""
        decode_address(address)
        return await self._link.ask(lambda session: reads.balance(session, address))

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        """Sign and send a call, and wait until a block includes it."""
        self._check(call, signer)
        return await self._sender.submit(call, signer)

    async def dry_run(self, call: Call, signer: Signer) -> Forecast:
        """What a call would cost, and where the node can tell, what would become of it; nothing is sent."""
        self._check(call, signer)
        extrinsic = await self._sender.signed(call, signer)
        return await self._link.ask(lambda session: forecast(session, extrinsic))

    async def timelocked(self, weights: SetWeights, hotkey: Hotkey) -> CommitTimelockedWeights:
        """The commit that hides these weights until the chain reveals them by itself; sign it with this hotkey."""
        return await self._link.ask(lambda session: timelocked(session, weights, hotkey))

    def _check(self, call: Call, signer: Signer) -> None:
        check_signer(self, signer)
        check_readable(call)
        if isinstance(call, ServeAxon):
            check_reachable(self, call.endpoint)

    async def _newest(self, netuid: NetUid) -> Metagraph:
        known = self._last.get(netuid)
        head, read = await self._link.ask(lambda session: _unless_known(session, netuid, known[0] if known else None))
        if read is None:
            assert known is not None
            read = known[1]
        self._last[netuid] = (head, read, self._clock.monotonic())
        return read


def _unless_known(session: Session, netuid: NetUid, known: str | None) -> tuple[str, Metagraph | None]:
    """The newest block's hash and metagraph; without the latter where the block is the known one."""
    head = session.head()
    return head, None if head == known else metagraph(session, netuid, head)
