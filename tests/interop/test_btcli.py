# SPDX-License-Identifier: Apache-2.0
"""The official command line, btcli of bittensor 11.3.0, on a chain of ours: what it shows and what it sends.

Every command runs in a process of its own, as a user's would, and what it shows is held against what the node knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.local import ALICE, ALICE_HOTKEY, BOB, BOB_HOTKEY, Btcli, Local, local, wallets

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240)]  # every start of the tool takes seconds

TAO = 10**9


@pytest.fixture(scope="module")
def chain() -> Iterator[Local]:
    with local() as chain:
        yield chain


@pytest.fixture(scope="module")
def btcli(chain: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Btcli]:
    home = tmp_path_factory.mktemp("home")
    wallets(home / ".bittensor" / "wallets")
    with Btcli(chain.url, home) as btcli:
        yield btcli


def together(btcli: Btcli, *commands: str) -> list[Any]:
    """What some commands answer."""
    return [btcli(*command.split()) for command in commands]


def test_btcli_shows_networks_as_the_node_knows_them(chain: Local, btcli: Btcli) -> None:
    listed, shown, price, burn, rules, queried = together(
        btcli,
        "subnets list",
        "subnets show 1",
        "subnets price --netuid 1",
        "subnets burn-cost 1",
        "subnets hyperparameters 1",
        "query subnet-hyperparameters --netuid 1",
    )
    assert [network["netuid"] for network in listed] == [0, 1]
    assert listed[1]["tempo"] == shown["tempo"] == chain.stored("Tempo", 1)
    assert shown["owner_coldkey"] == ALICE.ss58_address
    assert shown["owner_hotkey"] == ALICE_HOTKEY.ss58_address
    assert shown["neurons"] == chain.stored("SubnetworkN", 1)
    assert price["price_rao"] > 0
    assert burn["tao"] == pytest.approx(chain.stored("Burn", 1) / TAO)
    assert rules["max_difficulty"] == chain.stored("MaxDifficulty", 1)
    assert queried["tempo"] == chain.stored("Tempo", 1)


def test_btcli_shows_neurons_and_votes_as_the_node_knows_them(chain: Local, btcli: Btcli) -> None:
    hotkey = ALICE_HOTKEY.ss58_address
    graph, table, neurons, weights, bonds, epoch, uid = together(
        btcli,
        "query metagraph --netuid 1",
        "subnets metagraph 1",
        "query neurons --netuid 1",
        "query weights --netuid 1",
        "query bonds --netuid 1",
        "query epoch-status --netuid 1",
        f"query uid --netuid 1 --hotkey {hotkey}",
    )
    assert graph["hotkeys"] == table["hotkeys"] == [neuron["hotkey"] for neuron in neurons] == [hotkey]
    assert graph["coldkeys"] == [ALICE.ss58_address]
    assert graph["last_update"] == list(chain.stored("LastUpdate", 1))
    assert set(weights) <= {"0"}
    assert set(bonds) <= {"0"}
    assert epoch["tempo"] == chain.stored("Tempo", 1)
    assert uid == 0


def test_btcli_shows_and_moves_money(chain: Local, btcli: Btcli) -> None:
    before = chain.free(BOB)
    for group in ("wallet", "tx"):
        sent = btcli.send(group, "transfer", "--dest", BOB.ss58_address, "--amount", "2.5")
        assert sent["fee_tao"] > 0
    assert chain.free(BOB) - before == 5 * TAO
    wallet, overview, balance, stake = together(
        btcli,
        "wallet balance",
        "wallet overview",
        f"query balance --coldkey {ALICE.ss58_address}",
        f"query stake-for-coldkey --coldkey {ALICE.ss58_address}",
    )
    shown = chain.free(ALICE)
    assert wallet["coldkey"] == ALICE.ss58_address
    assert wallet["free_tao"] == pytest.approx(shown / TAO, abs=1e-9)
    assert float(balance.lstrip("τ").replace(",", "")) == pytest.approx(shown / TAO, abs=1e-9)
    assert overview
    assert {position["hotkey"] for position in stake} <= {ALICE_HOTKEY.ss58_address, BOB_HOTKEY.ss58_address}


def test_btcli_stakes_moves_and_takes_back(chain: Local, btcli: Btcli) -> None:
    ours, theirs = ALICE_HOTKEY.ss58_address, BOB_HOTKEY.ss58_address
    before = chain.stored("TotalHotkeyAlpha", (ALICE_HOTKEY.public_key, 1))
    # No key for encrypted transactions is announced here: the tool sends in the clear.
    btcli.send("stake", "add", "--hotkey", ours, "--netuid", "1", "--amount", "10")
    added = chain.stored("TotalHotkeyAlpha", (ALICE_HOTKEY.public_key, 1))
    assert added > before
    btcli.send("stake", "remove", "--hotkey", ours, "--netuid", "1", "--amount", "2")
    btcli.send("wallet", "associate-hotkey", "--hotkey", theirs, wallet="bob")
    btcli.send("stake", "move", "--origin-hotkey", ours, "--dest-hotkey", theirs, "--netuid", "1", "--amount", "1")
    assert chain.stored("TotalHotkeyAlpha", (BOB_HOTKEY.public_key, 1)) == TAO


def test_btcli_founds_a_network_and_starts_it(chain: Local, btcli: Btcli) -> None:
    founded = btcli.send("tx", "register-subnet", "--hotkey", BOB_HOTKEY.ss58_address, wallet="bob")
    netuid = founded["data"]["netuid"]
    assert chain.stored("SubnetOwner", netuid) == BOB.public_key
    btcli.send("tx", "start-call", "--netuid", str(netuid), wallet="bob")
    assert chain.stored("FirstEmissionBlockNumber", netuid) is not None
    assert chain.stored("SubtokenEnabled", netuid)


def test_btcli_announces_an_endpoint_a_take_and_a_child(chain: Local, btcli: Btcli) -> None:
    hotkey, child = ALICE_HOTKEY, BOB_HOTKEY.ss58_address
    btcli.send("tx", "serve-axon", "--netuid", "1", "--ip", "1.2.3.4", "--port", "8091")
    axon = chain.stored("Axons", (1, hotkey.public_key))
    assert (axon.ip, axon.port) == (0x01020304, 8091)
    chain.put("Delegates", hotkey.ss58_address, 0)
    btcli.send("tx", "increase-take", "--take", "0.1", "--hotkey", hotkey.ss58_address)
    assert chain.stored("Delegates", hotkey.public_key) == pytest.approx(6553, abs=1)
    btcli.send(
        "tx", "set-children", "--netuid", "1", "--hotkey", hotkey.ss58_address, "--children", f'[[0.5, "{child}"]]'
    )
    ((proportion, who),), _ = chain.stored("PendingChildKeys", (1, hotkey.public_key))
    assert (who, round(proportion / 2**64, 3)) == (BOB_HOTKEY.public_key, 0.5)


def test_btcli_votes_in_the_open_and_sealed(chain: Local, btcli: Btcli) -> None:
    chain.put("CommitRevealWeightsEnabled", 1, False)
    chain.skip(2)
    btcli.send("tx", "set-weights", "--netuid", "1", "--uids", "0", "--weights", "1")
    assert list(chain.stored("Weights", (1, 0))) == [(0, 65535)]
    chain.put("CommitRevealWeightsEnabled", 1, True)
    chain.skip(2)
    btcli.send("tx", "commit-weights", "--netuid", "1", "--uids", "0", "--weights", "1")
    assert btcli("query", "timelocked-weight-commits", "--netuid", "1")


def test_btcli_registers_nobody_where_no_key_to_encrypt_for_is_announced(btcli: Btcli) -> None:
    refused = btcli.run("tx", "burned-register", "--netuid", "1", "--yes", wallet="bob")
    assert refused.status == 1
    assert "MevShield.NextKey is unset" in refused.out + refused.err
