# SPDX-License-Identifier: Apache-2.0
"""What a developer may do to a local chain and nobody to a real one: go back, go on, set the clock and the storage.

Nothing here is a transaction: it takes effect at once, at the head, and is written down like a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from protocols.errors import DumpRefused, LedgerError
from subnet.chain.node.dump import pack, unpack
from subnet.chain.node.frame.hashing import twox_128
from subnet.chain.node.genesis import endow
from subnet.chain.node.header import Change, Head
from subnet.chain.node.items import Items
from subnet.chain.node.node import Node

__all__ = ["Dev"]

_DEPOSIT: Final = 500
_MOST: Final = 2**64 - 1
_BLOCKS: Final = 10_000_000
_END_MS: Final = 2**53  # beyond, JavaScript counts wrongly


def _key(pallet: str, item: str) -> bytes:
    return twox_128(pallet.encode()) + twox_128(item.encode())


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


class Dev:
    """The controls of one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.items = Items(node.runtime.pallets)
        self._snapshots: dict[int, Head] = {}
        self._taken = 0

    def snapshot(self) -> int:
        """Remember the chain as it is; its state is kept for as long as the node runs."""
        self._taken += 1
        self._snapshots[self._taken] = self.node.head
        self._pin()
        return self._taken

    def revert(self, snapshot: int) -> Head:
        """Go back to a snapshot, which is used up, with all that were taken after it."""
        head = self._snapshots.get(snapshot)
        if head is None or self.node.hash_at(head.number) != head.hash:
            known = ", ".join(map(str, sorted(self._snapshots))) or "none"
            raise LedgerError(f"there is no snapshot {snapshot}, known are {known}", help="take one: dev_snapshot")
        self.node.rewind(head.number)
        self._snapshots = {known: at for known, at in self._snapshots.items() if known < snapshot}
        self._pin()
        return self.node.head

    def new_block(self, count: int = 1) -> Head:
        """Make blocks now, one slot of time apart."""
        self._check_count(count)
        self.node.seal()
        return self.node.skip(count - 1)

    def fast_forward(self, blocks: int) -> Head:
        """Make blocks as if the time for all of them had passed."""
        self._check_count(blocks)
        return self.node.skip(blocks)

    def fast_forward_tempos(self, netuid: int, tempos: int = 1) -> Head:
        """Make as many blocks as some tempos of a subnet have."""
        tempo: int = self.items.find("SubtensorModule", "Tempo").get(netuid)
        if not tempo:
            raise LedgerError(f"subnet {netuid} has tempo 0: no epoch ever comes", help="give a number of blocks")
        return self.fast_forward(tempo * tempos)

    def set_time(self, milliseconds: int) -> int:
        """Let the next block have this timestamp, and time go on from there."""
        if milliseconds > _END_MS:
            raise LedgerError(f"the next block cannot be at {milliseconds} ms, expected at most {_END_MS}")
        self.node.time.set(milliseconds)
        return milliseconds

    def travel(self, milliseconds: int) -> int:
        """Put the chain's clock forth."""
        return self.set_time(self.node.time.now() + milliseconds)

    def set_balance(self, account: bytes, rao: int) -> None:
        """Give an account just so much free money; what is in circulation follows."""
        if not 0 <= rao <= _MOST or 0 < rao < _DEPOSIT:
            raise LedgerError(f"a balance is 0, or {_DEPOSIT} to {_MOST} rao, got {rao}")
        self.node.amend(lambda: endow(self.items, account, rao))

    def set_storage(self, changes: Sequence[Change]) -> None:
        """Write entries of storage by their bytes; None removes one."""
        self.node.amend(lambda: self.node.write(changes))

    def impersonate(self, account: bytes) -> None:
        """Let any signature be this account's, until `stop_impersonating`."""
        self._impersonated().add(account)

    def stop_impersonating(self, account: bytes) -> None:
        """Its own signature only is the account's again."""
        self._impersonated().discard(account)

    def drand_pulse(self, round: int, randomness: bytes, signature: bytes) -> None:
        """Let the chain know a round of the drand beacon."""
        pulses, last = self.items.find("Drand", "Pulses"), self.items.find("Drand", "LastStoredRound")

        def put() -> None:
            pulses.put(round, {"round": round, "randomness": randomness, "signature": signature})
            last.put((), max(round, last.get()))

        self.node.amend(put)

    def dump(self) -> bytes:
        """The head's storage as one document."""
        founding = self.node.store.founding
        name = "" if founding is None else founding.name
        return pack(name, self.node.runtime.version.spec_version, self.node.head.number, self.node.entries())

    def load(self, document: bytes) -> Head:
        """Make a block that leaves what a document holds; its number is the document's, if the chain is not past it.

        The hashes of blocks, by which transactions say how long they are valid, stay this chain's.
        """
        dump = unpack(document)
        version = self.node.runtime.version.spec_version
        if dump.spec_version != version:
            raise DumpRefused(f"the dump is of runtime {dump.spec_version}, this node has {version}")
        system = {name: self.items.find("System", name).item for name in ("BlockHash", "Number")}
        ours = tuple(_key("System", name) for name in ("BlockHash", "ParentHash", "LastRuntimeUpgrade"))
        storage = {key: value for key, value in dump.storage.items() if not key.startswith(ours)}
        storage |= {key: value for key, value in self.node.entries() if key.startswith(ours)}
        number, now = max(dump.number, self.node.head.number + 1), _key("Timestamp", "Now")
        storage[system["Number"].key(())] = system["Number"].data(number)
        storage[system["BlockHash"].key(self.node.head.number)] = self.node.head.hash
        storage[now] = max(storage.get(now, b""), self.node.storage(now) or b"", key=_little)
        head = self.node.adopt(storage, number)
        self._snapshots.clear()
        self._pin()
        return head

    def dump_to(self, path: Path) -> None:
        """Write the head's storage to a file."""
        path.write_bytes(self.dump())

    def load_from(self, path: Path) -> Head:
        """Load what `dump_to` wrote."""
        return self.load(path.read_bytes())

    def _impersonated(self) -> set[bytes]:
        accounts: Any = getattr(self.node.runtime, "impersonated", None)
        if not isinstance(accounts, set):
            raise LedgerError("the runtime of this node lets nobody be impersonated")
        return accounts

    def _pin(self) -> None:
        self.node.store.pin = min((head.number for head in self._snapshots.values()), default=None)

    def _check_count(self, blocks: int) -> None:
        if not 0 < blocks <= _BLOCKS:
            raise LedgerError(f"make 1 to {_BLOCKS} blocks at once, got {blocks}")
