# SPDX-License-Identifier: Apache-2.0
"""How fast a miner's model serves many callers at once: our batcher against what transformers itself offers.

32 requests with prompts of 64 tokens come together, once all for 64 tokens and once for 16 to 128. Turns of all
parties alternate in one process over the same weights, and each figure is the median of the ratios of neighbouring
turns. A great caller's wait is that of its whole answer, while 50 small callers never stop asking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.bench.generators import Requests, alone, asked, bare, llama, managed, ours
from tests.bench.harness.figure import Bar, Figure, effort, middle
from tests.bench.harness.machine import Watch

__all__ = ["figures"]

_FLOOD: Final = 50
_AMPLE: Final = 1.15


def figures() -> Iterator[Figure]:
    """Tokens a second against `generate` and the manager, what our loop adds to a bare one, and priority under load."""
    model, theirs = llama(), llama()
    kinds = (("equal", asked(64, 64), 8.0, 1.4), ("mixed", asked(16, 128), 6.0, 1.3))
    with ours(model) as mine, managed(theirs, kinds[1][1]) as manager:
        for kind, requests, than_alone, than_manager in kinds:
            yield from _compared(kind, requests, (mine, manager, model), Bar(">=", than_alone), Bar(">=", than_manager))
        yield _priority(mine)


def _compared(
    kind: str, requests: Requests, parties: tuple[Any, Any, Any], than_alone: Bar, than_manager: Bar
) -> Iterator[Figure]:
    mine, manager, model = parties
    total = sum(size for _, size in requests)
    few = requests[:: effort(4, 16)]
    for party in (mine, manager):
        party(requests)
    quiet, turns = Watch([]), []
    for _ in range(effort(7, 1)):
        took, made = mine(requests)
        rival_took, rival_made = manager(requests)
        bare_took = bare(model, requests)
        alone_took, alone_made = alone(model, few)
        same = made == rival_made and made[:: effort(4, 16)] == alone_made
        turns.append((total / took, total / rival_took, total / bare_took, sum(n for _, n in few) / alone_took, same))
    detail = {
        "ours_tokens_s": middle(turn[0] for turn in turns),
        "manager_tokens_s": middle(turn[1] for turn in turns),
        "bare_loop_tokens_s": middle(turn[2] for turn in turns),
        "generate_tokens_s": middle(turn[3] for turn in turns),
        "same_tokens": all(turn[4] for turn in turns),
        "turns": len(turns),
        "foreign_load": quiet.foreign(),
    }
    yield Figure(f"serving_{kind}_vs_generate", middle(turn[0] / turn[3] for turn in turns), than_alone, detail)
    yield Figure(f"serving_{kind}_vs_manager", middle(turn[0] / turn[1] for turn in turns), than_manager, detail)
    yield Figure(f"serving_{kind}_vs_bare_loop", middle(turn[2] / turn[0] for turn in turns), Bar("<=", _AMPLE), detail)
    yield Figure(f"serving_{kind}_same_tokens", float(detail["same_tokens"] is True), Bar("==", 1), {})


def _priority(mine: Callable[..., list[float]]) -> Figure:
    """How long a great caller waits for its slowest answers under load, against an idle miner."""
    prompt = list(range(2, 66))
    calls = effort(50, 2)
    turns = [(mine(prompt, 32, calls, 0), mine(prompt, 32, calls, _FLOOD)) for _ in range(effort(3, 1))]
    p99 = [(idle[len(idle) * 99 // 100], busy[len(busy) * 99 // 100]) for idle, busy in turns]
    p50 = [(idle[len(idle) // 2], busy[len(busy) // 2]) for idle, busy in turns]
    detail = {
        "idle_p99_s": middle(idle for idle, _ in p99),
        "busy_p99_s": middle(busy for _, busy in p99),
        "idle_p50_s": middle(idle for idle, _ in p50),
        "busy_p50_s": middle(busy for _, busy in p50),
        "calls": calls,
        "flood": _FLOOD,
    }
    return Figure("serving_priority_p99", middle(busy / idle for idle, busy in p99), Bar("<=", 2.0), detail)
