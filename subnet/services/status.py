# SPDX-License-Identifier: Apache-2.0
"""What a running service says of itself, asked over HTTP as anybody could."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from protocols.errors import Unreachable

__all__ = ["miner_status", "validator_status"]

_WAIT_S: Final = 5.0
_MOST_BYTES: Final = 1 << 20
_LOOP: Final = {"loop lag s": "subnet_loop_lag_seconds"}
_GAUGES: Final = {"in flight": "subnet_queries_in_flight", "waiting": "subnet_queries_waiting", **_LOOP}
_FACTS: Final = (
    "hotkey",
    "subnet",
    "netuid",
    "uid",
    "endpoint",
    "incentive",
    "permit",
    "block",
    "epoch",
    "weights age",
    "trouble",
    "engine",
    "version",
)


async def miner_status(url: str) -> dict[str, Any]:
    """Who a miner is, whether it is ready and what it has answered; raises `Unreachable` where none answers."""
    told, families = await _asked(url, "miner")
    queries = _outcomes(families, "subnet_queries")
    return {**told, "queries": queries, **_values(families, _GAUGES)}


async def validator_status(url: str) -> dict[str, Any]:
    """Who a validator is, whether it does its work, and how its rounds ended; `Unreachable` where none answers."""
    told, families = await _asked(url, "validator")
    counts = {
        "rounds": _outcomes(families, "subnet_validator_rounds"),
        "replies": _outcomes(families, "subnet_validator_replies"),
    }
    return {**told, **counts, **_values(families, _LOOP)}


async def _asked(url: str, role: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the pages of a service say, and its metrics by name."""
    import aiohttp
    from prometheus_client.parser import text_string_to_metric_families

    try:
        async with asyncio.timeout(_WAIT_S), aiohttp.ClientSession() as session:
            info = await _json(session, f"{url}/info")
            ready = await _json(session, f"{url}/readyz")
            metrics = await _text(session, f"{url}/metrics")
        told = {"url": url, "ready": ready["ready"], "checks": ready["checks"], **_known(info)}
        families = {family.name: family for family in text_string_to_metric_families(metrics)}
    except (OSError, TimeoutError, KeyError, ValueError, aiohttp.ClientError) as error:
        reason = str(error) or f"no answer within {_WAIT_S:g} s"
        raise Unreachable(f"no {role} answers at {url}: {reason}", help=f"start one: subnet {role} run") from error
    return told, families


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
    return {name: info[name] for name in _FACTS if name in info}


def _outcomes(families: dict[str, Any], name: str) -> dict[str, int]:
    outcomes: dict[str, int] = {}
    for sample in families[name].samples if name in families else ():
        if sample.name.endswith("_total"):
            outcome = sample.labels["outcome"]
            outcomes[outcome] = outcomes.get(outcome, 0) + int(sample.value)
    return outcomes


def _values(families: dict[str, Any], wanted: Mapping[str, str]) -> dict[str, float]:
    return {name: families[metric].samples[0].value for name, metric in wanted.items() if metric in families}
