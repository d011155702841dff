# SPDX-License-Identifier: Apache-2.0
"""The chain as a validator sees it when it is about to act on it: epoch, neurons and rules, read in one go.

A client may serve an older metagraph while the chain is away. To score by that is fine; to decide by it whether weights
were set in this epoch is not, so one from before the epoch is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.chain import Chain, Epoch
from protocols.errors import StaleMetagraph
from protocols.hyperparameters import Hyperparameters
from protocols.metagraph import Metagraph, Neuron
from protocols.types import Block, Hotkey, NetUid
from validators.submission import Submission

__all__ = ["Moment", "check_fresh", "coming"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds now."""

    epoch: Epoch
    metagraph: Metagraph
    rules: Hyperparameters
    me: Neuron

    @classmethod
    async def read(cls, chain: Chain, netuid: NetUid, hotkey: Hotkey) -> Moment:
        """Ask the chain; `NotRegistered` where the hotkey has no uid, `StaleMetagraph` where it shows an old one."""
        epoch = await chain.epoch(netuid)
        rules = await chain.hyperparameters(netuid)
        metagraph = await chain.metagraph(netuid)
        check_fresh(metagraph, epoch)
        return cls(epoch, metagraph, rules, metagraph.by_hotkey(hotkey))

    @property
    def netuid(self) -> NetUid:
        """Which subnet."""
        return self.metagraph.netuid

    @property
    def block(self) -> Block:
        """The newest block that all of it is true for."""
        return self.metagraph.block

    @property
    def next_epoch(self) -> int:
        """The epoch of the next block, the first that can take a call which is sent now."""
        return coming(self.epoch, self.block)

    @property
    def earliest(self) -> Block:
        """The first block in which the chain takes weights from us again."""
        return Block(self.me.last_update + self.rules.weights_set_rate_limit if self.me.last_update else 0)

    def has_landed(self, submission: Submission) -> bool:
        """Whether something of ours landed after this was about to be sent."""
        return self.me.last_update > submission.intended_at

    def epoch_at(self, block: Block) -> int:
        """The epoch that a block belongs to: exact from this epoch to the next, beyond as far as the tempo tells.

        A block at which an epoch is due counts to it already, as the chain counts commitments.
        """
        epoch, tempo = self.epoch, self.rules.tempo
        if epoch.next is None or tempo == 0:
            return epoch.index
        if block >= epoch.next:
            return epoch.index + 1 + (block - epoch.next) // tempo
        return epoch.index + min(0, (block - epoch.last) // tempo)


def coming(epoch: Epoch, block: Block) -> int:
    """The epoch of the block after this one, which counts to a new epoch where that is due at it."""
    return epoch.index + (epoch.next is not None and block + 1 >= epoch.next)


def check_fresh(metagraph: Metagraph, epoch: Epoch) -> None:
    """Refuse a metagraph from before the epoch with `StaleMetagraph`."""
    if metagraph.block < epoch.last:
        raise StaleMetagraph(
            f"metagraph of subnet {metagraph.netuid} is of block {metagraph.block}, its epoch began at {epoch.last}"
        )
