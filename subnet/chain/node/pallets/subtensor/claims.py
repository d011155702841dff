# SPDX-License-Identifier: Apache-2.0
"""What root stake earns on networks: alpha that is owed at a rate, and claimed now and then.

A hotkey's rate says how much alpha of a network each tao on its root stake has earned since ever. What a coldkey has
had of it is counted apart, and moves with its stake, so that new stake earns nothing of what was paid before it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final, TypeAlias

from incentive.fixed import I96F32
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.pools import Pools
from subnet.chain.node.pallets.subtensor.records import ROOT_CLAIM_TYPE
from subnet.chain.node.scale.composites import Variant, Vec
from subnet.chain.node.scale.names import u16, u64
from subnet.chain.node.scale.primitives import UInt

__all__ = ["RootClaims"]

_Netuids: TypeAlias = Annotated[tuple[int, ...], Vec(UInt(2), ("BTreeSet",))]
_ClaimType: TypeAlias = Annotated[Variant, ROOT_CLAIM_TYPE]
_MOST_SUBNETS: Final = 5
_MOST_BY_ITSELF: Final = 50
_HIGHEST_THRESHOLD: Final = 10_000_000
_WORD: Final = 8


class RootClaims(Pools):
    """Alpha that is owed to root's stakers."""

    @call(121)
    def claim_root(self, origin: Origin, subnets: _Netuids) -> None:
        """Take what root stake has earned on some networks."""
        coldkey = origin.signed()
        if not 0 < len(subnets) <= _MOST_SUBNETS:
            raise self.Errors.InvalidSubnetNumber()
        self.note_root_staker(coldkey)
        self._claim_all(coldkey, subnets)

    @call(122)
    def set_root_claim_type(self, origin: Origin, new_root_claim_type: _ClaimType) -> None:
        """Say whether what root stake earns is kept as alpha or sold for tao."""
        coldkey = origin.signed()
        if new_root_claim_type.name == "KeepSubnets" and not new_root_claim_type.fields[0]:
            raise self.Errors.InvalidSubnetNumber()
        self.note_root_staker(coldkey)
        self.RootClaimType[coldkey] = new_root_claim_type
        self.system.deposit(self.Events.RootClaimTypeSet(coldkey, new_root_claim_type))

    @call(123)
    def sudo_set_num_root_claims(self, origin: Origin, new_value: u64) -> None:
        """Set how many coldkeys' claims a block makes by itself."""
        origin.root()
        if new_value > _MOST_BY_ITSELF:
            raise self.Errors.InvalidNumRootClaim()
        self.NumRootClaim.value = new_value

    @call(124)
    def sudo_set_root_claim_threshold(self, origin: Origin, netuid: u16, new_value: u64) -> None:
        """Set how much alpha a claim must at least be of, as the network's owner or the root."""
        self.ensure_owner_or_root(origin, netuid)
        if new_value > _HIGHEST_THRESHOLD:
            raise self.Errors.InvalidRootClaimThreshold()
        self.RootClaimableThreshold[netuid] = I96F32.of(new_value)

    def owe_root(self, hotkey: bytes, netuid: int, amount: int) -> None:
        """Raise what each tao on the hotkey's root stake may claim of a network's alpha."""
        staked = self.stake_on(hotkey, ROOT)
        if amount > staked:
            self.increase_stake(hotkey, self.Owner[hotkey], netuid, amount)
            return
        if amount:
            rates = dict(self.RootClaimable[hotkey])
            rates[netuid] = rates.get(netuid, 0) + I96F32.of(amount) // staked
            self.RootClaimable[hotkey] = tuple(sorted(rates.items()))

    def root_owed(self, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
        """The alpha that a coldkey's root stake on a hotkey has earned on a network and not claimed."""
        return I96F32.floor(self._owed_bits(hotkey, coldkey, netuid))

    def root_stake_grew(self, hotkey: bytes, coldkey: bytes, amount: int) -> None:
        """Count as claimed what new root stake did not earn."""
        for netuid, rate in self.RootClaimable[hotkey]:
            self.RootClaimed[netuid, hotkey, coldkey] += I96F32.floor(rate * amount)

    def root_stake_shrank(self, hotkey: bytes, coldkey: bytes, amount: int) -> None:
        """Count as claimed no more than what is left of root stake could have earned."""
        for netuid, rate in self.RootClaimable[hotkey]:
            claimed = self.RootClaimed[netuid, hotkey, coldkey]
            self.RootClaimed[netuid, hotkey, coldkey] = max(claimed - I96F32.floor(rate * amount), 0)

    def note_root_staker(self, coldkey: bytes) -> None:
        """Let a coldkey's claims be made by themselves from time to time."""
        if self.StakingColdkeys[coldkey] is None:
            place = self.NumStakingColdkeys.value
            self.StakingColdkeysByIndex[place] = coldkey
            self.StakingColdkeys[coldkey] = place
            self.NumStakingColdkeys.value = place + 1

    def forget_root_staker(self, coldkey: bytes) -> None:
        """Make no more claims for a coldkey that has nothing on root; the last one takes its place."""
        place = self.StakingColdkeys[coldkey]
        if place is None or any(self.stake_of(key, coldkey, ROOT) for key in self.StakingHotkeys[coldkey]):
            return
        last = self.NumStakingColdkeys.value - 1
        del self.StakingColdkeys[coldkey]
        moved = self.StakingColdkeysByIndex[last]
        del self.StakingColdkeysByIndex[last]
        if place != last and moved is not None:
            self.StakingColdkeysByIndex[place] = moved
            self.StakingColdkeys[moved] = place
        self.NumStakingColdkeys.value = last

    def claim_by_itself(self) -> None:
        """Claim for a few coldkeys, which the last block's hash picks; a claim that fails is left."""
        for place in self._picked(self.NumRootClaim.value, self.NumStakingColdkeys.value):
            coldkey = self.StakingColdkeysByIndex[place]
            if coldkey is None:
                continue
            mark = self.state.mark()
            try:
                self._claim_all(coldkey, None)
            except DispatchFailure:
                self.state.rollback(mark)

    def _picked(self, most: int, among: int) -> list[int]:
        if not among:
            return []
        parent = self.system.ParentHash.value
        words = [int.from_bytes(parent[at : at + _WORD], "big") for at in range(0, len(parent), _WORD)]
        last, found = words[0], set()
        for step in range(most):
            last = min(last + words[step % len(words)], (1 << 64) - 1) % among
            found.add(last)
        return sorted(found)

    def _claim_all(self, coldkey: bytes, subnets: Collection[int] | None) -> None:
        for hotkey in self.StakingHotkeys[coldkey]:
            for netuid, _ in self.RootClaimable[hotkey]:
                if subnets is None or netuid in subnets:
                    self._claim(hotkey, coldkey, netuid)
        self.system.deposit(self.Events.RootClaimed(coldkey))

    def _claim(self, hotkey: bytes, coldkey: bytes, netuid: int) -> None:
        bits = self._owed_bits(hotkey, coldkey, netuid)
        owed = I96F32.floor(bits)
        if bits < self.RootClaimableThreshold[netuid] or not owed:
            return
        kind = self.RootClaimType[coldkey]
        if kind.name == "Keep" or (kind.name == "KeepSubnets" and netuid in kind.fields[0]):
            self.increase_stake(hotkey, coldkey, netuid, owed)
        else:
            self._sell_claim(hotkey, coldkey, netuid, owed)
        self.RootClaimed[netuid, hotkey, coldkey] += owed

    def _sell_claim(self, hotkey: bytes, coldkey: bytes, netuid: int, owed: int) -> None:
        # The chain's own trades pay no fee.
        between = self.subnet_account(ROOT)
        tao = self.sell_alpha(netuid, owed, between, 0).received
        self.SubnetRootSellTao[netuid] += tao
        self.increase_stake(hotkey, coldkey, ROOT, tao)
        self.SubnetTAO[ROOT] += tao
        self.SubnetAlphaOut[ROOT] += tao
        self.TotalStake.value += tao
        self.root_stake_grew(hotkey, coldkey, tao)

    def _owed_bits(self, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
        rate = dict(self.RootClaimable[hotkey]).get(netuid, 0)
        earned = I96F32.saturate(rate * self.stake_of(hotkey, coldkey, ROOT))
        return max(0, earned - I96F32.of(self.RootClaimed[netuid, hotkey, coldkey]))
