# SPDX-License-Identifier: Apache-2.0
"""Everything that the chain knows at one block, as one immutable value.

A call or a new block makes a new state that shares with the old one all that it did not touch. So a call that fails
half-way has changed nothing, the states of past blocks can be kept for little, and no reader can see a block half done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from incentive.emission.drain import Pending
from incentive.emission.market import Pool
from incentive.emission.nominators import SharePool
from incentive.emission.rao import TAO
from incentive.emission.subnets import TAO_WEIGHT
from protocols.chain import Commitment
from protocols.endpoint import Endpoint
from protocols.errors import UnknownSubnet
from protocols.hyperparameters import Hyperparameters, Value
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58, Uid

__all__ = ["Axon", "ChainRules", "Commit", "Founding", "Network", "ROOT", "Rao", "Row", "Seat", "Stakes", "State"]

ROOT: Final = NetUid(0)
"""Where stake is held in tao and counts on every subnet."""

Rao: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
# Far above what any chain comes to, and far enough below 64 bits that a sum of two still fits.
_Height: TypeAlias = Annotated[Block, msgspec.Meta(ge=0, le=2**61)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**61)]
_U16: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Row: TypeAlias = tuple[tuple[_U16, _U16], ...]
"""A neuron's weights, or bonds: (uid, value) in the order in which they were set."""
Stakes: TypeAlias = Mapping[Hotkey, SharePool]
"""What lies on each hotkey of one subnet."""


class ChainRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dials of a chain as a whole; their defaults are the public chain's. Amounts are rao, times are blocks."""

    fee: Rao = 135_260
    """What a call costs that is not free; it is recycled."""
    existential_deposit: Rao = 500
    """The least that an account can hold."""
    min_stake: Rao = 2_000_000
    stake_threshold: Rao = 0
    """The stake weight that a validator needs for its weights to count."""
    tao_weight: Rao = TAO_WEIGHT
    """What tao on the root network counts beside alpha, out of 2^64 - 1."""
    network_lock: Rao = 1000 * TAO
    """The least that a subnet costs; it becomes the subnet's pool."""
    network_lock_interval: _Height = Block(14 * 7200)
    network_rate_limit: _Height = Block(7200)
    subnet_limit: _U16 = 128
    max_epochs_per_block: Annotated[int, msgspec.Meta(ge=1)] = 2
    freeze_window: _Height = Block(10)
    """Before an epoch, in which an owner's hyperparameters stay as they are."""
    owner_rate_limit: _Count = 2
    """Epochs between two changes of one hyperparameter by an owner."""
    loopback: bool = False
    """Whether a miner may publish 127.0.0.1."""


class Founding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was settled when the chain began."""

    genesis: Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{64}$")]
    is_local: bool
    root: Ss58 | None
    """The account that may turn every dial."""
    rules: ChainRules
    hyperparameters: Mapping[str, Value]
    """What a new subnet has, where that is not the public chain's."""


class Axon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a miner says that it answers."""

    endpoint: Endpoint
    block: _Height


class Commit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hidden weights: their hash, and the epoch and the block in which it came."""

    hash: bytes
    epoch: _Count
    block: _Height


class Seat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A uid: who holds it, and what the last epoch left it; shares are counts of 1/65535."""

    hotkey: Hotkey
    registered: _Height
    last_update: _Height
    active: bool = True
    permit: bool = False
    consensus: _U16 = 0
    incentive: _U16 = 0
    dividends: _U16 = 0
    validator_trust: _U16 = 0
    emission: Rao = 0
    weights: Row = ()
    bonds: Row = ()
    commits: tuple[Commit, ...] = ()
    axon: Axon | None = None


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subnet. Of all alpha ever `minted`, each rao is in the pool, staked, pending, or in one of the sums below."""

    netuid: NetUid
    name: str
    owner: Coldkey
    hotkey: Hotkey
    hyperparameters: Hyperparameters
    burn: Rao
    """The price of a place at the moment."""
    created: _Height
    first_emission: _Height | None = None
    """Absent until the subnet is started."""
    seats: tuple[Seat, ...] = ()
    tao: Rao
    alpha: Rao
    """The two sides of the pool."""
    minted: Rao
    pending: Pending = Pending(0, 0)
    claimable: Mapping[Hotkey, Rao] = {}
    """Dividends on tao staked on the root network, which nobody has claimed."""
    protocol: Rao = 0
    """Bought from the pool by the chain itself."""
    recycled: Rao = 0
    burned: Rao = 0
    unpaid: int = 0
    """Lost to rounding, or drained where nobody had a claim; below zero where an epoch paid more than was drained."""
    moving_price: Rao = 0
    """I96F32 bits."""
    withheld: Rao = 0
    """U96F32 bits of the part of the last incentive that was the owner's and therefore not paid."""
    last_epoch: _Height
    last_step: _Height = Block(0)
    idle: _Count = 0
    """Blocks since the last epoch."""
    epochs: _Count = 0
    commitments: Mapping[Hotkey, Commitment] = {}
    changed: Mapping[str, _Height] = {}
    """When the owner last changed a hyperparameter."""

    @property
    def pool(self) -> Pool:
        """The reserves that alpha is traded against."""
        return Pool(self.tao, self.alpha)

    @property
    def issuance(self) -> int:
        """The alpha that exists, in rao."""
        return self.minted - self.recycled

    @property
    def emits(self) -> bool:
        """Whether alpha is made for its participants."""
        allowed = self.hyperparameters.network_registration_allowed
        return self.first_emission is not None and self.hyperparameters.subtoken_enabled and allowed

    def due(self, block: int) -> bool:
        """Whether its epoch runs at this block, if others leave it room."""
        tempo = self.hyperparameters.tempo
        return tempo != 0 and (block - self.last_epoch >= tempo or self.idle > _LONGEST_IDLE)

    def epoch_at(self, block: int) -> int:
        """The number of the epoch that this block belongs to, by which hidden weights are counted."""
        return self.epochs + self.due(block)

    def uid(self, hotkey: str) -> Uid | None:
        """The place that a hotkey holds."""
        return next((Uid(uid) for uid, seat in enumerate(self.seats) if seat.hotkey == hotkey), None)

    def with_seat(self, uid: int, seat: Seat) -> Network:
        """The subnet with somebody or something else at a place."""
        return replace(self, seats=(*self.seats[:uid], seat, *self.seats[uid + 1 :]))


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chain at one block. Of all tao ever `minted`, each rao is in an account, a pool, on root, or recycled."""

    founding: Founding
    block: _Height
    minted: Rao
    recycled: Rao = 0
    balances: Mapping[Ss58, Rao]
    owners: Mapping[Hotkey, Coldkey] = {}
    networks: Mapping[NetUid, Network] = {}
    stakes: Mapping[NetUid, Stakes] = {}
    last_lock: Rao
    last_lock_block: _Height = Block(0)
    founders: Mapping[Coldkey, _Height] = {}
    """When an account last created a subnet."""

    @property
    def rules(self) -> ChainRules:
        """The dials of the chain."""
        return self.founding.rules

    @property
    def issuance(self) -> int:
        """The tao that exists, in rao."""
        return self.minted - self.recycled

    def network(self, netuid: int) -> Network:
        """A subnet; raises `UnknownSubnet`."""
        network = self.networks.get(NetUid(netuid))
        if network is None:
            known = ", ".join(map(str, sorted(self.networks))) or "none yet"
            raise UnknownSubnet(
                f"SubnetNotExists: there is no subnet {netuid}, expected one of: {known}",
                help="create one: RegisterNetwork(hotkey), signed by the owner's coldkey",
            )
        return network

    def free(self, address: str) -> int:
        """The rao that an account can spend."""
        return self.balances.get(Ss58(address), 0)

    def staked_on(self, netuid: int, hotkey: str) -> SharePool:
        """What lies on a hotkey."""
        return self.stakes.get(NetUid(netuid), {}).get(Hotkey(hotkey), SharePool())

    def with_free(self, address: str, rao: int) -> State:
        """The state in which an account holds that much."""
        return replace(self, balances={**self.balances, Ss58(address): rao})

    def with_network(self, network: Network) -> State:
        """The state in which a subnet is as given."""
        return replace(self, networks={**self.networks, network.netuid: network})

    def with_stake(self, netuid: int, hotkey: str, pool: SharePool) -> State:
        """The state in which that lies on a hotkey."""
        of_network = {**self.stakes.get(NetUid(netuid), {}), Hotkey(hotkey): pool}
        return replace(self, stakes={**self.stakes, NetUid(netuid): of_network})


_LONGEST_IDLE: Final = 50_400
