# SPDX-License-Identifier: Apache-2.0
"""The pallet of administration: how the rules of networks and of the chain are changed.

Owners change most rules of their network, the root changes all.
"""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.pallets.admin.chain_rules import ChainRules
from subnet.chain.node.pallets.admin.node_rules import NodeRules
from subnet.chain.node.pallets.admin.owner_rules import OwnerRules
from subnet.chain.node.pallets.admin.root_rules import RootRules
from subnet.chain.node.pallets.admin.vote_rules import VoteRules

__all__ = ["AdminUtils"]


class AdminUtils(OwnerRules, VoteRules, RootRules, ChainRules, NodeRules):
    """Calls that change rules."""

    name: ClassVar[str] = "AdminUtils"
    index: ClassVar[int] = 19
