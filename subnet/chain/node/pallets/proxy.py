# SPDX-License-Identifier: Apache-2.0
"""Accounts that may act for others, within what they were given leave for, and if so agreed only after a warning.

A delegate with a delay announces the hash of its call, and may make it once the delay is over unless the account it
acts for has rejected it by then. Deposits are set aside for as long as the chain remembers proxies and announcements.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, NamedTuple, TypeAlias

from subnet.chain.node.address import Address, lookup
from subnet.chain.node.dispatch import Dispatcher
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_256, twox64_concat
from subnet.chain.node.frame.items import Constant, DispatchFailure, Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.outcome import RUNTIME_CALL, DispatchResult, RuntimeCall
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.permissions import PROXY_TYPE, allows, covers
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Enum, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, Hash, compact_u32, u16, u32, u64

__all__ = ["Announcement", "Proxy", "ProxyDefinition"]

_PROXY_BASE: Final = 60_000_000
_PROXY_FACTOR: Final = 33_000_000
_ANNOUNCEMENT_BASE: Final = 36_000_000
_ANNOUNCEMENT_FACTOR: Final = 68_000_000
_MOST_PROXIES: Final = 20
_MOST_PENDING: Final = 75
_ANY: Final = Variant("Any")
_INDEX: Final = {variant.name: variant.index for variant in PROXY_TYPE.variants}

_ProxyType: TypeAlias = Annotated[Variant, PROXY_TYPE]
_Kind: TypeAlias = Annotated[
    Variant,
    Enum(("pallet_subtensor_proxy", "DepositKind"), (VariantType("Proxies", 0), VariantType("Announcements", 1))),
]


class ProxyDefinition(NamedTuple):
    """Who may act for an account, for what, and after how many blocks of warning."""

    delegate: AccountId
    proxy_type: _ProxyType
    delay: u32


class Announcement(NamedTuple):
    """A call that a delegate wants to make, and the block that it said so."""

    real: AccountId
    call_hash: Hash
    height: u32


Proxies: TypeAlias = tuple[tuple[ProxyDefinition, ...], u64]
Announcements: TypeAlias = tuple[tuple[Announcement, ...], u64]


class Proxy(Pallet):
    """Proxies."""

    name: ClassVar[str] = "Proxy"
    index: ClassVar[int] = 16

    Proxies = Map[Proxies](Proxies, ((), 0), twox64_concat(AccountId))
    Announcements = Map[Announcements](Announcements, ((), 0), twox64_concat(AccountId))
    LastCallResult = Map[Variant | None](DispatchResult, None, twox64_concat(AccountId))

    ProxyExecuted = Event(0, result=DispatchResult)
    PureCreated = Event(1, pure=AccountId, who=AccountId, proxy_type=_ProxyType, disambiguation_index=u16)
    PureKilled = Event(2, pure=AccountId, spawner=AccountId, proxy_type=_ProxyType, disambiguation_index=u16)
    Announced = Event(3, real=AccountId, proxy=AccountId, call_hash=Hash)
    ProxyAdded = Event(4, delegator=AccountId, delegatee=AccountId, proxy_type=_ProxyType, delay=u32)
    ProxyRemoved = Event(5, delegator=AccountId, delegatee=AccountId, proxy_type=_ProxyType, delay=u32)
    DepositPoked = Event(6, who=AccountId, kind=_Kind, old_deposit=u64, new_deposit=u64)

    TooMany = Error(0)
    NotFound = Error(1)
    NotProxy = Error(2)
    Unproxyable = Error(3)
    Duplicate = Error(4)
    NoPermission = Error(5)
    Unannounced = Error(6)
    NoSelfProxy = Error(7)
    AnnouncementDepositInvariantViolated = Error(8)
    InvalidDerivedAccountId = Error(9)

    ProxyDepositBase = Constant(u64, _PROXY_BASE)
    ProxyDepositFactor = Constant(u64, _PROXY_FACTOR)
    MaxProxies = Constant(u32, _MOST_PROXIES)
    MaxPending = Constant(u32, _MOST_PENDING)
    AnnouncementDepositBase = Constant(u64, _ANNOUNCEMENT_BASE)
    AnnouncementDepositFactor = Constant(u64, _ANNOUNCEMENT_FACTOR)

    def __init__(self, state: State, system: System, balances: Balances, dispatcher: Dispatcher) -> None:
        super().__init__(state)
        self.system = system
        self.balances = balances
        self.dispatcher = dispatcher

    @call(0)
    def proxy(self, origin: Origin, real: Address, force_proxy_type: _ProxyType | None, call: RuntimeCall) -> None:
        """Make a call for an account that one is a proxy of."""
        who, account = origin.signed(), lookup(real)
        definition = self._find(account, who, force_proxy_type)
        if definition.delay:
            raise self.Unannounced()
        self._act(definition, account, call)

    @call(1)
    def add_proxy(self, origin: Origin, delegate: Address, proxy_type: _ProxyType, delay: u32) -> None:
        """Let somebody act for oneself."""
        who, account = origin.signed(), lookup(delegate)
        if who == account:
            raise self.NoSelfProxy()
        proxies, deposit = self.Proxies[who]
        added = ProxyDefinition(account, proxy_type, delay)
        if added in proxies:
            raise self.Duplicate()
        if len(proxies) >= _MOST_PROXIES:
            raise self.TooMany()
        self._keep(who, tuple(sorted((*proxies, added), key=_order)), deposit)
        self.system.deposit(self.ProxyAdded(who, account, proxy_type, delay))

    @call(2)
    def remove_proxy(self, origin: Origin, delegate: Address, proxy_type: _ProxyType, delay: u32) -> None:
        """Take the leave back."""
        who, account = origin.signed(), lookup(delegate)
        proxies, deposit = self.Proxies[who]
        removed = ProxyDefinition(account, proxy_type, delay)
        if removed not in proxies:
            raise self.NotFound()
        self._keep(who, tuple(kept for kept in proxies if kept != removed), deposit)
        self.system.deposit(self.ProxyRemoved(who, account, proxy_type, delay))

    @call(3)
    def remove_proxies(self, origin: Origin) -> None:
        """Take all leave back."""
        who = origin.signed()
        self._keep(who, (), self.Proxies[who][1])

    @call(4)
    def create_pure(self, origin: Origin, proxy_type: _ProxyType, delay: u32, index: u16) -> None:
        """Make an account that has no key, only oneself as its proxy."""
        who = origin.signed()
        pure = _pure(who, self.system.block, self.system.extrinsic_index, proxy_type, index)
        if pure in self.Proxies:
            raise self.Duplicate()
        deposit = _PROXY_BASE + _PROXY_FACTOR
        self.balances.reserve(who, deposit)
        self.Proxies[pure] = ((ProxyDefinition(who, proxy_type, delay),), deposit)
        self.system.deposit(self.PureCreated(pure, who, proxy_type, index))

    @call(5)
    def kill_pure(
        self,
        origin: Origin,
        spawner: Address,
        proxy_type: _ProxyType,
        index: u16,
        height: compact_u32,
        ext_index: compact_u32,
    ) -> None:
        """Give up an account without a key, and all that it has."""
        who, parent = origin.signed(), lookup(spawner)
        if _pure(parent, height, ext_index, proxy_type, index) != who:
            raise self.NoPermission()
        deposit = self.Proxies[who][1]
        del self.Proxies[who]
        self.balances.unreserve(parent, deposit)
        self.system.deposit(self.PureKilled(who, parent, proxy_type, index))

    @call(6)
    def announce(self, origin: Origin, real: Address, call_hash: Hash) -> None:
        """Warn that one will make a call."""
        who, account = origin.signed(), lookup(real)
        self._find(account, who, None)
        pending, deposit = self.Announcements[who]
        if len(pending) >= _MOST_PENDING:
            raise self.TooMany()
        self._keep_pending(who, (*pending, Announcement(account, call_hash, self.system.block)), deposit)
        self.system.deposit(self.Announced(account, who, call_hash))

    @call(7)
    def remove_announcement(self, origin: Origin, real: Address, call_hash: Hash) -> None:
        """Think better of it."""
        self._drop(origin.signed(), lookup(real), call_hash, 0)

    @call(8)
    def reject_announcement(self, origin: Origin, delegate: Address, call_hash: Hash) -> None:
        """Forbid what a delegate announced."""
        self._drop(lookup(delegate), origin.signed(), call_hash, 0)

    @call(9)
    def proxy_announced(
        self, origin: Origin, delegate: Address, real: Address, force_proxy_type: _ProxyType | None, call: RuntimeCall
    ) -> None:
        """Make a call that a delegate announced, once the delay is over."""
        origin.signed()
        who, account = lookup(delegate), lookup(real)
        definition = self._find(account, who, force_proxy_type)
        try:
            self._drop(who, account, blake2_256(RUNTIME_CALL.encode(call)), definition.delay)
        except DispatchFailure:
            raise self.Unannounced() from None
        self._act(definition, account, call)

    @call(10)
    def poke_deposit(self, origin: Origin) -> None:
        """Bring one's deposits to what they are today, which they are already."""
        origin.signed()

    def _find(self, real: bytes, delegate: bytes, wanted: Variant | None) -> ProxyDefinition:
        for definition in self.Proxies[real][0]:
            if definition.delegate == delegate and wanted in (None, definition.proxy_type):
                return definition
        raise self.NotProxy()

    def _act(self, definition: ProxyDefinition, real: bytes, call: Variant) -> None:
        kind = definition.proxy_type

        def may(inner: Variant) -> bool:
            made = inner.fields[0]
            if (
                inner.name == "Proxy"
                and made.name in ("add_proxy", "remove_proxy")
                and not covers(kind, made.fields[1])
            ):
                return False
            if inner.name == "Proxy" and made.name in ("remove_proxies", "kill_pure") and kind != _ANY:
                return False
            return allows(kind, inner)

        result = self.dispatcher.attempt(Origin(real).only(may), call)
        self.system.deposit(self.ProxyExecuted(result))

    def _keep(self, who: bytes, proxies: tuple[ProxyDefinition, ...], deposit: int) -> None:
        due = self._rejig(who, deposit, _PROXY_BASE, _PROXY_FACTOR, len(proxies))
        if proxies:
            self.Proxies[who] = (proxies, due)
        else:
            del self.Proxies[who]

    def _keep_pending(self, who: bytes, pending: tuple[Announcement, ...], deposit: int) -> None:
        due = self._rejig(who, deposit, _ANNOUNCEMENT_BASE, _ANNOUNCEMENT_FACTOR, len(pending))
        if pending:
            self.Announcements[who] = (pending, due)
        else:
            del self.Announcements[who]

    def _rejig(self, who: bytes, deposit: int, base: int, factor: int, count: int) -> int:
        due = base + factor * count if count else 0
        if due > deposit:
            self.balances.reserve(who, due - deposit)
        else:
            self.balances.unreserve(who, deposit - due)
        return due

    def _drop(self, delegate: bytes, real: bytes, call_hash: bytes, delay: int) -> None:
        pending, deposit = self.Announcements[delegate]
        now = self.system.block
        kept = tuple(
            one for one in pending if one.real != real or one.call_hash != call_hash or max(now - one.height, 0) < delay
        )
        if len(kept) == len(pending):
            raise self.NotFound()
        self._keep_pending(delegate, kept, deposit)


def _order(definition: ProxyDefinition) -> tuple[bytes, int, int]:
    return definition.delegate, _INDEX[definition.proxy_type.name], definition.delay


def _pure(who: bytes, height: int, extrinsic: int, proxy_type: Variant, index: int) -> bytes:
    moment = height.to_bytes(4, "little") + extrinsic.to_bytes(4, "little")
    kind = bytes([_INDEX[proxy_type.name]]) + index.to_bytes(2, "little")
    return blake2_256(b"modlpy/proxy____" + who + moment + kind)
