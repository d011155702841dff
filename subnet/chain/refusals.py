# SPDX-License-Identifier: Apache-2.0
"""The chain's own names for its refusals, as errors of ours: the same names from every chain, in a node or in process.

A program reacts to the kind of an error, a person searches for the name; both are told here, with what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from protocols.calls import (
    Call,
    CommitTimelockedWeights,
    CommitWeights,
    RegisterNetwork,
    RevealWeights,
    SetWeights,
)
from protocols.errors import ExtrinsicFailed, LedgerError, NotRegistered, UnknownSubnet

__all__ = ["CUSTOM", "named", "named_custom"]

CUSTOM: Final = (
    "ColdkeyInSwapSchedule", "StakeAmountTooLow", "BalanceTooLow", "SubnetNotExists", "HotkeyAccountDoesntExist",
    "NotEnoughStakeToWithdraw", "RateLimitExceeded", "InsufficientLiquidity", "SlippageTooHigh", "TransferDisallowed",
    "HotKeyNotRegisteredInNetwork", "InvalidIpAddress", "ServingRateLimitExceeded", "InvalidPort", "ZeroMaxAmount",
    "InvalidRevealRound", "CommitNotFound", "CommitBlockNotInRevealRange", "InputLengthsUnequal", "UidNotFound",
    "EvmKeyAssociateRateLimitExceeded", "ColdkeySwapDisputed", "InvalidRealAccount", "FailedShieldedTxParsing",
    "InvalidShieldedTxPubKeyHash", "NonAssociatedColdKey", "DelegateTakeTooLow", "DelegateTakeTooHigh",
)  # fmt: skip
"""What a pallet turns a transaction away with before any block, by number."""

_MEANT: Final[Mapping[tuple[str, type], str]] = MappingProxyType(
    {
        **{("StakeAmountTooLow", vote): "NotEnoughStakeToSetWeights" for vote in (SetWeights, CommitWeights)},
        ("StakeAmountTooLow", CommitTimelockedWeights): "NotEnoughStakeToSetWeights",
        ("StakeAmountTooLow", RevealWeights): "NotEnoughStakeToSetWeights",
        ("RateLimitExceeded", SetWeights): "SettingWeightsTooFast",
        ("RateLimitExceeded", CommitWeights): "CommittingWeightsTooFast",
        ("RateLimitExceeded", RegisterNetwork): "NetworkTxRateLimitExceeded",
        ("CommitNotFound", RevealWeights): "NoWeightsCommitFound",
        ("CommitBlockNotInRevealRange", RevealWeights): "RevealTooEarly",
    }
)
"""What one number for several errors stands for, by the call that it was said to."""

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


def named_custom(number: int, call: Call | None = None) -> LedgerError:
    """The error for a pallet's number, by the name that a block would give it where the call tells which that is."""
    if number < len(CUSTOM):
        name = CUSTOM[number]
        return named(_MEANT.get((name, type(call)), name), "the chain refused to include the call")
    return named(f"InvalidTransaction.Custom{number}", "the chain refused to include the call, by this number")
