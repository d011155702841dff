# SPDX-License-Identifier: Apache-2.0
"""A network of one's own: what it costs, what it starts with, and when it opens for stake and emission.

The price becomes the network's pool. It doubles with each network that is sold and falls while none is. Where all
numbers are taken, the network whose alpha is worth least makes room, unless it is too new.
"""

from __future__ import annotations

from typing import Final

from incentive.emission.halving import block_emission
from incentive.emission.rao import TAO
from incentive.emission.registration import subnet_lock_cost
from incentive.fixed import I64F64, I96F32, U64F64
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.identity import Identities
from subnet.chain.node.pallets.subtensor.names import ROOT_SYMBOL
from subnet.chain.node.pallets.subtensor.records import SubnetIdentityV3
from subnet.chain.node.pallets.subtensor.removal import Removal
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import AccountId, Blob, u16

__all__ = ["FIRST_BURN", "Networks"]

FIRST_BURN: Final = 1_000_000_000
"""The price of a first uid on a new network, in rao."""

_DYNAMIC: Final = 1
_LAST_REGISTERED: Final = Variant("NetworkLastRegistered")
_NEW: Final = {
    "MaxAllowedUids": (256, "MaxAllowedUidsSet"),
    "MaxAllowedValidators": (64, "MaxAllowedValidatorsSet"),
    "MinAllowedWeights": (1, "MinAllowedWeightSet"),
    "ImmunityPeriod": (5000, "ImmunityPeriodSet"),
}
_EXPLICIT: Final = ("Kappa", "ActivityCutoff", "RegistrationsThisInterval")


class Networks(Removal, Identities):
    """Networks come and go."""

    @call(59)
    def register_network(self, origin: Origin, hotkey: AccountId) -> None:
        """Buy a network; the hotkey gets its first uid."""
        self._register(origin.signed(), hotkey, None)

    @call(79)
    def register_network_with_identity(
        self, origin: Origin, hotkey: AccountId, identity: SubnetIdentityV3 | None
    ) -> None:
        """Buy a network and say what it is."""
        self._register(origin.signed(), hotkey, identity)

    @call(92)
    def start_call(self, origin: Origin, netuid: u16) -> None:
        """Open a network for stake and emission."""
        self.ensure_subnet(netuid)
        self.ensure_subnet_owner(origin, netuid)
        if self.FirstEmissionBlockNumber[netuid] is not None:
            raise self.Errors.FirstEmissionBlockNumberAlreadySet()
        if self.system.block < self.NetworkRegisteredAt[netuid] + self.StartCallDelay.value:
            raise self.Errors.NeedWaitingMoreBlocksToStarCall()
        self.FirstEmissionBlockNumber[netuid] = self.system.block + 1
        self.SubtokenEnabled[netuid] = True
        self.system.deposit(self.Events.FirstEmissionBlockNumberSet(netuid, self.system.block + 1))

    @call(61)
    def dissolve_network(self, origin: Origin, coldkey: AccountId, netuid: u16) -> None:
        """End a network, as the root; the coldkey means nothing."""
        origin.root()
        self.dissolve(netuid)

    @call(120)
    def root_dissolve_network(self, origin: Origin, netuid: u16) -> None:
        """End a network, as the root."""
        origin.root()
        self.dissolve(netuid)

    @call(112)
    def update_symbol(self, origin: Origin, netuid: u16, symbol: Blob) -> None:
        """Take another symbol, out of those that nobody has."""
        self.ensure_owner_or_root(origin, netuid)
        self.ensure_symbol(symbol)
        self.TokenSymbol[netuid] = symbol
        self.system.deposit(self.Events.SymbolUpdated(netuid, symbol))

    def network_lock_cost(self) -> int:
        """What a network costs now."""
        # The price halves as slowly as tao is emitted.
        emission = I64F64.divide(I64F64.of(block_emission(self.TotalIssuance.value)), I64F64.of(TAO))
        interval = I64F64.multiply(I64F64.of(self.NetworkLockReductionInterval.value), emission)
        return subnet_lock_cost(
            self.NetworkLastLockCost.value,
            last_block=self.LastRateLimitedBlock[_LAST_REGISTERED],
            block=self.system.block,
            lowest=self.NetworkMinLockCost.value,
            interval=I64F64.floor(interval),
        )

    def network_to_prune(self) -> int | None:
        """The network that makes room: the one whose alpha is worth least, the older one of equals."""
        old = [
            (self._moving_price(netuid), self.NetworkRegisteredAt[netuid], netuid)
            for netuid in self.subnets()
            if self.system.block >= self.NetworkRegisteredAt[netuid] + self.NetworkImmunityPeriod.value
        ]
        return min(old)[2] if old else None

    def median_price(self) -> int:
        """What a new network's alpha costs, U64F64 bits: as much as others', 1 where there are none."""
        prices = sorted(bits for netuid in self.subnets() if (bits := self.price_of(netuid)))
        if not prices:
            return U64F64.one
        low, high = prices[(len(prices) - 1) // 2], prices[len(prices) // 2]
        return low if low == high else U64F64.divide(U64F64.saturate(low + high), U64F64.of(2))

    def set_owner_hotkey(self, netuid: int, hotkey: bytes) -> None:
        """Make a hotkey the owner's own, whose neuron never makes room."""
        self.ensure_not_system(hotkey)
        self.SubnetOwnerHotkey[netuid] = hotkey
        self.system.deposit(self.Events.SubnetOwnerHotkeySet(netuid, hotkey))

    def create_root(self, owner: bytes, hotkey: bytes) -> None:
        """The root's network, which is there from the genesis on."""
        self.NetworksAdded[ROOT] = True
        self.TotalNetworks.value += 1
        self.SubnetOwner[ROOT] = owner
        self.SubnetOwnerHotkey[ROOT] = hotkey
        self.SubnetworkN[ROOT] = 0
        self.MaxAllowedUids[ROOT] = self.MaxAllowedValidators[ROOT] = 64
        self.MinAllowedWeights[ROOT] = 0
        self.Tempo[ROOT] = 100
        self.NetworkRegistrationAllowed[ROOT] = True
        self.TargetRegistrationsPerInterval[ROOT] = 1
        self.TokenSymbol[ROOT] = ROOT_SYMBOL.encode()

    def create_network(self, netuid: int, tempo: int) -> None:
        """A network with nobody on it and with the rules that new ones have."""
        self.SubnetworkN[netuid] = 0
        self.NetworksAdded[netuid] = True
        self.Tempo[netuid] = tempo
        # Networks that were created together do not all run their epochs in the same block.
        self.LastEpochBlock[netuid] = max(self.system.block - netuid % max(tempo, 1), 0)
        self.TotalNetworks.value += 1
        self.NetworkRegistrationAllowed[netuid] = True
        self.system.deposit(self.Events.RegistrationAllowed(netuid, True))
        for rule, (value, event) in _NEW.items():
            getattr(self, rule)[netuid] = value
            self.system.deposit(getattr(self.Events, event)(netuid, value))
        self.Yuma3On[netuid] = True
        self.Burn[netuid] = FIRST_BURN
        self.SubnetEmissionEnabled[netuid] = True
        for rule in _EXPLICIT:
            values = getattr(self, rule)
            values[netuid] = values[netuid]

    def after_creation(self, netuid: int) -> None:
        """What topics that build on this one do with a network that was just bought; here that is nothing."""

    def _register(self, coldkey: bytes, hotkey: bytes, identity: SubnetIdentityV3 | None) -> None:
        pruned = self._ensure_may_register(coldkey, hotkey)
        cost = self.network_lock_cost()
        if cost > self.balances.free(coldkey):
            raise self.Errors.CannotAffordLockCost()
        if pruned is not None:
            self.dissolve(pruned)
        netuid = self._next_netuid() if pruned is None else pruned
        alpha_price = self.median_price()
        self.create_network(netuid, self.Tempo[netuid])
        lock = self.fund_subnet(netuid, coldkey, cost)
        self.NetworkLastLockCost.value = lock
        self.LastRateLimitedBlock[_LAST_REGISTERED] = self.system.block
        self.create_account_if_non_existent(coldkey, hotkey)
        self.append_neuron(netuid, hotkey)
        self.SubnetMechanism[netuid] = _DYNAMIC
        self.NetworkRegisteredAt[netuid] = self.system.block
        self.RegisteredSubnetCounter[netuid] += 1
        self.TokenSymbol[netuid] = self.next_symbol(netuid)
        self._fill_pool(netuid, lock, alpha_price)
        self.SubnetOwner[netuid] = coldkey
        self.set_owner_hotkey(netuid, hotkey)
        if identity is not None:
            self.describe_subnet(netuid, identity)
        self.after_creation(netuid)
        self.system.deposit(self.Events.NetworkAdded(netuid, _DYNAMIC))
        self.SubnetEmissionEnabled[netuid] = False

    def _ensure_may_register(self, coldkey: bytes, hotkey: bytes) -> int | None:
        """Turn away whoever may not have a network now; says which one makes room."""
        if self.owner_of(hotkey) not in (None, coldkey):
            raise self.Errors.NonAssociatedColdKey()
        self.ensure_not_system(hotkey)
        if self.system.block < self.NetworkRegistrationStartBlock.value:
            raise self.Errors.SubNetRegistrationDisabled()
        self.check_network_rate()
        if len(self.subnets()) < self.SubnetLimit.value:
            return None
        pruned = self.network_to_prune()
        if pruned is None:
            raise self.Errors.SubnetLimitReached()
        return pruned

    def check_network_rate(self) -> None:
        """Refuse a network if the last one was bought not long ago."""
        last = self.LastRateLimitedBlock[_LAST_REGISTERED]
        if last and self.system.block - last < self.NetworkRateLimit.value:
            raise self.Errors.NetworkTxRateLimitExceeded()

    def _fill_pool(self, netuid: int, lock: int, alpha_price: int) -> None:
        tao = max(lock, self.NetworkMinLockCost.value)
        self.SubnetTAO[netuid] = tao
        self.SubnetAlphaIn[netuid] = U64F64.floor(U64F64.divide(U64F64.of(tao), alpha_price))
        self.SubnetAlphaOut[netuid] = 0
        self.SubnetVolume[netuid] = 0
        self.SubnetLocked[netuid] = lock
        self.RAORecycledForRegistration[netuid] = 0
        self.TotalStake.value += tao

    def _next_netuid(self) -> int:
        taken = set(self.subnets())
        return next(netuid for netuid in range(1, 1 << 16) if netuid not in taken)

    def _moving_price(self, netuid: int) -> int:
        return U64F64.one if not self.SubnetMechanism[netuid] else I96F32.to(U64F64, self.SubnetMovingPrice[netuid])
