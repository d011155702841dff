# SPDX-License-Identifier: Apache-2.0
"""Checks of the parts that have a default: whom to ask, how scores move, how they become weights, who may call.

They are tried on numbers and neurons made up here, and so are fast and need neither tasks nor a model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from protocols.columns import Floats
from protocols.dialect import Caller
from protocols.endpoint import Endpoint
from protocols.errors import InvalidSubnet, Refusal
from protocols.metagraph import Metagraph, Neuron
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid
from subnet.check.trial import VALIDATOR, Trial, hotkey
from validators.sampling import sample as sampled

__all__ = ["aggregate", "policy", "sample", "weigh"]

_MINERS: Final = 9
_ROUNDS: Final = 20
_ROUNDING: Final = 1e-6


def sample(trial: Trial) -> str:
    """`sample` picks others, each once, not too many, and the same for the same rng."""
    definition, me = trial.definition(), hotkey(VALIDATOR)
    town, alone = _metagraph(_MINERS), _metagraph(0)
    sampled(definition, alone, np.random.default_rng(trial.seed), 4, me)
    met = set[Hotkey]()
    for size in (1, 4, 2 * _MINERS):
        for number in range(_ROUNDS):
            one, other = (
                sampled(definition, town, np.random.default_rng([trial.seed, number]), size, me) for _ in "ab"
            )
            if one != other:
                raise InvalidSubnet(
                    f"sample picked {one} and then {other} with the same rng", help="draw from rng only"
                )
            met.update(one)
    if not met:
        raise InvalidSubnet(f"sample picked nobody in {3 * _ROUNDS} rounds, of {_MINERS} miners that can be reached")
    return f"{len(met)} of {_MINERS} miners met in {3 * _ROUNDS} rounds"


def aggregate(trial: Trial) -> str:
    """Scores stay finite and from 0 up, and a higher reward never gives a lower one."""
    rng = np.random.default_rng(trial.seed)
    for n in (1, 2, 8):
        scores, rewards, asked = rng.random(n), rng.random(n), rng.random(n) < 0.7
        moved = _moved(trial, "aggregate", scores, rewards, asked)
        for uid in np.flatnonzero(asked):
            better = rewards.copy()
            better[uid] = 1.0
            after = _moved(trial, "aggregate", scores, better, asked)
            if after[uid] < moved[uid] - _ROUNDING:
                raise InvalidSubnet(
                    f"aggregate gave {moved[uid]:.4f} for a reward of {rewards[uid]:.4f}, {after[uid]:.4f} for 1",
                    help="let each score rise with its own reward",
                )
        _moved(trial, "aggregate", scores, np.zeros(n), np.zeros(n, dtype=np.bool_))
    return "rounds of 1, 2 and 8 miners"


def weigh(trial: Trial) -> str:
    """Weights sum to 1, or are all zero, and a higher score never weighs less."""
    rng = np.random.default_rng(trial.seed)
    table = np.vstack([rng.random((4, 8)), np.zeros(8), np.eye(8)[:1], np.full((1, 8), 0.5)])  # (R, N)
    weights = _moved(trial, "weigh", table)
    for row, (scores, given) in enumerate(zip(table, weights, strict=True)):
        total = given.sum()
        if abs(total - 1.0) > _ROUNDING and given.any():
            raise InvalidSubnet(
                f"weigh gave weights that sum to {total:.6g} for scores {_shown(scores)}, expected 1, or all zero",
                help="divide by scores.sum(axis=-1, keepdims=True)",
            )
        by_score = given[np.argsort(scores, kind="stable")]
        if row < 4 and (np.diff(by_score) < -_ROUNDING).any():
            raise InvalidSubnet(
                f"weigh gave {_shown(given)} for scores {_shown(scores)}, a higher score less than a lower"
            )
        single = _moved(trial, "weigh", scores)
        if np.abs(single - given).max() > _ROUNDING:
            raise InvalidSubnet(
                f"weigh gave {_shown(given)} for a row of a table, {_shown(single)} for the same row alone",
                help="reduce over the last axis only: axis=-1",
            )
    _moved(trial, "weigh", rng.random((2, 3, 8)))
    _moved(trial, "weigh", np.zeros(1))
    return f"{len(table)} rows of 8 scores, together and alone"


def policy(trial: Trial) -> str:
    """`policy` lets validators in, and refuses by raising `NotAdmitted`."""
    callers = {
        "validators": _neuron(VALIDATOR),
        "miners": _neuron(0),
        "strangers": None,
    }
    welcome = [who for who, neuron in callers.items() if _admitted(trial, who, neuron)]
    if "validators" not in welcome:
        raise InvalidSubnet("policy refuses a validator with a permit and a million alpha", help="let validators in")
    return f"lets in: {', '.join(welcome)}"


def _admitted(trial: Trial, who: str, neuron: Neuron | None) -> bool:
    name = hotkey(VALIDATOR - 1) if neuron is None else neuron.hotkey
    caller = Caller(name, 1_700_000_000 * 10**9, "btauth/1", "check", b"")
    decide: Callable[..., object] = trial.definition().policy
    try:
        said = decide(caller, neuron)
    except Refusal:
        return False
    if said is not None:
        raise InvalidSubnet(
            f"policy returned {said!r} for {who}, expected None, or to raise", help="raise NotAdmitted(...) to refuse"
        )
    return True


def _moved(trial: Trial, name: str, scores: Floats, *others: Any) -> Floats:
    """What a method makes of scores: as many numbers from 0 up, from an input that it leaves as it is."""
    given = [array.copy() for array in (scores, *others)]
    moved: Floats = np.asarray(getattr(trial.definition(), name)(*given), dtype=np.float64)
    if moved.shape != scores.shape:
        raise InvalidSubnet(f"{name} gave shape {moved.shape} for scores of shape {scores.shape}, expected the same")
    if not (np.isfinite(moved) & (moved >= 0)).all():
        raise InvalidSubnet(
            f"{name} gave {_shown(moved)} for scores {_shown(scores)}, expected finite numbers from 0 up"
        )
    if not all(np.array_equal(now, before) for now, before in zip(given, (scores, *others), strict=True)):
        raise InvalidSubnet(f"{name} changed the arrays that it was given", help="return a new array")
    again = np.asarray(getattr(trial.make(), name)(*given), dtype=np.float64)
    if not np.array_equal(moved, again):
        raise InvalidSubnet(f"{name} gave {_shown(moved)}, the second time {_shown(again)}", help="use no chance in it")
    return moved


def _shown(values: Floats) -> str:
    return np.array2string(values, precision=4, threshold=8, separator=", ").replace("\n", "")


def _metagraph(miners: int) -> Metagraph:
    """Validators at uid 0, miners that can be reached, and as many that cannot."""
    first = [_neuron(VALIDATOR)]
    rest = [_neuron(number, uid=1 + number, is_reachable=number < miners) for number in range(2 * miners)]
    return Metagraph.of(NetUid(1), Block(1_000), [*first, *rest])


def _neuron(number: int, uid: int = 0, is_reachable: bool = True) -> Neuron:
    is_validator = number == VALIDATOR
    return Neuron(
        uid=Uid(uid),
        hotkey=hotkey(number),
        coldkey=Coldkey(hotkey(number)),
        endpoint=Endpoint("198.51.100.7", 8091 + number) if is_reachable else None,
        stake=10**15 if is_validator else 0,
        alpha_stake=10**15 if is_validator else 0,
        validator_permit=is_validator,
        last_update=Block(990),
        block_at_registration=Block(1),
    )
