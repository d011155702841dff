# SPDX-License-Identifier: Apache-2.0
"""Addresses that keep failing are refused for a while, and what is remembered of them is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RateLimited
from protocols.server.strikes import Strikes, network_of


def refused(strikes: Strikes, address: str, now: float) -> bool:
    """Whether this address would be turned away."""
    try:
        strikes.check(address, now)
    except RateLimited:
        return True
    return False


def test_a_burst_of_failures_is_forgiven_and_one_more_is_not() -> None:
    strikes = Strikes(per_s=2.0, burst=3, addresses=10)
    for _ in range(3):
        assert not refused(strikes, "192.0.2.1", 0.0)
        strikes.charge("192.0.2.1", 0.0)
    with pytest.raises(RateLimited, match=r"over 3 requests of 192\.0\.2\.1 failed") as error:
        strikes.check("192.0.2.1", 0.0)
    assert error.value.retry_after_s == 0.5
    assert not refused(strikes, "192.0.2.2", 0.0)


def test_time_forgives_at_its_rate() -> None:
    strikes = Strikes(per_s=2.0, burst=3, addresses=10)
    for _ in range(30):
        strikes.charge("192.0.2.1", 0.0)
    assert refused(strikes, "192.0.2.1", 0.49)
    assert not refused(strikes, "192.0.2.1", 0.5)
    strikes.charge("192.0.2.1", 0.5)
    assert refused(strikes, "192.0.2.1", 0.9)


def test_an_address_whose_failures_are_forgiven_is_forgotten() -> None:
    strikes = Strikes(per_s=1.0, burst=3, addresses=10)
    strikes.charge("192.0.2.1", 0.0)
    assert len(strikes) == 1
    assert not refused(strikes, "192.0.2.1", 0.5)
    assert len(strikes) == 1
    assert not refused(strikes, "192.0.2.1", 1.0)
    assert len(strikes) == 0


def test_the_longest_quiet_is_forgotten_first() -> None:
    strikes = Strikes(per_s=0.1, burst=1, addresses=2)
    for address in ("a", "b", "a", "c"):
        strikes.charge(address, 0.0)
    assert [refused(strikes, address, 0.0) for address in "abc"] == [True, False, True]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("", ""),
        ("memory", "memory"),
        ("no:address", "no:address"),
    ],
)
def test_one_customer_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) in (network, network.replace("192.0.2.1", "c000:201"))


def test_a_whole_ipv6_network_shares_its_failures() -> None:
    strikes = Strikes(per_s=0.1, burst=2, addresses=10)
    strikes.charge("2001:db8::1", 0.0)
    strikes.charge("2001:db8::ffff", 0.0)
    assert refused(strikes, "2001:db8::abcd", 0.0)
    assert not refused(strikes, "2001:db8:0:1::1", 0.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 5), st.booleans()), max_size=200))
def test_the_table_never_outgrows_its_bound_and_no_one_without_failures_is_refused(
    events: list[tuple[int, float, bool]],
) -> None:
    strikes, now, failed = Strikes(per_s=1.0, burst=2, addresses=5), 0.0, set()
    for who, later, fails in events:
        now += later
        if fails:
            strikes.charge(str(who), now)
            failed.add(str(who))
        elif str(who) not in failed:
            assert not refused(strikes, str(who), now)
        assert len(strikes) <= 5
