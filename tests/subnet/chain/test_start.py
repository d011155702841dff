# SPDX-License-Identifier: Apache-2.0
"""A local node is up before a person has looked, so what only votes, epochs and calls need is loaded afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

# Founds a chain, serves it for a while by the clock that is told, and says which heavy modules are there.
SERVE = """
import asyncio, sys
from pathlib import Path
import subnet.chain.ticker, subnet.cli.chain
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.genesis import read_genesis
from subnet.chain.served import ServedNode, Terms

async def main():
    genesis = read_genesis(Path("configs/chains/local.toml"))
    async with ServedNode(genesis, Terms(sealing=Sealing(mode=Mode.MANUAL))) as served:
        served.node.seal()
        for wait in (0.0, float(sys.argv[1])):
            await asyncio.sleep(wait)
            print(*sorted({"numpy", "protocols.chain", "substrateinterface"} & set(sys.modules)), flush=True)

asyncio.run(main())
"""


def test_a_node_serves_before_arrays_are_loaded_and_loads_them_by_itself_soon_after() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, "5"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["", "numpy protocols.chain"]
