# SPDX-License-Identifier: Apache-2.0
"""Questions about stake: who has how much where, what of it is free, and what moving it costs.

What is locked is told as it is by now, which nobody need have written down yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from incentive.fixed import PROPORTION
from incentive.fixed import U64F64 as FIXED
from subnet.chain.node.apis.records import LockState, StakeAvailability, StakeInfo
from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.scale.composites import Tuple, Vec
from subnet.chain.node.scale.names import ACCOUNT, U64F64, AccountId, scale_of, u16, u64
from subnet.chain.node.scale.primitives import UInt

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["StakeInfoRuntimeApi"]

_MAP: Final = ("BTreeMap",)
_BY_NETWORK: Final = Vec(Tuple((UInt(2), scale_of(StakeAvailability))), _MAP)
_Available: TypeAlias = Annotated[
    tuple[tuple[bytes, tuple[tuple[int, StakeAvailability], ...]], ...],
    Vec(Tuple((ACCOUNT, _BY_NETWORK)), _MAP),
]


class StakeInfoRuntimeApi(RuntimeApi):
    """What clients ask about stake."""

    def __init__(self, chain: SubtensorModule) -> None:
        self._chain = chain

    @api
    def get_stake_info_for_coldkey(self, coldkey_account: AccountId) -> tuple[StakeInfo, ...]:
        """What a coldkey has, by network and hotkey."""
        hotkeys = self._chain.StakingHotkeys[coldkey_account]
        places = [(hotkey, netuid) for netuid in self._chain.networks() for hotkey in hotkeys]
        found = [self._info(hotkey, coldkey_account, netuid) for hotkey, netuid in places]
        return tuple(info for info in found if info.stake)

    @api
    def get_stake_info_for_coldkeys(
        self, coldkey_accounts: tuple[AccountId, ...]
    ) -> tuple[tuple[AccountId, tuple[StakeInfo, ...]], ...]:
        """What several coldkeys have."""
        return tuple((coldkey, self.get_stake_info_for_coldkey(coldkey)) for coldkey in coldkey_accounts)

    @api
    def get_stake_info_for_hotkey_coldkey_netuid(
        self, hotkey_account: AccountId, coldkey_account: AccountId, netuid: u16
    ) -> StakeInfo | None:
        """What a coldkey has on a hotkey, be it nothing."""
        return self._info(hotkey_account, coldkey_account, netuid)

    @api
    def get_stake_availability_for_coldkeys(
        self, coldkey_accounts: tuple[AccountId, ...], netuids: tuple[u16, ...] | None
    ) -> _Available:
        """What coldkeys have on some networks, or on all, and what of it is free."""
        networks = self._chain.networks()
        asked = networks if netuids is None else sorted(set(netuids))
        # The chain answers nothing at all where more networks are asked for than there are.
        wanted = [netuid for netuid in asked if netuid in networks] if len(asked) <= len(networks) else []
        return tuple((coldkey, self._available(coldkey, wanted)) for coldkey in sorted(set(coldkey_accounts)))

    @api
    def get_stake_fee(
        self,
        origin: tuple[AccountId, u16] | None,
        origin_coldkey_account: AccountId,
        destination: tuple[AccountId, u16] | None,
        destination_coldkey_account: AccountId,
        amount: u64,
    ) -> u64:
        """About what it costs to stake, to unstake or to move stake."""
        place = destination or origin
        netuid = ROOT if place is None else place[1]
        if destination == origin or not self._chain.SubnetMechanism[netuid]:
            return 0
        rate = FIXED.divide(FIXED.of(self._chain.swap.FeeRate[netuid]), FIXED.of(PROPORTION))
        return FIXED.floor(FIXED.multiply(FIXED.of(amount), rate))

    @api
    def get_coldkey_lock(self, coldkey: AccountId, netuid: u16) -> LockState | None:
        """What a coldkey has locked."""
        lock = self._chain.lock_of(coldkey, netuid)
        return None if lock is None else LockState(*lock.own)

    @api
    def get_hotkey_conviction(self, hotkey: AccountId, netuid: u16) -> U64F64:
        """What locks speak for a hotkey."""
        return self._chain.hotkey_conviction(hotkey, netuid)

    @api
    def get_most_convicted_hotkey_on_subnet(self, netuid: u16) -> AccountId | None:
        """The hotkey for which locks speak most."""
        return self._chain.king_of(netuid)

    def _info(self, hotkey: bytes, coldkey: bytes, netuid: int) -> StakeInfo:
        return StakeInfo(
            hotkey=hotkey,
            coldkey=coldkey,
            netuid=netuid,
            stake=self._chain.stake_of(hotkey, coldkey, netuid),
            locked=0,
            emission=self._chain.AlphaDividendsPerSubnet[netuid, hotkey],
            tao_emission=0,
            drain=0,
            is_registered=self._chain.Uids[netuid, hotkey] is not None,
        )

    def _available(self, coldkey: bytes, netuids: list[int]) -> tuple[tuple[int, StakeAvailability], ...]:
        found = [(netuid, *self._chain.stake_and_lock(coldkey, netuid)) for netuid in netuids]
        return tuple(
            (netuid, StakeAvailability(total, locked, max(total - locked, 0)))
            for netuid, total, locked in found
            if total or locked
        )
