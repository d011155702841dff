# SPDX-License-Identifier: Apache-2.0
"""Rounds as rows of the store: how one goes in, how it is read again, and which are let go.

A round is one compressed row, its evidence another, so that evidence can be let go sooner. Whoever writes holds a
transaction; whoever reads needs only a connection, so a validator and an auditor read by the same lines.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from protocols.types import Block, Hotkey
from validators.store.packing import (
    Column,
    floats,
    numbers,
    packed_floats,
    packed_numbers,
    squeezed,
    unsqueezed,
)
from validators.store.proofs import packed_proofs, proofs_of
from validators.store.record import Mark, Proof, RoundRecord, Standing

__all__ = ["Recorded", "history", "insert_round", "proofs_in", "prune", "record_of", "standings_of"]

_PAGE: Final = 4096
_AT_ONCE: Final = 4  # more than come in, so that a smaller limit is reached in the end
_NAN: Final = math.nan


class Recorded(NamedTuple):
    """A round as it was read again, and its place in the order of recording."""

    id: int
    record: RoundRecord


class _Content(msgspec.Struct, frozen=True, array_like=True):
    """A round's row, column by column; `asked`, and with it all that follows, is in the order of asking."""

    query: bytes
    is_organic: bool
    seed: str
    miners: bytes
    before: bytes
    changed: bytes
    after: bytes
    asked: bytes
    rewards: bytes
    elapsed_s: bytes
    first_item_s: bytes
    misses: Column
    struck: Column
    because: dict[str, bytes]


def insert_round(file: sqlite3.Connection, validator: int, done: RoundRecord) -> int:
    """Put in a round and the scores after it; returns its place in the order of recording."""
    ids = _enrolled(file, validator, done)
    content = squeezed(_packed(done, ids))
    latest = "SELECT total FROM rounds WHERE id = (SELECT latest FROM validators WHERE id = ?)"
    total = _total(file.execute(latest, (validator,)).fetchone(), content)
    row = (validator, done.number, done.block, done.epoch, done.definition, total, content)
    insert = "INSERT INTO rounds (validator, number, block, epoch, definition, total, content) VALUES (?,?,?,?,?,?,?)"
    id = file.execute(insert, row).lastrowid
    assert id is not None
    file.execute("UPDATE validators SET latest = ? WHERE id = ?", (id, validator))
    scores = [(standing.score, id, ids[hotkey]) for hotkey, standing in done.standings.items()]
    file.executemany("UPDATE miners SET score = ?, round = ? WHERE id = ?", scores)
    asked = [(done.number, mark.reward, id, ids[mark.hotkey]) for mark in done.marks]
    update = "UPDATE miners SET asked_in = max(coalesce(asked_in, -1), ?), reward = ?, round = ? WHERE id = ?"
    file.executemany(update, asked)
    missed = [(done.number, why, ids[mark.hotkey]) for mark in done.marks if (why := mark.miss or mark.struck)]
    file.executemany("UPDATE miners SET missed_in = ?, miss = ? WHERE id = ?", missed)
    if any(proof is not None for proof in done.proofs):
        _insert_proofs(file, validator, id, done)
    file.executemany(
        "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)",
        [(validator, name, content) for name, content in done.kept.items()],
    )
    return id


def prune(file: sqlite3.Connection, validator: int, *, oldest: int, rounds_bytes: int, evidence_bytes: int) -> None:
    """Let go of a few of the oldest rounds up to this number, and of what is over these many bytes."""
    read = f"SELECT id, number, total FROM rounds NOT INDEXED WHERE validator = ? ORDER BY id LIMIT {_AT_ONCE}"
    latest, total = file.execute(
        "SELECT id, total FROM rounds WHERE id = (SELECT latest FROM validators WHERE id = ?)", (validator,)
    ).fetchone()
    rows = [row for row in file.execute(read, (validator,)).fetchall() if row[0] != latest]
    gone = [(id,) for id, number, upto in rows if number <= oldest or upto <= total - rounds_bytes]
    file.executemany("DELETE FROM rounds WHERE id = ?", gone)
    if gone:
        file.execute("DELETE FROM evidence WHERE validator = ? AND round <= ?", (validator, gone[-1][0]))
        first = "SELECT min(id) FROM rounds NOT INDEXED WHERE validator = ?1"
        file.execute(f"DELETE FROM miners WHERE validator = ?1 AND round < ({first})", (validator,))
    proofs = "SELECT round, total FROM evidence WHERE validator = ? ORDER BY round"
    newest = file.execute(f"{proofs} DESC LIMIT 1", (validator,)).fetchone() or (0, 0)
    rows = file.execute(f"{proofs} LIMIT {_AT_ONCE}", (validator,)).fetchall()
    old = [(validator, id) for id, upto in rows if id != newest[0] and upto <= newest[1] - evidence_bytes]
    file.executemany("DELETE FROM evidence WHERE validator = ? AND round = ?", old)


def standings_of(file: sqlite3.Connection, validator: int) -> dict[Hotkey, Standing]:
    """The scores as the last recorded round left them."""
    read = (
        "SELECT hotkey, score, registered_at FROM miners WHERE validator = ?1 AND score IS NOT NULL"
        " AND round = (SELECT latest FROM validators WHERE id = ?1) ORDER BY id"
    )
    rows = file.execute(read, (validator,)).fetchall()
    return {hotkey: Standing(score, registered_at) for hotkey, score, registered_at in rows}


def _names(file: sqlite3.Connection, validator: int) -> dict[int, tuple[Hotkey, Block]]:
    """Every registration that the store knows, by its number here."""
    read = "SELECT id, hotkey, registered_at FROM miners WHERE validator = ?"
    return {id: (hotkey, block) for id, hotkey, block in file.execute(read, (validator,))}


def record_of(file: sqlite3.Connection, validator: int, number: int) -> Recorded | None:
    """The round of this number, if it is still there; without its proofs, and without what stages kept."""
    row = file.execute(f"{_READ} WHERE validator = ? AND number = ?", (validator, number)).fetchone()
    return None if row is None else _recorded(row, _names(file, validator))


def history(
    file: sqlite3.Connection,
    validator: int,
    *,
    of: Hotkey | None = None,
    upto: int | None = None,
    by: Block | None = None,
) -> Iterator[Recorded]:
    """The rounds up to one and by a block, the newest first; of a miner those in which it was asked."""
    names = _names(file, validator)
    wanted = {id for id, (hotkey, _) in names.items() if of in (None, hotkey)}
    # Read in the order in which they lie, not gathered by the index and sorted.
    read = f"{_READ} NOT INDEXED WHERE validator = ? AND id <= ? AND block <= ? ORDER BY id DESC"
    rows = file.execute(read, (validator, _bound(upto), _bound(by)))
    for row in rows:
        content = unsqueezed(row[-1], _Content)
        miners = numbers(content.miners)
        if of is None or any(miners[at] in wanted for at in numbers(content.asked)):
            yield _recorded(row, names)


def proofs_in(file: sqlite3.Connection, validator: int, recorded: Recorded) -> list[Proof | None]:
    """What each miner of a round was asked and answered, in the order of its marks; nothing where it was let go."""
    read = "SELECT content FROM evidence WHERE validator = ? AND round = ?"
    row = file.execute(read, (validator, recorded.id)).fetchone()
    hotkeys = [mark.hotkey for mark in recorded.record.marks]
    return [None] * len(hotkeys) if row is None else proofs_of(row[0], hotkeys)


_READ: Final = "SELECT id, number, block, epoch, definition, content FROM rounds"


def _bound(given: int | None) -> int:
    return 2**62 if given is None else given


def _enrolled(file: sqlite3.Connection, validator: int, done: RoundRecord) -> dict[Hotkey, int]:
    """The number here of each registration that the round names."""
    known = {name: id for id, name in _names(file, validator).items()}
    newest = dict(sorted(known, key=lambda name: name[1]))
    named = {hotkey: standing.registered_at for hotkey, standing in done.standings.items()}
    # Of whom it gives no score, the round does not say which registration it was.
    unscored = {mark.hotkey: newest.get(mark.hotkey, Block(-1)) for mark in done.marks if mark.hotkey not in named}
    ids = {}
    for hotkey, block in (named | unscored).items():
        if (id := known.get((hotkey, block))) is None:
            insert = "INSERT INTO miners (validator, hotkey, registered_at, round) VALUES (?, ?, ?, 0)"
            id = file.execute(insert, (validator, hotkey, block)).lastrowid
            assert id is not None
        ids[hotkey] = id
    return ids


def _insert_proofs(file: sqlite3.Connection, validator: int, id: int, done: RoundRecord) -> None:
    content = packed_proofs([mark.hotkey for mark in done.marks], done.proofs)
    newest = "SELECT total FROM evidence WHERE validator = ? ORDER BY round DESC LIMIT 1"
    total = _total(file.execute(newest, (validator,)).fetchone(), content)
    file.execute("INSERT INTO evidence VALUES (?, ?, ?, ?)", (validator, id, total, content))


def _total(before: tuple[int] | None, content: bytes) -> int:
    """The bytes up to here, in whole pages, as the disk counts."""
    return (before[0] if before else 0) + -(-len(content) // _PAGE) * _PAGE


def _packed(done: RoundRecord, ids: Mapping[Hotkey, int]) -> _Content:
    before = [done.before.get(hotkey, _NAN) for hotkey in ids]
    after = [done.standings[hotkey].score if hotkey in done.standings else _NAN for hotkey in ids]
    # A score that was not moved, as most where few are asked, is not written twice.
    changed = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    places = {hotkey: at for at, hotkey in enumerate(ids)}
    marks = done.marks
    elapsed, first = ([getattr(mark, name) for mark in marks] for name in ("elapsed_s", "first_item_s"))
    reasons = dict.fromkeys(name for mark in marks for name in mark.because)
    return _Content(
        query=done.query,
        is_organic=done.is_organic,
        seed="" if done.seed is None else f"{done.seed:x}",
        miners=packed_numbers(ids.values()),
        before=packed_floats(before),
        changed=packed_numbers(changed),
        after=packed_floats(after[at] for at in changed),
        asked=packed_numbers(places[mark.hotkey] for mark in marks),
        rewards=packed_floats(mark.reward for mark in marks),
        elapsed_s=packed_floats(elapsed),
        first_item_s=b"" if elapsed == first else packed_floats(first),
        misses=Column.of([mark.miss for mark in marks]),
        struck=Column.of([mark.struck for mark in marks]),
        because={name: packed_floats(mark.because.get(name, _NAN) for mark in marks) for name in reasons},
    )


def _recorded(row: tuple[int, int, Block, int, str, bytes], names: Mapping[int, tuple[Hotkey, Block]]) -> Recorded:
    id, number, block, epoch, definition, data = row
    content = unsqueezed(data, _Content)
    miners = [names[id] for id in numbers(content.miners)]
    before = floats(content.before)
    after = list(before)
    for at, score in zip(numbers(content.changed), floats(content.after), strict=True):
        after[at] = score
    hotkeys = [hotkey for hotkey, _ in miners]
    record = RoundRecord(
        number=number,
        block=block,
        epoch=epoch,
        definition=definition,
        marks=_marks(content, hotkeys),
        standings={
            hotkey: Standing(score, at) for (hotkey, at), score in zip(miners, after, strict=True) if score == score
        },
        before={hotkey: score for hotkey, score in zip(hotkeys, before, strict=True) if score == score},
        query=content.query,
        is_organic=content.is_organic,
        seed=int(content.seed, 16) if content.seed else None,
    )
    return Recorded(id, record)


def _marks(content: _Content, hotkeys: Sequence[Hotkey]) -> list[Mark]:
    elapsed = floats(content.elapsed_s)
    first = floats(content.first_item_s) if content.first_item_s else elapsed
    reasons = {name: floats(column) for name, column in content.because.items()}
    because = [
        {name: column[at] for name, column in reasons.items() if column[at] == column[at]} for at in range(len(elapsed))
    ]
    asked = (hotkeys[at] for at in numbers(content.asked))
    misses, struck = content.misses.unpacked(), content.struck.unpacked()
    return [
        Mark(*row) for row in zip(asked, floats(content.rewards), elapsed, misses, struck, first, because, strict=True)
    ]
