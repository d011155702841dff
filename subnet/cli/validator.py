# SPDX-License-Identifier: Apache-2.0
"""`subnet validator`: measure miners and set weights, round after round, and look at a validator that does.

`run` reads a hotkey and nothing else. What it must not forget lies in one file of the state folder, so it may be killed
at any moment and started again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from cyclopts import Parameter

from subnet.cli.answer import Answer
from subnet.cli.logged import logged
from subnet.cli.told import table
from subnet.settings import ChainSettings, LogSettings, PathSettings, Settings, ValidatorSettings

__all__ = ["run", "status"]


async def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")] = "text",
    /,
    *,
    chain: ChainSettings,
    validator: ValidatorSettings,
    log: LogSettings,
    paths: PathSettings,
) -> AsyncGenerator[Answer, None]:
    """Measure a subnet's miners and set weights: check what could go wrong, then ask, score and remember, and go on.

    With --json each round is a line. Exit codes: 143 and 130 when it was stopped, 75 where starting it again may help
    (also where it was stuck), 78 where it cannot, 2 for what was typed.
    """
    from subnet.services.leaving import Leave
    from subnet.services.validator import opened

    async with logged(log) as lines, opened(app, chain, validator, paths, lines, Leave(lines)) as serving:
        told = {"url": serving.url, **serving.facts()}
        yield Answer(table(told), told)
        async with aclosing(serving.rounds()) as rounds:
            async for done in rounds:
                yield Answer("", done)


async def status(
    url: Annotated[str, Parameter(help="Where the validator's page is; by default where the settings say.")] = "",
    /,
    *,
    settings: Settings,
) -> Answer:
    """Print who a validator that runs is, whether it does its work, and how its rounds end; exit code 1 if not."""
    from subnet.services.status import validator_status

    told = await validator_status(url or f"http://{settings.validator.host}:{settings.validator.port}")
    return Answer(table(told), told, ok=bool(told["ready"]))
