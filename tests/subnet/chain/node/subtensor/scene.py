# SPDX-License-Identifier: Apache-2.0
"""The chain's pallet with the few others that it stands on, outside of any block: calls are made one by one."""

from __future__ import annotations

from typing import Any

from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import ROOT, Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.admin import AdminUtils
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.pallets.system import System

TAO = 1_000_000_000


def key(name: str) -> bytes:
    """An account of that name."""
    return name.encode().ljust(32, b".")


class Scene:
    """Pallets over one state, with the root's network, a clock that tests turn, and no frozen rules."""

    def __init__(self, block: int = 1) -> None:
        self.state = State()
        self.system = System(self.state)
        self.balances = Balances(self.state, self.system)
        self.chain = SubtensorModule(self.state, self.system, self.balances)
        self.admin = AdminUtils(self.state, self.system, self.chain)
        self.chain.create_root(bytes(32), bytes(32))
        self.chain.AdminFreezeWindow.value = 0
        self.system.Number.value = block

    def pay(self, name: str, tao: int) -> bytes:
        """Make somebody rich."""
        self.balances.mint(key(name), tao * TAO)
        self.chain.TotalIssuance.value += tao * TAO
        return key(name)

    def wait(self, blocks: int) -> None:
        """Let blocks pass in which nothing happens."""
        self.system.Number.value += blocks

    def call(self, who: str, name: str, *arguments: Any) -> list[str]:
        """Make a call of the chain's pallet, the root's name is nothing; the names of its events."""
        return self._make(self.chain, Origin(key(who)) if who else ROOT, name, arguments)

    def rule(self, who: str, name: str, *arguments: Any) -> list[str]:
        """Make a call of the pallet of administration; the root's name is nothing."""
        return self._make(self.admin, Origin(key(who)) if who else ROOT, name, arguments)

    def refusal(self, who: str, name: str, *arguments: Any) -> str:
        """Make a call that fails; the name of its error."""
        pallet: Pallet = self.admin if hasattr(self.admin, name) else self.chain
        mark = self.state.mark()
        try:
            done = self._make(pallet, Origin(key(who)) if who else ROOT, name, arguments)
        except DispatchFailure as failure:
            self.state.rollback(mark)
            return self._error(failure)
        raise AssertionError(f"{name} was not refused: {done}")

    def network(self, owner: str = "owner", hotkey: str = "owner's") -> int:
        """A network that is open."""
        self.pay(owner, 10_000)
        self.call(owner, "register_network", key(hotkey))
        netuid = self.chain.subnets()[-1]
        self.call(owner, "start_call", netuid)
        return netuid

    def miners(self, netuid: int, count: int) -> list[str]:
        """So many miners more, each with a coldkey of its own."""
        names = [f"miner {netuid}/{number}" for number in range(count)]
        for name in names:
            self.chain.Burn[netuid] = TAO
            self.pay(f"{name} cold", 10)
            self.call(f"{name} cold", "burned_register", netuid, key(name))
        return names

    def _make(self, pallet: Pallet, origin: Origin, name: str, arguments: tuple[Any, ...]) -> list[str]:
        before = len(self.system.happened)
        getattr(pallet, name)(origin, *arguments)
        return [record.event.fields[0].name for record in self.system.happened[before:]]

    def _error(self, failure: DispatchFailure) -> str:
        if failure.reason.name != "Module":
            return failure.reason.name
        module, code = failure.reason.fields[0]
        pallets = (self.chain, self.admin, self.balances)
        return next(e.name for p in pallets if p.index == module for e in p.errors() if e.index == code[0])
