# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the mathematics of reward: numbers that no honest computation gives."""

from __future__ import annotations

from protocols.errors.base import SubnetError

__all__ = [
    "ModelMissing",
    "NotFinite",
    "NothingToWeigh",
    "OutOfRange",
    "RewardError",
    "UnreadableCase",
    "WrongShape",
]


class RewardError(SubnetError):
    """A reward, a weight or a payment cannot be computed from what was given."""

    code = "reward_error"


class NotFinite(RewardError):
    """A number is NaN or infinite; it is refused by name, since one of them would spoil every score it meets."""

    code = "not_finite"
    advice = "find where it is made: run the scoring code under numpy.errstate(all='raise')"


class WrongShape(RewardError):
    """Arrays do not fit each other, for example qualities of 5 miners beside answers of 6."""

    code = "wrong_shape"


class OutOfRange(RewardError):
    """A number lies outside of what it stands for, for example a quality above 1 or a negative stake."""

    code = "out_of_range"


class NothingToWeigh(RewardError):
    """No miner has a score above zero, so there are no weights, and the policy for that was to say so."""

    code = "nothing_to_weigh"
    advice = "name a policy: hold the last weights, burn, or uniform"


class UnreadableCase(RewardError):
    """A file of cases cannot be read: not JSON, or without a field that its format has."""

    code = "unreadable_case"
    advice = "see the formats: python -m incentive.parity --help"


class ModelMissing(RewardError):
    """An embedding model was asked for, and the packages that run it are not installed."""

    code = "model_missing"
    advice = "pip install torch==2.13.0 && pip install 'subnet[ml]'"
