# SPDX-License-Identifier: Apache-2.0
"""What keeps a service from starting, and with which words."""

from __future__ import annotations

import logging
import socket

import pytest

from protocols.clock import VirtualClock
from protocols.errors import BindFailed, ClockSkewed, ServiceError
from subnet.chain.memory import Genesis, MemoryChain
from subnet.doctor import Finding
from subnet.services.preflight import check_clock, check_packages, check_port, probe


def test_a_port_in_use_is_told_with_who_to_ask_and_another_port_to_take() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BindFailed, match=f"cannot listen on 127.0.0.1:{port}: address already in use") as refused:
            check_port("127.0.0.1", port)
    assert f"--port {port + 1}" in refused.value.help
    check_port("127.0.0.1", port)
    check_port("127.0.0.1", 0)


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(BindFailed, match=r"cannot listen on 192\.0\.2\.1:80"):
        check_port("192.0.2.1", 80)


async def test_a_clock_behind_the_newest_block_is_wrong_and_one_far_ahead_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    chain = MemoryChain(Genesis.local(), clock=clock)
    chain.seal()
    await check_clock(chain, clock)
    clock.jump(-3.0)
    with pytest.raises(ClockSkewed, match=r"3\.0 s behind the chain's newest block, at most 2 s may be"):
        await check_clock(chain, clock)
    clock.jump(303.0)
    with caplog.at_level(logging.WARNING):
        await check_clock(chain, clock)
    assert "newest block is 300 s old" in caplog.text


def test_another_projects_package_of_our_name_is_refused_with_what_to_type() -> None:
    stranger = Finding("package validators", "fail", "is another project's", "pip uninstall -y validators")
    with pytest.raises(ServiceError, match="package validators is another project's") as refused:
        check_packages([stranger])
    assert refused.value.help == "pip uninstall -y validators"
    check_packages()


async def test_an_address_that_does_not_answer_is_only_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await probe(f"http://127.0.0.1:{port}")
    with caplog.at_level(logging.WARNING):
        assert not await probe(f"http://127.0.0.1:{port}")
    assert "cannot be reached from this machine" in caplog.text
