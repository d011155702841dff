# SPDX-License-Identifier: Apache-2.0
"""An endpoint that exists can be called: strangers choose what the chain stores, and most of it must go nowhere."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.endpoint import Endpoint
from protocols.errors import LedgerError


@pytest.mark.parametrize(
    ("ip", "url"),
    [
        ("203.0.113.7", "http://203.0.113.7:8091/Ask"),
        ("127.0.0.1", "http://127.0.0.1:8091/Ask"),
        ("2001:DB8:0:0::1", "http://[2001:db8::1]:8091/Ask"),
        ("::ffff:203.0.113.7", "http://203.0.113.7:8091/Ask"),
    ],
)
def test_a_url_has_one_spelling_and_brackets_ipv6(ip: str, url: str) -> None:
    assert Endpoint(ip, 8091).url("/Ask") == url


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",
        "::",
        "::ffff:0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "ff02::1",
        "fe80::1%eth0",
        "fe80::1%@evil.example/",
        "miner.example",
        "1.2.3.4@evil.example",
        "1.2.3",
        "01.2.3.4",
        "",
    ],
)
def test_an_address_that_is_no_machines_is_refused(ip: str) -> None:
    with pytest.raises(LedgerError, match="endpoint address"):
        Endpoint(ip, 8091)


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_nobody_can_listen_on_is_refused(port: int) -> None:
    with pytest.raises(LedgerError, match=f"port is {port}, expected 1 to 65535"):
        Endpoint("203.0.113.7", port)


def test_a_protocol_number_that_the_chain_cannot_hold_is_refused() -> None:
    with pytest.raises(LedgerError, match="protocol is 256"):
        Endpoint("203.0.113.7", 8091, 256)


def test_a_release_that_the_chain_cannot_hold_is_refused() -> None:
    with pytest.raises(LedgerError, match="version is 4294967296"):
        Endpoint("203.0.113.7", 8091, version=2**32)


def test_what_nobody_can_be_reached_at_is_read_as_no_endpoint() -> None:
    assert Endpoint.published("0.0.0.0", 0) is None
    assert Endpoint.published("203.0.113.7", 8091) == Endpoint("203.0.113.7", 8091)


def test_two_spellings_of_one_address_are_one_endpoint() -> None:
    assert Endpoint("2001:db8::1", 80) == Endpoint("2001:0db8:0::0001", 80)


@pytest.mark.parametrize(
    ("ip", "public"), [("1.1.1.1", True), ("10.0.0.1", False), ("127.0.0.1", False), ("169.254.169.254", False)]
)
def test_private_and_link_local_addresses_are_told_from_public_ones(ip: str, public: bool) -> None:
    assert Endpoint(ip, 8091).is_public is public


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_every_endpoint_survives_storage_and_its_url_names_that_machine(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    endpoint = Endpoint.published(str(address), port)
    if endpoint is None:
        return
    parts = urlsplit(endpoint.url())
    assert parts.port == port
    assert ip_address(str(parts.hostname)) == (getattr(address, "ipv4_mapped", None) or address)
    assert msgspec.json.decode(msgspec.json.encode(endpoint), type=Endpoint) == endpoint


def test_storage_cannot_smuggle_in_what_the_constructor_refuses() -> None:
    with pytest.raises(LedgerError):
        msgspec.json.decode(b'{"ip":"0.0.0.0","port":1}', type=Endpoint)
