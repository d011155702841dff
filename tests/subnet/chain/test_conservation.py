# SPDX-License-Identifier: Apache-2.0
"""Whatever people do, in whatever order: every rao that was issued is somewhere, and exactly once."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from incentive.emission.market import Pool
from protocols.balance import Balance
from protocols.calls import (
    AddStake,
    Call,
    Register,
    RegisterNetwork,
    RemoveStake,
    SetHyperparameter,
    SetWeights,
    StartSubnet,
    Transfer,
)
from protocols.errors import ExtrinsicFailed
from protocols.keys import Keypair
from protocols.types import Coldkey, Hotkey, NetUid, Ss58, Uid
from subnet.chain.memory import Genesis, GenesisNetwork
from subnet.chain.memory.accounts import account
from subnet.chain.memory.blocks import Blocks
from subnet.chain.memory.genesis import found
from subnet.chain.memory.soundness import alpha_held, check_state, tao_held
from subnet.chain.memory.state import Network, State

COLDKEYS = [Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie")]
HOTKEYS = [Keypair.from_uri(f"//hot/{number}") for number in range(5)]
NETUIDS = [NetUid(number) for number in range(4)]
ADDRESSES = {key.ss58_address: key for key in (*COLDKEYS, *HOTKEYS)}


@dataclass(frozen=True)
class Say:
    """A call and who signs it."""

    call: Call
    signer: Keypair


@dataclass(frozen=True)
class Pass:
    """Blocks without calls."""

    blocks: int


def address(key: Keypair) -> Ss58:
    """Of a key."""
    return Ss58(key.ss58_address)


rao = st.one_of(st.integers(0, 10**15), st.integers(0, 5000), st.sampled_from([2_000_000, 10**9, 10**12]))
coldkeys, hotkeys, netuids = st.sampled_from(COLDKEYS), st.sampled_from(HOTKEYS), st.sampled_from(NETUIDS)
tao = rao.map(Balance)
to_hotkey = hotkeys.map(lambda key: Hotkey(address(key)))
rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 65_535)), max_size=5, unique_by=lambda entry: entry[0])
dials = st.sampled_from(
    [("owner_cut_enabled", False), ("recycle_or_burn", "Recycle"), ("subnet_emission_enabled", False)]
)
by_coldkey: st.SearchStrategy[Call] = st.one_of(
    st.builds(AddStake, netuids, to_hotkey, tao),
    st.builds(Register, netuids, to_hotkey),
    st.builds(Transfer, coldkeys.map(lambda key: Coldkey(address(key))), tao),
    netuids.flatmap(lambda net: st.builds(RemoveStake, st.just(net), to_hotkey, rao.map(lambda r: Balance(r, net)))),
    st.builds(RegisterNetwork, to_hotkey),
    st.builds(StartSubnet, netuids),
    st.builds(lambda netuid, dial: SetHyperparameter(netuid, *dial), netuids, dials),
)
weights: st.SearchStrategy[Call] = st.builds(
    lambda netuid, row: SetWeights(netuid, tuple(Uid(uid) for uid, _ in row), tuple(value for _, value in row)),
    netuids,
    rows,
)
actions = st.one_of(
    st.builds(Say, by_coldkey, coldkeys), st.builds(Say, weights, hotkeys), st.builds(Pass, st.integers(1, 7))
)

BUSY: list[Say | Pass] = [
    *(Say(Register(NETUIDS[1], Hotkey(address(key))), COLDKEYS[1]) for key in HOTKEYS[1:4]),
    Say(AddStake(NETUIDS[1], Hotkey(address(HOTKEYS[1])), Balance.tao(10)), COLDKEYS[1]),
    Say(AddStake(NETUIDS[1], Hotkey(address(HOTKEYS[1])), Balance.tao(7)), COLDKEYS[2]),
    Say(AddStake(NETUIDS[0], Hotkey(address(HOTKEYS[1])), Balance.tao(9)), COLDKEYS[2]),
    Pass(5),
    Say(SetWeights(NETUIDS[1], (Uid(0), Uid(2), Uid(3)), (1, 2, 3)), HOTKEYS[1]),
    Pass(20),
    Say(RemoveStake(NETUIDS[1], Hotkey(address(HOTKEYS[1])), Balance(10**9, 1)), COLDKEYS[2]),
    Pass(20),
]


def genesis() -> State:
    """A local chain with one subnet, on which few places are left, and epochs often."""
    network = GenesisNetwork(
        owner=Coldkey(address(COLDKEYS[0])),
        hotkey=Hotkey(address(HOTKEYS[0])),
        hyperparameters={"max_allowed_uids": 4, "immunity_period": 3},
    )
    return found(Genesis.local(networks=(network,), hyperparameters={"tempo": 4}))


def total(state: State, network: Network) -> int:
    """What all holders on a subnet can claim, each rounded down."""
    pools = state.stakes.get(network.netuid, {}).values()
    return sum(pool.stake(holder) for pool in pools for holder in pool.shares)


@settings(max_examples=60)
@example(BUSY)
@given(st.lists(actions, max_size=40))
def test_all_money_is_somewhere_at_every_block_and_after_every_call(story: list[Say | Pass]) -> None:
    blocks = Blocks(genesis())
    for action in story:
        if isinstance(action, Pass):
            for _ in range(action.blocks):
                blocks.seal()
                check_state(blocks.newest)
        else:
            try:
                blocks.include(action.call, action.signer)
            except ExtrinsicFailed:  # too poor for the fee
                continue
            assert blocks.open_block is not None
            check_state(blocks.open_block)
    state = blocks.newest
    for network in state.networks.values():
        staked = sum(pool.value for pool in state.stakes.get(network.netuid, {}).values())
        assert total(state, network) <= staked


def test_an_epoch_pays_out_all_that_was_set_aside_but_dust() -> None:
    blocks = Blocks(genesis())
    for action in BUSY:
        if isinstance(action, Pass):
            for _ in range(action.blocks):
                blocks.seal()
        else:
            assert blocks.include(action.call, action.signer).error is None
    state = blocks.newest
    network = state.network(1)
    assert (tao_held(state), alpha_held(state, network)) == (state.minted, network.minted)
    miner, validator = (state.staked_on(1, address(HOTKEYS[number])) for number in (2, 1))
    assert miner.value > 0
    assert set(validator.shares) == {account(address(key)) for key in COLDKEYS[1:]}
    # Miners' emission of the owner is not paid; before there was a vote, all went to validators.
    assert network.burned > 0
    # Root's part is recycled here and so missing from the validators' pot, which leaves a little in the miners'.
    assert 0 < network.unpaid < miner.value // 1000


def test_tao_is_made_only_as_far_as_pools_take_it() -> None:
    blocks = Blocks(genesis())
    before = blocks.newest.minted
    for _ in range(100):
        blocks.seal()
    made = blocks.newest.minted - before
    assert 0 < made <= 100 * 10**9
    assert made == blocks.newest.network(1).tao - genesis().network(1).tao
    empty = Blocks(found(Genesis.local()))
    empty.seal()
    assert empty.newest.minted == empty.newest.issuance == found(Genesis.local()).minted


def test_stake_on_a_hotkey_that_has_only_dust_of_shares_left_belongs_to_who_staked_it() -> None:
    blocks = Blocks(genesis())
    hotkey = Hotkey(address(HOTKEYS[0]))
    blocks.include(AddStake(NETUIDS[1], hotkey, Balance.tao(1)), COLDKEYS[0])
    blocks.seal()
    pool = blocks.newest.staked_on(1, hotkey)
    blocks.include(RemoveStake(NETUIDS[1], hotkey, Balance(pool.stake(account(address(COLDKEYS[0]))), 1)), COLDKEYS[0])
    blocks.include(AddStake(NETUIDS[1], hotkey, Balance.tao(2)), COLDKEYS[1])
    blocks.seal()
    again = blocks.newest.staked_on(1, hotkey)
    assert again.stake(account(address(COLDKEYS[1]))) in (again.value, again.value - 1)
    assert blocks.newest.network(1).pool != Pool(0, 0)
