# SPDX-License-Identifier: Apache-2.0
"""What would keep a service from doing its work, looked for before it loads a model or tells a chain where it is.

A failure ends the start with an error that says what to type. What only may be wrong is a warning: nobody can tell
from within a network whether its router lets others in.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from protocols.chain import Chain
from protocols.clock import Clock
from protocols.errors import BindFailed, ClockSkewed, NotRegistered, ServiceError, UsageError
from protocols.keys import Signer, short
from protocols.types import NetUid
from subnet.doctor import Finding, packages
from subnet.settings import ChainSettings, PathSettings

__all__ = ["check_clock", "check_packages", "check_port", "check_registered", "hang_up", "probe", "state_folder"]

_LOG: Final = logging.getLogger(__name__)
_SKEW_S: Final = 2.0
_PROBE_S: Final = 3.0
_STANDSTILL_S: Final = 120.0


def check_packages(found: Iterable[Finding] | None = None) -> None:
    """Raise `ServiceError` where another project's package has the name of one of ours."""
    for finding in packages() if found is None else found:
        if finding.verdict == "fail":
            raise ServiceError(f"{finding.check} {finding.found}", help=finding.help)


def check_port(host: str, port: int) -> None:
    """Raise `BindFailed` where the address cannot be listened on, before anything slow is begun."""
    if not port:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return
    except OSError as error:
        raise BindFailed(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}",
            help=f"see who does: ss -ltnp 'sport = :{port}', or take another port: --port {port + 1}",
        ) from error


async def check_clock(chain: Chain, clock: Clock) -> None:
    """Raise `ClockSkewed` where this machine's clock is certainly wrong: a block cannot have been made in the future.

    Signed requests are fresh for seconds, so a wrong clock makes every caller a forger. That ours is fast cannot be
    told from a chain that has stopped, and is a warning.
    """
    made_ns = await chain.time_ns()
    if not made_ns:  # a chain that has made no block yet
        return
    behind_s = (made_ns - clock.time_ns()) / 1e9
    if behind_s > _SKEW_S:
        raise ClockSkewed(
            f"this machine's clock is {behind_s:.1f} s behind the chain's newest block, at most {_SKEW_S:g} s may be",
        )
    if behind_s < -_STANDSTILL_S:
        _LOG.warning(
            "the chain's newest block is %.0f s old: it has stopped, or this machine's clock is fast", -behind_s
        )


async def check_registered(chain: Chain, settings: ChainSettings, key: Signer) -> None:
    """Raise `NotRegistered` where the hotkey has no place on the subnet, with the command that buys one."""
    metagraph = await chain.metagraph(NetUid(settings.netuid))
    if key.ss58_address not in metagraph:
        raise NotRegistered(
            f"hotkey {short(key.ss58_address)} is not registered on subnet {settings.netuid} of {settings.network}",
            help=f"subnet miner register --network {settings.network} --netuid {settings.netuid} --key {settings.key}",
        )


def state_folder(paths: PathSettings) -> Path:
    """The folder for what a restart must not lose, made where it is not there."""
    try:
        paths.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"folder {paths.state} cannot be made: {error.strerror}", help="name another one: SUBNET_PATHS_STATE"
        ) from error
    return paths.state


async def hang_up(chain: object) -> None:
    """Close a chain that can be closed."""
    close = getattr(chain, "close", None)
    if close is not None:
        await close()


async def probe(url: str) -> bool:
    """Whether this machine itself can reach an address that it tells others."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, TimeoutError):
        _LOG.warning(
            "%s cannot be reached from this machine; if it cannot from outside either, nobody will ask",
            url,
            extra={"url": url},
        )
        return False
    writer.close()
    return True
