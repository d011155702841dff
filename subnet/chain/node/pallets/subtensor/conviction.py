# SPDX-License-Identifier: Apache-2.0
"""What time does to a lock: its stake comes free, and the conviction that it lends grows and fades.

Stake that is locked for good stays; other stake halves and halves again. Conviction follows what is locked, late, so
that a lock of a moment convinces nobody. All in the chain's fixed-point numbers, to the last bit.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from incentive.fixed import I64F64, U64F64, exp
from subnet.chain.node.pallets.subtensor.storage_locks import StakeLock

__all__ = ["Rates", "Role", "decay", "empty", "fraction", "is_dust", "merged", "reduced", "rolled"]

_DUST: Final = 100
_STEEPEST: Final = 40
_MOST: Final = (1 << 64) - 1


class Rates(NamedTuple):
    """In how many blocks locked stake falls to 1/e, and conviction comes as near to it."""

    unlock: int
    maturity: int


class Role(NamedTuple):
    """What a lock is: on the hotkey of the network's owner or on another, for good or on its way out."""

    owner: bool
    perpetual: bool


def empty(now: int) -> StakeLock:
    """A lock of nothing."""
    return StakeLock(0, 0, now)


def is_dust(lock: StakeLock) -> bool:
    """Whether so little is left that the lock is over."""
    return lock.locked_mass < _DUST and lock.conviction < U64F64.of(_DUST)


def merged(a: StakeLock, b: StakeLock) -> StakeLock:
    """Two locks in one."""
    mass = min(a.locked_mass + b.locked_mass, _MOST)
    return StakeLock(mass, U64F64.saturate(a.conviction + b.conviction), max(a.last_update, b.last_update))


def reduced(lock: StakeLock, mass: int, conviction: int) -> StakeLock:
    """A lock without a part of it, at most all."""
    return lock._replace(locked_mass=max(lock.locked_mass - mass, 0), conviction=max(lock.conviction - conviction, 0))


def fraction(part: int, whole: int) -> int:
    """A part over the whole, as U64F64; nothing of nothing is nothing."""
    return U64F64.divide(U64F64.of(part), U64F64.of(whole))


def rolled(lock: StakeLock, now: int, rates: Rates, role: Role) -> StakeLock:
    """A lock as it is by now; on the owner's hotkey it convinces with all of its stake at once."""
    if now > lock.last_update:
        lock = _aged(lock, now, rates, role)
    if role.owner:
        lock = lock._replace(conviction=U64F64.of(lock.locked_mass))
    return StakeLock(0, 0, lock.last_update) if is_dust(lock) else lock


def decay(blocks: int, rate: int) -> int:
    """e to the power of minus blocks over a rate, as U64F64."""
    if not blocks:
        return U64F64.one
    if not rate:
        return 0
    return I64F64.to(U64F64, exp(I64F64.divide(I64F64.of(-blocks), I64F64.of(rate)), I64F64, _STEEPEST))


def _aged(lock: StakeLock, now: int, rates: Rates, role: Role) -> StakeLock:
    blocks = now - lock.last_update
    unlock, maturity = decay(blocks, rates.unlock), decay(blocks, rates.maturity)
    mass = U64F64.of(lock.locked_mass)
    left = lock.locked_mass if role.perpetual else U64F64.floor(U64F64.multiply(unlock, mass))
    if role.perpetual:
        grown = U64F64.one - maturity
    elif rates.unlock == rates.maturity:
        waited = U64F64.divide(U64F64.of(blocks), U64F64.of(rates.maturity))
        grown = U64F64.multiply(waited, maturity)
    else:
        grown = _ripened(unlock, maturity, rates)
    conviction = U64F64.multiply(maturity, lock.conviction) + U64F64.multiply(mass, grown)
    return StakeLock(left, U64F64.saturate(conviction), now)


def _ripened(unlock: int, maturity: int, rates: Rates) -> int:
    """What part of stake that comes free at one rate has turned into conviction at another."""
    if not rates.unlock or not rates.maturity:
        return 0
    apart = I64F64.of(rates.unlock - rates.maturity)
    ripe = I64F64.divide(I64F64.multiply(I64F64.of(rates.unlock), unlock - maturity), apart)
    return max(ripe, 0)
