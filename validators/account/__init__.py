# SPDX-License-Identifier: Apache-2.0
"""Why a miner was paid what it was paid, from a validator's store alone, and whether what the store says is true."""

from __future__ import annotations

from validators.account.document import Document, Shown, document_of
from validators.account.tracing import account, miner_named
from validators.account.value import Account, Check, Earned, Vote, conversation
from validators.account.voting import shares

__all__ = [
    "Account",
    "Check",
    "Document",
    "Earned",
    "Shown",
    "Vote",
    "account",
    "conversation",
    "document_of",
    "miner_named",
    "shares",
]
