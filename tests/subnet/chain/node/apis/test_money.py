# SPDX-License-Identifier: Apache-2.0
"""What the chain says about money: stake, delegates, prices and trades."""

from __future__ import annotations

from typing import Final

import pytest

from subnet.chain.node.apis.records import SimSwapResult
from subnet.chain.node.frame.origin import Origin
from tests.subnet.chain.node.apis.town import NET, OWNER, TAO, UNKNOWN_NET, Town, cold, hot

_STAKE: Final = "StakeInfoRuntimeApi"
_DELEGATES: Final = "DelegateInfoRuntimeApi"
_SWAP: Final = "SwapRuntimeApi"


@pytest.fixture
def town() -> Town:
    """Three neurons and a rich owner."""
    made = Town()
    made.balances.mint(OWNER, 100 * TAO)
    made.chain.increase_stake(hot(0), OWNER, NET, 3 * TAO)
    made.chain.increase_stake(hot(2), OWNER, 0, 5 * TAO)
    return made


def test_stake_is_told_by_network_and_hotkey(town: Town) -> None:
    found = town.ask(_STAKE, "get_stake_info_for_coldkey", OWNER)
    assert [(info.netuid, info.hotkey, info.stake, info.is_registered) for info in found] == [
        (0, hot(2), 5 * TAO, False),
        (NET, hot(0), 3 * TAO, True),
    ]
    assert [(info.coldkey, info.emission, info.locked) for info in found] == [(OWNER, 0, 0), (OWNER, 11, 0)]


def test_several_coldkeys_are_told_in_the_order_in_which_they_are_asked_for(town: Town) -> None:
    stranger = bytes([77]) * 32
    told = town.ask(_STAKE, "get_stake_info_for_coldkeys", (cold(1), stranger, OWNER))
    assert [(who, len(found)) for who, found in told] == [(cold(1), 1), (stranger, 0), (OWNER, 2)]
    assert town.encoded(_STAKE, "get_stake_info_for_coldkeys", ()) == b"\0"


def test_no_stake_is_told_where_one_place_is_asked_for(town: Town) -> None:
    info = town.ask(_STAKE, "get_stake_info_for_hotkey_coldkey_netuid", hot(1), OWNER, NET)
    assert (info.stake, info.is_registered) == (0, True)


def test_all_stake_is_free_and_networks_without_any_are_left_out(town: Town) -> None:
    ((who, networks),) = town.ask(_STAKE, "get_stake_availability_for_coldkeys", (OWNER,), None)
    assert (who, [netuid for netuid, _ in networks]) == (OWNER, [0, NET])
    assert networks[1][1] == (3 * TAO, 0, 3 * TAO)
    ((_, some),) = town.ask(_STAKE, "get_stake_availability_for_coldkeys", (OWNER,), (NET, NET, UNKNOWN_NET))
    assert [netuid for netuid, _ in some] == [NET]
    ((_, none),) = town.ask(_STAKE, "get_stake_availability_for_coldkeys", (OWNER,), (NET, 8, 9))
    assert none == ()


def test_coldkeys_of_a_map_are_sorted(town: Town) -> None:
    told = town.ask(_STAKE, "get_stake_availability_for_coldkeys", (OWNER, cold(1), OWNER), None)
    assert [who for who, _ in told] == [cold(1), OWNER]


def test_nobody_has_locked_anything(town: Town) -> None:
    assert town.ask(_STAKE, "get_coldkey_lock", OWNER, NET) is None
    assert town.ask(_STAKE, "get_hotkey_conviction", hot(0), NET) == 0
    assert town.ask(_STAKE, "get_most_convicted_hotkey_on_subnet", NET) is None


@pytest.mark.parametrize(
    ("origin", "destination", "fee"),
    [
        (None, (hot(0), NET), 33),
        ((hot(0), NET), None, 33),
        ((hot(0), NET), (hot(0), NET), 0),
        ((hot(0), NET), (hot(0), 0), 0),
        (None, None, 0),
    ],
)
def test_the_fee_is_that_of_the_network_where_stake_goes(
    town: Town, origin: tuple[bytes, int] | None, destination: tuple[bytes, int] | None, fee: int
) -> None:
    assert town.ask(_STAKE, "get_stake_fee", origin, OWNER, destination, OWNER, 65_536) == fee


def test_the_fee_follows_the_rate_that_the_root_has_set(town: Town) -> None:
    town.chain.swap.FeeRate[NET] = 655
    fee = town.ask(_STAKE, "get_stake_fee", None, OWNER, (hot(0), NET), OWNER, TAO)
    assert fee == pytest.approx(TAO * 655 // 65_535, abs=1)
    assert town.ask(_SWAP, "sim_swap_tao_for_alpha", NET, TAO).tao_fee == fee


def test_a_delegate_is_told_with_those_who_stake_on_it(town: Town) -> None:
    assert town.ask(_DELEGATES, "get_delegate", hot(0)) is None
    town.chain.Delegates[hot(0)] = 6_553
    found = town.ask(_DELEGATES, "get_delegate", hot(0))
    assert (found.delegate_ss58, found.owner_ss58, found.take) == (hot(0), cold(0), 6_553)
    assert dict(found.nominators) == {cold(0): ((NET, TAO),), OWNER: ((NET, 3 * TAO),)}
    assert (found.registrations, found.validator_permits) == ((NET,), (NET,))
    assert town.ask(_DELEGATES, "get_delegates") == (found,)


def test_a_day_of_a_delegate_is_as_many_epochs_as_fit_in_it(town: Town) -> None:
    town.chain.Delegates[hot(2)] = 65_535 // 5
    found = town.ask(_DELEGATES, "get_delegate", hot(2))
    daily = (10**10 + 2) * 7_200 // 360
    assert found.total_daily_return == daily
    assert found.return_per_1000 == pytest.approx(daily * 0.8 * 1_000 / 5, rel=1e-6)


def test_a_delegate_without_root_stake_returns_nothing_for_it(town: Town) -> None:
    town.chain.Delegates[hot(0)] = 0
    assert town.ask(_DELEGATES, "get_delegate", hot(0)).return_per_1000 == 0


def test_an_account_learns_where_it_stakes_on_delegates(town: Town) -> None:
    town.chain.Delegates[hot(0)], town.chain.Delegates[hot(1)] = 1, 2
    ((delegate, place),) = town.ask(_DELEGATES, "get_delegated", OWNER)
    assert (delegate.delegate_ss58, delegate.nominators, place) == (hot(0), (), (NET, 3 * TAO))


def test_prices_are_rao_for_one_alpha(town: Town) -> None:
    assert town.ask(_SWAP, "current_alpha_price", NET) == TAO // 4
    assert town.ask(_SWAP, "current_alpha_price_all") == ((0, TAO), (NET, TAO // 4))
    town.chain.SubnetAlphaIn[NET] = 0
    assert town.ask(_SWAP, "current_alpha_price", NET) == 0


def test_a_simulated_purchase_is_what_the_purchase_then_is(town: Town) -> None:
    town.balances.mint(town.chain.subnet_account(NET), 1_000 * TAO)
    told = town.ask(_SWAP, "sim_swap_tao_for_alpha", NET, 10 * TAO)
    before = town.chain.stake_of(hot(0), OWNER, NET)
    town.chain.add_stake(Origin(OWNER), hot(0), NET, 10 * TAO)
    assert town.chain.stake_of(hot(0), OWNER, NET) - before == told.alpha_amount
    assert (told.tao_amount + told.tao_fee, told.alpha_fee, told.tao_slippage) == (10 * TAO, 0, 0)
    assert told.alpha_slippage == 40 * TAO - told.alpha_amount > 0


def test_a_simulated_sale_is_what_the_sale_then_is(town: Town) -> None:
    town.balances.mint(town.chain.subnet_account(NET), 1_000 * TAO)
    told = town.ask(_SWAP, "sim_swap_alpha_for_tao", NET, 2 * TAO)
    before = town.balances.free(OWNER)
    town.chain.remove_stake(Origin(OWNER), hot(0), NET, 2 * TAO)
    assert town.balances.free(OWNER) - before == told.tao_amount
    assert (told.alpha_amount + told.alpha_fee, told.tao_fee, told.alpha_slippage) == (2 * TAO, 0, 0)
    assert told.tao_slippage == TAO // 2 - told.tao_amount > 0


def test_a_trade_that_the_pool_refuses_is_told_as_zeros(town: Town) -> None:
    nothing = SimSwapResult(0, 0, 0, 0, 0, 0)
    assert town.ask(_SWAP, "sim_swap_tao_for_alpha", NET, 2_000_000 * TAO) == nothing
    town.chain.SubnetTAO[NET] = 5
    assert town.ask(_SWAP, "sim_swap_alpha_for_tao", NET, TAO) == nothing


def test_tao_is_tao_on_root_and_nothing_where_there_is_no_network(town: Town) -> None:
    assert town.ask(_SWAP, "sim_swap_tao_for_alpha", 0, 7) == (7, 7, 0, 0, 0, 0)
    assert town.ask(_SWAP, "sim_swap_alpha_for_tao", 0, 7) == (7, 7, 0, 0, 0, 0)
    assert town.ask(_SWAP, "sim_swap_tao_for_alpha", UNKNOWN_NET, 7).tao_amount == 0


def test_a_network_costs_what_its_buyer_would_pay_now(town: Town) -> None:
    assert town.ask("SubnetRegistrationRuntimeApi", "get_network_registration_cost") == town.chain.network_lock_cost()


def test_baskets_are_empty(town: Town) -> None:
    api = "BetaBasketRuntimeApi"
    assert town.encoded(api, "get_root_basket_owed", OWNER) == bytes(8)
    assert town.encoded(api, "get_basket_payout", hot(0), OWNER) == bytes(8)
    assert town.encoded(api, "get_validator_basket_nav", hot(0)) == bytes(8)
    assert town.encoded(api, "get_root_basket_total_nav") == bytes(8)
    assert town.encoded(api, "get_validator_basket", hot(0)) == b"\0"
    assert town.encoded(api, "get_root_basket_positions", OWNER) == b"\0"
