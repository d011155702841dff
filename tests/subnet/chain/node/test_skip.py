# SPDX-License-Identifier: Apache-2.0
"""Blocks that are skipped are blocks like any other: their hashes, what they leave, what a killed process leaves."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from protocols.clock import VirtualClock
from protocols.keys import Keypair
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.genesis import Genesis, GenesisNetwork, GenesisNeuron
from subnet.chain.node.items import Items
from subnet.chain.node.node import Node
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.subnet.chain.node.founded import MANUAL

ROOT = Path(__file__).parents[4]
BOB = Origin(Keypair.from_uri("//Bob").public_key)
VOTER = Origin(Keypair.from_uri("//seat-1-0").public_key)
KILLS = 2
TAO = 10**9

# Skips for as long as it lives, and says so when the first blocks are written.
SKIPPER = """
import sys
from pathlib import Path
from tests.subnet.chain.node.test_skip import busy
node = busy(Path(sys.argv[1]))
while True:
    node.skip(50)
    print(node.head.number, flush=True)
"""


def network(number: int, tempo: int, neurons: int) -> GenesisNetwork:
    """A network on which people have stake."""
    seats = tuple(
        GenesisNeuron(hotkey=f"//seat-{number}-{seat}", coldkey="//Bob", stake=10 + 7 * seat) for seat in range(neurons)
    )
    rules = {"Tempo": tempo, "CommitRevealWeightsEnabled": False, "SubnetEmissionEnabled": number != 3, "Burn": 500_000}
    return GenesisNetwork(owner="//Alice", hotkey=f"//own-{number}", hyperparameters=rules, neurons=seats)


def busy(path: Path | None = None) -> Node:
    """A chain with three networks and short epochs."""
    genesis = Genesis(
        name="busy",
        accounts={"//Alice": 1_000_000, "//Bob": 1_000_000},
        networks=(network(1, 3, 3), network(2, 7, 1), network(3, 5, 0)),
        storage={"SubtensorModule": {"NetworkRateLimit": 0, "TxRateLimit": 0, "AdminFreezeWindow": 0}},
    )
    store = Store(path)
    ensure_founded(store, Runtime, genesis.beginning)
    return Node(store, Runtime, VirtualClock(), MANUAL)


def do(node: Node, who: Origin, name: str, **arguments: object) -> None:
    """Carry out a call between two blocks."""
    items = Items(node.runtime.pallets)
    node.amend(lambda: items.call(who, f"SubtensorModule.{name}", arguments))


def lived(node: Node, sizes: tuple[int, ...]) -> Node:
    """A chain on which people stake on root, vote and register while blocks of these numbers pass."""
    first, second, third = (list(range(0, count, size)) for count, size in zip((10, 20, 300), sizes, strict=True))
    for blocks, size in ((first, sizes[0]), (second, sizes[1]), (third, sizes[2])):
        for _ in blocks:
            node.skip(size)
        if blocks is first:
            do(node, BOB, "root_register", hotkey="//seat-1-0")
            do(node, BOB, "add_stake", netuid=0, hotkey="//seat-1-0", amount_staked=20_000 * TAO)
            do(node, VOTER, "set_weights", netuid=1, dests=[0, 2, 3], weights=[1, 2, 3], version_key=0)
        elif blocks is second:
            do(node, BOB, "burned_register", netuid=2, hotkey="//late")
    return node


@pytest.fixture(scope="module")
def reference() -> Node:
    """The chain whose blocks were made one by one."""
    return lived(busy(), (1, 1, 1))


def test_blocks_skipped_together_are_those_that_are_made_one_by_one(reference: Node, tmp_path: Path) -> None:
    skipped = lived(busy(tmp_path / "chain.db"), (10, 20, 300))
    assert skipped.head == reference.head
    assert [skipped.hash_at(number) for number in range(331)] == [reference.hash_at(number) for number in range(331)]
    assert dict(skipped.entries()) == dict(reference.entries())
    chain = reference.runtime.subtensor  # type: ignore[attr-defined]  # a Machine there, the chain's Runtime here
    assert chain.SubnetEpochIndex[1] > 80
    assert chain.SubnetworkN[2] == 3
    assert any(row for _, row in chain.Weights.items())
    assert chain.RootProp[1] > 0


def test_states_behind_the_head_are_kept_however_blocks_were_made(reference: Node, tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    lived(busy(path), (5, 20, 150)).store.close()
    opened = busy(path)
    for number in (74, 179, 180, 329):
        hash = reference.hash_at(number)
        assert opened.block(hash or b"") == reference.block(hash or b"")
        keys = reference.keys(b"", None, 1 << 20, hash)
        assert opened.keys(b"", None, 1 << 20, hash) == keys
        assert all(opened.storage(key, hash) == reference.storage(key, hash) for key in keys)
    opened.store.close()


def test_a_skip_that_is_killed_leaves_a_chain_with_the_whole_state_of_its_newest_block(tmp_path: Path) -> None:
    path, rng, undisturbed = tmp_path / "chain.db", random.Random(3), busy()
    for _ in range(KILLS):
        command = [sys.executable, "-c", SKIPPER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as skipper:
            assert skipper.stdout is not None
            said = skipper.stdout.readline()
            time.sleep(rng.random() * 0.1)
            skipper.send_signal(signal.SIGKILL)
        killed = busy(path)
        assert killed.head.number >= int(said)
        undisturbed.skip(killed.head.number - undisturbed.head.number)
        assert undisturbed.head == killed.head
        assert dict(undisturbed.entries()) == dict(killed.entries())
        killed.store.close()
