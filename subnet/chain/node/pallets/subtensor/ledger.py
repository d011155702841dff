# SPDX-License-Identifier: Apache-2.0
"""What every topic of the pallet builds on: all storage, all events and errors, and the pallets it works with.

A topic is a class with calls and the rules behind them; `SubtensorModule` inherits from all topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.subtensor.errors import SubtensorErrors
from subnet.chain.node.pallets.subtensor.events import SubtensorEvents
from subnet.chain.node.pallets.subtensor.storage_accounts import AccountsStorage
from subnet.chain.node.pallets.subtensor.storage_globals import GlobalsStorage
from subnet.chain.node.pallets.subtensor.storage_locks import LocksStorage
from subnet.chain.node.pallets.subtensor.storage_networks import NetworksStorage
from subnet.chain.node.pallets.subtensor.storage_neurons import NeuronsStorage
from subnet.chain.node.pallets.subtensor.storage_rules import RulesStorage

if TYPE_CHECKING:
    from subnet.chain.node.pallets.balances import Balances
    from subnet.chain.node.pallets.system import System

__all__ = ["Ledger"]


class Ledger(GlobalsStorage, RulesStorage, NetworksStorage, NeuronsStorage, AccountsStorage, LocksStorage):
    """The pallet's storage and neighbours."""

    Events = SubtensorEvents
    Errors = SubtensorErrors

    def __init__(self, state: State, system: System, balances: Balances) -> None:
        super().__init__(state)
        self.system = system
        self.balances = balances
