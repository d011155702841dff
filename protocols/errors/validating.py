# SPDX-License-Identifier: Apache-2.0
"""What can go wrong at a validator: it makes no progress, it knows nothing of a miner, or a user asks in vain."""

from __future__ import annotations

from protocols.errors.base import SubnetError
from protocols.errors.domain import ServiceError

__all__ = ["ApiKeyRefused", "BudgetSpent", "GatewayError", "NobodyAnswered", "NotOffered", "NothingKnown", "Stuck"]


class Stuck(ServiceError):
    """A loop of the validator has made no progress for too long, or the chain has had no weights of it."""

    code, status = "stuck", 503
    exit_code = 75
    advice = "see the stacks in the log for what it waited for, then start it again: subnet validator run"


class NothingKnown(ServiceError):
    """The validator's store has no record of this."""

    code, status = "nothing_known", 404
    advice = "see whom it knows: subnet validator explain"


class GatewayError(SubnetError):
    """The front door for users could not serve one."""

    code = "gateway_error"


class NotOffered(GatewayError):
    """This subnet's miners do no such work for users."""

    code, status = "not_offered", 404
    advice = "see what is offered: GET /v1/models"


class ApiKeyRefused(GatewayError):
    """The API key is missing, unknown or revoked."""

    code, status = "api_key_refused", 401
    advice = "make one: subnet gateway key add NAME"


class BudgetSpent(GatewayError):
    """The API key has had as many requests or tokens as it may for now."""

    code, status = "budget_spent", 429
    advice = "wait for the seconds that Retry-After names, or raise it: subnet gateway key add --help"


class NobodyAnswered(GatewayError):
    """None of the miners that were asked answered in time."""

    code, status = "nobody_answered", 503
    advice = "see which miners answer: subnet validator status"
