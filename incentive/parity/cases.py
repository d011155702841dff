# SPDX-License-Identifier: Apache-2.0
"""Recorded cases run again: an epoch of the chain's latest source, an epoch of spec 185, and tables of small functions.

A case is a table `in` of what the chain had stored and a table `out` of what it stored afterwards. Each function here
gives the fields of `out` anew. In floats only what consensus decides is comparable, so amounts are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, TypeAlias

import numpy as np

from incentive.arrays import Ints
from incentive.consensus.arithmetic import FIXED, Arithmetic
from incentive.consensus.epoch import Epoch, Epoch185
from incentive.consensus.ledger import Ledger, Lists, Settings, Terms
from incentive.consensus.liquid import rates
from incentive.consensus.mechanisms import run_mechanisms
from incentive.consensus.rules import Liquid, Rules
from incentive.consensus.yuma import Yuma1, Yuma3
from incentive.fixed import PROPORTION
from incentive.parity.payments import head_payments, head_stakes, runtime185_emission, runtime185_payments

__all__ = ["Case", "TOLERANCES", "alpha_sigmoid", "head", "placed", "recorded", "runtime185"]

Case: TypeAlias = Mapping[str, Any]

TOLERANCES: Final[Mapping[str, int]] = {"trust": 2}
"""Units of 1/65535 by which floats may differ, where it is not one."""

_NEVER: Final = 2**63 - 1


def head(case: Case, numbers: Arithmetic) -> dict[str, Any]:
    """What the latest source stores after an epoch with all its mechanisms, and whom it pays."""
    given = case["in"]
    epoch = Epoch(_head_settings(given), numbers)
    stake = head_stakes(given)
    ledgers = [_head_ledger(given, mechanism, stake) for mechanism in given["mech"]]
    rao = sum(given[f"pending_{part}"] for part in ("server", "validator", "root"))
    whole, each = run_mechanisms(epoch, ledgers, rao, given["mechanism_split"] or None)
    columns = {
        **_columns(whole),
        "stake_weight": whole.stake_weight.tolist(),
        "incentive": [one.incentive.tolist() for one in each],
        "bonds": [_bonds(one, numbers) for one in each],
    }
    if numbers is not FIXED:
        return columns
    paid = head_payments(given, whole.server_emission, whole.validator_emission)
    return {**columns, "emission": whole.emission, **paid}


def runtime185(case: Case, numbers: Arithmetic) -> dict[str, Any]:
    """What the runtime of spec 185 stores after an epoch, and what it pays a block later."""
    given = case["in"]
    rules = Rules(kappa=Fraction(given["kappa"], PROPORTION), bonds_moving_average=Fraction(given["bonds_ma"], 10**6))
    settings = Settings(rules, Yuma1, given["max_validators"], given["activity_cutoff"], given["tempo"])
    ledger = Ledger(
        block=given["block"],
        registered=np.array(given["reg_block"]),
        last_update=np.array(given["last_update"]),
        permits=np.array(given["permit"]),
        stake=[rao << 64 for rao in given["stake"]],
        weights=Lists.of(given["weights"]),
        bonds=Lists.of(given["bonds"]),
    )
    terms = Epoch185(settings, numbers).run(ledger, runtime185_emission(given))
    columns = {
        **_columns(terms),
        "incentive": terms.incentive.tolist(),
        "rank": terms.rank.tolist(),
        "trust": terms.trust.tolist(),
        "pruning_scores": terms.pruning.tolist(),
        "bonds": _bonds(terms, numbers),
    }
    if numbers is not FIXED:
        return columns
    amounts = {
        "emission": terms.emission,
        "server_emission": terms.server_emission,
        "validator_emission": terms.validator_emission,
    }
    stepped = {"blocks_since_last_step": 0, "last_step_block": given["block"]}
    paid = runtime185_payments(given, terms.server_emission, terms.validator_emission)
    return {**columns, **amounts, **stepped, **paid}


def recorded(case: Case, numbers: Arithmetic) -> dict[str, Any]:
    """What the case recorded, under the names of the functions above."""
    fields = dict(case["out"])
    mechanisms = fields.pop("mech", None)
    if mechanisms is None:
        return {**fields, "bonds": placed(fields["bonds"], numbers)}
    columns = {name: [one[name] for one in mechanisms] for name in mechanisms[0]}
    return {**fields, **columns, "bonds": [placed(rows, numbers) for rows in columns["bonds"]]}


def placed(rows: Sequence[Sequence[Sequence[int]]], numbers: Arithmetic) -> list[list[list[int]]]:
    """Rows of bonds as they are stored; for floats with a place for every uid, since a tiny bond may be missing."""
    if numbers is FIXED:
        return [[list(entry) for entry in row] for row in rows]
    known = [{entry[0]: entry[1] for entry in row} for row in rows]
    return [[[uid, row.get(uid, 0)] for uid in range(len(rows))] for row in known]


def alpha_sigmoid(consensus: int, weight: int, bond: int, *speeds: int) -> int:
    """The chain's liquid alpha, all in I32F32 bits; the speeds are low, high and steepness."""
    low, high, steepness = (Fraction(bits, FIXED.one) for bits in speeds)
    cell, held = np.array([[weight]]), np.array([[bond]])
    return int(rates(FIXED, Liquid(low, high, steepness / 100), cell, held, np.array([consensus]))[0, 0])


def _head_settings(given: Case) -> Settings:
    low, high = (Fraction(value, PROPORTION) for value in given["alpha_values"])
    rules = Rules(
        kappa=Fraction(given["kappa"], PROPORTION),
        bonds_penalty=Fraction(given["bonds_penalty"], PROPORTION),
        bonds_moving_average=Fraction(given["bonds_ma"], 10**6),
        liquid=Liquid(low, high, Fraction(given["alpha_sigmoid_steepness"], 100)) if given["liquid_alpha"] else None,
    )
    return Settings(
        rules=rules,
        version=Yuma3 if given["yuma3"] else Yuma1,
        max_validators=given["max_validators"],
        activity_cutoff=max(1, given["activity_cutoff_factor_milli"] * given["tempo"] // 1000),
        tempo=given["tempo"],
        stake_threshold=given["stake_threshold"],
        owner_uid=given["owner_uid"] if given["owner_uid"] >= 0 else None,
    )


def _head_ledger(given: Case, mechanism: Case, stake: Sequence[int]) -> Ledger:
    return Ledger(
        block=given["block"],
        registered=np.array(given["reg_block"]),
        last_update=np.array(mechanism["last_update"]),
        permits=np.array(given["permit"]),
        stake=stake,
        weights=Lists.of(mechanism["weights"]),
        bonds=Lists.of(mechanism["bonds"]),
        committed=_committed(given, mechanism) if given["commit_reveal"] else None,
        last_step=given["last_mechanism_step"],
    )


def _committed(given: Case, mechanism: Case) -> Ints:
    """The block of each validator's oldest commit that has not expired; of hash commits the first in line counts."""
    blocks = np.full(given["n"], _NEVER, dtype=np.int64)
    found: set[int] = set()
    for kind, uid, epoch, block in mechanism["commits"]:
        expired = given["epoch_index"] > epoch + given["reveal_period"]
        if not expired and not (kind == 2 and uid in found):
            blocks[uid] = min(int(blocks[uid]), block)
            found |= {uid} if kind == 2 else set()
    return blocks


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "active": terms.active.tolist(),
        "consensus": terms.consensus.tolist(),
        "dividends": terms.dividends.tolist(),
        "validator_trust": terms.validator_trust.tolist(),
        "validator_permit": terms.permits.tolist(),
    }


def _bonds(terms: Terms, numbers: Arithmetic) -> list[list[list[int]]]:
    return placed([[list(entry) for entry in row] for row in terms.bonds], numbers)
