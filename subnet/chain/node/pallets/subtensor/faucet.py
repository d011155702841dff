# SPDX-License-Identifier: Apache-2.0
"""The faucet: money for work, as on local chains of the public chain's own making; the public chain has none.

The work is a number that makes, with a recent block's hash and one's own account, a hash that is small enough. It is
only there to make asking cost something.
"""

from __future__ import annotations

import hashlib
from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import keccak_256
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import Accounts
from subnet.chain.node.scale.names import Blob, u64

__all__ = ["FAUCET_DIFFICULTY", "Faucet"]

FAUCET_DIFFICULTY: Final = 1_000_000
"""How many hashes are tried for one that will do, on average."""

_GIFT: Final = 1_000_000_000_000
_MOST_ISSUED: Final = 21_000_000_000_000_000
_RECENT: Final = 3
_HASH: Final = 32


class Faucet(Accounts):
    """Money for work."""

    @call(60, pays=False, ref_time=2_966_000_000)
    def faucet(self, origin: Origin, block_number: u64, nonce: u64, work: Blob) -> None:
        """Get a thousand tao for work on one of the last three blocks."""
        coldkey = origin.signed()
        if not 0 <= self.system.block - block_number < _RECENT:
            raise self.Errors.InvalidWorkBlock()
        if len(work) != _HASH or int.from_bytes(work, "little") * FAUCET_DIFFICULTY >= 1 << 256:
            raise self.Errors.InvalidDifficulty()
        if self.seal_of(block_number, nonce, coldkey) != work:
            raise self.Errors.InvalidSeal()
        self.UsedWork[work] = self.system.block
        # Where the last tao was issued, the work is for nothing, and the chain says all the same that it gave.
        issued = min(_GIFT, max(_MOST_ISSUED - self.balances.TotalIssuance.value, 0))
        if issued == _GIFT:
            self.TotalIssuance.value += issued
            self.balances.issue(issued)
            self.balances.deposit(coldkey, issued)
        self.system.deposit(self.Events.Faucet(coldkey, _GIFT))

    def seal_of(self, block: int, nonce: int, coldkey: bytes) -> bytes:
        """The hash that work on a block comes to."""
        bound = keccak_256(self.system.BlockHash[block] + coldkey)
        return keccak_256(hashlib.sha256(nonce.to_bytes(8, "little") + bound).digest())
