# SPDX-License-Identifier: Apache-2.0
"""A validator and its door for users in one process, put together from an operator's settings.

They share everything that a miner could tell them apart by: the hotkey, the client, the queries under way. The door
opens last and closes first, so that nobody is let in who cannot be served.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from subnet.sections import listed
from subnet.services.doorkeys import opened_keys
from subnet.services.leaving import Leave
from subnet.services.preflight import check_port
from subnet.services.validator import Validating
from subnet.services.validator import opened as opened_validator
from subnet.settings import ChainSettings, GatewaySettings, PathSettings, ValidatorSettings
from subnet.telemetry import Writer
from validators.gateway.entry import check_private
from validators.gateway.gateway import Gateway
from validators.gateway.options import GatewayOptions

__all__ = ["Doored", "opened", "options"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doored:
    """A validator at work, and the door in front of it."""

    validating: Validating
    gateway: Gateway

    def facts(self) -> dict[str, Any]:
        """Where users come in, where the validator's page is, and what that says."""
        models = self.gateway.desk.offers()
        return {
            "url": f"{self.gateway.url}/v1",
            "models": ", ".join(models),
            "open": self.gateway.options.open,
            "validator": {"url": self.validating.url, **self.validating.facts()},
        }


@asynccontextmanager
async def opened(
    app: str,
    chain_settings: ChainSettings,
    settings: tuple[ValidatorSettings, GatewaySettings],
    paths: PathSettings,
    lines: Writer | None = None,
    leave: Leave | None = None,
) -> AsyncIterator[Doored]:
    """A validator that is ready to run and serves users meanwhile."""
    own, door = settings
    if door.open:
        check_private(door.host)
    check_port(door.host, door.port)
    async with AsyncExitStack() as stack:
        validating = await stack.enter_async_context(opened_validator(app, chain_settings, own, paths, lines, leave))
        keys = await stack.enter_async_context(opened_keys(paths))
        gateway = Gateway(validating.validator, keys, options(door))
        if not (door.open or await keys.holders()):
            _LOG.warning("nobody has a key yet, and nobody can ask: subnet gateway key add NAME")
        await gateway.start(door.host, door.port)
        stack.push_async_callback(gateway.close)
        yield Doored(validating, gateway)


def options(settings: GatewaySettings) -> GatewayOptions:
    """How it serves."""
    return GatewayOptions(
        deadline_s=settings.deadline,
        hedge=settings.hedge,
        audit=settings.audit,
        audit_size=settings.audit_size,
        open=settings.open,
        origins=frozenset(listed(settings.origins)),
    )
