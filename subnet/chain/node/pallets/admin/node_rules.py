# SPDX-License-Identifier: Apache-2.0
"""Rules of what runs the chain: who makes blocks and makes them final, and the contracts beside the networks.

One author makes all blocks of this chain, each of which is final at once, and there are no contracts. What the root
writes down about authors and contracts is kept for those who read it, and changes nothing; a change of those who make
blocks final would have to happen, so it is refused.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_128_concat
from subnet.chain.node.frame.items import DispatchFailure, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.pallets.admin.rights import AdminEvents, Rights
from subnet.chain.node.pallets.aura import Aura
from subnet.chain.node.pallets.evm import EVMChainId
from subnet.chain.node.scale.composites import Enum, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, Flag, u32, u64

__all__ = ["NodeEvents", "NodeRules"]

_PRECOMPILE: Final = Enum(
    ("pallet_admin_utils", "pallet", "PrecompileEnum"),
    (
        VariantType("BalanceTransfer", 0),
        VariantType("Staking", 1),
        VariantType("Subnet", 2),
        VariantType("Metagraph", 3),
        VariantType("Neuron", 4),
        VariantType("UidLookup", 5),
        VariantType("Alpha", 6),
        VariantType("Crowdloan", 7),
        VariantType("Proxy", 8),
        VariantType("Leasing", 9),
        VariantType("AddressMapping", 10),
        VariantType("VotingPower", 11),
    ),
)
_Precompile: TypeAlias = Annotated[Variant, _PRECOMPILE]


class NodeEvents(AdminEvents):
    """What the pallet says it did."""

    PrecompileUpdated = Event(0, precompile_id=_PRECOMPILE, enabled=Flag)


class NodeRules(Rights):
    """The root's calls about what runs the chain."""

    Events = NodeEvents

    PrecompileEnable = Map[bool](Flag, True, blake2_128_concat(_PRECOMPILE))

    @call(0)
    def swap_authorities(self, origin: Origin, new_authorities: tuple[AccountId, ...]) -> None:
        """Write down who makes blocks; an empty list is left aside."""
        origin.root()
        if new_authorities:
            Aura(self.state).Authorities.value = new_authorities

    @call(58)
    def sudo_set_evm_chain_id(self, origin: Origin, chain_id: u64) -> None:
        """Write down the number that wallets know the chain's contracts by."""
        origin.root()
        EVMChainId(self.state).ChainId.value = chain_id

    @call(59)
    def schedule_grandpa_change(
        self, origin: Origin, next_authorities: tuple[tuple[AccountId, u64], ...], in_blocks: u32, forced: u32 | None
    ) -> None:
        """Nobody makes blocks final but their author."""
        origin.root()
        raise DispatchFailure(Variant("Unavailable"))

    @call(62)
    def sudo_toggle_evm_precompile(self, origin: Origin, precompile_id: _Precompile, enabled: Flag) -> None:
        """Write down whether contracts may ask one of the chain's own."""
        origin.root()
        if self.PrecompileEnable[precompile_id] != enabled:
            self.PrecompileEnable[precompile_id] = enabled
            self.system.deposit(self.Events.PrecompileUpdated(precompile_id, enabled))
