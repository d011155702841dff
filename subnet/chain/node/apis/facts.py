# SPDX-License-Identifier: Apache-2.0
"""What several answers tell about a network, under the names that they tell it by.

A metagraph, a network's state and its dynamic information overlap; each picks what it has a field for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from incentive.emission.stake import Stakes, inherited, total_stake_bits
from incentive.fixed import I64F64
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.epochs import number

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["Weighed", "network_facts", "neuron_facts", "weighed_stakes"]


class Weighed(NamedTuple):
    """What the stake of some hotkeys counts on a network, in rao: alpha, tao on root, and both together."""

    alpha: tuple[int, ...]
    tao: tuple[int, ...]
    total: tuple[int, ...]


def network_facts(chain: SubtensorModule, netuid: int) -> dict[str, Any]:
    """A network's owner, clock and pool."""
    name, symbol, identity = chain.name_of_subnet(netuid), chain.TokenSymbol[netuid], chain.SubnetIdentitiesV3[netuid]
    last_step = chain.LastMechansimStepBlock[netuid]
    return {
        "netuid": netuid,
        "name": name,
        "subnet_name": name,
        "symbol": symbol,
        "token_symbol": symbol,
        "identity": identity,
        "subnet_identity": identity,
        "network_registered_at": chain.NetworkRegisteredAt[netuid],
        "owner_hotkey": chain.SubnetOwnerHotkey[netuid],
        "owner_coldkey": chain.SubnetOwner[netuid],
        "block": chain.system.block,
        "tempo": chain.Tempo[netuid],
        "last_step": last_step,
        "blocks_since_last_step": max(0, chain.system.block - last_step),
        "emission": 0,
        "subnet_emission": 0,
        "alpha_in": chain.SubnetAlphaIn[netuid],
        "alpha_out": chain.SubnetAlphaOut[netuid],
        "tao_in": chain.SubnetTAO[netuid],
        "alpha_out_emission": chain.SubnetAlphaOutEmission[netuid],
        "alpha_in_emission": chain.SubnetAlphaInEmission[netuid],
        "tao_in_emission": chain.SubnetTaoInEmission[netuid],
        "pending_alpha_emission": chain.PendingValidatorEmission[netuid] + chain.PendingServerEmission[netuid],
        "pending_root_emission": 0,
        "subnet_volume": chain.SubnetVolume[netuid],
        "moving_price": chain.SubnetMovingPrice[netuid],
    }


def neuron_facts(chain: SubtensorModule, netuid: int) -> dict[str, Any]:
    """Lists with one element a uid; what the chain no longer computes is empty."""
    uids = range(chain.SubnetworkN[netuid])
    hotkeys = [chain.Keys[netuid, uid] for uid in uids]
    stakes = weighed_stakes(chain, netuid, hotkeys)
    return {
        "hotkeys": hotkeys,
        "coldkeys": [chain.Owner[hotkey] for hotkey in hotkeys],
        "active": chain.Active[netuid],
        "validator_permit": chain.ValidatorPermit[netuid],
        "pruning_score": (),
        "last_update": chain.LastUpdate[netuid],
        "emission": chain.Emission[netuid],
        "dividends": chain.Dividends[netuid],
        "incentives": chain.Incentive[netuid],
        "consensus": chain.Consensus[netuid],
        "trust": (),
        "rank": (),
        "block_at_registration": [chain.BlockAtRegistration[netuid, uid] for uid in uids],
        "alpha_stake": stakes.alpha,
        "tao_stake": stakes.tao,
        "total_stake": stakes.total,
    }


def weighed_stakes(chain: SubtensorModule, netuid: int, hotkeys: Sequence[bytes]) -> Weighed:
    """What each hotkey's stake counts, without what it lends and with what others lend to it."""
    relatives = {key for links in (chain.ParentKeys, chain.ChildKeys) for key, at in links if at == netuid}
    # Nearly all hotkeys are on their own, and whoever is speaks for what lies on the key.
    held = [
        _with_family(chain, netuid, key)
        if key in relatives
        else (chain.stake_on(key, netuid), chain.stake_on(key, ROOT))
        for key in hotkeys
    ]
    alpha, tao = tuple(part for part, _ in held), tuple(part for _, part in held)
    together = Stakes(dict(enumerate(alpha)), dict(enumerate(tao)), tao_weight=chain.TaoWeight.value)
    bits = total_stake_bits(together, range(len(held)))
    return Weighed(alpha, tao, tuple(I64F64.floor(total) for total in bits))


def _with_family(chain: SubtensorModule, netuid: int, hotkey: bytes) -> tuple[int, int]:
    stakes, name = chain.stakes(netuid, [hotkey]), number(hotkey)
    return inherited(stakes, name, stakes.alpha), inherited(stakes, name, stakes.root)
