# SPDX-License-Identifier: Apache-2.0
"""One validator and 256 miners: what a round costs, and that nobody honest is lost in it.

The miners are 256 ports of one server process. Before each measured round a round is thrown away, so that both sides
ask over open connections. v10 refuses a request whose nonce was overtaken; what it loses that way is in `detail`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.parties import OURS, RECIPE, V10, Stack, watch

__all__ = ["figures"]

Turn = dict[str, Any]

_PAIRS: Final = 5


def figures() -> Iterator[Figure]:
    """Losses, idle rounds against both rivals, and rounds over slow miners."""
    miners = effort(256, 16)
    with Stack(OURS, miners) as ours:
        yield from _slow_miners(ours)
        with Stack(RECIPE, miners) as recipe:
            yield _idle(ours, recipe, "round_256_idle_vs_recipe", Bar("<=", 0.9))
        with Stack(V10, miners) as v10:
            yield _idle(ours, v10, "round_256_idle_vs_v10", Bar("<=", 0.1))
            yield _lost(ours, v10)


def _idle(ours: Stack, rival: Stack, name: str, bar: Bar) -> Figure:
    quiet = watch(ours, rival)
    turns = pairs(lambda: _warm_round(ours), lambda: _warm_round(rival), effort(_PAIRS, 2))
    mine, theirs = [turn for turn, _ in turns], [turn for _, turn in turns]
    value = middle(a["wall_s"] / b["wall_s"] for a, b in turns)
    detail = {
        "ours": _absolute(mine, ours),
        rival.party.name: _absolute(theirs, rival),
        "pairs": len(turns),
        "foreign_load": quiet.foreign(),
    }
    return Figure(name, None if _lost_calls(mine, ours.ports) else value, bar, detail)


def _warm_round(stack: Stack) -> Turn:
    stack.round(stack.ports)
    return stack.round(stack.ports)


def _lost(ours: Stack, v10: Stack) -> Figure:
    quiet, calls = watch(ours, v10), effort(1024, 256)
    turns = pairs(lambda: ours.flight(calls, width=256), lambda: v10.flight(calls, width=256), effort(_PAIRS, 1))
    lost, theirs = (sum(int(turn["failed"]) for turn in side) for side in zip(*turns, strict=True))
    share = f"{theirs / (calls * len(turns)):.1%}"
    detail = {"calls": calls * len(turns), "v10+fix": {"lost": theirs, "share": share}}
    return Figure("lost_at_256_in_flight", lost, Bar("==", 0), {**detail, "foreign_load": quiet.foreign()})


def _slow_miners(ours: Stack) -> Iterator[Figure]:
    count = len(ours.ports)
    quiet = watch(ours)
    turns = [ours.round(ours.ports, delay=1.0, deadline=12.0) for _ in range(effort(_PAIRS, 1))]
    failed = _lost_calls(turns, ours.ports)
    wall = None if failed else middle(turn["wall_s"] for turn in turns)
    detail = {**_absolute(turns, ours), "foreign_load": quiet.foreign()}
    yield Figure("fanout_1s_wall", wall, Bar("<=", 1.35), detail)

    quiet = watch(ours)
    turns = [ours.round(ours.ports, delay=3.0, deadline=5.0) for _ in range(effort(_PAIRS, 1))]
    worst = min(turn["ok"] for turn in turns)
    detail = {**_absolute(turns, ours), "foreign_load": quiet.foreign()}
    yield Figure("fanout_3s_deadline_5s", worst, Bar("==", count), detail)


def _lost_calls(turns: Sequence[Turn], ports: Sequence[int]) -> int:
    return sum(len(ports) - int(turn["ok"]) for turn in turns)


def _absolute(turns: Sequence[Turn], stack: Stack) -> dict[str, object]:
    medians = {key: middle(turn[key] for turn in turns) for key in ("wall_s", "client_cpu_ms")}
    return {**medians, "lost": _lost_calls(turns, stack.ports), "miners": len(stack.ports)}
