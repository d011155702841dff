# SPDX-License-Identifier: Apache-2.0
"""The calls that move money, and what other pallets do with it: mint, burn, reserve, withdraw.

Each tells what it did by the chain's events, and fails with the chain's errors; what it wrote until then is rolled
back by whoever made the call.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeAlias

from subnet.chain.node.address import Address, lookup
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import Constant
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.outcome import arithmetic
from subnet.chain.node.pallets.money import EXISTENTIAL_DEPOSIT, Money
from subnet.chain.node.scale.composites import Enum, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, Flag, compact_u64, u32, u64

__all__ = ["Balances"]

_MOST: Final = 2**64 - 1
_Direction: TypeAlias = Annotated[
    Variant,
    Enum(
        ("pallet_balances", "types", "AdjustmentDirection"),
        (VariantType("Increase", 0), VariantType("Decrease", 1)),
    ),
]


class Balances(Money):
    """Money and its calls."""

    name: ClassVar[str] = "Balances"
    index: ClassVar[int] = 5

    ExistentialDeposit = Constant(u64, EXISTENTIAL_DEPOSIT)
    MaxLocks = Constant(u32, 50)
    MaxReserves = Constant(u32, 50)
    MaxFreezes = Constant(u32, 50)

    def mint(self, who: bytes, amount: int) -> None:
        """Make new money."""
        if self.TotalIssuance.value + amount > _MOST:
            raise arithmetic("Overflow")
        self._increase(who, amount)
        self.TotalIssuance.value += amount
        self.system.deposit(self.Minted(who, amount))

    def burn(self, who: bytes, amount: int, *, keep_alive: bool = False) -> None:
        """Destroy money."""
        self._decrease(who, amount, keep_alive)
        self.TotalIssuance.value -= amount
        self.system.deposit(self.Burned(who, amount))

    def move(self, source: bytes, target: bytes, amount: int, *, keep_alive: bool = False) -> None:
        """Pay somebody; the payer's account ends with its last money unless it must be kept alive."""
        self._check_withdrawal(source, amount, keep_alive)
        self._check_deposit(target, amount)
        if source == target:
            return
        self._decrease(source, amount, keep_alive)
        self._increase(target, amount)
        self.system.deposit(self.Transfer(source, target, amount))

    def withdraw(self, who: bytes, amount: int, *, keep_alive: bool = False) -> None:
        """Take money out of an account; whoever took it deposits it elsewhere or rescinds it."""
        self._decrease(who, amount, keep_alive)
        self.system.deposit(self.Withdraw(who, amount))

    def deposit(self, who: bytes, amount: int) -> None:
        """Put money that was withdrawn or issued into an account."""
        self._increase(who, amount)
        self.system.deposit(self.Deposit(who, amount))

    def issue(self, amount: int) -> None:
        """Make money that is deposited next."""
        if self.TotalIssuance.value + amount > _MOST:
            raise arithmetic("Overflow")
        self.TotalIssuance.value += amount

    def rescind(self, amount: int) -> None:
        """Destroy money that was withdrawn."""
        self.TotalIssuance.value -= amount

    def reserve(self, who: bytes, amount: int) -> None:
        """Set money of an account aside."""
        if not amount:
            return
        info = self.system.Account[who]
        data = info.data
        if data.free < amount:
            raise self.Errors.InsufficientBalance()
        if data.free - amount < data.frozen:
            raise self.Errors.LiquidityRestrictions()
        self._write(who, info, data._replace(free=data.free - amount, reserved=data.reserved + amount))
        self.system.deposit(self.Reserved(who, amount))

    def unreserve(self, who: bytes, amount: int) -> None:
        """Give back what was set aside, at most all of it."""
        info = self.system.Account[who]
        data = info.data
        amount = min(amount, data.reserved)
        if amount:
            self._write(who, info, data._replace(free=data.free + amount, reserved=data.reserved - amount))
            self.system.deposit(self.Unreserved(who, amount))

    @call(0, ref_time=163_159_000)
    def transfer_allow_death(self, origin: Origin, dest: Address, value: compact_u64) -> None:
        """Pay somebody, if need be with the last of one's money."""
        self.move(origin.signed(), lookup(dest), value)

    @call(2, ref_time=163_159_000)
    def force_transfer(self, origin: Origin, source: Address, dest: Address, value: compact_u64) -> None:
        """Pay with somebody's money, as the root."""
        origin.root()
        self.move(lookup(source), lookup(dest), value)

    @call(3, ref_time=163_159_000)
    def transfer_keep_alive(self, origin: Origin, dest: Address, value: compact_u64) -> None:
        """Pay somebody, but never with the last of one's money."""
        self.move(origin.signed(), lookup(dest), value, keep_alive=True)

    @call(4, ref_time=163_159_000)
    def transfer_all(self, origin: Origin, dest: Address, keep_alive: Flag) -> None:
        """Pay somebody all that one has."""
        who = origin.signed()
        amount = self.reducible(who, keep_alive=keep_alive)
        self.move(who, lookup(dest), amount, keep_alive=keep_alive)

    @call(5)
    def force_unreserve(self, origin: Origin, who: Address, amount: u64) -> None:
        """Give somebody back what was set aside, as the root."""
        origin.root()
        self.unreserve(lookup(who), amount)

    @call(6)
    def upgrade_accounts(self, origin: Origin, who: tuple[AccountId, ...]) -> None:
        """Bring accounts up to date, which all accounts of this chain are from their first block on."""
        origin.signed()

    @call(8)
    def force_set_balance(self, origin: Origin, who: Address, new_free: compact_u64) -> None:
        """Decide what somebody has, as the root."""
        origin.root()
        account = lookup(who)
        info = self.system.Account[account]
        free = new_free if new_free >= EXISTENTIAL_DEPOSIT else 0
        issuance = self.TotalIssuance.value + free - info.data.free
        if issuance > _MOST:
            raise arithmetic("Overflow")
        if free != info.data.free:
            self._write(account, info, info.data._replace(free=free))
        self.TotalIssuance.value = issuance
        self.system.deposit(self.BalanceSet(account, free))

    @call(9)
    def force_adjust_total_issuance(self, origin: Origin, direction: _Direction, delta: compact_u64) -> None:
        """Correct how much money there is said to be, as the root."""
        origin.root()
        if not delta:
            raise self.Errors.DeltaZero()
        old = self.TotalIssuance.value
        new = min(old + delta, _MOST) if direction.name == "Increase" else max(old - delta, 0)
        if new < self.InactiveIssuance.value:
            raise self.Errors.IssuanceDeactivated()
        self.TotalIssuance.value = new
        self.system.deposit(self.TotalIssuanceForced(old, new))

    @call(10)
    def burn_(self, origin: Origin, value: compact_u64, keep_alive: Flag) -> None:
        """Destroy one's own money."""
        who = origin.signed()
        if value > self.TotalIssuance.value:
            raise arithmetic("Overflow")
        self.burn(who, value, keep_alive=keep_alive)
