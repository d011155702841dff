# SPDX-License-Identifier: Apache-2.0
"""The pallet of administration: how the rules of networks and of the chain are changed.

The chain's calls about authors of blocks and about contracts of the EVM are not here, since this chain has neither.
"""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.pallets.admin.chain_rules import ChainRules
from subnet.chain.node.pallets.admin.owner_rules import OwnerRules
from subnet.chain.node.pallets.admin.root_rules import RootRules
from subnet.chain.node.pallets.admin.vote_rules import VoteRules

__all__ = ["AdminUtils"]


class AdminUtils(OwnerRules, VoteRules, RootRules, ChainRules):
    """Calls that change rules."""

    name: ClassVar[str] = "AdminUtils"
    index: ClassVar[int] = 19
