# SPDX-License-Identifier: Apache-2.0
"""The chain's epoch once more, number by number: the oracle for networks that nobody has recorded.

It follows opentensor/subtensor `pallets/subtensor/src/epoch/{math,run_epoch}.rs` (14bc6f9f9) in its own order, with
sparse rows as lists of pairs and every number a Python integer, so that it shares no step with the code it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from incentive.fixed import I32F32, I64F64, exp

Row = list[tuple[int, int]]
ONE = I32F32.one
U16 = 65_535


@dataclass
class Stored:
    """What the chain has stored, in its own units."""

    block: int
    registered: list[int]
    last_update: list[int]
    permits: list[bool]
    stake: list[int]  # rao
    weights: list[Row]
    bonds: list[Row]
    kappa: int = 32_767
    bonds_penalty: int = 65_535
    bonds_moving_average: int = 900_000
    liquid: tuple[int, int, int] | None = None  # low, high, steepness
    yuma3: bool = False
    max_validators: int = 128
    activity_cutoff: int = 5000
    tempo: int = 360
    threshold: int = 0
    owner: int | None = None
    last_step: int = 0
    committed: list[int] | None = None


@dataclass
class Paid:
    """What an epoch decides, as stored."""

    consensus: list[int] = field(default_factory=list)
    incentive: list[int] = field(default_factory=list)
    dividends: list[int] = field(default_factory=list)
    validator_trust: list[int] = field(default_factory=list)
    permits: list[bool] = field(default_factory=list)
    emission: list[int] = field(default_factory=list)
    bonds: list[Row] = field(default_factory=list)


def epoch(net: Stored, rao: int) -> Paid:
    """`epoch_mechanism`."""
    n = len(net.registered)
    inactive = [updated + net.activity_cutoff < net.block for updated in net.last_update]
    total = [s << 64 if uid == net.owner or s >= net.threshold else 0 for uid, s in enumerate(net.stake)]
    stake = [I64F64.divide(s, sum(total)) >> 32 if sum(total) else 0 for s in total]
    permits = [permit or uid == net.owner for uid, permit in enumerate(net.permits)]
    active = normalised([0 if inactive[uid] or not permits[uid] else s for uid, s in enumerate(stake)])
    weights = masked(net, permits)
    weights = [normalised_row(row) for row in weights]
    consensus = medians(active, weights, n, I32F32.divide(net.kappa << 32, U16 << 32))
    clipped = [clip(row, consensus) for row in weights]
    incentive = normalised(columns(clipped, active, n))
    penalty = I32F32.divide(net.bonds_penalty << 32, U16 << 32)
    for_bonds = interpolated(weights, clipped, n, penalty)
    since = net.last_step + 1 if net.last_step else max(0, net.block - net.tempo)
    old = [[(j, b) for j, b in row if since > net.registered[j]] for row in net.bonds]
    pay = yuma3 if net.yuma3 else yuma1
    dividends, bonds = pay(net, for_bonds, old, active, consensus, incentive)
    combined = [i + d for i, d in zip(incentive, dividends, strict=True)]
    if not sum(combined):
        combined = active if sum(active) else stake
    renewed = [top and s != 0 for top, s in zip(topk(stake, net.max_validators), stake, strict=True)]
    renewed = [permit or uid == net.owner for uid, permit in enumerate(renewed)]
    return Paid(
        consensus=[u16(c) for c in consensus],
        incentive=[u16(i) for i in incentive],
        dividends=[u16(d) for d in dividends],
        validator_trust=[u16(sum(w for _, w in row)) for row in clipped],
        permits=renewed,
        emission=[e * rao >> 32 for e in normalised(combined)] if sum(incentive) else [e * rao >> 32 for e in combined],
        bonds=[[(j, u16(b)) for j, b in row] if renewed[uid] else [] for uid, row in enumerate(bonds)],
    )


def masked(net: Stored, permits: list[bool]) -> list[Row]:
    """Weights without those of strangers, of oneself, and about somebody who has left."""
    rows: list[Row] = []
    for i, row in enumerate(net.weights):
        kept = [(j, w << 32) for j, w in row if permits[i] and (j != i or i == net.owner)]
        kept = [(j, w) for j, w in kept if net.last_update[i] > net.registered[j]]
        if net.committed is not None:
            kept = [(j, w) for j, w in kept if net.committed[i] >= net.registered[j]]
        rows.append(kept)
    return rows


def yuma1(
    net: Stored, weights: list[Row], old: list[Row], active: list[int], consensus: list[int], incentive: list[int]
) -> tuple[list[int], list[Row]]:
    """The original: bonds are shares of a column."""
    n = len(active)
    old = by_columns([[(j, b << 32) for j, b in row] for row in old], n, sum)
    delta = [[(j, I32F32.multiply(w, active[i])) for j, w in row] for i, row in enumerate(weights)]
    moved = by_columns(ema(by_columns(delta, n, sum), old, alpha(net), n), n, sum)
    dividends = normalised([sum(I32F32.multiply(incentive[j], b) for j, b in row) for row in moved])
    return dividends, by_columns(moved, n, max)


def yuma3(
    net: Stored, weights: list[Row], old: list[Row], active: list[int], consensus: list[int], incentive: list[int]
) -> tuple[list[int], list[Row]]:
    """Bonds follow weights; stake counts when they pay."""
    n = len(active)
    old = [[(j, I32F32.divide(b << 32, U16 << 32)) for j, b in row] for row in old]
    if net.liquid and any(consensus):
        moved = [liquid(net.liquid, w_row, b_row, consensus) for w_row, b_row in zip(weights, old, strict=True)]
    else:
        moved = ema(weights, old, alpha(net), n)
    shares = by_columns(moved, n, sum)
    paid = [sum(I32F32.multiply(b, incentive[j]) for j, b in row) for row in shares]
    return normalised([I32F32.multiply(p, a) for p, a in zip(paid, active, strict=True)]), moved


def liquid(speeds: tuple[int, int, int], weights: Row, bonds: Row, consensus: list[int]) -> Row:
    """`compute_liquid_alpha_values_sparse` and `mat_ema_alpha_sparse` of one row."""
    low, high = (I32F32.divide(value << 32, U16 << 32) for value in speeds[:2])
    slope = I32F32.divide(speeds[2] << 32, -100 << 32)
    alphas: list[int] = []
    walks = [list(weights), list(bonds)]
    for j, c in enumerate(consensus):
        found = [0, 0]
        for which, walk in enumerate(walks):
            while walk and walk[0][0] < j:
                walk.pop(0)
            if walk and walk[0][0] == j:
                found[which] = walk[0][1]
        weight, bond = found
        diff = min(max(weight - c if weight >= bond else bond - weight, 0), ONE)
        sigmoid = I32F32.divide(ONE, ONE + exp(I32F32.multiply(slope, diff - ONE // 2)))
        alphas.append(min(max(low + I32F32.multiply(sigmoid, high - low), low), high))
    decayed = [0] * len(consensus)
    for j, b in bonds:
        decayed[j] = I32F32.multiply(ONE - alphas[j], b)
    moved = [(j, min(decayed[j] + max(I32F32.multiply(alphas[j], w), 0), ONE)) for j, w in weights]
    return [(j, value) for j, value in moved if value > 0]


def alpha(net: Stored) -> int:
    return ONE - ((net.bonds_moving_average << 64) // 10**6 >> 32)


def ema(new: list[Row], old: list[Row], speed: int, n: int) -> list[Row]:
    rows: list[Row] = []
    for new_row, old_row in zip(new, old, strict=True):
        cells = [0] * n
        for j, value in new_row:
            cells[j] += I32F32.multiply(speed, value)
        for j, value in old_row:
            cells[j] += I32F32.multiply(ONE - speed, value)
        rows.append([(j, cell) for j, cell in enumerate(cells) if cell > 0])
    return rows


def interpolated(a: list[Row], b: list[Row], n: int, ratio: int) -> list[Row]:
    if ratio == 0:
        return a
    if ratio == ONE:
        return b
    rows: list[Row] = []
    for row, other in ((dict(x), dict(y)) for x, y in zip(a, b, strict=True)):
        cells = [row.get(j, 0) + I32F32.multiply(ratio, other.get(j, 0) - row.get(j, 0)) for j in range(n)]
        rows.append([(j, cell) for j, cell in enumerate(cells) if cell > 0])
    return rows


def clip(row: Row, consensus: list[int]) -> Row:
    return [(j, min(w, consensus[j])) for j, w in row if not (consensus[j] < w and consensus[j] <= 0)]


def medians(active: list[int], weights: list[Row], n: int, kappa: int) -> list[int]:
    voters = [i for i, s in enumerate(active) if s > 0]
    stake = normalised([active[i] for i in voters])
    scores = [dict(weights[i]) for i in voters]
    return [median(stake, [score.get(j, 0) for score in scores], sum(stake) - kappa) for j in range(n)]


def median(stake: list[int], score: list[int], minority: int) -> int:
    """`weighted_median`, by pivots."""
    index, low, high = list(range(len(stake))), 0, sum(stake)
    while len(index) > 1:
        pivot = score[index[len(index) // 2]]
        lower = [i for i in index if score[i] < pivot]
        upper = [i for i in index if score[i] > pivot]
        below, above = sum(stake[i] for i in lower), sum(stake[i] for i in upper)
        if minority < low + below and lower:
            index, high = lower, low + below
        elif high - above <= minority and upper:
            index, low = upper, high - above
        else:
            return pivot
    return score[index[0]] if index else 0


def columns(rows: list[Row], scale: list[int], n: int) -> list[int]:
    sums = [0] * n
    for i, row in enumerate(rows):
        for j, value in row:
            sums[j] += I32F32.multiply(scale[i], value)
    return sums


def by_columns(rows: list[Row], n: int, measure: Callable[[list[int]], int]) -> list[Row]:
    cells: list[list[int]] = [[] for _ in range(n)]
    for row in rows:
        for j, value in row:
            cells[j].append(value)
    tops = [measure(column) if column else 0 for column in cells]
    return [[(j, I32F32.divide(value, tops[j]) if tops[j] else value) for j, value in row] for row in rows]


def normalised(values: Sequence[int]) -> list[int]:
    total = sum(values)
    return [I32F32.divide(value, total) if total else value for value in values]


def normalised_row(row: Row) -> Row:
    return list(zip([j for j, _ in row], normalised([w for _, w in row]), strict=True))


def topk(values: list[int], k: int) -> list[bool]:
    chosen = [True] * len(values)
    if len(values) >= k:
        for i in sorted(range(len(values)), key=lambda at: values[at])[: len(values) - k]:
            chosen[i] = False
    return chosen


def u16(bits: int) -> int:
    return min(max(bits * U16 >> 32, 0), U16)
