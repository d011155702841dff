# SPDX-License-Identifier: Apache-2.0
"""How chains begin: the same file, the same hash; what is written wrongly is answered with what was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import InvalidGenesis
from protocols.keys import Keypair
from subnet.chain.node.frame.state import State
from subnet.chain.node.genesis import Genesis, GenesisNetwork, GenesisNeuron, read_genesis
from subnet.chain.node.items import Items
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.runtime import Runtime
from tests.subnet.chain.node.whole import chain_node

ROOT = Path(__file__).parents[4]
LOCAL, MAINNET = (ROOT / "configs" / "chains" / f"{name}.toml" for name in ("local", "mainnet"))
ALICE, BOB = (Keypair.from_uri(uri).public_key for uri in ("//Alice", "//Bob"))

FOUND = """
from pathlib import Path
import sys
from subnet.chain.node.genesis import read_genesis
from tests.subnet.chain.node.whole import chain_node
print(chain_node(read_genesis(Path(sys.argv[1]))).head.hash.hex())
"""


def state(genesis: Genesis) -> Items:
    """The storage that a genesis writes."""
    runtime = Runtime(State())
    genesis.write(runtime)
    return Items(runtime.pallets)


@pytest.mark.parametrize("preset", [LOCAL, MAINNET], ids=["local", "mainnet"])
def test_the_same_file_gives_the_same_genesis_hash_in_every_process(preset: Path) -> None:
    command = [sys.executable, "-c", FOUND, str(preset)]
    hashes = {
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert hashes == {chain_node(read_genesis(preset)).head.hash.hex()}


def test_another_balance_gives_another_genesis_hash() -> None:
    hashes = {chain_node(Genesis(name="x", accounts={"//Alice": tao})).head.hash for tao in (1, "1", 2)}
    assert len(hashes) == 2


def test_the_local_preset_is_a_chain_to_try_things_on() -> None:
    items = state(read_genesis(LOCAL))
    assert items.find("Sudo", "Key").get() == ALICE
    account = items.find("System", "Account").get(BOB)
    assert (account.data.free, account.providers) == (100_000 * 10**9, 1)
    accounts = [info for _, info in items.find("System", "Account").entries()]
    assert items.find("Balances", "TotalIssuance").get() >= sum(info.data.free for info in accounts) > 0
    rule = {
        name: items.find("SubtensorModule", name).get(1) for name in ("Tempo", "CommitRevealWeightsEnabled", "Burn")
    }
    assert rule == {"Tempo": 10, "CommitRevealWeightsEnabled": False, "Burn": 500_000}
    assert items.find("SubtensorModule", "SubnetOwner").get(1) == ALICE
    assert items.find("SubtensorModule", "TotalNetworks").get() == 2
    assert items.find("SubtensorModule", "NetworkRateLimit").get() == 0


def test_the_mainnet_preset_has_the_public_rules() -> None:
    items = state(read_genesis(MAINNET))
    rules = {"Tempo": 360, "ImmunityPeriod": 5_000, "CommitRevealWeightsEnabled": True, "WeightsSetRateLimit": 100}
    assert {name: items.find("SubtensorModule", name).get(1) for name in rules} == rules
    assert items.find("SubtensorModule", "StakeThreshold").get() == 1_000 * 10**9


def test_neurons_are_registered_and_staked_by_the_chains_own_rules() -> None:
    hotkey = Keypair.from_uri("//Bob//hotkey").public_key
    network = GenesisNetwork(
        owner="//Alice",
        hotkey="//Alice//hotkey",
        neurons=(GenesisNeuron(hotkey="//Bob//hotkey", coldkey="//Bob", stake="100.5"),),
    )
    items = state(Genesis(name="x", accounts={"//Alice": 10_000, "//Bob": 1_000}, networks=(network,)))
    assert items.find("SubtensorModule", "Uids").get((1, hotkey)) == 1
    assert items.find("SubtensorModule", "Owner").get(hotkey) == BOB
    assert items.find("SubtensorModule", "TotalHotkeyAlpha").get((hotkey, 1)) > 0
    assert items.find("System", "Account").get(BOB).data.free < 900 * 10**9


def test_a_network_that_its_owner_cannot_pay_for_is_refused_with_the_chains_own_error() -> None:
    network = GenesisNetwork(owner="//Alice", hotkey="//Alice//hotkey")
    with pytest.raises(InvalidGenesis, match=r"register_network.* fails: SubtensorModule\.CannotAffordLockCost"):
        state(Genesis(name="x", accounts={"//Alice": 1}, networks=(network,)))


def test_storage_by_name_takes_values_maps_and_maps_of_several_keys_and_has_the_last_word() -> None:
    storage: dict[str, dict[str, Any]] = {
        "Balances": {"TotalIssuance": 7},
        "SubtensorModule": {
            "Tempo": {"3": 9},
            "AlphaValues": {"3": [2_000, 50_000]},
            "RecycleOrBurn": {"3": "Recycle"},
            "TokenSymbol": {"3": "x", "4": "0x00ff"},
            "Keys": {"3": {"0": "//Bob"}},
        },
    }
    items = state(Genesis(name="x", accounts={"//Alice": 1}, storage=storage))
    pallet = SubtensorModule
    assert items.find("Balances", "TotalIssuance").get() == 7
    assert items.find("SubtensorModule", "Tempo").get(3) == 9
    assert items.find("SubtensorModule", "AlphaValues").get(3) == (2_000, 50_000)
    assert items.find("SubtensorModule", "RecycleOrBurn").get(3).name == "Recycle"
    assert items.find("SubtensorModule", "TokenSymbol").get(4) == b"\x00\xff"
    assert items.find(pallet.name, "Keys").get((3, 0)) == BOB


@pytest.mark.parametrize(
    ("storage", "message", "advice"),
    [
        ({"Subtensor_Modul": {}}, "no pallet 'Subtensor_Modul'", "did you mean SubtensorModule?"),
        ({"SubtensorModul": {"Tempo": {}}}, "no pallet 'SubtensorModul'", "did you mean SubtensorModule?"),
        ({"SubtensorModule": {"tempos": {"1": 1}}}, "no storage item of SubtensorModule 'tempos'", "mean Tempo?"),
        ({"SubtensorModule": {"Tempo": {"1": 70_000}}}, r"SubtensorModule\.Tempo: 70000 is not a u16", ""),
        ({"SubtensorModule": {"Tempo": {"1": True}}}, r"SubtensorModule\.Tempo: True is no u16", ""),
        ({"SubtensorModule": {"Tempo": {"one": 1}}}, r"SubtensorModule\.Tempo: 'one' is no u16", ""),
        ({"SubtensorModule": {"Tempo": 10}}, r"SubtensorModule\.Tempo has 1 keys: write a table", ""),
        (
            {"SubtensorModule": {"RecycleOrBurn": {"1": "Keep"}}},
            "no RecycleOrBurn.*::Keep, known are Burn, Recycle",
            "",
        ),
        ({"Sudo": {"Key": "nobody"}}, "'nobody' names no account", "//Alice"),
    ],
)
def test_a_mistake_is_named_with_what_was_probably_meant(
    storage: dict[str, dict[str, Any]], message: str, advice: str
) -> None:
    with pytest.raises(InvalidGenesis, match=message) as refused:
        state(Genesis(name="x", storage=storage))
    assert advice in refused.value.help


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "Invalid value"),
        ('name = "x"\naccount = {}', "unknown field `account`"),
        ('name = "x"\naccounts = {"//Alice" = []}', r"accounts"),
        ("sudo = 3", "Expected `str"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InvalidGenesis, match=rf"(?s)mine\.toml.*{message}"):
        read_genesis(path)


def test_an_amount_that_no_account_can_hold_is_refused() -> None:
    with pytest.raises(InvalidGenesis, match="the tao of //Alice cannot be -1"):
        state(Genesis(name="x", accounts={"//Alice": -1}))
