# SPDX-License-Identifier: Apache-2.0
"""What an epoch costs: the chain's own integers against yuma-simulation's torch floats, and sweeps of many networks.

The rival (bactensor/yuma-simulation) is not on the package index: where `YUMA_PEER` names a checkout its epoch is read
from there and run in this process, in turns with ours. Where it is not set the rival is a plain numpy epoch of our own,
and each figure says so.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from incentive.arrays import Array
from incentive.consensus import FIXED, FLOAT, Network, Rules, Yuma1
from incentive.consensus.compiled import Spread
from incentive.simulation.published.camps import Camps, Sizes, camps
from incentive.simulation.published.retention import retention
from protocols.allocator import keep_large_blocks
from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.harness.machine import Watch

__all__ = ["figures"]

_BARS: Final = {(64, 256): 3.0, (64, 1024): 5.0, (256, 4096): 8.0}
_PLACES: Final = ("src/yuma_simulation/_internal", "yuma_simulation/_internal", "_internal", ".")
_MAP: Final = 51
_CORES: Final = 2  # as many as the rival may use
_STAKES: Final = 11
_CASES: Final = 4096
_EPOCHS: Final = 40
_TURN: Final = 0.1  # seconds

Epoch = Callable[[Array, Array, Array], object]


@dataclass(frozen=True)
class Rival:
    """An epoch of floats to compare with: weights (V, N), stake (V,) and bonds (V, N) in, dividends out."""

    name: str
    epoch: Callable[[Array, Array, Array], Callable[[], object]]
    """Takes the inputs, gives a call that computes one epoch of them."""
    threads: tuple[int, ...]


def figures() -> Iterator[Figure]:
    """One epoch in fixed point at three sizes, the whole retention map, and small cases."""
    rival = _rival()
    keep_large_blocks()  # as every server and client does; it spares both the same
    with ThreadPoolExecutor(_CORES) as pool:
        for (validators, miners), bar in _BARS.items():
            yield _fixed((validators, miners), Bar(">=", bar), rival, pool.map)
    yield from _retention(rival)
    yield _small(rival)


def _fixed(shape: tuple[int, int], bar: Bar, rival: Rival, spread: Spread) -> Figure:
    (validators, miners), rng = shape, np.random.default_rng(0)
    weights, bonds = (rng.integers(0, 65_536, shape).astype(np.uint16) for _ in range(2))
    stake = FIXED.share(FIXED.whole(rng.integers(1, 10**6, validators)))
    consensus = Yuma1(Rules(), FIXED)

    def ours() -> object:
        outcome = consensus.settle(weights, stake, bonds, spread)
        columns = (outcome.consensus, outcome.incentive, outcome.dividends, outcome.validator_trust)
        return [FIXED.to_u16(column) for column in columns]

    theirs = rival.epoch(weights / 65_535.0, stake / 2.0**32, bonds / 65_535.0)
    return _compared(f"yuma_fixed_{validators}x{miners}", bar, ours, theirs, rival)


def _compared(name: str, bar: Bar, ours: Callable[[], object], theirs: Callable[[], object], rival: Rival) -> Figure:
    ours()
    quiet = Watch([])
    best: dict[int, list[tuple[float, float]]] = {}
    for threads in rival.threads:
        _use(threads)
        theirs()
        best[threads] = pairs(lambda: _each_seconds(ours), lambda: _each_seconds(theirs), effort(9, 1))
    chosen = min(best, key=lambda threads: middle(theirs for _, theirs in best[threads]))
    value = middle(theirs / mine for mine, theirs in best[chosen])
    detail: dict[str, Any] = {
        "ours_s": middle(mine for turns in best.values() for mine, _ in turns),
        "peer_s": middle(theirs for _, theirs in best[chosen]),
        "peer": rival.name,
        "peer_threads": chosen,
        "foreign_load": quiet.foreign(),
    }
    return Figure(name, value, bar, detail)


def _retention(rival: Rival) -> Iterator[Figure]:
    grid = np.linspace(0.0, 1.0, effort(_MAP, 3))
    drawn = [camps(stake, Sizes(), np.random.default_rng(0).standard_normal) for stake in _stakes()]
    retention(drawn[:1], grid[:2], grid[:2], Rules())  # compiled and warm
    quiet = Watch([])
    with ThreadPoolExecutor(_CORES) as pool:
        turns = [_seconds(lambda: retention(drawn, grid, grid, Rules(), spread=pool.map)) for _ in range(effort(3, 1))]
    seconds = min(turns)
    networks = len(drawn) * len(grid) ** 2
    theirs = middle(_peer_network(rival, network) for network in drawn for _ in range(effort(3, 1)))
    detail = {
        "networks": networks,
        "ours_s": seconds,
        "peer_s": theirs * networks,
        "peer": rival.name,
        "foreign_load": quiet.foreign(),
    }
    yield Figure("retention_map", theirs * networks / seconds, Bar(">=", 10), detail)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure("retention_map_peak_mb", peak, Bar("<=", 1024), {"networks": networks, "note": "the whole process"})


def _stakes() -> list[float]:
    return [round(0.5 + 0.05 * at, 2) if at else 0.51 for at in range(effort(_STAKES, 2) - 1)] + [0.99]


def _peer_network(rival: Rival, drawn: Camps) -> float:
    """Seconds of the rival's kernel for one network of a map, its weights given."""
    half = np.array([0.5])
    weights = np.concatenate([drawn.honest_votes(half), drawn.cabal_votes(half)], axis=-2)[0]
    epochs = [rival.epoch(weights, drawn.stake, np.zeros_like(weights)) for _ in range(effort(8, 1))]
    fastest = float("inf")
    for threads in rival.threads:
        _use(threads)
        epochs[0]()
        fastest = min(fastest, _seconds(lambda: [epoch() for epoch in epochs]) / len(epochs))
    return fastest


def _small(rival: Rival) -> Figure:
    rng = np.random.default_rng(0)
    cases, epochs = effort(_CASES, 16), effort(_EPOCHS, 3)
    weights = FLOAT.share(rng.random((cases, 3, 2)))
    stake = FLOAT.share(rng.random((cases, 3)))
    consensus = Yuma1(Rules())

    def ours() -> None:
        bonds = np.zeros_like(weights)
        for _ in range(epochs):
            bonds = consensus.run(Network(weights, stake, bonds)).bonds

    _use(1)
    theirs = rival.epoch(weights[0], stake[0], weights[0])
    ours()
    theirs()
    quiet = Watch([])
    calls = effort(200, 5)
    turns = pairs(
        lambda: cases * epochs / _seconds(ours),
        lambda: calls / _seconds(lambda: [theirs() for _ in range(calls)]),
        effort(5, 1),
    )
    detail: dict[str, Any] = {
        "ours_epochs_s": middle(mine for mine, _ in turns),
        "peer_epochs_s": middle(other for _, other in turns),
        "cases": cases,
        "peer": rival.name,
        "foreign_load": quiet.foreign(),
    }
    return Figure("yuma_small_cases", middle(mine / other for mine, other in turns), Bar(">=", 200), detail)


def _rival() -> Rival:
    root = os.environ.get("YUMA_PEER")
    if root is None:
        return Rival("naive numpy (YUMA_PEER names no checkout)", _naive, (1,))
    files = [Path(root) / place / "yumas.py" for place in _PLACES]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"YUMA_PEER is {root}, and there is no yumas.py in {', '.join(map(str, _PLACES))} of it"
        )
    peer = _module(found)

    def epoch(weights: Array, stake: Array, bonds: Array) -> Callable[[], object]:
        import torch

        w, s, b = (torch.tensor(array, dtype=torch.float32) for array in (weights, stake, bonds))
        config = peer.YumaConfig(peer.SimulationHyperparameters(bond_penalty=1.0))
        return lambda: peer.YumaRust(w, s, w.shape[1], w.shape[0], False, B_old=b, config=config)

    return Rival("yuma-simulation", epoch, (1, 2))


def _module(path: Path) -> ModuleType:
    # By its file: the package around it asks for the whole SDK.
    spec = importlib.util.spec_from_file_location("yuma_peer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _naive(weights: Array, stake: Array, bonds: Array) -> Callable[[], object]:
    """The textbook epoch: sort every column, add up stake, clip, rank, move bonds."""

    def epoch() -> Array:
        w, s = weights / weights.sum(axis=1, keepdims=True), stake / stake.sum()
        order = np.argsort(w, axis=0)
        first = np.argmax(np.cumsum(s[order], axis=0) > 0.5, axis=0)
        consensus = np.take_along_axis(w, order, axis=0)[first, np.arange(w.shape[1])]
        clipped = np.minimum(w, consensus)
        ranks = s @ clipped
        new = clipped * s[:, None]
        moved = 0.1 * new / (new.sum(axis=0) + 1e-6) + 0.9 * bonds / (bonds.sum(axis=0) + 1e-6)
        paid: Array = moved @ (ranks / ranks.sum())
        return paid

    return epoch


def _use(threads: int) -> None:
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(threads)


def _each_seconds(work: Callable[[], object]) -> float:
    """Of one call, over so many that what the other's threads still do after its turn hardly counts."""
    calls = max(1, int(_TURN / _seconds(work)))
    return _seconds(lambda: [work() for _ in range(calls)]) / calls


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
