# SPDX-License-Identifier: Apache-2.0
"""What a recorded case says was paid, computed again: the bridge from its fields to the mathematics of emission.

The cases name hotkeys by number, uid i being 1000 + i, and parents that hold no uid by numbers of their own. Nothing
is computed here; fields are renamed, so that a difference found is one of the mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from incentive.emission.accounts import Accounts
from incentive.emission.credit import Kind
from incentive.emission.drain import Pending, drain
from incentive.emission.spec185 import Delegate, cut_of, paid_hotkey
from incentive.emission.stake import Link, Stakes, total_stake_bits

__all__ = ["head_payments", "head_stakes", "runtime185_emission", "runtime185_payments"]

_FIRST_HOTKEY: Final = 1000
_OWNER: Final = 5_000_000
_RECYCLE: Final = 1


def head_stakes(case_in: Mapping[str, Any]) -> list[int]:
    """The I64F64 bits of each uid's stake weight, which the epoch starts from."""
    return list(total_stake_bits(_stakes(case_in), _hotkeys(case_in)))


def head_payments(case_in: Mapping[str, Any], server: Sequence[int], validator: Sequence[int]) -> dict[str, Any]:
    """What a case of the chain's latest source must have paid, from the epoch's amounts per uid."""
    pending = Pending(*(case_in[f"pending_{part}"] for part in ("server", "validator", "root", "owner_cut")))
    payout = drain(pending, server, validator, _accounts(case_in))
    netuid = case_in["netuid"]
    return {
        "log": [[int(paid.kind), paid.hotkey, paid.coldkey, netuid, paid.amount] for paid in payout.credits],
        "alpha_dividends": {str(hotkey): rao for hotkey, rao in payout.alpha_dividends.items()},
        "root_dividends": {str(hotkey): rao for hotkey, rao in payout.root_dividends.items()},
        "total_stake_bits": head_stakes(case_in),
        "miner_burned_bits": payout.miner_burned_bits,
    }


def runtime185_emission(case_in: Mapping[str, Any]) -> int:
    """What the epoch of a case of runtime 185 divides, in rao: what was pending and one block more."""
    _, rest = _cut(case_in)
    return int(case_in["pending"]) + rest


def runtime185_payments(case_in: Mapping[str, Any], server: Sequence[int], validator: Sequence[int]) -> dict[str, Any]:
    """What a case of runtime 185 must have paid by the block after its epoch, from the epoch's amounts per uid."""
    columns = (case_in["owner_cold"], case_in["nominations"], case_in["delegate_take"], server, validator)
    after = [
        paid_hotkey(Delegate(owner, dict(stakes), take), server=mined, validator=validated)
        for owner, stakes, take, mined, validated in zip(*columns, strict=True)
    ]
    paid, (cut, _) = sum(server) + sum(validator), _cut(case_in)
    return {
        "loaded": int(case_in["n"]),
        "pending_after": 0,
        "total_issuance_epoch_block": case_in["total_issuance"] + cut,
        "total_issuance_after": case_in["total_issuance"] + 2 * cut + paid,
        "total_stake_after": case_in["total_stake"] + paid,
        "hotkey_stake_after": [sum(stakes.values()) for stakes in after],
        "stake_after": [[list(stake) for stake in stakes.items()] for stakes in after],
    }


def _cut(case_in: Mapping[str, Any]) -> tuple[int, int]:
    return cut_of(case_in["emission_value"], case_in["subnet_owner_cut"] if case_in["has_owner"] else 0)


def _hotkeys(case_in: Mapping[str, Any]) -> range:
    return range(_FIRST_HOTKEY, _FIRST_HOTKEY + int(case_in["n"]))


def _stakes(case_in: Mapping[str, Any]) -> Stakes:
    hotkeys = _hotkeys(case_in)
    alpha = dict(zip(hotkeys, case_in["alpha_stake"], strict=True))
    root = dict(zip(hotkeys, case_in["root_stake"], strict=True))
    for parent, _, _, _, its_alpha, its_root, _ in case_in["children"]:
        # A parent that has a uid holds what its uid holds; what its link says counts for strangers only.
        alpha.setdefault(parent, its_alpha)
        root.setdefault(parent, its_root)
    links = [Link(parent, child, proportion) for parent, child, proportion, *_ in case_in["children"]]
    return Stakes(alpha, root, links, case_in["tao_weight"])


def _accounts(case_in: Mapping[str, Any]) -> Accounts:
    hotkeys = _hotkeys(case_in)
    owners = dict(zip(hotkeys, case_in["owner_cold"], strict=True))
    takes = dict(zip(hotkeys, case_in["take"], strict=True))
    for parent, _, _, its_owner, _, _, its_take in case_in["children"]:
        owners.setdefault(parent, its_owner)
        takes.setdefault(parent, its_take)
    has_owner = case_in["owner_uid"] >= 0
    return Accounts(
        hotkeys=hotkeys,
        stakes=_stakes(case_in),
        owners=owners,
        takes=takes,
        childkey_takes=dict(zip(hotkeys, case_in["childkey_take"], strict=True)),
        owner=_OWNER if has_owner else None,
        owner_hotkey=hotkeys[case_in["owner_uid"]] if has_owner else None,
        withheld=Kind.RECYCLED if case_in["recycle_or_burn"] == _RECYCLE else Kind.BURNED,
        childkey_burn=case_in["ck_burn"],
    )
