# SPDX-License-Identifier: Apache-2.0
"""What a ledger looks like to those who use it, whether it lives in memory, in our own node or on a public network.

Miners and validators are given a `Chain` and never learn which. It answers reads with typed values and takes writes
as calls (`protocols.calls`); each write ends in a `Receipt`, because "it returned true" and "the chain did it" are
different things. An implementation carries out its own deadlines and retries: every method here either ends or raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from protocols.balance import Balance
from protocols.calls import Call
from protocols.endpoint import Endpoint
from protocols.errors import DevKeyRefused, LedgerError
from protocols.hyperparameters import Hyperparameters
from protocols.keys import Signer, is_dev_address, short
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Block, Coldkey, Hotkey, Json, NetUid, Ss58

__all__ = ["Chain", "Commitment", "Epoch", "Event", "Receipt", "SubnetInfo", "check_reachable", "check_signer"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the chain says it did: pallet, name, and what it names."""

    pallet: str
    name: str
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a call that a block includes; an included call may still have failed."""

    block: Block
    block_hash: str
    extrinsic_hash: str
    finalised: bool
    fee: Balance
    events: tuple[Event, ...] = ()
    error: LedgerError | None = None

    def raise_for_error(self) -> Receipt:
        """Raise what the chain answered, or return the receipt."""
        if self.error is not None:
            raise self.error
        return self

    def event(self, name: str) -> Event:
        """The first event of this name; raises `LedgerError` where the call caused none."""
        for event in self.events:
            if event.name == name:
                return event
        raise LedgerError(f"expected the event {name}, got {', '.join(event.name for event in self.events) or 'none'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetInfo:
    """A subnet in a list of subnets."""

    netuid: NetUid
    name: str
    owner: Coldkey
    neurons: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """Where a subnet stands between two runs of its consensus."""

    index: int
    """How many have run; weights are set once for each."""
    last: Block
    next: Block | None
    """The block that the next one is due at, or None where the subnet's tempo is 0."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """Bytes that a hotkey published, and since when."""

    block: Block
    data: bytes


class Chain(Protocol):
    """A ledger. Every method raises `ChainUnreachable` where no answer comes in time; the other errors are named."""

    @property
    def genesis(self) -> str:
        """The hash of block 0 as 0x-prefixed hex: which network this is, and no other."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether this is somebody's own chain, where published development keys may sign."""
        ...

    async def block(self) -> Block:
        """The newest block."""
        ...

    async def time_ns(self) -> int:
        """When the newest block says that it was made, in nanoseconds since 1970."""
        ...

    async def wait_for_block(self, block: Block) -> Block:
        """Wait for a block and return the newest by then; `ChainUnreachable` also where the chain stands still."""
        ...

    async def subnets(self) -> tuple[SubnetInfo, ...]:
        """All subnets, by netuid."""
        ...

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        """All neurons of a subnet, now or at a block.

        `UnknownSubnet`; `LedgerError` where the chain no longer keeps the state of that block. The metagraph says of
        which block it is: a client may serve the last good one while the chain is away, and its caller decides how old
        is too old.
        """
        ...

    async def hyperparameters(self, netuid: NetUid) -> Hyperparameters:
        """The rules of a subnet; `UnknownSubnet`."""
        ...

    async def epoch(self, netuid: NetUid) -> Epoch:
        """When consensus ran last and runs next; `UnknownSubnet`."""
        ...

    async def weights(self, netuid: NetUid) -> SparseRows:
        """The weights as the chain stores them, hidden ones excepted; `UnknownSubnet`."""
        ...

    async def bonds(self, netuid: NetUid) -> SparseRows:
        """The bonds that the last epoch left; `UnknownSubnet`."""
        ...

    async def commitments(self, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
        """What hotkeys of a subnet have published with `SetCommitment`; `UnknownSubnet`."""
        ...

    async def balance(self, address: Ss58) -> Balance:
        """The tao that an account can spend, nothing for one that the chain has never seen; `InvalidAddress`."""
        ...

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        """Sign and send a call, and wait until a block includes it.

        A call that was included and failed is a receipt with an error, since it may have cost a fee. `ExtrinsicFailed`
        where the chain would not include it, `DevKeyRefused` for a development key on a chain that is not local.
        After `ChainUnreachable` it may or may not be included later: read the state before sending again.
        """
        ...


def check_reachable(chain: Chain, endpoint: Endpoint) -> None:
    """Refuse to tell a public chain of an address that leads its readers into their own networks."""
    if not (chain.is_local or endpoint.is_public):
        raise LedgerError(
            f"endpoint {endpoint.ip}:{endpoint.port} is not public, nobody on this chain could reach it",
            help="publish the address that others reach: --published IP:PORT",
        )


def check_signer(chain: Chain, signer: Signer) -> None:
    """Refuse a key that everyone has on a chain where it would hold value; every `submit` begins with this."""
    if is_dev_address(signer.ss58_address) and not chain.is_local:
        raise DevKeyRefused(
            f"{short(signer.ss58_address)} is a development key, and chain {chain.genesis} is not local"
        )
