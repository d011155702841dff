# SPDX-License-Identifier: Apache-2.0
"""How the node itself fails: its file, its disk, its pool, what is asked of a block that is not there.

What a call does wrong is the runtime's to say; these are what is left, each with the words of a Substrate node where
clients know them.
"""

from __future__ import annotations

from protocols.errors.domain import DefinitionError, LedgerError

__all__ = [
    "ChainFileRefused",
    "ChainWriteFailed",
    "DumpRefused",
    "InvalidGenesis",
    "PoolRefusal",
    "StateDiscarded",
    "UnknownBlock",
]


class ChainFileRefused(LedgerError):
    """The file that holds a chain cannot be used: damaged, of another program or version, or in use."""

    code = "chain_file_refused"
    advice = "move it away to start a new chain, or name another file"


class ChainWriteFailed(LedgerError):
    """A block could not be written down, so that it was not made; the chain stands where it stood before."""

    code, status = "chain_write_failed", 503
    advice = "check that the disk has room: df -h"


class DumpRefused(LedgerError):
    """The file with the state of a chain is damaged, or of another program or version."""

    code = "dump_refused"
    advice = "dump the state again with dev_dumpState"


class InvalidGenesis(DefinitionError):
    """What a chain is to begin with cannot be understood."""

    code = "invalid_genesis"
    advice = "see configs/chains/local.toml for one that works"


class StateDiscarded(LedgerError):
    """The block is known, its state is no longer kept."""

    code = "state_discarded"
    advice = "start the node as an archive to keep all states"


class UnknownBlock(LedgerError):
    """There is no such block."""

    code = "unknown_block"
    advice = "blocks that a revert took back are gone"


class PoolRefusal(LedgerError):
    """The transaction pool does not take the extrinsic; `number` is the JSON-RPC error that clients know it by."""

    code = "pool_refusal"
    advice = "wait for the next block, or give a higher tip"

    def __init__(self, number: int, message: str, data: str | None = None) -> None:
        super().__init__(message if data is None else f"{message}: {data}")
        self.number = number
        self.title = message
        self.data = data
