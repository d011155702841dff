# SPDX-License-Identifier: Apache-2.0
"""What owners of hotkeys keep of others' dividends, and what stakers do with what root earns them."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.records import ROOT_CLAIM_TYPE
from subnet.chain.node.pallets.subtensor.transfers import StakeTransfers
from subnet.chain.node.scale.composites import Variant, Vec
from subnet.chain.node.scale.names import AccountId, u16, u64
from subnet.chain.node.scale.primitives import UInt

__all__ = ["Delegation"]

_Netuids: TypeAlias = Annotated[tuple[int, ...], Vec(UInt(2), ("BTreeSet",))]
_ClaimType: TypeAlias = Annotated[Variant, ROOT_CLAIM_TYPE]
_MOST_CLAIMS: Final = 5


class Delegation(StakeTransfers):
    """Calls of owners of hotkeys and of those who stake on them."""

    @call(65, pays=False)
    def decrease_take(self, origin: Origin, hotkey: AccountId, take: u16) -> None:
        """Keep less of what nominators earn."""
        coldkey = self._owner(origin, hotkey)
        if take >= self.Delegates[hotkey] or take < self.MinDelegateTake.value:
            raise self.Errors.DelegateTakeTooLow()
        self.Delegates[hotkey] = take
        self.LastTxBlockDelegateTake[hotkey] = self.system.block
        self.system.deposit(self.Events.TakeDecreased(coldkey, hotkey, take))

    @call(66, pays=False)
    def increase_take(self, origin: Origin, hotkey: AccountId, take: u16) -> None:
        """Keep more of what nominators earn, which may happen now and then only."""
        coldkey = self._owner(origin, hotkey)
        if take > self.MaxDelegateTake.value:
            raise self.Errors.DelegateTakeTooHigh()
        # Whoever never said keeps the default, which the chain does not store.
        if hotkey in self.Delegates and take <= self.Delegates[hotkey]:
            raise self.Errors.DelegateTakeTooLow()
        last = self.LastTxBlockDelegateTake[hotkey]
        if last and self.system.block - last <= self.TxDelegateTakeRateLimit.value:
            raise self.Errors.DelegateTxRateLimitExceeded()
        self.Delegates[hotkey] = take
        self.LastTxBlockDelegateTake[hotkey] = self.system.block
        self.system.deposit(self.Events.TakeIncreased(coldkey, hotkey, take))

    @call(114)
    def set_coldkey_auto_stake_hotkey(self, origin: Origin, netuid: u16, hotkey: AccountId) -> None:
        """Stake what a coldkey's miners earn on a hotkey of its choice."""
        coldkey = origin.signed()
        self.ensure_subnet(netuid)
        if self.Uids[netuid, hotkey] is None:
            raise self.Errors.HotKeyNotRegisteredInSubNet()
        before = self.AutoStakeDestination[coldkey, netuid]
        if before == hotkey:
            raise self.Errors.SameAutoStakeHotkeyAlreadySet()
        if before is not None:
            left = tuple(key for key in self.AutoStakeDestinationColdkeys[before, netuid] if key != coldkey)
            self.AutoStakeDestinationColdkeys[before, netuid] = left
        self.AutoStakeDestination[coldkey, netuid] = hotkey
        known = self.AutoStakeDestinationColdkeys[hotkey, netuid]
        self.AutoStakeDestinationColdkeys[hotkey, netuid] = (*known, coldkey)
        self.system.deposit(self.Events.AutoStakeDestinationSet(coldkey, netuid, hotkey))

    @call(121)
    def claim_root(self, origin: Origin, subnets: _Netuids) -> None:
        """Take what root stake has earned on some networks."""
        coldkey = origin.signed()
        if not 0 < len(subnets) <= _MOST_CLAIMS:
            raise self.Errors.InvalidSubnetNumber()
        for hotkey in self.StakingHotkeys[coldkey]:
            for netuid in subnets:
                self._claim(hotkey, coldkey, netuid)
        self.system.deposit(self.Events.RootClaimed(coldkey))

    @call(122)
    def set_root_claim_type(self, origin: Origin, new_root_claim_type: _ClaimType) -> None:
        """Say whether what root stake earns is kept as alpha or sold for tao."""
        coldkey = origin.signed()
        if new_root_claim_type.name == "KeepSubnets" and not new_root_claim_type.fields[0]:
            raise self.Errors.InvalidSubnetNumber()
        self.RootClaimType[coldkey] = new_root_claim_type
        self.system.deposit(self.Events.RootClaimTypeSet(coldkey, new_root_claim_type))

    @call(124)
    def sudo_set_root_claim_threshold(self, origin: Origin, netuid: u16, new_value: u64) -> None:
        """Set what a claim must at least be worth."""
        origin.root()
        self.ensure_subnet(netuid)
        self.RootClaimableThreshold[netuid] = new_value << 32

    @call(123)
    def sudo_set_num_root_claims(self, origin: Origin, new_value: u64) -> None:
        """Set how many claims a block makes by itself."""
        origin.root()
        self.NumRootClaim.value = new_value

    def root_owed(self, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
        """The alpha that a coldkey's root stake on a hotkey has earned on a network and not claimed."""
        rate = dict(self.RootClaimable[hotkey]).get(netuid, 0)
        earned = rate * self.stake_of(hotkey, coldkey, ROOT) >> 32
        return max(0, earned - self.RootClaimed[netuid, hotkey, coldkey])

    def _claim(self, hotkey: bytes, coldkey: bytes, netuid: int) -> None:
        owed = self.root_owed(hotkey, coldkey, netuid)
        if owed << 32 < self.RootClaimableThreshold[netuid] or not owed:
            return
        self.RootClaimed[netuid, hotkey, coldkey] += owed
        kind = self.RootClaimType[coldkey]
        if kind.name == "Keep" or (kind.name == "KeepSubnets" and netuid in kind.fields[0]):
            self.increase_stake(hotkey, coldkey, netuid, owed)
            return
        between = self.subnet_account(ROOT)
        tao = self.sell_alpha(netuid, owed, between, 0).received
        self.buy_alpha(ROOT, tao, between)
        self.increase_stake(hotkey, coldkey, ROOT, tao)
        # The new root stake earned nothing of what was paid before it.
        rate = dict(self.RootClaimable[hotkey]).get(netuid, 0)
        self.RootClaimed[netuid, hotkey, coldkey] += rate * tao >> 32

    def _owner(self, origin: Origin, hotkey: bytes) -> bytes:
        coldkey = origin.signed()
        self.check_hotkey(hotkey)
        if self.Owner[hotkey] != coldkey:
            raise self.Errors.NonAssociatedColdKey()
        return coldkey
