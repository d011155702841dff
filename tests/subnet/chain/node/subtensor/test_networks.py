# SPDX-License-Identifier: Apache-2.0
"""Networks of one's own: price, pool, rules, start and end, as the chain's source says."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.subtensor.names import NAMES, SYMBOLS
from subnet.chain.node.pallets.subtensor.records import SubnetIdentityV3
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

IDENTITY = SubnetIdentityV3(b"mine", b"", b"", b"", b"", b"", b"", b"")


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.pay("owner", 100_000)
    return scene


def test_a_network_says_what_the_chain_says_and_in_its_order(scene: Scene) -> None:
    assert scene.call("owner", "register_network", key("hot")) == [
        "RegistrationAllowed",
        "MaxAllowedUidsSet",
        "MaxAllowedValidatorsSet",
        "MinAllowedWeightSet",
        "ImmunityPeriodSet",
        "NewAccount",
        "Endowed",
        "Transfer",
        "SubnetOwnerHotkeySet",
        "NetworkAdded",
    ]


def test_a_new_network_has_the_rules_and_the_pool_of_its_price(scene: Scene) -> None:
    scene.wait(9)
    scene.call("owner", "register_network", key("hot"))
    chain = scene.chain
    assert [chain.MaxAllowedUids[1], chain.MaxAllowedValidators[1], chain.MinAllowedWeights[1]] == [256, 64, 1]
    assert (chain.ImmunityPeriod[1], chain.Burn[1], chain.Yuma3On[1]) == (5000, TAO, True)
    assert (chain.SubnetMechanism[1], chain.SubnetEmissionEnabled[1], chain.NetworkRegisteredAt[1]) == (1, False, 10)
    assert (chain.SubnetTAO[1], chain.SubnetAlphaIn[1], chain.SubnetLocked[1]) == (1000 * TAO,) * 3
    assert chain.LastEpochBlock[1] == 10 - 1 % chain.Tempo[1]
    assert (chain.uid_of(1, key("hot")), chain.hotkey_of(1, 0), chain.neuron_count(1)) == (0, key("hot"), 1)
    assert (chain.SubnetOwner[1], chain.TokenSymbol[1]) == (key("owner"), "\u03b1".encode())
    assert scene.balances.free(chain.subnet_account(1)) == 1000 * TAO
    assert scene.balances.free(key("owner")) == 99_000 * TAO
    assert (chain.Active[1], chain.LastUpdate[1], chain.ValidatorPermit[1]) == ((True,), (10,), (False,))


def test_the_price_doubles_with_a_network_and_falls_to_the_lowest(scene: Scene) -> None:
    assert scene.chain.network_lock_cost() == 1000 * TAO
    scene.call("owner", "register_network", key("hot"))
    assert scene.chain.network_lock_cost() == 2000 * TAO
    scene.wait(50_400)
    assert scene.chain.network_lock_cost() == 2000 * TAO - 50_400 * (1000 * TAO // 100_800)
    scene.wait(1_000_000)
    assert scene.chain.network_lock_cost() == 1000 * TAO


def test_alpha_of_a_new_network_costs_the_median_of_the_others(scene: Scene) -> None:
    for number in range(3):
        scene.call("owner", "register_network", key(f"hot {number}"))
        scene.wait(1_000_000)
    for netuid, tao in ((1, 1000), (2, 4000), (3, 2000)):
        scene.chain.SubnetTAO[netuid] = tao * TAO
        scene.chain.SubnetAlphaIn[netuid] = 1000 * TAO
    scene.call("owner", "register_network", key("hot 4"))
    assert scene.chain.SubnetAlphaIn[4] == 500 * TAO


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (lambda scene: scene.chain.create_account_if_non_existent(key("other"), key("hot")), "NonAssociatedColdKey"),
        (lambda scene: setattr(scene.chain.NetworkRegistrationStartBlock, "value", 9), "SubNetRegistrationDisabled"),
        (lambda scene: setattr(scene.chain.SubnetLimit, "value", 0), "SubnetLimitReached"),
        (lambda scene: setattr(scene.chain.NetworkMinLockCost, "value", 10**18), "CannotAffordLockCost"),
    ],
)
def test_a_network_is_refused_by_the_chains_name_for_it(scene: Scene, prepare: object, error: str) -> None:
    assert callable(prepare)
    prepare(scene)
    assert scene.refusal("owner", "register_network", key("hot")) == error


def test_networks_come_one_after_another_where_there_is_a_limit(scene: Scene) -> None:
    scene.rule("", "sudo_set_network_rate_limit", 100)
    scene.call("owner", "register_network", key("hot"))
    scene.wait(99)
    assert scene.refusal("owner", "register_network", key("hot")) == "NetworkTxRateLimitExceeded"
    scene.wait(1)
    assert "NetworkAdded" in scene.call("owner", "register_network", key("hot"))


def test_a_networks_account_is_nobodys_hotkey(scene: Scene) -> None:
    account = scene.chain.subnet_account(1)
    assert account == b"modlsubtensr\x01\x00" + bytes(18)
    assert scene.refusal("x", "try_associate_hotkey", account) == "CannotUseSystemAccount"
    assert scene.refusal("owner", "register_network", account) == "CannotUseSystemAccount"


def test_the_network_that_is_worth_least_makes_room_for_a_new_one(scene: Scene) -> None:
    for number in range(2):
        scene.call("owner", "register_network", key(f"hot {number}"))
        scene.wait(1)
    scene.rule("", "sudo_set_subnet_limit", 2)
    assert scene.refusal("owner", "register_network", key("hot 2")) == "SubnetLimitReached"
    scene.chain.SubnetMovingPrice[1], scene.chain.SubnetMovingPrice[2] = 2 << 32, 1 << 32
    scene.wait(scene.chain.NetworkImmunityPeriod.value)
    said = scene.call("owner", "register_network", key("hot 2"))
    assert {"NetworkRemoved", "NetworkAdded"} <= set(said)
    assert scene.chain.subnets() == [1, 2]
    assert scene.chain.SubnetOwnerHotkey[2] == key("hot 2")
    assert scene.chain.uid_of(2, key("hot 1")) is None


def test_a_start_opens_a_network_once_and_for_its_owner(scene: Scene) -> None:
    scene.call("owner", "register_network", key("hot"))
    assert scene.refusal("owner", "start_call", 7) == "SubnetNotExists"
    assert scene.refusal("other", "start_call", 1) == "BadOrigin"
    scene.rule("", "sudo_set_start_call_delay", 5)
    assert scene.refusal("owner", "start_call", 1) == "NeedWaitingMoreBlocksToStarCall"
    scene.wait(5)
    assert scene.call("owner", "start_call", 1) == ["FirstEmissionBlockNumberSet"]
    assert (scene.chain.FirstEmissionBlockNumber[1], scene.chain.SubtokenEnabled[1]) == (7, True)
    assert scene.refusal("owner", "start_call", 1) == "FirstEmissionBlockNumberAlreadySet"


def test_a_removed_network_pays_its_tao_to_those_who_hold_its_alpha(scene: Scene) -> None:
    netuid = scene.network()
    scene.pay("staker", 1000)
    scene.call("staker", "add_stake", key("owner's"), netuid, 500 * TAO)
    before, issued = scene.balances.free(key("staker")), scene.chain.TotalIssuance.value
    held = scene.chain.stake_of(key("owner's"), key("staker"), netuid)
    pot, rest = scene.chain.SubnetTAO[netuid], scene.chain.SubnetAlphaIn[netuid]
    assert scene.rule("", "sudo_set_tx_rate_limit", 1)
    scene.chain.dissolve(netuid)
    gained = scene.balances.free(key("staker")) - before
    assert gained == pytest.approx(pot * held / (held + rest), abs=1)
    assert scene.chain.TotalIssuance.value == issued - (pot - gained) + 500  # what keeps the account alive
    assert scene.chain.subnets() == []


def test_nothing_of_a_removed_network_is_left(scene: Scene) -> None:
    before = {item.name: scene.state.table(item).copy() for item in scene.chain.storage()}
    netuid = scene.network()
    names = scene.miners(netuid, 3)
    scene.call(names[0], "serve_axon", netuid, 1, 0x01020304, 80, 4, 0, 0, 0)
    scene.chain.Weights[netuid, 1] = ((2, 65_535),)
    scene.chain.dissolve(netuid)
    left = {item.name for item in scene.chain.storage() if scene.state.table(item) != before[item.name] and item.keys}
    people = {"Owner", "OwnedHotkeys", "StakingHotkeys", "LastRateLimitedBlock", "SubnetEmissionEnabled"}
    assert left == people | {"RegisteredSubnetCounter"}


def test_only_the_root_ends_a_network(scene: Scene) -> None:
    netuid = scene.network()
    assert scene.refusal("owner", "dissolve_network", key("owner"), netuid) == "BadOrigin"
    assert scene.refusal("", "dissolve_network", key("owner"), 0) == "SubnetNotExists"
    assert scene.refusal("", "root_dissolve_network", 9) == "SubnetNotExists"


def test_symbols_are_used_once_and_follow_the_number(scene: Scene) -> None:
    assert (len(SYMBOLS), len(set(SYMBOLS)), len(NAMES)) == (439, 439, 439)
    scene.call("owner", "register_network", key("hot"))
    scene.call("owner", "register_network", key("hot"))
    beta, gamma = SYMBOLS[2].encode(), SYMBOLS[3].encode()
    assert scene.chain.TokenSymbol[2] == beta
    assert scene.refusal("owner", "update_symbol", 1, beta) == "SymbolAlreadyInUse"
    assert scene.refusal("owner", "update_symbol", 1, b"no") == "SymbolDoesNotExist"
    assert scene.refusal("other", "update_symbol", 1, gamma) == "BadOrigin"
    assert scene.call("owner", "update_symbol", 1, gamma) == ["SymbolUpdated"]
    scene.call("owner", "register_network", key("hot"))
    assert scene.chain.TokenSymbol[3] == SYMBOLS[1].encode()


def test_a_network_is_called_what_its_owner_says(scene: Scene) -> None:
    assert "SubnetIdentitySet" in scene.call("owner", "register_network_with_identity", key("hot"), IDENTITY)
    scene.call("owner", "register_network", key("hot"))
    assert (scene.chain.name_of_subnet(1), scene.chain.name_of_subnet(2)) == (b"mine", b"omron")
    assert scene.refusal("other", "set_subnet_identity", 1, *IDENTITY) == "NotSubnetOwner"
    assert scene.refusal("owner", "set_subnet_identity", 1, b"x" * 257, *IDENTITY[1:]) == "InvalidIdentity"
    assert scene.call("owner", "set_subnet_identity", 2, b"two", *IDENTITY[1:]) == ["SubnetIdentitySet"]


def test_a_coldkey_says_who_it_is_once_it_has_a_uid(scene: Scene) -> None:
    texts = (b"me", b"", b"", b"", b"", b"", b"")
    assert scene.refusal("owner", "set_identity", *texts) == "HotKeyNotRegisteredInNetwork"
    scene.call("owner", "register_network", key("hot"))
    assert scene.call("owner", "set_identity", *texts) == ["ChainIdentitySet"]
    assert scene.refusal("owner", "set_identity", b"x" * 257, *texts[1:]) == "InvalidIdentity"


def test_the_roots_validators_become_parents_of_a_new_networks_owner(scene: Scene) -> None:
    for name in ("lender", "keeper"):
        scene.call(f"{name} cold", "root_register", key(name))
        scene.wait(1)
        scene.chain.decay_burn_prices()
    assert scene.refusal("lender cold", "set_auto_parent_delegation_enabled", key("keeper"), False) == (
        "NonAssociatedColdKey"
    )
    scene.call("keeper cold", "set_auto_parent_delegation_enabled", key("keeper"), False)
    scene.call("owner", "register_network", key("hot"))
    assert scene.chain.ParentKeys[key("hot"), 1] == (((1 << 64) - 1, key("lender")),)
