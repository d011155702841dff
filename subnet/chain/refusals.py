# SPDX-License-Identifier: Apache-2.0
"""The chain's own names for its refusals, as errors of ours: the same names from every chain, in a node or in process.

A program reacts to the kind of an error, a person searches for the name; both are told here, with what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from protocols.errors import ExtrinsicFailed, LedgerError, NotRegistered, UnknownSubnet

__all__ = ["CUSTOM", "named", "named_custom"]

CUSTOM: Final = (
    "ColdkeyInSwapSchedule", "StakeAmountTooLow", "BalanceTooLow", "SubnetNotExists", "HotkeyAccountDoesntExist",
    "NotEnoughStakeToWithdraw", "RateLimitExceeded", "InsufficientLiquidity", "SlippageTooHigh", "TransferDisallowed",
    "HotKeyNotRegisteredInNetwork", "InvalidIpAddress", "ServingRateLimitExceeded", "InvalidPort", "ZeroMaxAmount",
    "InvalidRevealRound", "CommitNotFound", "CommitBlockNotInRevealRange", "InputLengthsUnequal", "UidNotFound",
)  # fmt: skip
"""What a pallet turns a transaction away with before any block, by number."""

_NOT_REGISTERED: Final = frozenset(
    {"AccountNotAllowedCommit", "HotKeyNotRegisteredInNetwork", "HotKeyNotRegisteredInSubNet", "NotRegistered"}
)
_UNKNOWN_SUBNET: Final = frozenset({"SubNetworkDoesNotExist", "SubnetDoesNotExist", "SubnetNotExists"})
_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AccountNotAllowedCommit": "register the hotkey on the subnet first",
        "CommitRevealDisabled": "set the weights in the open: SetWeights",
        "CommitRevealEnabled": "commit the weights, and reveal them later: CommitWeights",
        "HotKeyNotRegisteredInNetwork": "register the hotkey on the subnet first: Register",
        "HotKeyNotRegisteredInSubNet": "register the hotkey on the subnet first: Register",
        "InvalidTransaction.BadProof": "sign with the account's own key",
        "InvalidTransaction.Payment": "sign with a coldkey that holds tao",
        "NeuronNoValidatorPermit": "stake more on the hotkey, and wait for an epoch",
        "NotEnoughStakeToSetWeights": "stake more on the hotkey",
        "ServingRateLimitExceeded": "wait, and publish an address only when it has changed",
        "SettingWeightsTooFast": "wait, and set weights once an epoch",
    }
)


def named(name: str, what: str) -> LedgerError:
    """The error of ours for a refusal by the chain's name."""
    kind = NotRegistered if name in _NOT_REGISTERED else UnknownSubnet if name in _UNKNOWN_SUBNET else ExtrinsicFailed
    return kind(f"{name}: {what}", help=_HELP.get(name))


def named_custom(number: int) -> LedgerError:
    """The error for a pallet's number."""
    if number < len(CUSTOM):
        return named(CUSTOM[number], "the chain refused to include the call")
    return named(f"InvalidTransaction.Custom{number}", "the chain refused to include the call, by this number")
