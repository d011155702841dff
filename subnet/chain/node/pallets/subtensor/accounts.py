# SPDX-License-Identifier: Apache-2.0
"""Which networks there are, which coldkey owns which hotkey, and where networks keep their tao.

A hotkey belongs to the first coldkey that names it. A network's account is made from its number, so nobody has its
key, and nobody may take it for a hotkey.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.money import EXISTENTIAL_DEPOSIT
from subnet.chain.node.pallets.subtensor.limits import Limits
from subnet.chain.node.scale.names import AccountId

__all__ = ["Accounts", "ROOT", "mechanism_index"]

ROOT: Final = 0
"""The network of the root, where stake is tao and nobody is a miner."""

_PREFIX: Final = b"modlsubtensr"
_REST: Final = bytes(32 - len(_PREFIX) - 2)
_MECHANISMS_APART: Final = 4096


def mechanism_index(netuid: int, mechanism: int) -> int:
    """The number under which votes on one of a network's mechanisms are stored."""
    return netuid + _MECHANISMS_APART * mechanism


class Accounts(Limits):
    """Networks and owners."""

    def if_subnet_exist(self, netuid: int) -> bool:
        """Whether there is such a network."""
        return self.NetworksAdded[netuid]

    def ensure_subnet(self, netuid: int) -> None:
        """Turn away whoever names a network that is not there."""
        if not self.NetworksAdded[netuid]:
            raise self.Errors.SubnetNotExists()

    def networks(self) -> list[int]:
        """All networks, the root's first."""
        return sorted([netuid for netuid, added in self.NetworksAdded.items() if added])

    def subnets(self) -> list[int]:
        """All networks but the root's, in order."""
        return [netuid for netuid in self.networks() if netuid != ROOT]

    def mechanisms(self, netuid: int) -> list[int]:
        """The numbers under which votes on each of a network's mechanisms are stored."""
        return [mechanism_index(netuid, mechanism) for mechanism in range(self.MechanismCountCurrent[netuid])]

    def owner_of(self, hotkey: bytes) -> bytes | None:
        """The coldkey that a hotkey belongs to."""
        if hotkey in self.Owner:
            return self.Owner[hotkey]
        return None

    def owns(self, coldkey: bytes, hotkey: bytes) -> bool:
        """Whether a hotkey belongs to a coldkey."""
        return self.owner_of(hotkey) == coldkey

    def create_account_if_non_existent(self, coldkey: bytes, hotkey: bytes) -> None:
        """Give a hotkey to a coldkey, unless it is somebody's already."""
        self.ensure_not_system(hotkey)
        if hotkey in self.Owner:
            return
        self.Owner[hotkey] = coldkey
        for mine in (self.OwnedHotkeys, self.StakingHotkeys):
            if hotkey not in mine[coldkey]:
                mine[coldkey] = (*mine[coldkey], hotkey)

    def ensure_not_system(self, hotkey: bytes) -> None:
        """Turn away whoever takes a network's account for a hotkey."""
        if hotkey.startswith(_PREFIX) and hotkey.endswith(_REST):
            raise self.Errors.CannotUseSystemAccount()

    def subnet_account(self, netuid: int) -> bytes:
        """The account in which a network keeps its tao."""
        return _PREFIX + netuid.to_bytes(2, "little") + _REST

    def payable(self, coldkey: bytes, amount: int) -> int:
        """As much of an amount as a coldkey can pay and live."""
        paid = min(amount, max(self.balances.free(coldkey) - EXISTENTIAL_DEPOSIT, 0))
        if amount and not paid:
            raise self.Errors.InsufficientBalance()
        return paid

    def fund_subnet(self, netuid: int, coldkey: bytes, amount: int) -> int:
        """Pay tao into a network's account, as much of it as leaves the payer alive; says how much that was."""
        paid = self.payable(coldkey, amount)
        if paid:
            self.balances.move(coldkey, self.subnet_account(netuid), paid, keep_alive=True)
        return paid

    def recycle(self, who: bytes, amount: int) -> None:
        """Take tao out of the world, to be emitted again."""
        self.balances.withdraw(who, amount)
        self.balances.rescind(amount)
        self.TotalIssuance.value = max(self.TotalIssuance.value - amount, 0)

    @call(91)
    def try_associate_hotkey(self, origin: Origin, hotkey: AccountId) -> None:
        """Take a hotkey that is nobody's; one that is somebody's stays with them."""
        self.create_account_if_non_existent(origin.signed(), hotkey)
