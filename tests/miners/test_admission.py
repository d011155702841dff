# SPDX-License-Identifier: Apache-2.0
"""Who comes in under which rules, how much each may use, and what is forgotten of whom."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miners.admission import Members, Rules
from miners.admission.budget import Budget
from protocols.balance import RAO
from protocols.clock import SystemClock, VirtualClock
from protocols.dialect import Caller
from protocols.errors import (
    Denied,
    NotAdmitted,
    NotAllowed,
    PeerError,
    PermitNeeded,
    Refusal,
    RequestsSpent,
    StakeNeeded,
    TokensSpent,
    TooManyAtOnce,
    Unregistered,
    UsageError,
)
from protocols.keys import Keypair
from protocols.metagraph import Metagraph, Neuron
from protocols.replay import MemoryReplay
from protocols.types import Block, Coldkey, Uid
from tests.attacks.miner import Letter, until
from tests.attacks.raw import exchange
from tests.miners.town import (
    MINER,
    NETUID,
    OTHER,
    OWNER,
    STRANGER,
    VALIDATOR,
    Ask,
    Gate,
    Plain,
    address,
    ledger,
    mine,
    said,
)

TEMPO = 10
BLOCK_S = 12.0


def caller(key: Keypair) -> Caller:
    """Who has proved to be the holder of a key."""
    return Caller(key.ss58_address, 1, "btauth/1", "r", b"")


def metagraph(block: int = 1, **stakes: float) -> Metagraph:
    """The validator with a permit, and another neuron without, as of a block."""
    return Metagraph.of(
        NETUID,
        Block(block),
        [
            Neuron(
                Uid(0),
                address(VALIDATOR),
                Coldkey(address(OWNER)),
                stake=round(stakes.get("validator", 900.0) * RAO),
                validator_permit=True,
            ),
            Neuron(Uid(1), address(OTHER), Coldkey(address(STRANGER)), stake=round(stakes.get("other", 100.0) * RAO)),
        ],
    )


def members(clock: VirtualClock | None = None, **rules: Any) -> Members:
    """Members under these rules, which know the two neurons."""
    made = Members(Plain(), Rules(**rules), clock or VirtualClock())
    made.renew(metagraph(), TEMPO)
    return made


def refusal(of: Members, key: Keypair) -> type[Refusal] | None:
    """The kind of error that a query of a key meets, which is over at once if it meets none."""
    try:
        of.admit(caller(key), Ask)
    except Refusal as error:
        return type(error)
    of.left(caller(key))
    return None


@pytest.mark.parametrize(
    ("rules", "validator", "other", "stranger"),
    [
        ({}, None, None, Unregistered),
        ({"permit": True}, None, PermitNeeded, PermitNeeded),
        ({"min_stake": 500.0}, None, StakeNeeded, StakeNeeded),
        ({"min_stake": 900.0}, None, StakeNeeded, StakeNeeded),
        ({"deny": frozenset({VALIDATOR.ss58_address})}, Denied, None, Unregistered),
        ({"deny": frozenset({OWNER.ss58_address})}, Denied, None, Unregistered),
        ({"allow": frozenset({STRANGER.ss58_address}), "permit": True}, None, PermitNeeded, None),
        ({"allow": frozenset({OTHER.ss58_address}), "closed": True}, NotAllowed, None, NotAllowed),
        (
            {"allow": frozenset({OTHER.ss58_address}), "deny": frozenset({OTHER.ss58_address})},
            None,
            Denied,
            Unregistered,
        ),
        ({"closed": True}, NotAllowed, NotAllowed, NotAllowed),
    ],
)
def test_each_rule_refuses_with_a_reason_of_its_own(
    rules: dict[str, Any], validator: type[Refusal] | None, other: type[Refusal] | None, stranger: type[Refusal] | None
) -> None:
    under = members(**rules)
    assert [refusal(under, key) for key in (VALIDATOR, OTHER, STRANGER)] == [validator, other, stranger]


def test_a_permit_that_is_lost_counts_from_the_next_look_at_the_chain() -> None:
    under = members(permit=True)
    assert refusal(under, VALIDATOR) is None
    row = Neuron(Uid(0), address(VALIDATOR), Coldkey(address(OWNER)), stake=900 * RAO)
    under.renew(Metagraph.of(NETUID, Block(2), [row]), TEMPO)
    assert refusal(under, VALIDATOR) is PermitNeeded


@pytest.mark.parametrize(
    "rules",
    [
        {"min_stake": math.nan},
        {"min_stake": -1.0},
        {"min_stake": math.inf},
        {"least_share": 0.0},
        {"least_share": 1.1},
        {"requests": -1},
        {"tokens": -5},
        {"concurrency": 0},
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Rules(**rules)


def test_queries_under_way_are_bounded_for_each_caller_alone() -> None:
    under = members(concurrency=2)
    under.admit(caller(VALIDATOR), Ask)
    under.admit(caller(VALIDATOR), Ask)
    with pytest.raises(TooManyAtOnce) as refused:
        under.admit(caller(VALIDATOR), Ask)
    assert refused.value.retry_after_s
    assert refusal(under, OTHER) is None
    under.left(caller(VALIDATOR))
    assert refusal(under, VALIDATOR) is None


async def test_requests_of_a_tempo_are_shared_out_by_stake_and_come_back_steadily() -> None:
    clock = VirtualClock()
    under = members(clock, requests=100)
    served = dict.fromkeys((VALIDATOR, OTHER), 0)
    for key in served:
        while refusal(under, key) is None:
            served[key] += 1
    assert list(served.values()) == [90, 10]
    with pytest.raises(RequestsSpent) as refused:
        under.admit(caller(VALIDATOR), Ask)
    assert refused.value.retry_after_s == pytest.approx(TEMPO * BLOCK_S / 90)
    await clock.advance(TEMPO * BLOCK_S / 2)
    assert sum(refusal(under, VALIDATOR) is None for _ in range(60)) == 45


def test_somebody_without_stake_still_has_the_least_share() -> None:
    under = Members(Plain(), Rules(requests=100, least_share=0.05), VirtualClock())
    under.renew(metagraph(other=0.0), TEMPO)
    assert sum(refusal(under, OTHER) is None for _ in range(20)) == 5


async def test_a_share_of_less_than_one_request_is_one_now_and_then() -> None:
    clock = VirtualClock()
    under = Members(Plain(), Rules(requests=10, least_share=0.05), clock)
    under.renew(metagraph(other=0.0), TEMPO)
    assert [refusal(under, OTHER) for _ in range(2)] == [None, RequestsSpent]
    await clock.advance(2 * TEMPO * BLOCK_S)
    assert refusal(under, OTHER) is None


async def test_tokens_are_charged_when_they_are_known_and_a_debt_is_waited_off() -> None:
    clock = VirtualClock()
    under = members(clock, tokens=1000)
    assert refusal(under, VALIDATOR) is None
    under.charge(VALIDATOR.ss58_address, 1350)
    with pytest.raises(TokensSpent) as refused:
        under.admit(caller(VALIDATOR), Ask)
    assert refused.value.retry_after_s == pytest.approx(451 / 900 * TEMPO * BLOCK_S)
    await clock.advance((refused.value.retry_after_s or 0.0) + 0.001)
    assert refusal(under, VALIDATOR) is None


def test_a_bill_below_nothing_earns_nothing() -> None:
    under = members(tokens=100)
    assert refusal(under, OTHER) is None
    under.charge(OTHER.ss58_address, 10)
    under.charge(OTHER.ss58_address, -1000)
    assert refusal(under, OTHER) is TokensSpent


async def test_a_query_refused_for_tokens_is_not_counted_as_a_request() -> None:
    clock = VirtualClock()
    under = members(clock, tokens=1000, requests=10)
    assert refusal(under, OTHER) is None
    under.charge(OTHER.ss58_address, 200)
    assert [refusal(under, OTHER) for _ in range(5)] == [TokensSpent] * 5
    await clock.advance(1.1 * TEMPO * BLOCK_S)
    assert refusal(under, OTHER) is None


async def test_blocks_are_as_long_as_this_miner_sees_them_pass() -> None:
    clock = VirtualClock()
    under = members(clock, requests=10)
    await clock.advance(5.0)
    under.renew(metagraph(block=11), TEMPO)
    while refusal(under, VALIDATOR) is None:
        pass
    await clock.advance(5.0)  # ten blocks of half a second, a tempo
    assert sum(refusal(under, VALIDATOR) is None for _ in range(20)) == 9


def test_strangers_and_who_has_left_are_not_remembered() -> None:
    budget = Budget(100)
    for at in range(1000):
        budget.wait_s(str(at), 0.5, 0.0)
    budget.keep(frozenset({"1", "2"}))
    assert len(budget) == 2
    under = members(requests=10)
    for at in range(1000):
        with pytest.raises(NotAdmitted):
            under.admit(caller(Keypair.from_seed(at.to_bytes(32, "big"))), Ask)
    assert len(under._requests) == 0


class Open(Plain):
    """Serves whoever signs."""

    name = "open"

    def policy(self, caller: Caller, neuron: Neuron | None) -> None:
        """Let everybody in."""


def test_a_new_key_is_no_new_budget_where_strangers_are_served() -> None:
    under = Members(Open(), Rules(requests=100, tokens=1000, least_share=0.05), VirtualClock())
    under.renew(metagraph(), TEMPO)
    strangers = [Keypair.from_seed(at.to_bytes(32, "big")) for at in range(20)]
    assert [refusal(under, key) for key in strangers].count(None) == 5
    assert len(under._requests) == 1
    assert refusal(under, VALIDATOR) is None
    tokens = Members(Open(), Rules(tokens=1000, least_share=0.05), VirtualClock())
    tokens.renew(metagraph(), TEMPO)
    assert refusal(tokens, strangers[0]) is None
    tokens.charge(strangers[0].ss58_address, 50)
    assert refusal(tokens, strangers[1]) is TokensSpent


def test_a_name_is_known_by_its_row_or_the_operators_list() -> None:
    under = members(allow=frozenset({STRANGER.ss58_address}))
    assert [under.knows(key.ss58_address) for key in (VALIDATOR, OTHER, STRANGER, OWNER)] == [True, True, True, False]
    assert not Members(Plain(), Rules(), VirtualClock()).knows(VALIDATOR.ss58_address)


async def test_a_replay_uses_up_nothing_of_what_its_sender_may() -> None:
    chain, replay = await ledger(SystemClock(), MINER), MemoryReplay.never_served_before()
    async with mine(chain, Plain(), rules=Rules(requests=3, least_share=1.0), replay=replay) as miner:
        letter = Letter(key=VALIDATOR, receiver=MINER.ss58_address)
        captured = letter.bytes()
        codes = [await status(miner.url, captured) for _ in range(6)]
        codes += [await status(miner.url, letter.bytes()) for _ in range(3)]
        unknown = [await status(miner.url, replace(letter, key=STRANGER).bytes()) for _ in range(5)]
    assert codes == [200, *[409] * 5, 200, 200, 429]
    assert unknown == [403] * 5
    assert replay.held == 4


async def status(url: str, data: bytes) -> int:
    """What a miner answers."""
    return (await exchange(url, data)).status


@given(
    used=st.lists(st.tuples(st.floats(0, 50), st.floats(-5, 60)), max_size=40),
    share=st.floats(0.01, 1.0),
)
def test_nobody_gets_more_than_its_share_whatever_the_clock_does(used: list[tuple[float, float]], share: float) -> None:
    budget = Budget(100)
    budget.tempo_s = 60.0
    now = latest = taken = 0.0
    for amount, later in used:
        now += later
        latest = max(latest, now)
        if budget.wait_s("a", share, now) == 0.0:
            budget.take("a", amount)
            taken += amount
    # Its share at the start, what flowed in, and the last piece of work, whose size nobody knew; a clock that goes
    # back and forth again counts the same seconds anew.
    forth = sum(max(0.0, later) for _, later in used)
    assert taken <= 100 * share * (1 + forth / 60.0) + 50 + 1e-6


async def test_a_refusal_reaches_the_caller_with_its_reason_and_when_to_come_back() -> None:
    chain = await ledger(SystemClock(), MINER, OTHER)
    gate = Gate()
    async with mine(chain, Plain(), gate, rules=Rules(concurrency=1)) as miner:
        first = asyncio.create_task(said(miner.url, Ask(prompt="one")))
        await until(lambda: gate.entered == 1)
        refused = (await said(miner.url, Ask(prompt="two"))).error
        gate.opened.set()
        assert (await first).error is None
        assert (await said(miner.url, Ask(prompt="three"))).error is None
        metrics = miner.server.meters.render().decode()
    assert isinstance(refused, PeerError)
    assert refused.peer_code == "too_many_at_once"
    assert refused.retry_after_s == 1.0
    assert 'subnet_queries_total{outcome="too_many_at_once",query="Ask"} 1.0' in metrics


async def test_a_query_that_fails_or_cannot_be_read_is_over_all_the_same() -> None:
    chain = await ledger(SystemClock(), MINER, OTHER)

    class Broken(Plain):
        """Always fails."""

        name = "broken"

        async def answer(self, ask: Ask, ctx: Any) -> Ask.Reply:
            """Fail."""
            raise ValueError("broken")

    async with mine(chain, Broken(), rules=Rules(concurrency=1)) as miner:
        for _ in range(3):
            failed = (await said(miner.url, Ask(prompt="x"))).error
            assert isinstance(failed, PeerError)
            assert failed.peer_code == "handler_failed"
