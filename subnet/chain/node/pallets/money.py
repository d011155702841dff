# SPDX-License-Identifier: Apache-2.0
"""How money is kept: what accounts hold, what may be taken, and what happens to accounts with too little to be kept.

The rules and the order of events are those of the chain's own pallet. An account lives while it has the existential
deposit; what is left below that is dust, and is lost with it. `TotalIssuance` is the sum of what all accounts have,
and of what was withdrawn and not yet rescinded.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

from subnet.chain.node.frame.hashing import blake2_128_concat
from subnet.chain.node.frame.items import DispatchFailure, Error, Event
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.outcome import arithmetic, token
from subnet.chain.node.pallets.system import NO_ACCOUNT, AccountData, AccountInfo, System
from subnet.chain.node.scale.composites import Enum, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, u64
from subnet.chain.node.scale.primitives import FixedBytes

__all__ = ["BalanceLock", "BalancesErrors", "EXISTENTIAL_DEPOSIT", "FrozenAmount", "HeldAmount", "Money", "ReserveData"]

EXISTENTIAL_DEPOSIT: Final = 500

_MOST: Final = 2**64 - 1
_NO_DATA: Final = NO_ACCOUNT.data
_Id: TypeAlias = Annotated[bytes, FixedBytes(8)]
_Reasons: TypeAlias = Annotated[
    Variant,
    Enum(
        ("pallet_balances", "types", "Reasons"),
        (VariantType("Fee", 0), VariantType("Misc", 1), VariantType("All", 2)),
    ),
]
_HoldReason: TypeAlias = Annotated[Variant, Enum(("node_subtensor_runtime", "RuntimeHoldReason"), ())]
_FreezeReason: TypeAlias = Annotated[Variant, Enum(("node_subtensor_runtime", "RuntimeFreezeReason"), ())]
_Status: TypeAlias = Annotated[
    Variant,
    Enum(
        ("frame_support", "traits", "tokens", "misc", "BalanceStatus"),
        (VariantType("Free", 0), VariantType("Reserved", 1)),
    ),
]


class BalanceLock(NamedTuple):
    """Money that may not leave an account, for a reason."""

    id: _Id
    amount: u64
    reasons: _Reasons


class ReserveData(NamedTuple):
    """Money set aside under a name."""

    id: _Id
    amount: u64


class HeldAmount(NamedTuple):
    """Money that a pallet holds."""

    id: _HoldReason
    amount: u64


class FrozenAmount(NamedTuple):
    """Money that a pallet freezes."""

    id: _FreezeReason
    amount: u64


class BalancesErrors:
    """Why calls of the pallet fail."""

    VestingBalance = Error(0)
    LiquidityRestrictions = Error(1)
    InsufficientBalance = Error(2)
    ExistentialDeposit = Error(3)
    Expendability = Error(4)
    ExistingVestingSchedule = Error(5)
    DeadAccount = Error(6)
    TooManyReserves = Error(7)
    TooManyHolds = Error(8)
    TooManyFreezes = Error(9)
    IssuanceDeactivated = Error(10)
    DeltaZero = Error(11)


class Money(Pallet):
    """What the pallet stores and tells, and how it changes what an account has."""

    Errors = BalancesErrors

    TotalIssuance = Value[int](u64, 0)
    InactiveIssuance = Value[int](u64, 0)
    Account = Map[AccountData](AccountData, _NO_DATA, blake2_128_concat(AccountId))
    Locks = Map[tuple[BalanceLock, ...]](tuple[BalanceLock, ...], (), blake2_128_concat(AccountId))
    Reserves = Map[tuple[ReserveData, ...]](tuple[ReserveData, ...], (), blake2_128_concat(AccountId))
    Holds = Map[tuple[HeldAmount, ...]](tuple[HeldAmount, ...], (), blake2_128_concat(AccountId))
    Freezes = Map[tuple[FrozenAmount, ...]](tuple[FrozenAmount, ...], (), blake2_128_concat(AccountId))

    Endowed = Event(0, account=AccountId, free_balance=u64)
    DustLost = Event(1, account=AccountId, amount=u64)
    Transfer = Event(2, **{"from": AccountId, "to": AccountId, "amount": u64})
    BalanceSet = Event(3, who=AccountId, free=u64)
    Reserved = Event(4, who=AccountId, amount=u64)
    Unreserved = Event(5, who=AccountId, amount=u64)
    ReserveRepatriated = Event(6, **{"from": AccountId, "to": AccountId, "amount": u64, "destination_status": _Status})
    Deposit = Event(7, who=AccountId, amount=u64)
    Withdraw = Event(8, who=AccountId, amount=u64)
    Slashed = Event(9, who=AccountId, amount=u64)
    Minted = Event(10, who=AccountId, amount=u64)
    Burned = Event(11, who=AccountId, amount=u64)
    Suspended = Event(12, who=AccountId, amount=u64)
    Restored = Event(13, who=AccountId, amount=u64)
    Upgraded = Event(14, who=AccountId)
    Issued = Event(15, amount=u64)
    Rescinded = Event(16, amount=u64)
    Locked = Event(17, who=AccountId, amount=u64)
    Unlocked = Event(18, who=AccountId, amount=u64)
    Frozen = Event(19, who=AccountId, amount=u64)
    Thawed = Event(20, who=AccountId, amount=u64)
    TotalIssuanceForced = Event(21, old=u64, new=u64)

    def __init__(self, state: State, system: System) -> None:
        super().__init__(state)
        self.system = system
        self._accounts = system.Account

    def free(self, who: bytes) -> int:
        """What an account may spend, as far as nothing of it is frozen."""
        return self._accounts[who].data.free

    def reducible(self, who: bytes, *, keep_alive: bool = False) -> int:
        """How much can be taken from an account, which may be left with nothing or must live on."""
        info = self._accounts[who]
        data = info.data
        least = max(data.frozen - data.reserved, 0)
        if keep_alive or (data.free and not _may_die(info)):
            least = max(least, EXISTENTIAL_DEPOSIT)
        return max(data.free - least, 0)

    def _check_withdrawal(self, who: bytes, amount: int, keep_alive: bool) -> None:
        if not amount:
            return
        if amount > self.TotalIssuance.value:
            raise arithmetic("Underflow")
        info = self._accounts[who]
        left = info.data.free - amount
        if left < 0:
            raise token("FundsUnavailable")
        if amount > self.reducible(who) and _may_die(info):
            raise token("Frozen")
        if left < EXISTENTIAL_DEPOSIT:
            if not _may_die(info):
                raise token("OnlyProvider")
            if keep_alive:
                raise token("NotExpendable")

    def _check_deposit(self, who: bytes, amount: int) -> None:
        if not amount:
            return
        free = self._accounts[who].data.free + amount
        if free > _MOST:
            raise arithmetic("Overflow")
        if free < EXISTENTIAL_DEPOSIT:
            raise token("BelowMinimum")

    def _decrease(self, who: bytes, amount: int, keep_alive: bool) -> None:
        if self.reducible(who, keep_alive=keep_alive) < amount:
            raise token("FundsUnavailable")
        info = self._accounts[who]
        self._write(who, info, info.data._replace(free=info.data.free - amount))

    def _increase(self, who: bytes, amount: int) -> None:
        if amount:
            self._check_deposit(who, amount)
            info = self._accounts[who]
            self._write(who, info, info.data._replace(free=info.data.free + amount))

    def _write(self, who: bytes, info: AccountInfo, data: AccountData) -> None:
        before = info.data
        is_new = not before.free and not before.reserved
        provided, provides = before.free >= EXISTENTIAL_DEPOSIT, data.free >= EXISTENTIAL_DEPOSIT
        consumed = not is_new and bool(before.reserved or before.frozen)
        consumers = info.consumers + bool(data.reserved or data.frozen) - consumed
        providers = info.providers
        if provides and not provided:
            providers += 1
            if not info.providers and not info.sufficients:
                self.system.deposit(self.system.NewAccount(who))
        if consumers > info.consumers and not providers:
            raise DispatchFailure(Variant("NoProviders"))
        if provided and not provides:
            if providers == 1 and consumers:
                raise DispatchFailure(Variant("ConsumerRemaining"))
            providers -= 1
            if not providers and not info.sufficients:
                self.system.deposit(self.system.KilledAccount(who))
        dust = data.free if not provides and not data.reserved else 0
        kept = data._replace(free=0) if dust else data
        if providers or info.sufficients:
            self._accounts[who] = AccountInfo(info.nonce, consumers, providers, info.sufficients, kept)
        else:
            del self._accounts[who]
        if is_new:
            self.system.deposit(self.Endowed(who, data.free))
        if dust:
            self.system.deposit(self.DustLost(who, dust))
            self.TotalIssuance.value -= dust


def _may_die(info: AccountInfo) -> bool:
    return info.providers > 1 or not info.consumers
