# SPDX-License-Identifier: Apache-2.0
"""The node: a runtime and its state, the store that they survive in, the pool, and who hears of new blocks.

All of it happens on one event loop. A block is made, written down and announced in one step that nothing interrupts:
whoever asks sees the chain before it or after it. If it cannot be written it was never made.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from itertools import islice
from typing import Final

from protocols.clock import Clock, SystemClock
from protocols.errors import LedgerError, PoolRefusal, StateDiscarded, UnknownBlock
from subnet.chain.node.author import Author, Sealing
from subnet.chain.node.blocks import BlockMaker
from subnet.chain.node.chaintime import ChainTime
from subnet.chain.node.frame.hashing import blake2_256, twox_128
from subnet.chain.node.frame.state import State
from subnet.chain.node.header import Block, Change, Head, Header, Sealed, next_state_root
from subnet.chain.node.history import HeadStorage
from subnet.chain.node.listening import Listener, Listeners, Told
from subnet.chain.node.machine import Machine, MakeMachine
from subnet.chain.node.opening import unusable
from subnet.chain.node.pool import Pool
from subnet.chain.node.raw import RawWriter
from subnet.chain.node.status import Watch
from subnet.chain.node.store import Store
from subnet.chain.node.trie import EMPTY_ROOT
from subnet.chain.node.validity import InvalidTransaction

__all__ = ["Node"]

_OLDER: Final = 8
"""How many past states are held ready."""
_BATCH: Final = 1_000
"""How many empty blocks are written down at once."""
_NOW: Final = twox_128(b"Timestamp") + twox_128(b"Now")
_MS: Final = 1_000


class Node:
    """A chain that goes on from what its store holds."""

    def __init__(
        self, store: Store, make: MakeMachine, clock: Clock | None = None, sealing: Sealing | None = None
    ) -> None:
        """Open the chain of a founded store; `make` builds the runtime around a state."""
        self.clock = clock or SystemClock()
        self.store = store
        self.pool = Pool(self.clock)
        self.author = Author(self.seal, self.clock, sealing or Sealing())
        self._make = make
        self._listeners = Listeners()
        self._older: OrderedDict[bytes, Machine] = OrderedDict()
        self.head = store.head()
        self._header = self._known(self.head.hash)
        self._entries = HeadStorage(store.entries(b"", None, self.head.number))
        self._state = State()
        self.runtime = make(self._state)
        self._writer = RawWriter(self._state, self.runtime)
        try:
            self._writer.write(self._entries.items())
        except LedgerError as fault:
            raise unusable(store.path, fault.message) from fault
        self._state.forget()
        self._maker = BlockMaker(self._state, self.runtime)
        self.time = self._time()

    @property
    def finalized(self) -> Head:
        """The newest block that cannot be taken back, which is the newest one: there is nobody to disagree."""
        return self.head

    def header(self, hash: bytes) -> Header | None:
        """The header of a block."""
        return self._header if hash == self.head.hash else self.store.header(hash)

    def block(self, hash: bytes) -> Block | None:
        """A block."""
        return self.store.block(hash)

    def hash_at(self, number: int) -> bytes | None:
        """The hash of the block with a number."""
        return self.head.hash if number == self.head.number else self.store.hash_at(number)

    def storage(self, key: bytes, at: bytes | None = None) -> bytes | None:
        """An entry of storage, at the head or as a block left it; raises `UnknownBlock` and `StateDiscarded`."""
        number = self._past(at)
        return self._entries.get(key) if number is None else self.store.value(key, number)

    def keys(self, prefix: bytes, start: bytes | None, count: int, at: bytes | None = None) -> list[bytes]:
        """Up to `count` keys under a prefix and after `start`, in order."""
        number = self._past(at)
        if number is None:
            return self._entries.keys(prefix, start, count)
        return [key for key, _ in islice(self.store.entries(prefix, start, number), count)]

    def entries(self) -> Iterable[tuple[bytes, bytes]]:
        """All of the head's storage, in the order of the keys."""
        return self._entries.items()

    def runtime_at(self, at: bytes | None = None) -> Machine:
        """The runtime as a block left it; at the head the one that is at work, which must only be read."""
        number = self._past(at)
        if number is None or at is None:
            return self.runtime
        known = self._older.pop(at, None)
        if known is None:
            state = self._state.copy()
            known = self._make(state)
            RawWriter(state, known).write(self.store.changed_after(number))
            state.forget()
        self._older[at] = known
        while len(self._older) > _OLDER:
            self._older.popitem(last=False)
        return known

    async def submit(self, extrinsic: bytes) -> bytes:
        """Put an extrinsic into the pool; raises `InvalidTransaction` and `PoolRefusal`."""
        return self._take(extrinsic, None)

    def watch(self, extrinsic: bytes) -> Watch:
        """The same, and follow what becomes of it."""
        watch = Watch(self.pool.check_new(extrinsic))
        self._take(extrinsic, watch)
        return watch

    def next_nonce(self, who: bytes) -> int:
        """The nonce for an account's next extrinsic, those in the pool counted."""
        return self.pool.next_nonce(who, self._nonce(who))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call somebody at every new block; what is returned ends it."""
        return self._listeners.add(listener)

    def blocks(self) -> AsyncIterator[Told]:
        """Every block from now on."""
        return self._listeners.blocks()

    def seal(self) -> Head:
        """Make a block now; raises `ChainWriteFailed`, and the chain stands where it stood."""
        before = len(self.pool)
        self._extend(1, self.time.next)
        if self.pool.has_ready and len(self.pool) < before:
            self.author.call()  # there was no room for all
        return self.head

    def skip(self, count: int) -> Head:
        """Make blocks as if their time had passed; empty ones are written down many at once."""
        slot = self.slot_ms
        while count > 0:
            size = 1 if self.pool.has_ready else min(count, _BATCH)
            # Blocks hold no cycles, and while they are made the collector would go through the whole state for nothing.
            was_on = gc.isenabled()
            gc.disable()
            try:
                self._extend(size, lambda: self.time.skip(slot))
            finally:
                if was_on:
                    gc.enable()
            count -= size
        return self.head

    @property
    def slot_ms(self) -> int:
        """How much time a block stands for, in milliseconds."""
        return max(1, round(self.author.sealing.block_time * _MS))

    def amend(self, change: Callable[[], None]) -> None:
        """Change the head's storage outside of any block, as only a developer may; raises `ChainWriteFailed`."""
        try:
            change()
            changes = tuple(self._state.changes())
            if changes:
                self.store.amend(self.head.number, changes)
        except BaseException:
            self._state.rollback()
            raise
        self._older.pop(self.head.hash, None)
        self._moved(self.head, self._header, changes)
        self._refresh()

    def write(self, changes: Iterable[Change]) -> None:
        """Put encoded entries into the state; to be called by what `amend` is given."""
        self._writer.write(changes)

    def rewind(self, number: int) -> None:
        """Go back to a block whose state is kept, as if there had been none after it; raises `ChainWriteFailed`."""
        hash = self.hash_at(number)
        if hash is None or self._past(hash) is None:
            return
        header = self._known(hash)
        changes = tuple(self.store.changed_after(number))
        try:
            self._writer.write(changes)
            self.store.cut(number)
        except BaseException:
            self._state.rollback()
            raise
        self._older.clear()
        self._moved(Head(number, hash), header, changes)
        self.time = self._time()
        self._reconsider()

    def adopt(self, storage: Mapping[bytes, bytes], number: int) -> Head:
        """Make a block of this number that leaves just this storage; raises `ChainWriteFailed`."""
        gone = [(key, None) for key, _ in self._entries.items() if key not in storage]
        try:
            self._writer.write([*gone, *storage.items()])
            changes = tuple(self._state.changes())
            root = next_state_root(self._header.state_root, changes)
            header = Header(self.head.hash, number, root, EMPTY_ROOT)
            self.store.append([Sealed(header.hash, header, (), changes)])
        except BaseException:
            self._state.rollback()
            raise
        self._moved(Head(number, header.hash), header, changes)
        self.time = self._time()
        self._reconsider()
        return self.head

    def _extend(self, count: int, now: Callable[[], int]) -> None:
        newest = self.time.newest
        pool = self.pool if count == 1 else None
        made: list[Sealed] = []
        try:
            header = self._header
            for _ in range(count):
                made.append(self._maker.make(header, now(), self.slot_ms, pool))
                header = made[-1].header
            self.store.append(made)
        except BaseException:
            self._state.rollback()
            self.time.back_to(newest)
            raise
        for block in made:
            self._moved(block.head, block.header, block.changes)
        if len(self.pool):
            self.pool.included(map(blake2_256, made[-1].extrinsics), self.head.hash)
            self._refresh()

    def _moved(self, head: Head, header: Header, changes: Iterable[Change]) -> None:
        """What was written is so now: tell everybody."""
        self._state.forget()
        self.head, self._header = head, header
        self._entries.apply(changes)
        if not self._listeners.is_empty:
            self._listeners.tell(Told(head, header, dict(changes)))

    def _take(self, extrinsic: bytes, watch: Watch | None) -> bytes:
        self.pool.check_new(extrinsic)
        validity = self.runtime.validate(extrinsic, self.head.hash)
        waiting = self.pool.add(extrinsic, validity, self._nonce(validity.sender), self.head.number, watch)
        if waiting.is_ready:
            self.author.call()
        return waiting.hash

    def _refresh(self) -> None:
        """See whose turn it is in the pool, after the head's storage changed."""
        if len(self.pool):
            self.pool.refresh({who: self._nonce(who) for who in self.pool.senders()}, self.head.number)

    def _reconsider(self) -> None:
        """Look at everything in the pool anew, after the chain became another."""
        for extrinsic in self.pool.clear():
            try:
                self._take(extrinsic, None)
            except (InvalidTransaction, PoolRefusal):
                self.pool.abandon(blake2_256(extrinsic))

    def _nonce(self, who: bytes) -> int:
        nonce: int = self.runtime.system.Account[who].nonce
        return nonce

    def _past(self, at: bytes | None) -> int | None:
        """The number of a block that is not the head, None for the head."""
        if at is None or at == self.head.hash:
            return None
        number, horizon = self._known(at).number, self.store.horizon(self.head.number)
        if number < horizon:
            raise StateDiscarded(
                f"State already discarded for 0x{at.hex()}: it is block {number}, kept are {horizon} and later"
            )
        return number

    def _known(self, hash: bytes) -> Header:
        header = self.store.header(hash)
        if header is None:
            raise UnknownBlock(f"there is no block 0x{hash.hex()}, the newest is {self.head.number}")
        return header

    def _time(self) -> ChainTime:
        return ChainTime(self.clock, int.from_bytes(self._entries.get(_NOW) or b"", "little"))
