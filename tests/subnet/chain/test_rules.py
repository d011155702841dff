# SPDX-License-Identifier: Apache-2.0
"""The public chain's rules for a chain as a whole, which a local one relaxes, and how a chain begins."""

from __future__ import annotations

import pytest

from protocols.balance import Balance
from protocols.calls import (
    AddStake,
    CommitTimelockedWeights,
    Register,
    RegisterNetwork,
    RevealWeights,
    ServeAxon,
    SetCommitment,
    SetHyperparameter,
    SetWeights,
    Transfer,
)
from protocols.endpoint import Endpoint
from protocols.errors import InvalidAddress, InvalidAmount, LedgerError, UnitMismatch, UnknownHyperparameter
from protocols.hyperparameters import Hyperparameters, Value
from protocols.keys import Keypair
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58, Uid
from subnet.chain.memory import ChainRules, Genesis, GenesisNetwork, MemoryChain

NET = NetUid(1)
ALICE, HOTKEY, MINER = (Keypair.from_uri(uri) for uri in ("//Alice", "//owner", "//miner"))
OWNER, OWNERS_HOTKEY, MINERS_HOTKEY = (Ss58(key.ss58_address) for key in (ALICE, HOTKEY, MINER))
RICH = {OWNER: Balance.tao(1_000_000)}
OURS = GenesisNetwork(owner=Coldkey(OWNER), hotkey=Hotkey(OWNERS_HOTKEY))


def chain_of(rules: ChainRules, **hyperparameters: Value) -> MemoryChain:
    """A chain with one subnet, a rich owner, and a miner."""
    genesis = Genesis(accounts=RICH, networks=(OURS,), rules=rules, hyperparameters=hyperparameters)
    return MemoryChain(genesis)


async def refusal(chain: MemoryChain, call: object, signer: Keypair = ALICE) -> str:
    """Why a call fails."""
    receipt = await chain.submit(call, signer)  # type: ignore[arg-type]  # any call
    return str(receipt.error)


async def test_a_genesis_has_its_accounts_and_its_subnets_and_nobody_else() -> None:
    chain = MemoryChain(Genesis(accounts=RICH, networks=(OURS,)))
    assert await chain.balance(OWNER) == Balance.tao(1_000_000)
    assert [(info.netuid, info.name, info.neurons) for info in await chain.subnets()] == [(1, "subnet 1", 1)]
    assert (await chain.metagraph(NET)).hotkeys == (OWNERS_HOTKEY,)
    assert await MemoryChain(Genesis()).subnets() == ()


async def test_a_subnet_of_a_genesis_has_the_public_chains_hyperparameters_but_for_those_named() -> None:
    chain = chain_of(ChainRules(), tempo=20)
    expected = {**Hyperparameters.of_new_subnet().to_dict(), "subtoken_enabled": True, "tempo": 20}
    assert (await chain.hyperparameters(NET)).to_dict() == expected


def test_two_beginnings_have_the_same_hash_only_if_they_are_the_same() -> None:
    first = MemoryChain(Genesis(accounts={OWNER: Balance(1), OWNERS_HOTKEY: Balance(2)}))
    same = MemoryChain(Genesis(accounts={OWNERS_HOTKEY: Balance(2), OWNER: Balance(1)}))
    others = [Genesis(), Genesis(seed=1), Genesis(is_local=False), Genesis.local(), Genesis(accounts=RICH)]
    assert first.genesis == same.genesis
    assert len({first.genesis, *(MemoryChain(genesis).genesis for genesis in others)}) == 6


def test_a_beginning_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        MemoryChain(Genesis(accounts={Ss58("5Nobody"): Balance(1)}))
    with pytest.raises(InvalidAddress):
        MemoryChain(Genesis(root=Ss58("5Nobody")))
    with pytest.raises(UnitMismatch):
        MemoryChain(Genesis(accounts={OWNER: Balance(1, netuid=3)}))
    with pytest.raises(InvalidAmount):
        MemoryChain(Genesis(accounts={OWNER: Balance(2**63), OWNERS_HOTKEY: Balance(2**63)}))
    with pytest.raises(UnknownHyperparameter):
        MemoryChain(Genesis(hyperparameters={"temppo": 3}))


async def test_an_address_on_loopback_is_for_local_chains() -> None:
    here = ServeAxon(NET, Endpoint("127.0.0.1", 8091))
    assert "InvalidIpAddress" in await refusal(chain_of(ChainRules()), here, HOTKEY)
    assert await refusal(chain_of(ChainRules(loopback=True)), here, HOTKEY) == "None"


async def test_an_owner_leaves_the_dials_alone_before_an_epoch_and_after_a_change() -> None:
    chain = chain_of(ChainRules(freeze_window=Block(5), owner_rate_limit=2), tempo=20)
    turn = SetHyperparameter(NET, "immunity_period", 7)
    assert await refusal(chain, turn) == "None"
    chain.seal()
    assert "TxRateLimitExceeded" in await refusal(chain, turn)
    chain.seal(15)  # the open block is 17, and the epoch at 21
    assert "AdminActionProhibitedDuringWeightsWindow" in await refusal(chain, SetHyperparameter(NET, "rho", 7))
    chain.seal(24)
    assert await refusal(chain, turn) == "None"


async def test_subnets_are_few_and_an_account_creates_one_in_a_while() -> None:
    chain = chain_of(ChainRules(network_rate_limit=Block(50), subnet_limit=2))
    assert await refusal(chain, RegisterNetwork(Hotkey(OWNERS_HOTKEY))) == "None"
    assert "NetworkTxRateLimitExceeded" in await refusal(chain, RegisterNetwork(Hotkey(OWNERS_HOTKEY)))
    chain.seal(50)
    assert "SubnetLimitReached" in await refusal(chain, RegisterNetwork(Hotkey(OWNERS_HOTKEY)))


async def test_a_subnet_costs_twice_the_last_one_and_its_price_falls_back() -> None:
    chain = chain_of(ChainRules(network_rate_limit=Block(0), network_lock_interval=Block(10)))

    async def cost() -> Balance:
        before = await chain.balance(OWNER)
        receipt = await chain.submit(RegisterNetwork(Hotkey(OWNERS_HOTKEY)), ALICE)
        chain.seal()
        return before - await chain.balance(OWNER) - receipt.raise_for_error().fee

    assert [await cost(), await cost()] == [Balance.tao(1000), Balance.tao(1900)]
    chain.seal(40)
    assert await cost() == Balance.tao(1000)


async def test_weights_need_the_stake_that_the_chain_asks_for_unless_the_owner_sets_them() -> None:
    rules = ChainRules(stake_threshold=500 * 10**9)
    chain = chain_of(rules, commit_reveal_weights_enabled=False, weights_set_rate_limit=0)
    assert await refusal(chain, Register(NET, Hotkey(MINERS_HOTKEY))) == "None"
    assert await refusal(chain, AddStake(NET, Hotkey(MINERS_HOTKEY), Balance.tao(900))) == "None"
    weights = SetWeights(NET, (Uid(1),), (1,))
    assert "NotEnoughStakeToSetWeights" in await refusal(chain, weights, MINER)
    assert await refusal(chain, weights, HOTKEY) == "None"
    assert await refusal(chain, AddStake(NET, Hotkey(MINERS_HOTKEY), Balance.tao(500))) == "None"
    assert await refusal(chain, weights, MINER) == "None"


async def test_a_transfer_leaves_both_accounts_enough_to_exist() -> None:
    chain = chain_of(ChainRules(fee=0))
    too_small = Transfer(Coldkey(MINERS_HOTKEY), Balance(499))
    assert "BelowMinimum" in await refusal(chain, too_small)
    all_but_little = Transfer(Coldkey(MINERS_HOTKEY), Balance.tao(1_000_000) - Balance(499))
    assert "NotExpendable" in await refusal(chain, all_but_little)
    assert await refusal(chain, Transfer(Coldkey(OWNER), Balance.tao(5))) == "None"
    chain.seal()
    assert await chain.balance(OWNER) == Balance.tao(1_000_000)


async def test_weights_locked_by_time_are_refused_with_what_to_do_instead() -> None:
    receipt = await chain_of(ChainRules()).submit(CommitTimelockedWeights(NET, b"", 1, 4), HOTKEY)
    assert receipt.error is not None
    assert "CallDisabled" in receipt.error.message
    assert "RevealWeights" in receipt.error.help


async def test_what_no_chain_could_read_is_not_included() -> None:
    chain = chain_of(ChainRules())
    with pytest.raises(LedgerError, match="version key is -1"):
        await chain.submit(SetWeights(NET, (Uid(0),), (1,), -1), HOTKEY)
    with pytest.raises(LedgerError, match="version key is 18446744073709551616"):
        await chain.submit(RevealWeights(NET, (Uid(0),), (1,), (), 2**64), HOTKEY)
    assert "SpaceLimitExceeded" in await refusal(chain, SetCommitment(NET, bytes(513)), HOTKEY)
