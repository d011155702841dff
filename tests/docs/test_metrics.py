# SPDX-License-Identifier: Apache-2.0
"""The page of metrics is true: services that were started show what it lists, and nothing else."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from protocols.calls import Register
from protocols.keys import Keypair
from protocols.types import Hotkey, NetUid
from subnet.chain.local import LocalChain
from subnet.localnet.port import Port
from subnet.services.miner import opened
from subnet.services.validator import opened as validating
from subnet.settings import ChainSettings, MinerSettings, PathSettings, ValidatorSettings
from tests.attacks.raw import get
from tests.docs.pages import ROOT

_BOB = Keypair.from_uri("//Bob")


def listed() -> set[str]:
    """The names on the page, with the suffix of counters."""
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))


async def test_every_metric_that_a_running_service_shows_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    chain = LocalChain(block_time=0.25)
    (await chain.submit(Register(NetUid(1), Hotkey(_BOB.ss58_address)), _BOB)).raise_for_error()
    making = asyncio.create_task(chain.run())
    async with Port.of(chain.node, "127.0.0.1", 0) as port:
        network = ChainSettings(network=port.url, netuid=1, key="//Bob")
        miner = MinerSettings(host="127.0.0.1", port=0)
        async with opened("text", network, miner, PathSettings(state=tmp_path)) as serving:
            page = (await get(serving.url, "/metrics")).body.decode()
        async with validating("text", network, ValidatorSettings(port=0), PathSettings(state=tmp_path)) as judging:
            page += (await get(judging.url, "/metrics")).body.decode()
    making.cancel()
    shown = set(re.findall(r"^# TYPE (\w+)", page, flags=re.MULTILINE))
    assert shown == listed()
    assert all(name.startswith("subnet_") for name in shown)
