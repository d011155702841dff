# SPDX-License-Identifier: Apache-2.0
"""The epoch's payday: the chain's payments entry by entry, and no rao without a receiver or a name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.accounts import Accounts
from incentive.emission.credit import Credit, Kind
from incentive.emission.drain import Payout, Pending, drain
from incentive.emission.rao import HIGHEST
from incentive.emission.stake import Link, Stakes
from incentive.parity.payments import head_payments
from protocols.errors import NotFinite, OutOfRange, WrongShape

DATA = Path(__file__).parents[2] / "data" / "yuma"
EPOCHS: dict[str, dict[str, list[int]]] = json.loads((DATA / "head_epochs.json").read_text())["cases"]
OWNER, MINER, VALIDATOR = 1, 2, 3
STAKES = Stakes(alpha={VALIDATOR: 10**12}, root={VALIDATOR: 10**12}, tao_weight=HIGHEST // 2)
ACCOUNTS = Accounts([OWNER, MINER, VALIDATOR], STAKES, {OWNER: 91, MINER: 92, VALIDATOR: 93}, owner=91, owner_hotkey=1)
RAO = st.integers(0, 10**15)
U16 = st.integers(0, 65_535)


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    told = json.loads(gzip.decompress((DATA / "head.json.gz").read_bytes()))["cases"]
    return {case["id"]: case for case in told}


@pytest.mark.parametrize("name", EPOCHS)
def test_the_chains_payments_are_reproduced_one_by_one(name: str, cases: dict[str, Any]) -> None:
    computed = head_payments(cases[name]["in"], EPOCHS[name]["server"], EPOCHS[name]["validator"])
    for field, value in computed.items():
        assert value == cases[name]["out"][field], field


@st.composite
def accounts(draw: st.DrawFn) -> Accounts:
    """Up to six hotkeys, some of one owner, some lending to another, some with TAO on root."""
    hotkeys = draw(st.lists(st.integers(1, 99), min_size=1, max_size=6, unique=True))
    pairs = draw(st.lists(st.tuples(st.sampled_from(hotkeys), st.integers(100, 104)), max_size=4, unique=True))
    links = [Link(parent, child, draw(st.integers(0, HIGHEST // 4))) for child, parent in pairs]
    everyone = [*hotkeys, *range(100, 105)]

    def each(values: st.SearchStrategy[int]) -> dict[int, int]:
        return dict(zip(everyone, draw(st.tuples(*[values] * len(everyone))), strict=True))

    return Accounts(
        hotkeys,
        Stakes(each(RAO), each(RAO), links, draw(st.integers(0, HIGHEST))),
        owners=each(st.integers(200, 203)),
        takes=each(U16),
        childkey_takes=each(U16),
        owner=draw(st.sampled_from([None, 200])),
        owner_hotkey=hotkeys[0],
        withheld=draw(st.sampled_from([Kind.BURNED, Kind.RECYCLED])),
        childkey_burn=draw(st.integers(0, HIGHEST)),
    )


@st.composite
def paydays(draw: st.DrawFn) -> tuple[Pending, list[int], list[int], Accounts]:
    who = draw(accounts())
    uids = len(who.hotkeys)
    pending = Pending(*draw(st.tuples(RAO, RAO, RAO, RAO)))
    server, validator = (draw(st.lists(RAO, min_size=uids, max_size=uids)) for _ in range(2))
    return pending, server, validator, who


@settings(deadline=None, max_examples=50)
@given(paydays())
def test_what_is_drained_is_paid_or_has_a_name(payday: tuple[Pending, list[int], list[int], Accounts]) -> None:
    pending, server, _, _ = payday
    payout = drain(*payday)
    assert payout.paid + payout.unpaid.total == pending.total
    assert all(type(credit.amount) is int and credit.amount >= 0 for credit in payout.credits)
    assert min(payout.unpaid.alpha, payout.unpaid.root, payout.unpaid.owner_cut) >= 0
    assert payout.unpaid.server == (pending.server if any(server) else 0) - sum(server)
    assert 0 <= payout.miner_burned_bits <= 1 << 32
    if any(payout.alpha_dividends.values()):
        # A share of a pot is cut off at 32 bits, then its two parts at whole rao.
        assert payout.unpaid.alpha <= len(payout.alpha_dividends) * (3 + (pending.total >> 32))


@settings(deadline=None, max_examples=50)
@given(paydays(), st.randoms(use_true_random=False))
def test_nobody_is_paid_by_the_place_of_its_uid(
    payday: tuple[Pending, list[int], list[int], Accounts], random: Any
) -> None:
    pending, server, validator, who = payday
    order = list(range(len(server)))
    random.shuffle(order)
    moved = Accounts(
        [who.hotkeys[uid] for uid in order],
        Stakes(who.stakes.alpha, who.stakes.root, who.stakes.links[::-1], who.stakes.tao_weight),
        who.owners,
        who.takes,
        who.childkey_takes,
        owner=who.owner,
        owner_hotkey=who.owner_hotkey,
        withheld=who.withheld,
        childkey_burn=who.childkey_burn,
    )
    payout = drain(pending, [server[uid] for uid in order], [validator[uid] for uid in order], moved)
    assert sorted_credits(payout) == sorted_credits(drain(*payday))


def sorted_credits(payout: Payout) -> Sequence[Credit]:
    """The payments, those of one kind to one receiver in order of their amounts."""
    return sorted(payout.credits, key=lambda paid: (paid.kind, paid.hotkey, paid.coldkey, paid.amount))


def test_miners_validators_and_owner_get_their_parts() -> None:
    payout = drain(Pending(server=1000, validator=800, root=200, owner_cut=99), [0, 1000, 0], [0, 0, 1000], ACCOUNTS)
    assert payout.credits[0] == Credit(Kind.STAKE, 99, hotkey=OWNER, coldkey=91)
    assert Credit(Kind.STAKE, 1000, hotkey=MINER, coldkey=92) in payout.credits
    assert payout.alpha_dividends[VALIDATOR] + payout.root_dividends[VALIDATOR] == 656 + 164  # 18 % taken
    assert payout.unpaid.total <= 4


def test_what_the_owner_mines_is_withheld() -> None:
    payout = drain(Pending(server=1000, validator=0), [250, 750, 0], [0, 0, 1], ACCOUNTS)
    assert Credit(Kind.BURNED, 250) in payout.credits
    assert payout.miner_burned_bits == 1 << 30


def test_validators_get_the_miners_pot_where_no_miner_has_incentive() -> None:
    payout = drain(Pending(server=1000, validator=1000), [0, 0, 0], [0, 0, 2000], ACCOUNTS)
    assert sum(credit.amount for credit in payout.credits if credit.hotkey == VALIDATOR) >= 1998
    assert payout.unpaid.server == 0


def test_more_than_the_miners_pot_is_paid_where_the_epoch_says_so_and_it_shows() -> None:
    # Two mechanisms of equal size, one of which found no dividends: its miners got all of its half.
    payout = drain(Pending(server=1000, validator=1000), [0, 1500, 0], [0, 0, 500], ACCOUNTS)
    assert payout.unpaid.server == -500
    assert payout.paid > 2400


def test_a_pot_on_which_nobody_has_a_claim_is_paid_to_nobody() -> None:
    no_root = Accounts([MINER, VALIDATOR], Stakes({VALIDATOR: 10**12}), {MINER: 92, VALIDATOR: 93})
    payout = drain(Pending(1000, 800, root=200, owner_cut=99), [1000, 0], [0, 1000], no_root)
    assert (payout.unpaid.root, payout.unpaid.owner_cut) == (200, 99)


def test_a_childkeys_burn_is_recycled_beside_pots_that_are_paid_in_full() -> None:
    lent = Stakes(alpha={9: 10**9}, links=[Link(parent=9, child=VALIDATOR, proportion=HIGHEST)])
    owners = {MINER: 92, VALIDATOR: 93, 9: 99}
    payout = drain(
        Pending(0, 1000),
        [0, 0],
        [0, 1000],
        Accounts([MINER, VALIDATOR], lent, owners, takes={9: 0}, childkey_burn=HIGHEST // 2),
    )
    assert payout.childkey_burned == payout.credits[0].amount == 499
    assert payout.alpha_dividends[9] == 1000
    assert payout.paid == 1000


def test_incentive_goes_to_the_hotkey_that_its_owner_named() -> None:
    named = Accounts([MINER], Stakes({}), {MINER: 92}, destinations={92: VALIDATOR})
    assert drain(Pending(5, 5), [5], [0], named).credits[0] == Credit(Kind.STAKE, 5, VALIDATOR, 92)


def test_amounts_that_are_not_whole_and_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NotFinite, match=r"server\[1\] is nan"):
        drain(Pending(1, 1), [0, float("nan"), 0], [0, 0, 0], ACCOUNTS)  # type: ignore[list-item]  # without types
    with pytest.raises(OutOfRange, match=r"root is 0\.5"):
        Pending(1, 1, root=0.5)  # type: ignore[arg-type]  # without types
    with pytest.raises(WrongShape, match="have 1 and 3 uids, expected 3"):
        drain(Pending(1, 1), [0], [0, 0, 0], ACCOUNTS)
    with pytest.raises(OutOfRange, match="hotkey 5 has no owner"):
        Accounts([5], Stakes({}), {})
    with pytest.raises(OutOfRange, match="take of 5 is 65536"):
        Accounts([5], Stakes({}), {5: 6}, takes={5: 65_536})
