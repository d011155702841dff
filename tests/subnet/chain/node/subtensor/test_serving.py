# SPDX-License-Identifier: Apache-2.0
"""Where neurons are reached: what the chain takes and what it refuses."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.subtensor.records import AxonInfo, NeuronCertificate, PrometheusInfo
from tests.subnet.chain.node.subtensor.scene import Scene, key

GOOGLE = 0x08080808


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=100)
    scene.network()
    scene.pay("cold", 10)
    scene.call("cold", "burned_register", 1, key("hot"))
    return scene


def axon(**changes: int) -> tuple[int, ...]:
    parts = {"netuid": 1, "version": 7, "ip": GOOGLE, "port": 8091, "ip_type": 4, "protocol": 4, "one": 0, "two": 0}
    return tuple({**parts, **changes}.values())


def test_an_axon_is_kept_with_the_block_in_which_it_came(scene: Scene) -> None:
    assert scene.call("hot", "serve_axon", *axon(one=5, two=6)) == ["AxonServed"]
    assert scene.chain.Axons[1, key("hot")] == AxonInfo(100, 7, GOOGLE, 8091, 4, 4, 5, 6)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ip_type": 5}, "InvalidIpType"),
        ({"ip": 0x7F000001}, "InvalidIpAddress"),
        ({"ip": 0xFFFFFFFF}, "InvalidIpAddress"),
        ({"ip": 1, "ip_type": 6}, "InvalidIpAddress"),
        ({"ip": 2**128 - 1, "ip_type": 6}, "InvalidIpAddress"),
        ({"port": 0}, "InvalidPort"),
        ({"netuid": 9}, "HotKeyNotRegisteredInNetwork"),
    ],
)
def test_an_axon_that_reaches_nobody_is_refused(scene: Scene, changes: dict[str, int], error: str) -> None:
    assert scene.refusal("hot", "serve_axon", *axon(**changes)) == error


def test_addresses_that_are_only_odd_are_taken(scene: Scene) -> None:
    scene.rule("", "sudo_set_serving_rate_limit", 1, 0)
    for changes in ({"ip": 0}, {"ip": 0x0A000001}, {"ip": 2, "ip_type": 6}):
        assert scene.call("hot", "serve_axon", *axon(**changes)) == ["AxonServed"]


def test_an_axon_moves_once_in_so_many_blocks_and_the_port_is_looked_at_last(scene: Scene) -> None:
    scene.call("hot", "serve_axon", *axon())
    scene.wait(49)
    assert scene.refusal("hot", "serve_axon", *axon(port=0)) == "ServingRateLimitExceeded"
    assert scene.refusal("hot", "serve_axon", *axon(ip=0x7F000001)) == "InvalidIpAddress"
    scene.wait(1)
    assert scene.call("hot", "serve_axon", *axon(port=1)) == ["AxonServed"]


def test_a_key_for_tls_is_kept_if_it_is_one(scene: Scene) -> None:
    scene.rule("", "sudo_set_serving_rate_limit", 1, 0)
    scene.call("hot", "serve_axon_tls", *axon(), b"")
    scene.call("hot", "serve_axon_tls", *axon(), b"\x01" + b"k" * 65)
    assert scene.chain.NeuronCertificates[1, key("hot")] is None
    scene.call("hot", "serve_axon_tls", *axon(), b"\x01" + b"k" * 64)
    assert scene.chain.NeuronCertificates[1, key("hot")] == NeuronCertificate(b"k" * 64, 1)


def test_metrics_need_an_address_before_a_uid(scene: Scene) -> None:
    assert scene.refusal("cold", "serve_prometheus", 1, 1, 0, 80, 4) == "InvalidIpAddress"
    assert scene.refusal("cold", "serve_prometheus", 1, 1, GOOGLE, 80, 4) == "HotKeyNotRegisteredInNetwork"
    assert scene.refusal("hot", "serve_prometheus", 1, 1, GOOGLE, 0, 4) == "InvalidPort"
    assert scene.call("hot", "serve_prometheus", 1, 1, GOOGLE, 80, 4) == ["PrometheusServed"]
    assert scene.chain.Prometheus[1, key("hot")] == PrometheusInfo(100, 1, GOOGLE, 80, 4)
    assert scene.refusal("hot", "serve_prometheus", 1, 1, GOOGLE, 81, 4) == "ServingRateLimitExceeded"
