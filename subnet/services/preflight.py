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
from typing import Final
from urllib.parse import urlsplit

from protocols.chain import Chain
from protocols.clock import Clock
from protocols.errors import BindFailed, ClockSkewed, ServiceError
from subnet.doctor import Finding, packages

__all__ = ["check_clock", "check_packages", "check_port", "probe"]

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
