# SPDX-License-Identifier: Apache-2.0
"""What a running service says of itself, asked over HTTP as anybody could."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from protocols.errors import Unreachable

__all__ = ["miner_status"]

_WAIT_S: Final = 5.0
_MOST_BYTES: Final = 1 << 20
_QUERIES: Final = "subnet_queries"
_GAUGES: Final = {
    "in flight": "subnet_queries_in_flight",
    "waiting": "subnet_queries_waiting",
    "loop lag s": "subnet_loop_lag_seconds",
}


async def miner_status(url: str) -> dict[str, Any]:
    """Who a miner is, whether it is ready and what it has answered; raises `Unreachable` where none answers."""
    import aiohttp

    try:
        async with asyncio.timeout(_WAIT_S), aiohttp.ClientSession() as session:
            info = await _json(session, f"{url}/info")
            ready = await _json(session, f"{url}/readyz")
            metrics = await _text(session, f"{url}/metrics")
    except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
        reason = str(error) or f"no answer within {_WAIT_S:g} s"
        raise Unreachable(f"no miner answers at {url}: {reason}", help="start one: subnet miner run") from error
    return {"url": url, "ready": ready["ready"], "checks": ready["checks"], **_known(info), **_counts(metrics)}


async def _json(session: Any, url: str) -> dict[str, Any]:
    import json

    found = json.loads(await _text(session, url))
    if not isinstance(found, dict):
        raise ValueError(f"{url} is no miner's page")
    return found


async def _text(session: Any, url: str) -> str:
    async with session.get(url, allow_redirects=False) as response:
        data: bytes = await response.content.read(_MOST_BYTES)
        return data.decode()


def _known(info: dict[str, Any]) -> dict[str, Any]:
    names = ("hotkey", "subnet", "netuid", "uid", "endpoint", "incentive", "block", "engine", "version")
    return {name: info[name] for name in names if name in info}


def _counts(metrics: str) -> dict[str, Any]:
    from prometheus_client.parser import text_string_to_metric_families

    families = {family.name: family for family in text_string_to_metric_families(metrics)}
    outcomes: dict[str, int] = {}
    for sample in families[_QUERIES].samples if _QUERIES in families else ():
        if sample.name.endswith("_total"):
            outcome = sample.labels["outcome"]
            outcomes[outcome] = outcomes.get(outcome, 0) + int(sample.value)
    gauges = {name: families[metric].samples[0].value for name, metric in _GAUGES.items() if metric in families}
    return {"queries": outcomes, **gauges}
