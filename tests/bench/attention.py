# SPDX-License-Identifier: Apache-2.0
"""What the attention reward costs: against the one matrix product that it cannot do without, and for a large subnet.

The product is of the same embeddings in the same precision, in turns, in one process on one core: threads of a matrix
library that wait for each other measure the neighbours. `python -m tests.bench.attention` is that process.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import numpy as np

from incentive.attention import attention_reward
from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.harness.machine import SERVER_CORE, Watch
from tests.bench.harness.peer import Peer

__all__ = ["figures"]

_DIMENSION: Final = 384
_SMALL: Final = 256
_LARGE: Final = 4096


def figures() -> Iterator[Figure]:
    """A subnet of 256 in both precisions, the worse of them judged, and one of 4096 in seconds."""
    with Peer("attention", [sys.executable, "-m", "tests.bench.attention"], SERVER_CORE) as peer:
        detail = {dtype: _turns(peer, _SMALL, dtype, effort(20, 2), effort(15, 2)) for dtype in ("float32", "float64")}
        worst = max(of["ratio"] for of in detail.values())
        yield Figure("attention_256_vs_matmul", worst, Bar("<=", 10), {**detail, "dimension": _DIMENSION})
        large = _turns(peer, effort(_LARGE, _SMALL), "float64", 1, effort(5, 1))
        yield Figure("attention_4096_s", large["reward_s"], Bar("<=", 2.5), {**large, "dimension": _DIMENSION})


def _turns(peer: Peer, miners: int, dtype: str, calls: int, count: int) -> dict[str, float]:
    def seconds(work: str) -> float:
        return float(peer.ask({"work": work, "miners": miners, "dtype": dtype, "calls": calls})["s"])

    quiet = Watch([peer.pid])
    turns = pairs(lambda: seconds("reward"), lambda: seconds("product"), count)
    return {
        "ratio": middle(ours / theirs for ours, theirs in turns),
        "reward_s": middle(ours for ours, _ in turns),
        "product_s": middle(theirs for _, theirs in turns),
        "miners": miners,
        "foreign_load": quiet.foreign(),
    }


@cache
def _work(work: str, miners: int, dtype: str) -> Callable[[], object]:
    # With a direction in common, as answers to one question have, so that every stage has something to do.
    x = (np.random.default_rng(0).normal(size=(miners, _DIMENSION)) + 1.5).astype(dtype)
    q = np.linspace(0.0, 1.0, miners)
    return {"reward": lambda: attention_reward(x, q), "product": lambda: x @ x.T}[work]


def _seconds(work: Callable[[], object], calls: int) -> float:
    """The median time of a call, the first one apart: it finds caches and memory cold."""
    work()
    taken = []
    for _ in range(calls):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def _answer_commands() -> None:
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        calls = command.pop("calls")
        print(json.dumps({"s": _seconds(_work(**command), calls)}), flush=True)


if __name__ == "__main__":
    _answer_commands()
