# SPDX-License-Identifier: Apache-2.0
"""The page of metrics, read off those who show them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import aclosing

from prometheus_client.core import Metric

from miners.engines.echo import Echo
from miners.engines.engine import Job
from miners.meters import Measured, show_place
from protocols.clock import SystemClock
from protocols.keys import Keypair
from protocols.server import Server
from subnet.telemetry import LoopLag, show_process
from tests.docs.settings import NOTE
from validators.meters import RoundMeters, show_watchdog
from validators.watchdog import Watchdog

__all__ = ["metrics"]

HEAD = f"""\
# Metrics

{NOTE}

What is shown at `/metrics`, for Prometheus. Labels come from our own code and the engine's, never from a peer, so that
no stranger can make the number of series grow. A value that is not known shows as `NaN`. Of a histogram there are
`_bucket`, `_count` and `_sum`. The pages on how to watch [a miner](../how-to/run-a-miner.md#watch-it) and
[a validator](../how-to/run-a-validator.md#watch-it) have dashboards and alerts."""


class Telling(Echo):
    """An engine that has a number of its own."""

    def gauges(self) -> Mapping[str, float]:
        """One that nobody expects."""
        return {"other": 1.0}


def metrics() -> str:
    """Every metric, by who shows it."""
    return "\n".join([HEAD, *_tables(), ""])


def _tables() -> Iterator[str]:
    meters = Server(Keypair.from_uri("//Bob"), {}).meters
    meters.answered("Ask", "ok", 0.1)
    meters.refused("head_too_large")
    known: set[str] = set()

    def table(title: str, about: str) -> Iterator[str]:
        yield from ["", f"## {title}", "", about, "", "| metric | kind | labels | what it is |", "|---|---|---|---|"]
        for family in meters.collect():
            if family.name not in known:
                known.add(family.name)
                yield _row(family)

    yield from table("Every server", "Whatever answers queries shows these.")
    work = Measured(Telling(), SystemClock())
    asyncio.run(_job(work))
    meters.add(work)
    show_place(meters, lambda: None, lambda: 0.0)
    about = "A miner shows these besides. A job is what a definition asks of its model: one query may have several."
    yield from table("A miner", about)
    meters.add(RoundMeters())
    show_watchdog(meters, Watchdog(SystemClock(), limit_s=1.0), lambda: 0.0)
    about = "A validator shows these besides. Replies and rewards are those of its rounds and of users' questions."
    yield from table("A validator", about)
    show_process(meters, LoopLag(SystemClock()), None)
    yield from table("A service", "What was started with a command, such as `subnet miner run`, shows these besides.")


def _row(family: Metric) -> str:
    labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
    suffix = "_total" if family.type == "counter" else ""
    return f"| `{family.name}{suffix}` | {family.type} | {', '.join(labels)} | {family.documentation} |"


async def _job(work: Measured) -> None:
    async with aclosing(work.generate(Job(prompt="a", max_tokens=1))) as pieces:
        assert [piece async for piece in pieces] == ["a"]
