# SPDX-License-Identifier: Apache-2.0
"""polkadot.js, the client that wallets and explorers are made with, on a chain of ours.

It decodes everything by the node's metadata: what it transfers, hears and reads proves that the metadata is right.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.interop.local import ALICE_HOTKEY, BOB, local
from tests.interop.node_js import node_js

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]  # the environment may have to be built first


def test_polkadot_js_transfers_hears_of_blocks_and_reads_storage() -> None:
    environment = node_js()
    with local() as chain:
        before = chain.free(BOB)
        done = subprocess.run(
            [environment.program, "flow.mjs", chain.url],
            cwd=environment.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        saw = json.loads(done.stdout)
        assert saw["gained"] == chain.free(BOB) - before == 2 * 10**9
        assert saw["tempo"] == chain.stored("Tempo", 1)
        assert saw["spec"] == chain.ask(lambda node: node.runtime.version.spec_version)
    assert saw["chain"] == "local"
    assert saw["networks"] == [[0, True], [1, True]]
    assert saw["hotkey"] == ALICE_HOTKEY.ss58_address
    assert saw["price"] > 0
    assert saw["heads"] == sorted(set(saw["heads"]))
    assert len(saw["heads"]) >= 2
    assert saw["events"][-2:] == ["transactionPayment.TransactionFeePaid", "system.ExtrinsicSuccess"]
    assert "balances.Transfer" in saw["events"]
