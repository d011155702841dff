# SPDX-License-Identifier: Apache-2.0
"""Where an extrinsic ends otherwise than a published runtime of spec 218 recorded it, and by which rule of today.

Rules are named as in subtensor's source (opentensor/subtensor 14bc6f9f9, spec 425).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["DIFFERENCES", "Difference"]


class Difference(NamedTuple):
    """What is otherwise, what comes of it here, and why."""

    rule: str
    parts: tuple[str, ...]
    outcome: str = "Ok"
    paid: bool = False
    events: tuple[str, ...] = ()


_FEE: Final = ("fee",)
_OUTCOME: Final = ("outcome",)
_BOTH: Final = ("fee", "events")
_BY_POOL: Final = "the pool refuses it already, by a number (`SubtensorTransactionExtension`)"
_PAID: Final = "the call is paid for today"
_WEIGHED: Final = "the call's weight was measured anew, and the fee follows it"
_REGISTERED: Final = Difference(
    "paid for; what the uid costs moves to the network's account and buys alpha (`do_register`)",
    _BOTH,
    paid=True,
    events=("Transfer", "RAORecycledForRegistrationSet", "NeuronRegistered"),
)
_STAKED: Final = Difference(
    "paid for; the tao moves to the network's account, and `StakeAdded` tells the alpha and the fee of the trade",
    _BOTH,
    paid=True,
    events=("Transfer", "Withdraw", "StakeAdded"),
)
_IN_BLOCK: Final = "the pool does not look at it any more; a block does, in `do_register`"
_CUT: Final = "what is asked for is cut down to what there is, and nothing is too little (`do_remove_stake`)"
_FOUNDED: Final = (
    "RegistrationAllowed MaxAllowedUidsSet MaxAllowedValidatorsSet MinAllowedWeightSet ImmunityPeriodSet "
    "NewAccount Endowed Transfer SubnetOwnerHotkeySet NetworkAdded"
)

DIFFERENCES: Final[Mapping[str, Difference]] = MappingProxyType(
    {
        "register_network rate limited": Difference(_BY_POOL, _OUTCOME, "Custom 6"),
        "register_network ok": Difference(
            "paid for; the lock moves to the network's account, and fewer rules are told (`init_new_network`)",
            _BOTH,
            paid=True,
            events=tuple(_FOUNDED.split()),
        ),
        "burned_register 0": _REGISTERED,
        "burned_register 1": _REGISTERED,
        "burned_register 2": _REGISTERED,
        "burned_register same hotkey": Difference(_IN_BLOCK, _OUTCOME, "HotKeyAlreadyRegisteredInSubNet", paid=True),
        "burned_register hotkey of other coldkey": Difference(_PAID, _FEE, "NonAssociatedColdKey", paid=True),
        "burned_register root": Difference(_PAID, _FEE, "RegistrationNotPermittedOnRootSubnet", paid=True),
        "burned_register no subnet": Difference(
            "the error has another name (`do_register`)", _OUTCOME, "SubnetNotExists", paid=True
        ),
        "burned_register disabled": Difference(_IN_BLOCK, _OUTCOME, "SubNetRegistrationDisabled", paid=True),
        "burned_register too poor": Difference(_IN_BLOCK, _OUTCOME, "NotEnoughBalanceToStake", paid=True),
        "burned_register too many this interval": Difference(
            "there is no limit any more, the price rises instead (`bump_registration_price_after_registration`)",
            _OUTCOME,
            paid=True,
        ),
        "add_stake": _STAKED,
        "add_stake unknown hotkey": Difference(_PAID, _FEE, "HotKeyAccountNotExists", paid=True),
        "add_stake too much": Difference(_PAID, _FEE, "NotEnoughBalanceToStake", paid=True),
        "add_stake nominator": _STAKED,
        "remove_stake": Difference(_CUT, _OUTCOME, "AmountTooLow", paid=True),
        "remove_stake too much": Difference(_CUT, _OUTCOME, "AmountTooLow", paid=True),
        "set_weights default rate limit": Difference(_BY_POOL, _OUTCOME, "Custom 6"),
        "set_weights no subnet": Difference(
            "a mechanism is looked for, not a network (`ensure_mechanism_exists`)", _OUTCOME, "MechanismDoesNotExist"
        ),
        "set_weights min stake": Difference(
            "the pool's numbers are others (`CustomTransactionError`)", _OUTCOME, "Custom 1"
        ),
        "reveal too early": Difference(_BY_POOL, _OUTCOME, "Custom 17"),
        "reveal wrong": Difference(
            "the pool looks for the commit already, and another error names that there is none (`CheckWeights`)",
            _OUTCOME,
            "Custom 16",
        ),
        "serve_axon loopback": Difference(_BY_POOL, _OUTCOME, "Custom 11"),
        "serve_axon port 0": Difference(_BY_POOL, _OUTCOME, "Custom 12"),
        "serve_axon ip_type": Difference(_BY_POOL, _OUTCOME, "Custom 255"),
        "serve_axon not registered": Difference(_BY_POOL, _OUTCOME, "Custom 10"),
        "serve_axon ok": Difference(_BY_POOL, _OUTCOME, "Custom 12"),
        "serve_axon again fast": Difference(_BY_POOL, _OUTCOME, "Custom 12"),
        "sudo by non-sudo": Difference(
            "the pool refuses it already (`SudoTransactionExtension`)", _OUTCOME, "BadSigner"
        ),
        "owner sets hyperparam": Difference(_WEIGHED, _FEE, paid=True),
        "non-owner sets hyperparam": Difference(_WEIGHED, _FEE, "BadOrigin", paid=True),
        "owner sets root-only": Difference(_WEIGHED, _FEE, "BadOrigin", paid=True),
    }
)
