# SPDX-License-Identifier: Apache-2.0
"""`subnet run`: a whole network on this machine, a table after each epoch."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from protocols.errors import UsageError
from protocols.registry import load
from subnet.cli.answer import Answer
from subnet.localnet import Localnet, LocalnetOptions
from subnet.localnet.table import table
from subnet.settings import LocalSettings

__all__ = ["run"]

_CLEAR: Final = "\x1b[H\x1b[J"


async def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")] = "text",
    /,
    *,
    local: LocalSettings,
    lockstep: Annotated[bool, Parameter(help="Take turns, so that equal seeds give equal numbers.")] = False,
    state: Annotated[Path | None, Parameter(help="Folder to keep the chain and scores in, and to go on from.")] = None,
) -> AsyncGenerator[Answer, None]:
    """Run a whole network on this machine: a chain, miners of every character, validators; a table each epoch.

    Stop it with Ctrl-C. The keys are public ones: use them for nothing else.
    """
    if lockstep and not local.epochs:
        raise UsageError("a network in lockstep would never stop", help="say how long: --epochs 20")
    options = LocalnetOptions(
        miners=local.miners,
        validators=local.validators,
        seed=local.seed,
        tempo=local.tempo,
        block_time=local.block_time,
        host=local.host,
        lockstep=lockstep,
        state=state,
    )
    screen = _CLEAR if sys.stdout.isatty() else ""
    async with Localnet(load(app)(), options) as network:
        async for summary in network.epochs(local.epochs or None):
            yield Answer(f"{screen}{table(summary)}\n", summary.to_dict())
