# SPDX-License-Identifier: Apache-2.0
"""`subnet miner`: serve a subnet's queries with a model, look at a miner that runs, buy a place for its hotkey.

`run` never opens a coldkey. Where it is told to register, it starts `subnet miner register` as a process of its own,
which asks for the password, buys the place and is gone before a stranger's first byte is read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from subnet.cli.answer import Answer
from subnet.cli.logged import logged
from subnet.cli.told import table
from subnet.settings import ChainSettings, LogSettings, MinerSettings, PathSettings, Settings

if TYPE_CHECKING:
    from subnet.services.registration import Offer

__all__ = ["register", "run", "status"]


async def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")] = "text",
    /,
    *,
    chain: ChainSettings,
    miner: MinerSettings,
    log: LogSettings,
    paths: PathSettings,
    register: Annotated[
        float,
        Parameter(help="Buy a place first, for at most so many tao, if the hotkey has none; asks for the coldkey."),
    ] = 0.0,
) -> AsyncGenerator[Answer, None]:
    """Serve a subnet's queries: check what could go wrong, load the model, listen, tell the chain where, go on.

    SIGTERM lets queries under way end. Exit codes: 143 and 130 when it was stopped, 75 where starting it again may
    help, 78 where it cannot, 2 for what was typed.
    """
    from subnet.services.miner import opened
    from subnet.services.registration import register_apart

    async with logged(log, miner.api_key.get_secret_value()) as lines:
        if register:
            await register_apart(chain, register)
        async with opened(app, chain, miner, paths, lines) as serving:
            told = {"url": serving.url, **serving.facts()}
            yield Answer(table(told), told)
            await serving.run()


async def status(
    url: Annotated[str, Parameter(help="Where the miner listens; by default where the settings say.")] = "",
    /,
    *,
    settings: Settings,
) -> Answer:
    """Print who a miner that runs is, whether it is ready, and what it has answered; exit code 1 where it is not."""
    from subnet.services.status import miner_status

    told = await miner_status(url or f"http://{settings.miner.host}:{settings.miner.port}")
    return Answer(table(told), told, ok=bool(told["ready"]))


async def register(
    *,
    chain: ChainSettings,
    most: Annotated[float, Parameter(help="Tao that a place may cost at most.")] = 1.0,
    password_from: Annotated[
        str, Parameter(help="Where the coldkey's password comes from: prompt, env:NAME, file:PATH, keyring or usual.")
    ] = "usual",
    dry_run: Annotated[bool, Parameter(help="Only say what a place costs and whether the coldkey can pay it.")] = False,
) -> Answer:
    """Buy a place on the subnet for the hotkey of a wallet; this opens its coldkey."""
    from subnet.services.registration import registered

    found: Offer = await registered(chain, most, password_from, dry_run=dry_run)
    return Answer(found.text(), found.to_json())
