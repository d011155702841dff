# SPDX-License-Identifier: Apache-2.0
"""API keys and what each may spend: requests in any minute, tokens in any day.

A key is 256 random bits that are shown once; kept is their hash, so whoever reads the file can ask for nothing. What a
request may cost is taken from the budget before a miner is asked and settled when it is over: a process that dies in
between has taken too much, never too little. Each request reads the file anew, so a key that is revoked ends at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from protocols.clock import Clock
from protocols.errors import ApiKeyRefused, BudgetSpent, ServiceError, UsageError
from validators.gateway.keyfile import open_keys, spoilt
from validators.gateway.windows import DAY, MINUTE

__all__ = ["Allowance", "Holder", "Keys", "Reserved"]

_A = TypeVar("_A")
_T = TypeVar("_T")
_PREFIX: Final = "sk-subnet-"
_KEY: Final = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
_READ: Final = "SELECT id, name, requests, tokens, made_s, expires_s, digest FROM keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a key may spend."""

    requests: int = 60
    """In any minute; 0 is no limit."""
    tokens: int = 1_000_000
    """In any day, questions and answers together; 0 is no limit."""
    expires_s: int | None = None
    """The moment, in seconds since 1970, from which it is worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a key belongs to."""

    id: int
    name: str
    allowance: Allowance
    made_s: int = 0
    spent_requests: int = 0
    """In the last minute, where it was asked for."""
    spent_tokens: int = 0
    """In the last day, where it was asked for."""


class Reserved(NamedTuple):
    """Tokens that were taken from a budget for an answer that is under way."""

    key: int
    slot: int
    tokens: int


class Keys:
    """The keys in one file, for all processes of this machine that name it."""

    def __init__(self, path: str | os.PathLike[str], clock: Clock) -> None:
        self._path = Path(path).absolute()  # found again wherever the process moves
        self._clock = clock
        self._connection = open_keys(self._path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="subnet-gateway-keys")

    async def add(self, name: str, allowance: Allowance) -> str:
        """Make a key and return it; nobody can read it again."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"name is {name[:80]!r}, expected up to 64 letters, digits, dots and dashes")
        key = _PREFIX + secrets.token_urlsafe(32)
        row = (name, _digest(key), allowance.requests, allowance.tokens, int(self._now_s()), allowance.expires_s)

        def insert(file: sqlite3.Connection) -> None:
            if file.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
                raise UsageError(
                    f"there is a key named {name}, expected a new name", help=f"subnet gateway key revoke {name}"
                )
            columns = "name, digest, requests, tokens, made_s, expires_s"
            file.execute(f"INSERT INTO keys ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)

        await self._transact(insert)
        return key

    async def revoke(self, name: str) -> None:
        """Make a key worth nothing, for every request from now on."""

        def delete(file: sqlite3.Connection) -> None:
            found = file.execute("DELETE FROM keys WHERE name = ? RETURNING id", (name,)).fetchone()
            if found is None:
                raise UsageError(f"no key is named {name[:80]!r}", help="subnet gateway key list")
            file.execute("DELETE FROM spent WHERE key = ?", found)

        await self._transact(delete)

    async def holders(self) -> list[Holder]:
        """All keys and what they have spent, by name."""
        now_s = self._now_s()

        def read(file: sqlite3.Connection) -> list[Holder]:
            rows = file.execute(f"{_READ} ORDER BY name").fetchall()
            return [_holder(row, *(window.spent(file, row[0], now_s) for window in (MINUTE, DAY))) for row in rows]

        return await self._transact(read)

    async def find(self, key: str) -> Holder:
        """Whose key this is; raises `ApiKeyRefused`."""
        if not _KEY.fullmatch(key):
            raise ApiKeyRefused("the API key is missing, or is none of this gateway's", help=_HOW)
        digest = _digest(key)
        row = await self._run(self._row, digest)
        if row is None or not hmac.compare_digest(row[-1], digest):
            raise ApiKeyRefused("the API key is unknown here, or revoked")
        holder = _holder(row)
        expires_s = holder.allowance.expires_s
        if expires_s is not None and expires_s <= self._now_s():
            raise ApiKeyRefused(f"the API key of {holder.name} has expired")
        return holder

    async def spend(self, holder: Holder, tokens: int) -> Reserved:
        """Take a request and so many tokens from the budgets, all or nothing; raises `BudgetSpent`."""
        now_s, allowance = self._now_s(), holder.allowance

        def take(file: sqlite3.Connection) -> Reserved:
            if file.execute("SELECT 1 FROM keys WHERE id = ?", (holder.id,)).fetchone() is None:
                raise ApiKeyRefused("the API key was revoked")
            for window, limit, cost in ((MINUTE, allowance.requests, 1), (DAY, allowance.tokens, tokens)):
                if limit and (wait_s := window.wait_s(file, holder.id, now_s, limit - cost)) != 0.0:
                    raise _spent(holder, f"{limit} {_WHAT[window.name]} a {window.name}", cost, wait_s)
            MINUTE.add(file, holder.id, MINUTE.slot(now_s), 1)
            reserved = Reserved(holder.id, DAY.slot(now_s), tokens)
            DAY.add(file, holder.id, reserved.slot, tokens)
            return reserved

        return await self._transact(take)

    async def settle(self, reserved: Reserved, tokens: int) -> None:
        """Count what an answer really cost in place of what was taken for it."""

        def put(file: sqlite3.Connection) -> None:
            if file.execute("SELECT 1 FROM keys WHERE id = ?", (reserved.key,)).fetchone() is not None:
                DAY.add(file, reserved.key, reserved.slot, tokens - reserved.tokens)

        if tokens != reserved.tokens:
            await self._transact(put)

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()

    def _now_s(self) -> float:
        return self._clock.time_ns() / 1e9

    def _row(self, digest: bytes) -> Any:
        try:
            return self._connection.execute(f"{_READ} WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error as error:
            raise spoilt(self._path, error) from error

    async def _transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._run(self._work, work)

    async def _run(self, work: Callable[[_A], _T], given: _A) -> _T:
        """Work in the thread that owns the file."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, given)
        except RuntimeError as error:  # the thread has ended
            raise ServiceError(f"{self._path} is closed", help="open the keys anew") from error

    def _work(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                return work(self._connection)
        except sqlite3.Error as error:
            raise spoilt(self._path, error) from error


_HOW: Final = "send it as  Authorization: Bearer sk-subnet-...  ; the operator makes one: subnet gateway key add NAME"
_WHAT: Final = {"minute": "requests", "day": "tokens"}


def _digest(key: str) -> bytes:
    # Of 256 random bits a plain hash is enough: nobody can try them.
    return hashlib.sha256(key.encode()).digest()


def _holder(row: tuple[int, str, int, int, int, int | None, bytes], requests: int = 0, tokens: int = 0) -> Holder:
    at, name, most_requests, most_tokens, made_s, expires_s, _ = row
    allowance = Allowance(requests=most_requests, tokens=most_tokens, expires_s=expires_s)
    return Holder(id=at, name=name, allowance=allowance, made_s=made_s, spent_requests=requests, spent_tokens=tokens)


def _spent(holder: Holder, budget: str, cost: int, wait_s: float | None) -> BudgetSpent:
    if wait_s is None:
        return BudgetSpent(
            f"{holder.name} may have {budget}, this request alone could cost {cost}", help="ask for less"
        )
    return BudgetSpent(f"{holder.name} may have {budget} and has had them", retry_after_s=wait_s)
