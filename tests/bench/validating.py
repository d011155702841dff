# SPDX-License-Identifier: Apache-2.0
"""A whole round of a validator over 256 miners, against the asking alone that no validator can do without.

In turns, the same questions are asked by a validator, which signs, sends, verifies, scores with the text subnet's
measure and the attention reward, and stores durably; and by its client, which only signs, sends and verifies. Then a
thousand rounds over the same HTTP, with questions that the miners have not seen: what the validator holds must not
grow. `ROUNDS` shortens that part, 0 leaves it out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.harness.machine import CLIENT_CORE, SERVER_CORE, Watch, resident_bytes
from tests.bench.harness.peer import Peer

__all__ = ["figures"]

Turn = dict[str, Any]

_PAIRS: Final = 9
_WARM: Final = 5
_ROUNDS: Final = 1_000
_WARM_ROUNDS: Final = 250
_CHUNK: Final = 20
_SAMPLES: Final = 5
_MIB: Final = 2**20
_SMALL_STORE: Final = 4_000_000
_FILLING: Final = 200


def figures() -> Iterator[Figure]:
    """Rounds against the asking alone, then many of them."""
    python = [sys.executable, "-m"]
    with Peer("miners", [*python, "tests.bench.readers", f"{effort(256, 16)}"], SERVER_CORE) as miners:
        ports = [str(port) for port in miners.hello["ports"]]
        with Peer("validator", [*python, "tests.bench.rounds", "0", *ports], CLIENT_CORE) as validator:
            yield from _rounds(validator, miners)
        if rounds := int(os.environ.get("ROUNDS", effort(_ROUNDS, 8))):
            with Peer("validator", [*python, "tests.bench.rounds", "0", *ports], CLIENT_CORE) as validator:
                yield from _many(validator, miners, rounds)
                default = int(validator.ask({"do": "held"})["retained_bytes"])
            with Peer("validator", [*python, "tests.bench.rounds", f"{_SMALL_STORE}", *ports], CLIENT_CORE) as full:
                yield _full(full, effort(_FILLING, 8), default)


def _rounds(validator: Peer, miners: Peer) -> Iterator[Figure]:
    for _ in range(effort(_WARM, 1)):
        _step(validator)
    quiet = Watch([validator.pid, miners.pid])
    turns = pairs(lambda: _step(validator), lambda: validator.ask({"do": "bare"}), effort(_PAIRS, 2))
    steps, bare = [turn for turn, _ in turns], [turn for _, turn in turns]
    lost = sum(turn["lost"] for pair in turns for turn in pair)
    ratio = None if lost else middle(a["wall_s"] / b["wall_s"] for a, b in turns)
    stages = sorted({key for step in steps for key in step} - {"lost"})
    detail: dict[str, object] = {
        "round": {key: middle(step.get(key, 0.0) for step in steps) for key in stages},
        "bare": {key: middle(turn[key] for turn in bare) for key in ("wall_s", "cpu_s")},
        "lost": lost,
        "rounds": len(steps),
        "foreign_load": quiet.foreign(),
    }
    yield Figure("round_256_vs_fanout", ratio, Bar("<=", 3.0), detail)
    yield Figure("round_256_longest_s", None if lost else max(step["wall_s"] for step in steps), Bar("<=", 1.5))
    yield Figure("round_256_scoring_share", middle(map(_scoring, steps)), Bar("<=", 0.25))
    held = {name: max(turn["held_s"] for turn in of) for name, of in (("round", steps), ("bare", bare))}
    detail = {"of_the_bare_s": middle(turn["worked_s"] for turn in bare), "by_the_clock_s": held}
    yield Figure("round_256_loop_worked_s", middle(step["worked_s"] for step in steps), Bar("<=", 0.05), detail)


def _step(validator: Peer) -> Turn:
    validator.ask({"do": "rehearse"})
    return validator.ask({"do": "step"})


def _scoring(step: Turn) -> float:
    """All of the definition's arithmetic, over the whole round."""
    scoring: float = sum(step.get(key, 0.0) for key in ("judge_s", "likeness_s", "aggregate_s")) / step["wall_s"]
    return scoring


def _many(validator: Peer, miners: Peer, rounds: int) -> Iterator[Figure]:
    quiet = Watch([validator.pid, miners.pid])
    warm = min(_WARM_ROUNDS, rounds // 4)
    lost = validator.ask({"do": "rounds", "count": warm}, within=600.0)["lost"]
    before = validator.ask({"do": "held"})
    memory: list[int] = []
    worked: list[float] = []
    while (done := before["rounds"] + _CHUNK * len(memory)) < rounds:
        turn = validator.ask({"do": "rounds", "count": min(_CHUNK, rounds - done)}, within=600.0)
        lost += turn["lost"]
        memory.append(resident_bytes(validator.pid))
        worked.append(turn["worked_s"])
        print(f"{done + _CHUNK} rounds, {memory[-1] / _MIB:.1f} MiB", file=sys.stderr, flush=True)
    after = validator.ask({"do": "held"})
    few = max(1, min(_SAMPLES, len(memory) // 2))
    detail: dict[str, object] = {
        "mib": [round(sample / _MIB, 1) for sample in memory],
        "before": before,
        "after": after,
        "lost": lost,
        "loop_worked_s": middle(worked),
        "foreign_load": quiet.foreign(),
    }
    growth = None if lost else middle(memory[-few:]) / middle(memory[:few])
    yield Figure("rounds_memory_growth", growth, Bar("<=", 1.05), detail)
    yield Figure("rounds_handles_left", after["handles"] - before["handles"], Bar("<=", 0))
    yield Figure("rounds_tasks_left", after["tasks"] - before["tasks"], Bar("<=", 0))
    yield Figure("rounds_store_mib", after["store_bytes"] / _MIB, Bar("<=", 300))


def _full(validator: Peer, rounds: int, default: int) -> Figure:
    """How large the default store gets, from what a small one is once it is full and lets go as much as comes."""
    validator.ask({"do": "rounds", "count": rounds}, within=600.0)
    held = validator.ask({"do": "held"})
    over = held["database_bytes"] / _SMALL_STORE
    log = held["store_bytes"] - held["database_bytes"]
    detail = {"database_per_retained_byte": round(over, 3), "log_mib": round(log / _MIB, 1), "rounds": rounds}
    return Figure("rounds_store_steady_mib", (over * default + log) / _MIB, Bar("<=", 300), detail)
