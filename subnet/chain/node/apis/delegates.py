# SPDX-License-Identifier: Apache-2.0
"""Questions about hotkeys on which others stake: who does, and what a day brings them.

The returns are the chain's own estimate, from the last epoch's emission.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from incentive.fixed import PROPORTION, U64F64
from subnet.chain.node.apis.records import DelegateInfo
from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.scale.names import AccountId, compact_u16, compact_u64

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["DelegateInfoRuntimeApi"]

_BLOCKS_A_DAY: Final = 7200
_THOUSAND_TAO: Final = 1000 * 10**9

_Nominators: TypeAlias = dict[bytes, list[tuple[int, int]]]
_Places: TypeAlias = dict[bytes, _Nominators]


class DelegateInfoRuntimeApi(RuntimeApi):
    """What clients ask about delegates: the hotkeys that ever set what they keep."""

    def __init__(self, chain: SubtensorModule) -> None:
        self._chain = chain

    @api
    def get_delegates(self) -> tuple[DelegateInfo, ...]:
        """All delegates with those who stake on them."""
        places = self._places(list(self._chain.Delegates))
        return tuple(self._delegate(hotkey, found) for hotkey, found in places.items())

    @api
    def get_delegate(self, delegate_account: AccountId) -> DelegateInfo | None:
        """One delegate."""
        if delegate_account not in self._chain.Delegates:
            return None
        return self._delegate(delegate_account, self._places([delegate_account])[delegate_account])

    @api
    def get_delegated(
        self, delegatee_account: AccountId
    ) -> tuple[tuple[DelegateInfo, tuple[compact_u16, compact_u64]], ...]:
        """Where an account stakes on delegates, and how much; their other nominators are left out."""
        places = self._places(list(self._chain.Delegates))
        return tuple(
            (self._delegate(hotkey, {}), place)
            for hotkey, found in places.items()
            for place in found.get(delegatee_account, [])
        )

    def _places(self, hotkeys: Sequence[bytes]) -> _Places:
        places: _Places = {hotkey: defaultdict(list) for hotkey in hotkeys}
        for (hotkey, coldkey, netuid), share in self._chain.AlphaV2.items():
            if share.mantissa and hotkey in places:
                stake = self._chain.stake_of(hotkey, coldkey, netuid)
                places[hotkey][coldkey].append((netuid, stake))
        return places

    def _delegate(self, hotkey: bytes, nominators: _Nominators) -> DelegateInfo:
        chain = self._chain
        registered = [netuid for netuid in chain.networks() if chain.IsNetworkMember[hotkey, netuid]]
        seats = [(netuid, chain.Uids[netuid, hotkey] or 0) for netuid in registered]
        daily = U64F64.saturate(sum(self._daily(netuid, uid) for netuid, uid in seats))
        return DelegateInfo(
            delegate_ss58=hotkey,
            take=chain.Delegates[hotkey],
            nominators=tuple((who, tuple(sorted(places))) for who, places in sorted(nominators.items())),
            owner_ss58=chain.Owner[hotkey],
            registrations=tuple(registered),
            validator_permits=tuple(
                netuid for netuid, uid in seats if any(chain.ValidatorPermit[netuid][uid : uid + 1])
            ),
            return_per_1000=self._return(hotkey, daily),
            total_daily_return=U64F64.floor(daily),
        )

    def _daily(self, netuid: int, uid: int) -> int:
        emission, tempo = sum(self._chain.Emission[netuid][uid : uid + 1]), self._chain.Tempo[netuid]
        epochs = U64F64.divide(U64F64.of(_BLOCKS_A_DAY), U64F64.of(tempo))
        return U64F64.multiply(U64F64.of(emission), epochs)

    def _return(self, hotkey: bytes, daily: int) -> int:
        take = U64F64.divide(U64F64.of(self._chain.Delegates[hotkey]), U64F64.of(PROPORTION))
        thousands = U64F64.divide(U64F64.of(self._chain.stake_on(hotkey, ROOT)), U64F64.of(_THOUSAND_TAO))
        return U64F64.floor(U64F64.divide(U64F64.multiply(daily, U64F64.one - take), thousands))
