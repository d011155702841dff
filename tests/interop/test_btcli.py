# SPDX-License-Identifier: Apache-2.0
"""The official command line, btcli of bittensor 11.3.0, on a chain of ours: what it shows and what it sends.

Every command runs in a process of its own, as a user's would, and what it shows is held against what the node knows.
They are forks of one that has the tool in memory, so that a command takes a tenth of a second instead of three.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from protocols.keys import Keypair
from subnet.chain.node.pallets.subtensor.commits import commitment
from tests.interop.local import ALICE, ALICE_HOTKEY, BOB, BOB_HOTKEY, CHARLIE_HOTKEY, Btcli, Local, local, wallets

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]  # the tool takes seconds to start, once

TAO = 10**9
HOTKEYS = (ALICE_HOTKEY, BOB_HOTKEY)


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


def alpha(shown: str) -> int:
    """An amount as it is shown, in the smallest unit."""
    return round(float(shown.rstrip("\u03b1").replace(",", "")) * TAO)


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
    assert price["tao_per_alpha"] == pytest.approx(chain.stored("SubnetTAO", 1) / chain.stored("SubnetAlphaIn", 1))
    assert price["price_rao"] == pytest.approx(price["tao_per_alpha"] * TAO, abs=1)
    assert burn["tao"] == pytest.approx(chain.stored("Burn", 1) / TAO)
    assert rules["max_difficulty"] == chain.stored("MaxDifficulty", 1)
    assert queried["tempo"] == chain.stored("Tempo", 1)


def test_btcli_shows_neurons_and_votes_as_the_node_knows_them(chain: Local, btcli: Btcli) -> None:
    hotkey = ALICE_HOTKEY.ss58_address
    chain.put("CommitRevealWeightsEnabled", 1, False)
    chain.put("Bonds", (1, 0), ((0, 32768),))
    chain.skip(2)
    btcli.send("tx", "set-weights", "--netuid", "1", "--uids", "0", "--weights", "1")
    assert list(chain.stored("Weights", (1, 0))) == [(0, 65535)]
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
    assert weights == {"0": {"0": 1.0}}
    assert set(bonds) == {"0"}
    assert bonds["0"]["0"] in (32768, pytest.approx(0.5, abs=1e-4))
    assert epoch["tempo"] == chain.stored("Tempo", 1)
    assert epoch["last_epoch_block"] == chain.stored("LastEpochBlock", 1)
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
    assert [(shown["coldkey"], shown["free_tao"]) for shown in overview] == [(ALICE.ss58_address, wallet["free_tao"])]
    assert stake == overview[0]["stakes"] == []


def test_btcli_stakes_moves_and_takes_back(chain: Local, btcli: Btcli) -> None:
    ours, theirs = ALICE_HOTKEY.ss58_address, BOB_HOTKEY.ss58_address
    before = chain.stored("TotalHotkeyAlpha", (ALICE_HOTKEY.public_key, 1))
    # Trades are encrypted unless one says otherwise.
    sent = btcli.send("stake", "add", "--hotkey", ours, "--netuid", "1", "--amount", "10")
    assert sent["data"]["shielded"]
    added = chain.stored("TotalHotkeyAlpha", (ALICE_HOTKEY.public_key, 1))
    assert added > before
    clear = btcli.send("--no-mev-shield", "stake", "remove", "--hotkey", ours, "--netuid", "1", "--amount", "2")
    assert "shielded" not in clear.get("data", {})
    btcli.send("wallet", "associate-hotkey", "--hotkey", theirs, wallet="bob")
    btcli.send("stake", "move", "--origin-hotkey", ours, "--dest-hotkey", theirs, "--netuid", "1", "--amount", "1")
    assert chain.stored("TotalHotkeyAlpha", (BOB_HOTKEY.public_key, 1)) == TAO
    stakes, (wallet,) = together(btcli, f"query stake-for-coldkey --coldkey {ALICE.ss58_address}", "wallet overview")
    shown = {position["hotkey"]: alpha(position["stake"]) for position in stakes}
    assert shown == {key.ss58_address: chain.stored("TotalHotkeyAlpha", (key.public_key, 1)) for key in HOTKEYS}
    assert {position["hotkey"]: alpha(position["stake"]) for position in wallet["stakes"]} == shown


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


def test_btcli_votes_under_the_beacons_seal(chain: Local, btcli: Btcli) -> None:
    chain.put("CommitRevealWeightsEnabled", 1, True)
    chain.skip(2)
    btcli.send("tx", "commit-weights", "--netuid", "1", "--uids", "0", "--weights", "1")
    ((hotkey, *_),) = chain.stored("TimelockedWeightCommits", (1, chain.stored("SubnetEpochIndex", 1)))
    assert hotkey == ALICE_HOTKEY.public_key
    assert ALICE_HOTKEY.ss58_address in json.dumps(btcli("query", "timelocked-weight-commits", "--netuid", "1"))


def test_btcli_reveals_what_was_committed_by_its_hash(chain: Local, btcli: Btcli) -> None:
    chain.put("CommitRevealWeightsEnabled", 1, True)
    chain.skip(2)
    digest = commitment(ALICE_HOTKEY.public_key, 1, ((0,), (65535,)), (7,), 0)
    given = json.dumps({"netuid": 1, "commit_hash": f"0x{digest.hex()}"})
    btcli.send("call", "SubtensorModule.commit_weights", "--args", given, "--key", "hotkey")
    epoch = chain.stored("SubnetEpochIndex", 1)
    while chain.stored("SubnetEpochIndex", 1) == epoch:
        chain.skip(1)
    chain.put("Weights", (1, 0), ())
    reveal = ("tx", "reveal-weights", "--netuid", "1", "--uids", "0", "--weights", "1", "--salt", "7")
    btcli.send(*reveal, "--version-key", "0")
    assert list(chain.stored("Weights", (1, 0))) == [(0, 65535)]
    assert chain.stored("WeightCommits", (1, ALICE_HOTKEY.public_key)) is None


def test_btcli_registers_a_neuron_which_it_only_does_encrypted(chain: Local, btcli: Btcli) -> None:
    open_ = btcli.run("--no-mev-shield", "tx", "burned-register", "--netuid", "1", "--yes", wallet="charlie")
    assert open_.status == 2, open_
    before = chain.stored("SubnetworkN", 1)
    registered = btcli.send("tx", "burned-register", "--netuid", "1", wallet="charlie")
    assert registered["data"]["shielded"]
    assert chain.stored("SubnetworkN", 1) == before + 1
    uid = btcli("query", "uid", "--netuid", "1", "--hotkey", CHARLIE_HOTKEY.ss58_address)
    assert chain.stored("Keys", (1, uid)) == CHARLIE_HOTKEY.public_key
    assert chain.stored("Owner", CHARLIE_HOTKEY.public_key) == Keypair.from_uri("//Charlie").public_key


def test_btcli_encrypts_what_need_not_be(chain: Local, btcli: Btcli) -> None:
    before = chain.free(BOB)
    sent = btcli.send("--mev-shield", "tx", "transfer", "--dest", BOB.ss58_address, "--amount", "1.5")
    assert sent["data"]["shielded"]
    assert chain.free(BOB) - before == 3 * TAO // 2


def test_btcli_is_told_what_became_of_an_encrypted_call_that_fails(chain: Local, btcli: Btcli) -> None:
    again = btcli.run("tx", "burned-register", "--netuid", "1", "--yes", wallet="alice")
    assert again.status != 0
    assert "HotKeyAlreadyRegisteredInSubNet" in again.out + again.err


def test_btcli_locks_stake_and_shows_whom_it_speaks_for(chain: Local, btcli: Btcli) -> None:
    hotkey = ALICE_HOTKEY.ss58_address
    btcli.send("--no-mev-shield", "stake", "add", "--hotkey", hotkey, "--netuid", "1", "--amount", "10")
    lock = json.dumps({"hotkey": hotkey, "netuid": 1, "amount": 5 * TAO})
    btcli.send("call", "SubtensorModule.lock_stake", "--args", lock)
    kept = chain.stored("Lock", (ALICE.public_key, 1, ALICE_HOTKEY.public_key))
    assert kept.locked_mass == 5 * TAO
    convictions, staked, baskets, portfolio = together(
        btcli,
        "query subnet-convictions --netuid 1",
        "query total-alpha-staked --netuid 1",
        "query root-baskets",
        f"query root-basket-portfolio --coldkey {ALICE.ss58_address}",
    )
    assert hotkey in json.dumps(convictions)
    assert alpha(staked) == chain.stored("TotalAlphaStaked", 1)
    assert baskets == portfolio == []
