# SPDX-License-Identifier: Apache-2.0
"""What a chain promises, wherever it lives: the same suite over each implementation, by calls and reads alone.

A chain may refuse a call before it is included, by raising, or afterwards, in the receipt: `World.refusal` takes both.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from protocols.balance import Balance
from protocols.calls import (
    AddStake,
    Call,
    CommitWeights,
    Register,
    RegisterNetwork,
    RemoveStake,
    RevealWeights,
    ServeAxon,
    SetCommitment,
    SetHyperparameter,
    SetWeights,
    StartSubnet,
    Transfer,
)
from protocols.chain import Chain, Commitment, Receipt
from protocols.endpoint import Endpoint
from protocols.errors import (
    DevKeyRefused,
    ExtrinsicFailed,
    InvalidAddress,
    LedgerError,
    NotRegistered,
    UnitMismatch,
    UnknownHyperparameter,
    UnknownSubnet,
)
from protocols.hyperparameters import Value
from protocols.keys import Keypair
from protocols.metagraph import Neuron
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58, Uid
from subnet.chain.client import SubstrateChain
from subnet.chain.local import LocalChain
from subnet.chain.memory import Genesis, MemoryChain
from subnet.chain.memory.genesis import LOCAL_HYPERPARAMETERS

ROOT, OWNER, OTHER = Keypair.from_uri("//Alice"), Keypair.from_uri("//Bob"), Keypair.from_uri("//Charlie")
OWNERS_HOTKEY = Keypair.from_uri("//owner//hotkey")
VALIDATOR, RIVAL = Keypair.from_uri("//validator/1"), Keypair.from_uri("//validator/2")
MINERS = [Keypair.from_uri(f"//miner/{number}") for number in range(6)]
POOR = Keypair.from_uri("//poor")
NOWHERE = NetUid(77)
PLACE = Endpoint("203.0.113.7", 8091)


def hot(key: Keypair) -> Hotkey:
    """The address of a key, as a hotkey or a coldkey."""
    return Hotkey(Ss58(key.ss58_address))


def uids(*numbers: int) -> tuple[Uid, ...]:
    """Uids, typed."""
    return tuple(map(Uid, numbers))


NODE_DIALS: Mapping[str, Value] = {
    **{name: value for name, value in LOCAL_HYPERPARAMETERS.items() if name != "burn"},
    "min_burn": 10**9 - 1,  # the price of a place is set by its bounds alone
}


@dataclass
class World:
    """A chain on which `ROOT` is root, the developers are rich, and blocks can be made to pass."""

    chain: Chain
    pass_blocks: Callable[[int], Awaitable[None]]
    seals_at_once: bool = False
    """Whether a block is made for each call, rather than left open for more."""
    dials: Mapping[str, Value] = field(default_factory=dict)
    """What root sets on each new subnet, where the chain itself gives it the public chain's values."""
    public: Chain | None = None
    """One of the same kind that is nobody's own, where there is such a thing."""
    netuid: NetUid = field(default=NetUid(0))

    async def do(self, call: Call, signer: Keypair) -> Receipt:
        """Submit a call that must succeed, and see to it that its block is sealed."""
        receipt = (await self.chain.submit(call, signer)).raise_for_error()
        if not self.seals_at_once:
            await self.pass_blocks(1)
        return receipt

    async def refusal(self, call: Call, signer: Keypair) -> LedgerError:
        """Submit a call that must fail, and say why it did."""
        try:
            receipt = await self.chain.submit(call, signer)
        except LedgerError as error:
            return error
        assert receipt.error is not None, f"{call} succeeded"
        return receipt.error

    async def subnet(self, **dials: Value) -> NetUid:
        """A new subnet of `OWNER`'s, started, with these hyperparameters; it is the one that the rest is about."""
        created = await self.do(RegisterNetwork(hot(OWNERS_HOTKEY)), OWNER)
        netuid = created.event("NetworkAdded").fields["netuid"]
        assert isinstance(netuid, int)
        self.netuid = NetUid(netuid)
        for name, value in {**self.dials, **dials}.items():
            await self.do(SetHyperparameter(self.netuid, name, value), ROOT)
        await self.do(StartSubnet(self.netuid), OWNER)
        return self.netuid

    async def join(self, *keys: Keypair, coldkey: Keypair = OTHER) -> None:
        """Register hotkeys."""
        for key in keys:
            await self.do(Register(self.netuid, hot(key)), coldkey)

    async def stake(self, key: Keypair, tao: int = 10, coldkey: Keypair = OTHER) -> Receipt:
        """Stake on a hotkey."""
        return await self.do(AddStake(self.netuid, hot(key), Balance.tao(tao)), coldkey)

    async def validator(self, key: Keypair = VALIDATOR, tao: int = 10) -> None:
        """Register a hotkey and bring it to a permit."""
        await self.join(key)
        await self.stake(key, tao)
        await self.next_epoch()

    async def next_epoch(self) -> Block:
        """Let blocks pass until another epoch has run."""
        before = (await self.chain.epoch(self.netuid)).index
        while (now := await self.chain.epoch(self.netuid)).index == before:
            await self.pass_blocks(1)
        return now.last

    async def neuron(self, key: Keypair) -> Neuron:
        """The row of a hotkey."""
        return (await self.chain.metagraph(self.netuid)).by_hotkey(hot(key))

    async def free(self, key: Keypair) -> Balance:
        """What a coldkey can spend."""
        return await self.chain.balance(hot(key))


@asynccontextmanager
async def in_memory() -> AsyncIterator[World]:
    """A world within this process."""
    chain = MemoryChain(Genesis.local())

    async def pass_blocks(blocks: int) -> None:
        chain.seal(blocks)

    yield World(chain, pass_blocks, public=MemoryChain(Genesis(is_local=False)))


@asynccontextmanager
async def in_a_node() -> AsyncIterator[World]:
    """A world of the local node's own blocks."""
    chain = LocalChain()

    async def pass_blocks(blocks: int) -> None:
        chain.seal(blocks)

    yield World(chain, pass_blocks, seals_at_once=True, dials=NODE_DIALS)


@asynccontextmanager
async def over_a_port() -> AsyncIterator[World]:
    """The same behind a port, seen through the client that talks to public chains."""
    from tests.subnet.chain.client.worlds import over_node  # which builds worlds of the kind above

    async with over_node() as made:
        yield made


@asynccontextmanager
async def at_an_endpoint() -> AsyncIterator[World]:
    """A node that somebody else runs, with the development accounts and blocks by the clock."""
    async with await SubstrateChain.open([os.environ["SUBNET_TEST_ENDPOINT"]]) as chain:

        async def pass_blocks(blocks: int) -> None:
            await chain.wait_for_block(Block(await chain.block() + blocks))

        yield World(chain, pass_blocks, dials=NODE_DIALS)


# A real subtensor is tried too where one is named; nobody has one by chance.
WORLDS = [in_memory, in_a_node, over_a_port, *([at_an_endpoint] if "SUBNET_TEST_ENDPOINT" in os.environ else [])]


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world of each kind."""
    async with request.param() as made:
        yield made


# Accounts


async def test_tao_moves_from_one_account_to_another_and_the_sender_pays_the_fee(world: World) -> None:
    before = await world.free(OTHER)
    receipt = await world.do(Transfer(Coldkey(hot(POOR)), Balance.tao(3)), OTHER)
    assert await world.free(POOR) == Balance.tao(3)
    assert await world.free(OTHER) + Balance.tao(3) + receipt.fee == before
    assert receipt.event("Transfer").pallet == "Balances"


async def test_an_account_that_nobody_has_seen_holds_nothing_and_an_address_that_is_none_is_refused(
    world: World,
) -> None:
    assert await world.free(POOR) == Balance(0)
    with pytest.raises(InvalidAddress):
        await world.chain.balance(Ss58("5Nobody"))
    with pytest.raises(InvalidAddress):
        await world.chain.submit(Transfer(Coldkey(Ss58("5Nobody")), Balance.tao(1)), OTHER)


async def test_nobody_gives_more_than_is_there(world: World) -> None:
    held = await world.free(OTHER)
    assert isinstance(await world.refusal(Transfer(Coldkey(hot(POOR)), held + held), OTHER), ExtrinsicFailed)
    await world.pass_blocks(1)
    assert await world.free(POOR) == Balance(0)


async def test_who_cannot_pay_a_fee_is_not_included(world: World) -> None:
    with pytest.raises(ExtrinsicFailed):
        await world.chain.submit(Transfer(Coldkey(hot(OTHER)), Balance.tao(1)), POOR)


async def test_a_development_key_signs_on_a_local_chain_only(world: World) -> None:
    assert world.chain.is_local
    if world.public is None:
        return
    assert not world.public.is_local
    with pytest.raises(DevKeyRefused):
        await world.public.submit(Transfer(Coldkey(hot(POOR)), Balance.tao(1)), OTHER)


# Receipts


async def test_a_receipt_names_the_block_that_included_the_call(world: World) -> None:
    before = await world.chain.block()
    first = await world.chain.submit(Transfer(Coldkey(hot(POOR)), Balance.tao(1)), OTHER)
    second = await world.chain.submit(Transfer(Coldkey(hot(POOR)), Balance.tao(1)), OTHER)
    assert before < first.block <= second.block
    for digest in (first.block_hash, first.extrinsic_hash, world.chain.genesis):
        assert len(bytes.fromhex(digest.removeprefix("0x"))) == 32
    assert first.extrinsic_hash != second.extrinsic_hash


async def test_a_call_that_failed_is_a_receipt_that_raises_and_caused_nothing_but_a_fee(world: World) -> None:
    await world.subnet()
    before = await world.free(OTHER)
    much = Balance.alpha(5, netuid=world.netuid)
    receipt = await world.chain.submit(RemoveStake(world.netuid, hot(OWNERS_HOTKEY), much), OTHER)
    await world.pass_blocks(1)
    # The chain takes what is there, which is nothing; a chain in memory says that it is not enough.
    with pytest.raises(LedgerError, match=r"AmountTooLow|NotEnoughStakeToWithdraw"):
        receipt.raise_for_error()
    assert not [event for event in receipt.events if event.pallet == "SubtensorModule"]
    assert await world.free(OTHER) + receipt.fee == before


async def test_a_refusal_names_the_chains_error_and_helps(world: World) -> None:
    await world.subnet()
    error = await world.refusal(SetWeights(world.netuid, uids(0), (1,)), MINERS[0])
    assert isinstance(error, NotRegistered)
    assert "HotKeyNotRegisteredInSubNet" in error.message
    assert error.help


# Blocks


async def test_waiting_for_a_block_returns_the_newest_by_then(world: World) -> None:
    now = await world.chain.block()
    assert await world.chain.wait_for_block(now) == now
    await world.pass_blocks(3)
    assert await world.chain.wait_for_block(Block(now + 2)) >= now + 3


async def test_blocks_say_when_they_were_made_and_never_an_earlier_moment_than_the_one_before(world: World) -> None:
    await world.pass_blocks(1)
    first = await world.chain.time_ns()
    assert first > 0
    await world.pass_blocks(2)
    assert await world.chain.time_ns() >= first


async def test_a_metagraph_is_of_the_block_that_was_asked_for(world: World) -> None:
    await world.subnet()
    before = await world.chain.block()
    await world.join(MINERS[0])
    old, new = await world.chain.metagraph(world.netuid, before), await world.chain.metagraph(world.netuid)
    assert (old.block, old.n) == (before, 1)
    assert (new.block, new.n) == (await world.chain.block(), 2)
    with pytest.raises(LedgerError):
        await world.chain.metagraph(world.netuid, Block(new.block + 1000))


async def test_what_was_read_stays_as_it_was(world: World) -> None:
    await world.subnet()
    await world.validator()
    metagraph, weights = await world.chain.metagraph(world.netuid), await world.chain.weights(world.netuid)
    commitments = await world.chain.commitments(world.netuid)
    copy = metagraph.to_bytes()
    await world.do(SetWeights(world.netuid, uids(0), (1,)), VALIDATOR)
    await world.do(SetCommitment(world.netuid, b"model"), VALIDATOR)
    assert metagraph.to_bytes() == copy
    assert not len(weights.uids)
    assert not commitments
    with pytest.raises(ValueError, match="read-only"):
        metagraph.stake[0] = 1


async def test_a_subnet_that_does_not_exist_is_unknown_to_every_read(world: World) -> None:
    chain = world.chain
    reads = (chain.metagraph, chain.hyperparameters, chain.epoch, chain.weights, chain.bonds, chain.commitments)
    for read in reads:
        with pytest.raises(UnknownSubnet, match=str(NOWHERE)):
            await read(NOWHERE)


@pytest.mark.parametrize(
    "call",
    [
        Register(NOWHERE, hot(MINERS[0])),
        StartSubnet(NOWHERE),
        SetHyperparameter(NOWHERE, "tempo", 20),
        AddStake(NOWHERE, hot(MINERS[0]), Balance.tao(1)),
        ServeAxon(NOWHERE, PLACE),
        SetCommitment(NOWHERE, b""),
        SetWeights(NOWHERE, uids(0), (1,)),
        CommitWeights(NOWHERE, bytes(32)),
    ],
    ids=lambda call: type(call).__name__,
)
async def test_a_subnet_that_does_not_exist_takes_no_calls(world: World, call: Call) -> None:
    assert isinstance(await world.refusal(call, ROOT), LedgerError)


# Subnets


async def test_a_new_subnet_is_its_creators_with_the_owners_hotkey_in_the_first_place(world: World) -> None:
    before = await world.free(OWNER)
    netuid = await world.subnet()
    info = next(info for info in await world.chain.subnets() if info.netuid == netuid)
    assert (info.owner, info.neurons) == (hot(OWNER), 1)
    assert (await world.neuron(OWNERS_HOTKEY)).uid == 0
    assert (await world.neuron(OWNERS_HOTKEY)).coldkey == hot(OWNER)
    assert await world.free(OWNER) < before


async def test_subnets_are_listed_by_netuid(world: World) -> None:
    first = await world.subnet()
    second = await world.subnet()
    assert second > first
    netuids = [info.netuid for info in await world.chain.subnets()]
    assert netuids == sorted(netuids)
    assert {first, second} <= set(netuids)


async def test_a_subnet_costs_what_not_everybody_has(world: World) -> None:
    await world.do(Transfer(Coldkey(hot(POOR)), Balance.tao(1)), OTHER)
    assert "CannotAffordLockCost" in (await world.refusal(RegisterNetwork(hot(MINERS[0])), POOR)).message


async def test_only_the_owner_starts_a_subnet_and_once(world: World) -> None:
    created = await world.do(RegisterNetwork(hot(OWNERS_HOTKEY)), OWNER)
    netuid = created.event("NetworkAdded").fields["netuid"]
    assert isinstance(netuid, int)
    world.netuid = NetUid(netuid)
    staking = AddStake(world.netuid, hot(OWNERS_HOTKEY), Balance.tao(1))
    assert "SubtokenDisabled" in (await world.refusal(staking, OTHER)).message
    assert "BadOrigin" in (await world.refusal(StartSubnet(world.netuid), OTHER)).message
    await world.do(StartSubnet(world.netuid), OWNER)
    assert "FirstEmissionBlockNumberAlreadySet" in (await world.refusal(StartSubnet(world.netuid), OWNER)).message
    await world.do(staking, OTHER)


async def test_a_hyperparameter_is_set_and_read(world: World) -> None:
    await world.subnet()
    await world.do(SetHyperparameter(world.netuid, "immunity_period", 123), OWNER)
    await world.do(SetHyperparameter(world.netuid, "kappa", 40_000), ROOT)
    read = await world.chain.hyperparameters(world.netuid)
    assert (read.immunity_period, read.kappa) == (123, 40_000)


@pytest.mark.parametrize(
    ("name", "value", "signer", "error"),
    [
        ("immunity_period", 5, OTHER, "BadOrigin"),
        ("kappa", 5, OWNER, "BadOrigin"),
        ("burn", 5, OWNER, "BadOrigin"),
        ("tempo", 5, OWNER, "TempoOutOfBounds"),
        # A chain in memory has one name for all numbers that are out of bounds.
        ("bonds_moving_average", 10**6, OWNER, "BondsMovingAverageMaxReached|InvalidValue"),
        ("burn_half_life", 0, ROOT, "InvalidValue"),
        ("min_burn", 10**8 + 10**9, ROOT, "ValueNotInBounds|InvalidValue"),
        ("liquid_alpha_on", 1, ROOT, "InvalidValue"),
        ("max_allowed_uids", 63, ROOT, "MaxAllowedUidsLessThanMinAllowedUids|InvalidValue"),
    ],
)
async def test_a_hyperparameter_is_set_by_those_who_may_and_as_far_as_they_may(
    world: World, name: str, value: Value, signer: Keypair, error: str
) -> None:
    await world.subnet()
    refusal = await world.refusal(SetHyperparameter(world.netuid, name, value), signer)
    assert re.match(error, refusal.message)
    before = await world.chain.hyperparameters(world.netuid)
    await world.pass_blocks(1)
    assert await world.chain.hyperparameters(world.netuid) == before


async def test_a_hyperparameter_that_does_not_exist_is_refused_with_one_that_does(world: World) -> None:
    await world.subnet()
    with pytest.raises(UnknownHyperparameter):
        await world.chain.submit(SetHyperparameter(world.netuid, "temppo", 5), OWNER)


# Places


async def test_a_registration_gives_a_place_at_the_price_of_the_moment(world: World) -> None:
    await world.subnet()
    price, before = (await world.chain.hyperparameters(world.netuid)).burn, await world.free(OTHER)
    receipt = await world.do(Register(world.netuid, hot(MINERS[0])), OTHER)
    neuron = await world.neuron(MINERS[0])
    assert receipt.event("NeuronRegistered").fields["uid"] == neuron.uid == 1
    assert (neuron.coldkey, neuron.block_at_registration, neuron.last_update) == (
        hot(OTHER),
        receipt.block,
        receipt.block,
    )
    assert await world.free(OTHER) + Balance(price) + receipt.fee == before


async def test_the_price_of_a_place_rises_by_each_sale_and_falls_in_between(world: World) -> None:
    await world.subnet(burn_increase_mult=2.0)

    async def price() -> int:
        return (await world.chain.hyperparameters(world.netuid)).burn

    before = await price()
    await world.join(MINERS[0])
    await world.join(MINERS[1])
    risen = await price()
    await world.pass_blocks(5)
    assert before < await price() < risen


async def test_a_hotkey_takes_one_place_and_is_its_coldkeys_own(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    again = await world.refusal(Register(world.netuid, hot(MINERS[0])), OTHER)
    assert "HotKeyAlreadyRegisteredInSubNet" in again.message
    await world.subnet()
    assert "NonAssociatedColdKey" in (await world.refusal(Register(world.netuid, hot(MINERS[0])), ROOT)).message
    assert "NonAssociatedColdKey" in (await world.refusal(RegisterNetwork(hot(MINERS[0])), ROOT)).message


async def test_a_place_is_not_given_on_root_nor_where_registration_is_closed_nor_to_who_cannot_pay(
    world: World,
) -> None:
    await world.subnet(min_burn=5 * 10**8)
    root = await world.refusal(Register(NetUid(0), hot(MINERS[0])), OTHER)
    assert "RegistrationNotPermittedOnRootSubnet" in root.message
    await world.do(Transfer(Coldkey(hot(POOR)), Balance.tao("0.1")), OTHER)
    assert "NotEnoughBalanceToStake" in (await world.refusal(Register(world.netuid, hot(MINERS[0])), POOR)).message
    await world.do(SetHyperparameter(world.netuid, "network_registration_allowed", False), ROOT)
    closed = await world.refusal(Register(world.netuid, hot(MINERS[0])), OTHER)
    assert "SubNetRegistrationDisabled" in closed.message


async def full_subnet(world: World, immunity_period: int) -> None:
    """Three places: the owner's, and two miners' of which the second earns all."""
    dials: dict[str, Value] = {"max_allowed_validators": 3, "min_allowed_uids": 0, "min_non_immune_uids": 0}
    await world.subnet(**dials, immunity_period=immunity_period)
    await world.do(SetHyperparameter(world.netuid, "max_allowed_uids", 3), ROOT)
    await world.join(MINERS[0], MINERS[1])
    await world.stake(OWNERS_HOTKEY)
    await world.next_epoch()
    await world.do(SetWeights(world.netuid, uids(1, 2), (1, 65_535)), OWNERS_HOTKEY)
    await world.next_epoch()


async def test_where_all_places_are_taken_the_neuron_that_was_paid_least_makes_room(world: World) -> None:
    await full_subnet(world, immunity_period=2)
    await world.do(ServeAxon(world.netuid, PLACE), MINERS[0])
    before = await world.chain.metagraph(world.netuid)
    await world.join(MINERS[2])
    after = await world.chain.metagraph(world.netuid)
    change = before.diff(after)
    assert (change.left, change.joined) == ((hot(MINERS[0]),), (hot(MINERS[2]),))
    newcomer = after.by_hotkey(hot(MINERS[2]))
    assert (newcomer.uid, newcomer.endpoint, newcomer.emission, newcomer.incentive) == (1, None, 0, 0.0)
    assert (await world.chain.weights(world.netuid)).dense()[0].tolist() == [0, 0, 65_535]


async def test_a_newcomer_is_spared_unless_all_others_are_as_new(world: World) -> None:
    await full_subnet(world, immunity_period=40)
    await world.pass_blocks(40)
    await world.join(MINERS[2])  # takes MINERS[0]'s place, and is immune now
    await world.join(MINERS[3])
    hotkeys = (await world.chain.metagraph(world.netuid)).hotkeys
    assert hotkeys == (hot(OWNERS_HOTKEY), hot(MINERS[2]), hot(MINERS[3]))
    await world.join(MINERS[4])  # nobody but newcomers is left, so the one before the other makes room
    assert hot(MINERS[2]) not in await world.chain.metagraph(world.netuid)


async def test_the_owners_own_place_is_never_given_away(world: World) -> None:
    await world.subnet(max_allowed_validators=1, min_allowed_uids=0)
    await world.do(SetHyperparameter(world.netuid, "max_allowed_uids", 1), ROOT)
    assert "NoNeuronIdAvailable" in (await world.refusal(Register(world.netuid, hot(MINERS[0])), OTHER)).message


# What neurons publish


async def test_a_miner_publishes_where_it_answers(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    assert (await world.neuron(MINERS[0])).endpoint is None
    receipt = await world.do(ServeAxon(world.netuid, PLACE), MINERS[0])
    assert receipt.event("AxonServed").fields["hotkey"] == hot(MINERS[0])
    assert (await world.neuron(MINERS[0])).endpoint == PLACE


async def test_an_address_is_not_published_by_strangers_nor_too_often(world: World) -> None:
    await world.subnet(serving_rate_limit=5)
    assert isinstance(await world.refusal(ServeAxon(world.netuid, PLACE), MINERS[0]), NotRegistered)
    await world.join(MINERS[0])
    await world.do(ServeAxon(world.netuid, PLACE), MINERS[0])
    assert "ServingRateLimitExceeded" in (await world.refusal(ServeAxon(world.netuid, PLACE), MINERS[0])).message
    await world.pass_blocks(5)
    moved = Endpoint("2001:db8::1", 9000, version=10_005_000)
    await world.do(ServeAxon(world.netuid, moved), MINERS[0])
    assert (await world.neuron(MINERS[0])).endpoint == moved


async def test_a_hotkey_publishes_bytes_and_replaces_them(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    assert isinstance(await world.refusal(SetCommitment(world.netuid, b"x"), MINERS[1]), LedgerError)
    await world.do(SetCommitment(world.netuid, b"first"), MINERS[0])
    receipt = await world.do(SetCommitment(world.netuid, b"second"), MINERS[0])
    assert await world.chain.commitments(world.netuid) == {hot(MINERS[0]): Commitment(receipt.block, b"second")}


# Stake


async def test_stake_is_bought_and_sold_for_what_the_pool_gives(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    before = await world.free(OTHER)
    added = await world.stake(MINERS[0], 10)
    alpha = (await world.neuron(MINERS[0])).alpha_stake
    assert added.event("StakeAdded").fields["alpha"] == alpha > 0
    assert await world.free(OTHER) + Balance.tao(10) + added.fee == before
    removed = await world.do(RemoveStake(world.netuid, hot(MINERS[0]), Balance(alpha, world.netuid)), OTHER)
    assert (await world.neuron(MINERS[0])).alpha_stake == 0
    assert Balance.tao("9.9") < await world.free(OTHER) + added.fee + removed.fee + Balance.tao(10) - before


async def test_stake_is_refused_in_another_token_too_small_too_large_and_on_nobody(world: World) -> None:
    await world.subnet()
    netuid, hotkey, own = world.netuid, hot(OWNERS_HOTKEY), Balance.alpha(1, netuid=world.netuid)
    with pytest.raises(UnitMismatch):
        await world.chain.submit(AddStake(netuid, hotkey, own), OTHER)
    with pytest.raises(UnitMismatch):
        await world.chain.submit(RemoveStake(netuid, hotkey, Balance.tao(1)), OTHER)
    assert "AmountTooLow" in (await world.refusal(AddStake(netuid, hotkey, Balance(1)), OTHER)).message
    much = Balance.tao(10**6)
    assert "NotEnoughBalanceToStake" in (await world.refusal(AddStake(netuid, hotkey, much), OTHER)).message
    nobody = AddStake(netuid, hot(MINERS[5]), Balance.tao(1))
    assert "HotKeyAccountNotExists" in (await world.refusal(nobody, OTHER)).message
    nothing = await world.refusal(RemoveStake(netuid, hotkey, own), OTHER)
    assert re.match("AmountTooLow|NotEnoughStakeToWithdraw", nothing.message)


async def test_tao_on_root_counts_on_a_subnet_at_a_discount(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    await world.do(AddStake(NetUid(0), hot(MINERS[0]), Balance.tao(100)), OTHER)
    neuron = await world.neuron(MINERS[0])
    assert neuron.alpha_stake == 0
    assert 0 < neuron.stake < Balance.tao(100).rao
    await world.do(RemoveStake(NetUid(0), hot(MINERS[0]), Balance.tao(100)), OTHER)
    assert (await world.neuron(MINERS[0])).stake == 0


# Consensus


async def test_stake_brings_a_permit_at_the_next_epoch_and_weights_bring_pay_at_the_one_after(world: World) -> None:
    await world.subnet()
    await world.join(VALIDATOR, *MINERS[:2])
    await world.stake(VALIDATOR)
    assert not (await world.neuron(VALIDATOR)).validator_permit
    await world.next_epoch()
    validator = await world.neuron(VALIDATOR)
    assert validator.validator_permit
    one, two = (await world.neuron(MINERS[0])).uid, (await world.neuron(MINERS[1])).uid
    receipt = await world.do(SetWeights(world.netuid, (one, two), (100, 300)), VALIDATOR)
    assert receipt.event("WeightsSet").fields["uid"] == validator.uid
    assert (await world.neuron(VALIDATOR)).last_update == receipt.block
    await world.next_epoch()
    after = await world.chain.metagraph(world.netuid)
    assert after.incentive[[one, two]] == pytest.approx([0.25, 0.75], abs=1e-4)
    assert 2.9 < after.alpha_stake[two] / after.alpha_stake[one] < 3.1
    assert after.alpha_stake[one] == after.emission[one] > 0
    assert after.alpha_stake[validator.uid] > validator.alpha_stake
    assert after.dividends[validator.uid] == pytest.approx(1.0, abs=1e-4)


async def test_weights_are_stored_stretched_in_the_order_in_which_they_were_set(world: World) -> None:
    await world.subnet()
    await world.join(*MINERS[:2])
    await world.validator()
    await world.do(SetWeights(world.netuid, uids(2, 0, 1), (3, 1, 6)), VALIDATOR)
    named, values = (await world.chain.weights(world.netuid)).row((await world.neuron(VALIDATOR)).uid)
    assert named.tolist() == [2, 0, 1]
    assert values.tolist() == [32_768, 10_923, 65_535]


async def test_an_epoch_leaves_bonds_of_validators_on_whom_they_backed(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    await world.validator()
    miner, validator = await world.neuron(MINERS[0]), await world.neuron(VALIDATOR)
    assert not (await world.chain.bonds(world.netuid)).dense().any()
    await world.do(SetWeights(world.netuid, (miner.uid,), (1,)), VALIDATOR)
    await world.next_epoch()
    bonds = (await world.chain.bonds(world.netuid)).dense()
    assert np.argwhere(bonds).tolist() == [[validator.uid, miner.uid]]


async def test_an_epoch_is_due_a_tempo_after_the_last_and_comes_then(world: World) -> None:
    await world.subnet(tempo=7)
    await world.next_epoch()
    before = await world.chain.epoch(world.netuid)
    assert before.next == before.last + 7
    await world.pass_blocks(6)
    assert await world.chain.epoch(world.netuid) == before
    await world.pass_blocks(1)
    after = await world.chain.epoch(world.netuid)
    assert (after.index, after.last) == (before.index + 1, before.next)


async def test_without_a_tempo_there_are_no_epochs(world: World) -> None:
    await world.subnet(tempo=0)
    before = await world.chain.epoch(world.netuid)
    await world.pass_blocks(30)
    assert await world.chain.epoch(world.netuid) == before
    assert before.next is None


@pytest.mark.parametrize(
    ("dials", "weights", "error"),
    [
        ({}, SetWeights(NetUid(1), uids(0, 0), (1, 1)), "DuplicateUids"),
        ({}, SetWeights(NetUid(1), uids(9), (1,)), "UidVecContainInvalidOne"),
        ({}, SetWeights(NetUid(1), uids(0, 1, 2, 3, 4), (1,) * 5), "UidsLengthExceedUidsInSubNet"),
        ({"min_allowed_weights": 2}, SetWeights(NetUid(1), uids(0), (1,)), "WeightVecLengthIsLow"),
        ({"weights_version_key": 7}, SetWeights(NetUid(1), uids(0), (1,), 6), "IncorrectWeightVersionKey"),
        # Of two mistakes the chain names the one that it looks for first.
        ({"weights_version_key": 7}, SetWeights(NetUid(1), uids(0, 0), (1, 1), 6), "IncorrectWeightVersionKey"),
        ({"min_allowed_weights": 3}, SetWeights(NetUid(1), uids(9, 9), (1, 1)), "DuplicateUids"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_weights_that_break_a_rule_are_refused_by_its_name(
    world: World, dials: dict[str, Value], weights: SetWeights, error: str
) -> None:
    await world.subnet(**dials)
    await world.validator()
    await world.pass_blocks(1)
    call = SetWeights(world.netuid, weights.uids, weights.values, weights.version_key)
    assert error in (await world.refusal(call, VALIDATOR)).message


async def test_weights_need_a_registration_and_a_permit_but_for_the_owner_and_for_oneself(world: World) -> None:
    await world.subnet()
    await world.join(MINERS[0])
    await world.pass_blocks(1)
    on_owner = SetWeights(world.netuid, uids(0), (1,))
    assert "HotKeyNotRegisteredInSubNet" in (await world.refusal(on_owner, MINERS[1])).message
    assert "NeuronNoValidatorPermit" in (await world.refusal(on_owner, MINERS[0])).message
    on_root = await world.refusal(SetWeights(NetUid(0), uids(0), (1,)), MINERS[0])
    assert re.match("CanNotSetRootNetworkWeights|CommitRevealEnabled", on_root.message)  # root hides weights by default
    await world.do(SetWeights(world.netuid, uids(1), (1,)), MINERS[0])
    await world.do(SetWeights(world.netuid, uids(1), (1,)), OWNERS_HOTKEY)


async def test_weights_are_set_once_in_a_rate_limit_and_a_registration_counts(world: World) -> None:
    await world.subnet(weights_set_rate_limit=12, tempo=4)
    await world.validator()
    call = SetWeights(world.netuid, uids(0), (1,))
    assert "SettingWeightsTooFast" in (await world.refusal(call, VALIDATOR)).message
    await world.pass_blocks(12)
    await world.do(call, VALIDATOR)
    await world.pass_blocks(10)
    assert "SettingWeightsTooFast" in (await world.refusal(call, VALIDATOR)).message
    await world.pass_blocks(1)
    await world.do(call, VALIDATOR)


# Hidden weights


async def hidden(world: World) -> RevealWeights:
    """A validator on a subnet with commits, just after an epoch, and what it is about to commit to."""
    await world.subnet(commit_reveal_weights_enabled=True)
    await world.join(MINERS[0])
    await world.validator()
    return RevealWeights(world.netuid, uids(1), (5,), salt=(1, 2, 3))


async def test_hidden_weights_are_shown_an_epoch_later_and_count_then(world: World) -> None:
    reveal = await hidden(world)
    receipt = await world.do(reveal.commitment(hot(VALIDATOR)), VALIDATOR)
    assert (
        receipt.event("WeightsCommitted").fields["hash"] == f"0x{reveal.commitment(hot(VALIDATOR)).commit_hash.hex()}"
    )
    assert (await world.neuron(VALIDATOR)).last_update == receipt.block
    assert not len((await world.chain.weights(world.netuid)).uids)
    assert "RevealTooEarly" in (await world.refusal(reveal, VALIDATOR)).message
    await world.next_epoch()
    assert (await world.do(reveal, VALIDATOR)).event("WeightsRevealed").fields["hotkey"] == hot(VALIDATOR)
    assert (await world.chain.weights(world.netuid)).uids.tolist() == [1]
    await world.next_epoch()
    assert (await world.neuron(MINERS[0])).incentive == pytest.approx(1.0, abs=1e-4)
    assert "NoWeightsCommitFound" in (await world.refusal(reveal, VALIDATOR)).message


async def test_hidden_weights_that_are_shown_too_late_or_are_others_are_refused(world: World) -> None:
    reveal = await hidden(world)
    assert "NoWeightsCommitFound" in (await world.refusal(reveal, VALIDATOR)).message
    await world.do(reveal.commitment(hot(VALIDATOR)), VALIDATOR)
    await world.next_epoch()
    forged = RevealWeights(world.netuid, reveal.uids, reveal.values, salt=(9,))
    # The chain looks for the commit before anything else; a chain in memory looks at it last.
    mismatch = await world.refusal(forged, VALIDATOR)
    assert re.match("NoWeightsCommitFound|InvalidRevealCommitHashNotMatch", mismatch.message)
    assert isinstance(await world.refusal(reveal, MINERS[0]), LedgerError)
    await world.next_epoch()
    # To the chain every other epoch is too early; a chain in memory says which it is.
    late = await world.refusal(reveal, VALIDATOR)
    assert re.match("RevealTooEarly|ExpiredWeightCommit", late.message)


async def test_where_weights_are_hidden_open_ones_are_refused_and_the_other_way_round(world: World) -> None:
    reveal = await hidden(world)
    open_weights = SetWeights(world.netuid, uids(1), (5,))
    await world.pass_blocks(1)
    assert "CommitRevealEnabled" in (await world.refusal(open_weights, VALIDATOR)).message
    await world.do(SetHyperparameter(world.netuid, "commit_reveal_weights_enabled", False), ROOT)
    shown = await world.refusal(reveal, VALIDATOR)
    assert re.match("NoWeightsCommitFound|CommitRevealDisabled", shown.message)
    commit = reveal.commitment(hot(VALIDATOR))
    assert "CommitRevealDisabled" in (await world.refusal(commit, VALIDATOR)).message


async def test_commits_have_a_rate_limit_and_few_may_wait(world: World) -> None:
    await world.subnet(commit_reveal_weights_enabled=True, weights_set_rate_limit=2, tempo=50)
    await world.join(VALIDATOR)
    await world.pass_blocks(2)
    await world.do(CommitWeights(world.netuid, bytes(32)), VALIDATOR)
    again = CommitWeights(world.netuid, bytes(31) + b"\1")
    assert "CommittingWeightsTooFast" in (await world.refusal(again, VALIDATOR)).message
    await world.next_epoch()
    await world.next_epoch()  # now the first can be shown no more, and does not count
    for number in range(10):
        await world.do(CommitWeights(world.netuid, bytes([number]) * 32), VALIDATOR)
        await world.pass_blocks(1)
    assert "TooManyUnrevealedCommits" in (await world.refusal(again, VALIDATOR)).message
