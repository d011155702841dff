# SPDX-License-Identifier: Apache-2.0
"""`subnet validator explain` and `verify`: why a miner was paid what it was paid, and the proof of it for the miner.

Both only read. `explain` needs the validator's store and works while the validator runs; `verify` needs the file that
`explain --proof` wrote and nothing else, so that a miner need not believe the validator, the store or this program's
other half.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from protocols.errors import NothingKnown, UsageError
from subnet.cli.answer import Answer
from subnet.settings import PathSettings

if TYPE_CHECKING:
    from validators.store import Archive, Owner

__all__ = ["Which", "explain", "verify"]

_STORE = "validator.db"


@dataclass(frozen=True, slots=True)
class Which:
    """Which weights to account for, and how far back."""

    app: Annotated[str | None, Parameter(help="The subnet, to score again: a name, or a file with its class.")] = None
    epoch: Annotated[int | None, Parameter(help="The epoch of the weights; by default the newest.")] = None
    rounds: Annotated[int, Parameter(help="How many rounds to go back.")] = 10
    validator: Annotated[str, Parameter(help="Whose account, or how its hotkey begins, where a store has several.")] = (
        ""
    )


async def explain(
    hotkey: Annotated[
        str | None, Parameter(help="The miner, or how its hotkey begins; without one all are listed.")
    ] = None,
    /,
    *,
    which: Annotated[Which, Parameter(name="*")] = Which(),
    proof: Annotated[Path | None, Parameter(help="File to write the signed answers to, for the miner.")] = None,
    paths: PathSettings,
) -> Answer:
    """Show where a miner's weight came from: the score behind it, the rounds behind that, and the signed answers.

    Reads the validator's store, also while it runs. With --app, questions, rewards and scores are made again and
    compared. Exit code 1 where anything in the account is found to be untrue.
    """
    from protocols.registry import load
    from subnet.cli.story import listing, told
    from validators.account import account, document_of, miner_named, shares
    from validators.store import Archive

    definition = load(which.app)() if which.app else None
    with await asyncio.to_thread(Archive, paths.state / _STORE) as archive:
        owner = await asyncio.to_thread(_owner, archive, which.validator or "")
        if not hotkey:
            known = await asyncio.to_thread(archive.miners, owner)
            return listing(owner, known, await asyncio.to_thread(shares, archive, owner))
        miner = await asyncio.to_thread(miner_named, archive, owner, hotkey)
        found = await account(archive, owner, miner, epoch=which.epoch, rounds=which.rounds, definition=definition)
    text, data = told(found), found.to_json()
    if proof is not None:
        document = document_of(found)
        await asyncio.to_thread(_write, proof, document.to_bytes())
        text += f"\n\nwrote {len(document.rounds)} signed answers; to check them: subnet validator verify {proof}"
        data["proof"] = {"file": str(proof), "answers": len(document.rounds)}
    return Answer(text, data, found.holds)


def verify(
    file: Annotated[Path, Parameter(help="What `subnet validator explain HOTKEY --proof FILE` wrote.")], /
) -> Answer:
    """Check the signed questions and answers in a file, and print who asked what and who answered what.

    Needs no store, no chain and no subnet. Exit code 1 where a signature does not hold.
    """
    from subnet.cli.story import proven
    from validators.account import Document

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", help="write one: subnet validator explain HOTKEY --proof FILE"
        ) from error
    return proven(Document.from_bytes(data))


def _owner(archive: Archive, name: str) -> Owner:
    """The validator whose hotkey is or begins so; the one that recorded a round last, where several fit."""
    owners = archive.owners()
    found = [owner for owner in owners if owner.hotkey.startswith(name)]
    if not found:
        known = ", ".join(owner.hotkey for owner in owners) or "none at all"
        raise NothingKnown(
            f"{archive.path} has nothing of validator {name!r}, it has {known}",
            help="leave out --validator, or run one first: subnet validator run",
        )
    return found[0]


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", help="name another file") from error
