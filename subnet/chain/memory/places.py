# SPDX-License-Identifier: Apache-2.0
"""Who gets a place: a uid on a subnet, and a subnet of one's own.

A place costs tao, which buys alpha that nobody gets. Where all places are taken, the neuron that was paid least makes
room, unless it is too new; the owner's own hotkeys stay. A subnet's price becomes the pool of its alpha.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from incentive.emission.market import buy, price
from incentive.emission.registration import BurnRules, after_registration, subnet_lock_cost
from incentive.fixed import U64F64
from protocols.balance import Balance
from protocols.calls import Register, RegisterNetwork, StartSubnet
from protocols.hyperparameters import Hyperparameters, Value
from protocols.keys import short
from protocols.types import Block, Coldkey, Hotkey, NetUid
from subnet.chain.memory.money import associated, traded
from subnet.chain.memory.outcomes import Done, happened, refused
from subnet.chain.memory.state import ROOT, Network, Row, Seat, State

__all__ = ["NewNetwork", "burn_rules", "create", "register", "register_network", "start_subnet", "started"]

_HIGHEST_NETUID: Final = 65_535


@dataclass(frozen=True, slots=True)
class NewNetwork:
    """A subnet to create: `lock` rao become its pool."""

    owner: Coldkey
    hotkey: Hotkey
    lock: int
    name: str = ""
    hyperparameters: dict[str, Value] = field(default_factory=dict)


def burn_rules(hyperparameters: Hyperparameters) -> BurnRules:
    """How the price of a place moves on a subnet."""
    return BurnRules(
        half_life=hyperparameters.burn_half_life,
        increase=U64F64.nearest(hyperparameters.burn_increase_mult),
        lowest=hyperparameters.min_burn,
        highest=hyperparameters.max_burn,
    )


def register(state: State, call: Register, signer: str) -> Done:
    """Buy a place for a hotkey."""
    if call.netuid == ROOT:
        raise refused("RegistrationNotPermittedOnRootSubnet", f"netuid is {ROOT}, expected a subnet from 1 up")
    network, held = state.network(call.netuid), state.free(signer)
    if not network.hyperparameters.network_registration_allowed:
        raise refused("SubNetRegistrationDisabled", f"subnet {call.netuid} takes no registrations")
    if (place := network.uid(call.hotkey)) is not None:
        raise refused("HotKeyAlreadyRegisteredInSubNet", f"hotkey {short(call.hotkey)} holds uid {place}")
    if held < network.burn:
        raise refused(
            "NotEnoughBalanceToStake",
            f"a place on subnet {call.netuid} costs {Balance(network.burn)}, {short(signer)} holds {Balance(held)}",
            "wait until the price has fallen, or send tao to the coldkey",
        )
    state = associated(state, call.hotkey, signer).with_free(signer, held - network.burn)
    uid = _place(network, state)
    # The chain's own trades pay no fee.
    bought = traded(lambda: buy(network.pool, network.burn, fee_rate=0))
    network = _seated(network, uid, Seat(hotkey=call.hotkey, registered=state.block, last_update=state.block))
    network = replace(
        network,
        tao=network.tao + bought.paid,
        alpha=network.alpha - bought.received,
        recycled=network.recycled + bought.received,
        burn=after_registration(network.burn, burn_rules(network.hyperparameters)),
    )
    event = happened("NeuronRegistered", {"netuid": call.netuid, "uid": uid, "hotkey": call.hotkey})
    return Done(state.with_network(network), (event,))


def register_network(state: State, call: RegisterNetwork, signer: str) -> Done:
    """Create a subnet."""
    rules, block = state.rules, state.block
    state = associated(state, call.hotkey, signer)
    before = state.founders.get(Coldkey(signer))
    if before is not None and block - before < rules.network_rate_limit:
        raise refused(
            "NetworkTxRateLimitExceeded",
            f"{short(signer)} created a subnet at block {before}, the next one may come at "
            f"{before + rules.network_rate_limit}, now is {block}",
        )
    if len(state.networks) >= rules.subnet_limit:
        raise refused("SubnetLimitReached", f"there are {len(state.networks)} subnets of {rules.subnet_limit}")
    lock = subnet_lock_cost(
        state.last_lock,
        last_block=state.last_lock_block,
        block=block,
        lowest=rules.network_lock,
        interval=rules.network_lock_interval,
    )
    if (held := state.free(signer)) < lock:
        raise refused("CannotAffordLockCost", f"a subnet costs {Balance(lock)}, {short(signer)} holds {Balance(held)}")
    state, netuid = create(state.with_free(signer, held - lock), NewNetwork(Coldkey(signer), call.hotkey, lock))
    founders = {**state.founders, Coldkey(signer): block}
    state = replace(state, last_lock=lock, last_lock_block=block, founders=founders)
    return Done(state, (happened("NetworkAdded", {"netuid": netuid, "mechid": 1}),))


def start_subnet(state: State, call: StartSubnet, signer: str) -> Done:
    """Open a subnet for staking and emission."""
    network = state.network(call.netuid)
    if signer != network.owner:
        raise refused(
            "BadOrigin", f"subnet {call.netuid} is {short(network.owner)}'s, the call is signed by {short(signer)}"
        )
    if network.first_emission is not None:
        raise refused(
            "FirstEmissionBlockNumberAlreadySet",
            f"subnet {call.netuid} was started for block {network.first_emission}, now is {state.block}",
        )
    first = state.block + 1
    event = happened("FirstEmissionBlockNumberSet", {"netuid": call.netuid, "block": first})
    return Done(state.with_network(started(network, state.block)), (event,))


def started(network: Network, block: int) -> Network:
    """The subnet, open for staking and emission after a block."""
    hyperparameters = Hyperparameters.from_dict({**network.hyperparameters.to_dict(), "subtoken_enabled": True})
    return replace(network, first_emission=Block(block + 1), hyperparameters=hyperparameters)


def create(state: State, new: NewNetwork) -> tuple[State, NetUid]:
    """The state with one subnet more, and its netuid: the lowest that is free. The price is paid already."""
    netuid = NetUid(next(n for n in range(1, _HIGHEST_NETUID) if n not in state.networks))
    changes = {**state.founding.hyperparameters, **new.hyperparameters}
    hyperparameters = Hyperparameters.from_dict({**Hyperparameters.of_new_subnet().to_dict(), **changes})
    alpha = U64F64.floor(U64F64.divide(U64F64.of(new.lock), _median_price(state)))
    network = Network(
        netuid=netuid,
        name=new.name or f"subnet {netuid}",
        owner=new.owner,
        hotkey=new.hotkey,
        hyperparameters=hyperparameters,
        burn=hyperparameters.burn,
        created=state.block,
        seats=(Seat(hotkey=new.hotkey, registered=state.block, last_update=state.block),),
        tao=new.lock,
        alpha=alpha,
        minted=alpha,
        # Subnets that were created together do not all run their epochs in the same block.
        last_epoch=Block(max(0, state.block - netuid % hyperparameters.tempo if hyperparameters.tempo else 0)),
    )
    return associated(state, new.hotkey, new.owner).with_network(network), netuid


def _median_price(state: State) -> int:
    """The U64F64 bits of what a new subnet's alpha costs: as much as others', 1 where there are none."""
    prices = sorted(bits for network in state.networks.values() if (bits := price(network.pool)))
    middle = prices[(len(prices) - 1) // 2 : len(prices) // 2 + 1]
    return sum(middle) // len(middle) if middle else U64F64.one


def _place(network: Network, state: State) -> int:
    """The uid that a newcomer gets: the next one, or that of the neuron which makes room."""
    places = network.hyperparameters.max_allowed_uids
    if len(network.seats) < places:
        return len(network.seats)
    uid = _least_paid(network, state)
    if uid is None:
        raise refused(
            "NoNeuronIdAvailable",
            f"{len(network.seats)} of {places} places of subnet {network.netuid} are taken, and nobody may be pruned",
        )
    return uid


def _least_paid(network: Network, state: State) -> int | None:
    dials, immortal = network.hyperparameters, _immortal(network, state)
    ranked = sorted(
        (seat.emission, seat.registered, uid) for uid, seat in enumerate(network.seats) if uid not in immortal
    )
    immune = [rank for rank in ranked if state.block - rank[1] < dials.immunity_period]
    others = [rank for rank in ranked if state.block - rank[1] >= dials.immunity_period]
    candidates = others if len(others) > dials.min_non_immune_uids else immune
    return candidates[0][2] if candidates else None


def _immortal(network: Network, state: State) -> list[int]:
    """The owner's uids that are never pruned: its oldest, its own hotkey before them."""
    owned = sorted(
        (seat.registered, uid) for uid, seat in enumerate(network.seats) if state.owners[seat.hotkey] == network.owner
    )
    limit, own = network.hyperparameters.immune_owner_uids_limit, network.uid(network.hotkey)
    oldest = [uid for _, uid in owned][:limit]
    return oldest if own is None or own in oldest else [own, *oldest][:limit]


def _seated(network: Network, uid: int, seat: Seat) -> Network:
    """The subnet with a newcomer at a place; weights on whoever held it stay as entries of zero, bonds as they are."""
    if uid == len(network.seats):
        return replace(network, seats=(*network.seats, seat))
    others = tuple(
        replace(other, weights=_without(other.weights, uid)) if _names(other.weights, uid) else other
        for other in network.seats
    )
    return replace(network, seats=others).with_seat(uid, seat)


def _names(row: Row, uid: int) -> bool:
    return any(other == uid for other, _ in row)


def _without(row: Row, uid: int) -> Row:
    return tuple((other, 0 if other == uid else value) for other, value in row)
