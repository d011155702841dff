# SPDX-License-Identifier: Apache-2.0
"""One signed question after another, and as many as one server core can take.

The throughput figures load every server with the same generator. Where others keep the machine busy, a rate measures
them: then the ratio of server CPU a request decides instead, and `gated_on` says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from protocols.keys import Keypair, verify
from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.harness.machine import QUIET
from tests.bench.harness.peer import Peer
from tests.bench.parties import OURS, RECIPE, V10, Stack, generator, watch

__all__ = ["figures"]

Turn = dict[str, Any]
Turns = Sequence[tuple[Turn, Turn]]

_PAIRS: Final = 7


def figures() -> Iterator[Figure]:
    """Echo latency and throughput of one core, against both rivals."""
    with Stack(OURS) as ours, generator() as load:
        with Stack(RECIPE) as recipe:
            yield _echo(ours, recipe, effort(400, 20), Bar("<=", 1.0))
            yield from _throughput(ours, recipe, load, effort(4000, 300))
        with Stack(V10) as v10:
            yield _echo(ours, v10, effort(100, 10), Bar("<=", 0.2))
            yield from _throughput(ours, v10, load, effort(400, 100))


def _suffix(rival: Stack) -> str:
    return {RECIPE: "recipe", V10: "v10"}[rival.party]


def _echo(ours: Stack, rival: Stack, calls: int, bar: Bar) -> Figure:
    quiet = watch(ours, rival)
    turns = pairs(lambda: ours.latency("echo", calls), lambda: rival.latency("echo", calls), effort(_PAIRS, 2))
    detail = _detail(turns, ("p50_us", "p99_us", "server_cpu_us", "client_cpu_us"), rival, quiet.foreign())
    value = middle(mine["p50_us"] / theirs["p50_us"] for mine, theirs in turns)
    return Figure(f"echo_p50_vs_{_suffix(rival)}", _unless_lost(value, turns), bar, detail)


def _throughput(ours: Stack, rival: Stack, load: Peer, calls: int) -> Iterator[Figure]:
    quiet = watch(ours, rival, load)
    # Ours is far faster than v10: as many requests would be over before the clock notices.
    own_calls = max(calls, effort(4000, 300))
    turns = pairs(lambda: ours.load(load, own_calls), lambda: rival.load(load, calls), effort(_PAIRS, 2))
    foreign = quiet.foreign()
    detail = _detail(turns, ("rate", "server_cpu_us", "server_busy", "client_busy"), rival, foreign)
    cpu = _unless_lost(middle(mine["server_cpu_us"] / theirs["server_cpu_us"] for mine, theirs in turns), turns)
    rate = _unless_lost(middle(mine["rate"] / theirs["rate"] for mine, theirs in turns), turns)
    busy_machine = foreign > QUIET
    value = 1 / cpu if busy_machine and cpu is not None else rate
    gated = {**detail, "rate_ratio": rate, "gated_on": "server CPU a request" if busy_machine else "rate"}
    # Whoever signs replies cannot be faster than this, whatever the bar says.
    gated["signatures_alone"] = round(_most_a_core_can_sign() / middle(theirs["rate"] for _, theirs in turns), 1)
    yield Figure(f"throughput_vs_{_suffix(rival)}", value, Bar(">=", 1.2 if rival.party is RECIPE else 20), gated)
    if rival.party is RECIPE:
        yield Figure("server_cpu_vs_recipe", cpu, Bar("<=", 0.75), detail)


def _most_a_core_can_sign() -> float:
    """Requests a second of a core that does nothing but verify one signature and make one for each."""
    key, message = Keypair.from_uri("//Bob"), bytes(250)
    signature, calls = key.sign(message), effort(2000, 100)
    began = time.perf_counter()
    for _ in range(calls):
        verify(message, signature, key.ss58_address)
        key.sign(message)
    return calls / (time.perf_counter() - began)


def _unless_lost(value: float, turns: Turns) -> float | None:
    """A server that drops or refuses requests is not fast."""
    return None if any(mine["failed"] for mine, _ in turns) else value


def _detail(turns: Turns, keys: Sequence[str], rival: Stack, foreign: float) -> dict[str, object]:
    sides = {"ours": [mine for mine, _ in turns], rival.party.name: [theirs for _, theirs in turns]}
    absolute = {
        name: {**{key: middle(turn[key] for turn in side) for key in keys}, "failed": sum(t["failed"] for t in side)}
        for name, side in sides.items()
    }
    return {**absolute, "pairs": len(turns), "foreign_load": foreign}
