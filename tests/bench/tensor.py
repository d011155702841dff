# SPDX-License-Identifier: Apache-2.0
"""What it costs to carry numbers: a tensor to bytes and back, and a signed mebibyte there and back.

The codecs run in processes of their own on the same core, in turns: v10's `Tensor` needs v10's environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.harness.machine import SERVER_CORE
from tests.bench.harness.peer import Peer
from tests.bench.parties import MSGPACK, OURS, RECIPE, V10, Party, Stack, watch

__all__ = ["figures"]

_PAIRS: Final = 7


def figures() -> Iterator[Figure]:
    """The codec against the fastest plain one and against v10's, and the round trip against the recipe's raw bytes."""
    with OURS.start(SERVER_CORE, "codec") as ours:
        yield _codec(ours, MSGPACK, effort(500, 20), "tensor_vs_msgpack_bytes", Bar("<=", 1.5))
        yield _codec(ours, V10, effort(60, 5), "tensor_vs_v10", Bar(">=", 80))
    with Stack(OURS) as mine, Stack(RECIPE) as recipe:
        yield _round_trip(mine, recipe)


def _codec(ours: Peer, rival: Party, calls: int, name: str, bar: Bar) -> Figure:
    def turn(of: Peer) -> float:
        of.ask({"calls": 3})
        return float(of.ask({"calls": calls})["p50_us"])

    with rival.start(SERVER_CORE, "codec") as theirs:
        quiet = watch(ours, theirs)
        turns = pairs(lambda: turn(ours), lambda: turn(theirs), effort(_PAIRS, 2))
        foreign = quiet.foreign()
    slower_means_more = bar.relation == "<="
    value = middle(a / b if slower_means_more else b / a for a, b in turns)
    detail = {
        "ours": {"us": middle(a for a, _ in turns)},
        rival.name: {"us": middle(b for _, b in turns)},
        "floats": 100_000,
        "pairs": len(turns),
        "foreign_load": foreign,
    }
    if rival is V10:
        detail["v10+fix note"] = "numpy path of bt.Tensor and the JSON around it; its torch look-up left out"
    return Figure(name, value, bar, detail)


def _round_trip(ours: Stack, recipe: Stack) -> Figure:
    quiet, calls = watch(ours, recipe), effort(100, 5)
    turns = pairs(lambda: ours.latency("tensor", calls), lambda: recipe.latency("tensor", calls), effort(_PAIRS, 2))
    failed = sum(mine["failed"] for mine, _ in turns)
    value = None if failed else middle(mine["p50_us"] / theirs["p50_us"] for mine, theirs in turns)
    detail: dict[str, Any] = {
        name: {key: middle(turn[side][key] for turn in turns) for key in ("p50_us", "server_cpu_us", "client_cpu_us")}
        for side, name in enumerate(("ours", recipe.party.name))
    }
    detail |= {"failed": failed, "pairs": len(turns), "foreign_load": quiet.foreign()}
    return Figure("tensor_1mb_roundtrip_vs_recipe", value, Bar("<=", 1.1), detail)
