# SPDX-License-Identifier: Apache-2.0
"""A few questions to a node, of the command line: one connection, one deadline for all of it, no metadata.

Whoever reads a chain's state or sends calls uses `subnet.chain.connect`; this is for what needs no types.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidURI, WebSocketException

from protocols.errors import ChainUnreachable, LedgerError
from protocols.types import Json

__all__ = ["ask"]

_LARGEST: Final = 64 << 20


class _Fault(msgspec.Struct):
    message: str = "it does not say why"
    code: int = 0


class _Reply(msgspec.Struct):
    id: int | None = None
    result: Any = None
    error: _Fault | None = None


async def ask(url: str, questions: Sequence[tuple[str, list[Json]]], *, within_s: float = 10.0) -> list[Any]:
    """The results of some methods, in order; `ChainUnreachable` where no answer comes, `LedgerError` for a refusal."""
    try:
        async with asyncio.timeout(within_s), connect(url, max_size=_LARGEST, proxy=None) as line:
            return [await _one(line, url, at, *question) for at, question in enumerate(questions)]
    except InvalidURI as error:
        raise LedgerError(f"{url!r} is no address of a node, expected such as ws://127.0.0.1:9944") from error
    except (TimeoutError, OSError, WebSocketException, msgspec.MsgspecError) as error:
        why = str(error) or f"no answer within {within_s:g} s"
        raise ChainUnreachable(
            f"no node answers at {url}: {why}", help="start one: subnet chain up, or name another: --url ws://HOST:PORT"
        ) from error


async def _one(line: Any, url: str, number: int, method: str, params: list[Json]) -> Any:
    await line.send(msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).decode())
    while True:
        reply = msgspec.json.decode(await line.recv(), type=_Reply)
        if reply.id != number:
            continue  # of a subscription
        if reply.error is not None:
            raise LedgerError(f"{url} refuses {method}: {reply.error.message} ({reply.error.code})")
        return reply.result
