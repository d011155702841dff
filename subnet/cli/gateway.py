# SPDX-License-Identifier: Apache-2.0
"""`subnet gateway`: serve users who speak OpenAI's protocol with a subnet's miners, and give them keys.

`run` is a validator that also has a door: what it answers users helps it to judge. Keys can be added and revoked while
it runs; a key is shown once, when it is made.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from cyclopts import Parameter

from subnet.cli.answer import Answer
from subnet.cli.logged import logged
from subnet.cli.told import table
from subnet.settings import ChainSettings, GatewaySettings, LogSettings, PathSettings, Settings

__all__ = ["add", "listing", "revoke", "run"]

_DAY_S = 86_400


async def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")] = "text",
    /,
    *,
    chain: ChainSettings,
    gateway: GatewaySettings,
    log: LogSettings,
    paths: PathSettings,
    settings: Settings,
) -> AsyncGenerator[Answer, None]:
    """Run a validator, and serve users with the miners that it judges, in the form of OpenAI's protocol.

    The flags are the door's; the validator's own settings come from the environment and from files. With --json each
    round is a line. Exit codes are those of `subnet validator run`.
    """
    from subnet.services.gateway import opened
    from subnet.services.leaving import Leave

    own = settings.validator, gateway
    async with logged(log) as lines, opened(app, chain, own, paths, lines, Leave(lines)) as serving:
        told = serving.facts()
        yield Answer(table(told), told)
        async with aclosing(serving.validating.rounds()) as rounds:
            async for done in rounds:
                yield Answer("", done)


async def add(
    name: Annotated[str, Parameter(help="Whom it is for.")],
    /,
    *,
    paths: PathSettings,
    requests: Annotated[int, Parameter(help="Requests that it is good for in any minute; 0 is no limit.")] = 60,
    tokens: Annotated[int, Parameter(help="Tokens, read and written, in any day; 0 is no limit.")] = 1_000_000,
    days: Annotated[float, Parameter(help="Days after which it ends; 0 is never.")] = 0.0,
) -> Answer:
    """Make an API key and print it, this once; a gateway that runs takes it at once."""
    from protocols.errors import UsageError
    from subnet.services.doorkeys import opened_keys
    from validators.gateway.keys import Allowance

    if requests < 0 or tokens < 0 or not 0.0 <= days < 1e6:
        raise UsageError(f"requests {requests}, tokens {tokens} and days {days}: expected 0 or more of each")
    expires_s = int(time.time() + days * _DAY_S) if days else None
    async with opened_keys(paths) as keys:
        key = await keys.add(name, Allowance(requests=requests, tokens=tokens, expires_s=expires_s))
    return Answer(key, {"name": name, "key": key})


async def listing(*, paths: PathSettings) -> Answer:
    """Print who has a key, and what each has spent of its budgets."""
    from subnet.services.doorkeys import opened_keys

    async with opened_keys(paths) as keys:
        holders = await keys.holders()
    rows: list[dict[str, object]] = [
        {
            "name": one.name,
            "requests": one.spent_requests,
            "of requests a minute": one.allowance.requests or None,
            "tokens": one.spent_tokens,
            "of tokens a day": one.allowance.tokens or None,
            "expires": None if one.allowance.expires_s is None else _date(one.allowance.expires_s),
        }
        for one in holders
    ]
    return Answer(_columns(rows) or "nobody has a key: subnet gateway key add NAME", rows)


async def revoke(name: Annotated[str, Parameter(help="Whose key it is.")], /, *, paths: PathSettings) -> Answer:
    """Make a key worth nothing; a gateway that runs refuses it from now on."""
    from subnet.services.doorkeys import opened_keys

    async with opened_keys(paths) as keys:
        await keys.revoke(name)
    return Answer(f"the key of {name} is revoked", {"name": name, "revoked": True})


def _columns(rows: list[dict[str, object]]) -> str:
    lines = (
        [list(rows[0]), *(["-" if value is None else str(value) for value in row.values()] for row in rows)]
        if rows
        else []
    )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _date(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
