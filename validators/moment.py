# SPDX-License-Identifier: Apache-2.0
"""The chain as a validator sees it when it is about to act on it: epoch, neurons and rules, read in one go.

A client may serve an older metagraph while the chain is away. To score by that is fine; to decide by it whether weights
were set in this epoch is not, so one from before the epoch is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocols.chain import Chain, Epoch
from protocols.errors import StaleMetagraph
from protocols.hyperparameters import Hyperparameters
from protocols.metagraph import Metagraph, Neuron
from protocols.types import Block, Hotkey, NetUid
from validators.submission import Submission

__all__ = ["Moment", "check_fresh", "coming"]

_LONGEST_LIFE: Final = 64
"""The blocks within which a signed call is included or never."""
_PART_OF_WAIT: Final = 4
_PART_OF_END: Final = 10


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

    @property
    def updated_at(self) -> Block | None:
        """The block in which the chain last took weights of ours; to register moves the same number."""
        return self.me.last_update if self.me.last_update > self.me.block_at_registration else None

    def has_landed(self, submission: Submission) -> bool:
        """Whether something of ours landed after this was about to be sent."""
        return self.updated_at is not None and self.updated_at > submission.intended_at

    def may_land(self, submission: Submission, settle_blocks: int) -> bool:
        """Whether a call without a receipt is still to be waited for.

        It may land for as long as it lives. Where the rate limit is longer than that, the chain takes no second one;
        elsewhere it is waited for as long as the epoch has room.
        """
        settle = max(settle_blocks, min(_LONGEST_LIFE, self.rules.tempo // _PART_OF_WAIT))
        if self.rules.weights_set_rate_limit >= _LONGEST_LIFE:
            settle = settle_blocks
        return not self.is_ahead(submission.intended_at) and self.block - submission.intended_at <= settle

    def is_ahead(self, block: Block) -> bool:
        """Whether a block is one that this chain has not reached and that no lag explains: it began anew."""
        return block > self.block + _LONGEST_LIFE

    def is_closing(self, settle_blocks: int) -> bool:
        """Whether the last blocks have come in which weights can be set in this epoch."""
        margin = max(settle_blocks, self.rules.tempo // _PART_OF_END)
        return self.epoch.next is not None and self.block + 1 < self.epoch.next <= self.block + 1 + margin

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
