# SPDX-License-Identifier: Apache-2.0
"""What the chain says about networks: rules, pools, metagraphs and clocks."""

from __future__ import annotations

import time
from typing import Any, Final, cast

import pytest

from subnet.chain.node.apis.metagraph import COMMITMENTS, NO_AXON, VALIDATORS, Metagraph
from subnet.chain.node.pallets.commitments import CommitmentInfo, Commitments, Registration
from subnet.chain.node.scale.composites import Option, Struct, Variant
from tests.subnet.chain.node.apis.town import AXON, NET, NOBODY, OWNER, SYMBOL, TAO, UNKNOWN_NET, Town, cold, hot

_API: Final = "SubnetInfoRuntimeApi"
_WHOLE: Final = 2**64 - 1


@pytest.fixture
def town() -> Town:
    """Three neurons."""
    return Town()


def selected(town: Town, *numbers: int) -> dict[str, Any]:
    """The parts of a metagraph that are there, by name."""
    method = town.method(_API, "get_selective_metagraph")
    record = cast(Struct, cast(Option, method.output).item)
    names = [field.name for field in record.fields]
    values = town.ask(_API, "get_selective_metagraph", NET, numbers)
    return {str(name): value for name, value in zip(names, values, strict=True) if value is not None}


@pytest.mark.parametrize(
    "name",
    [
        "get_subnet_info",
        "get_subnet_info_v2",
        "get_subnet_hyperparams",
        "get_subnet_hyperparams_v2",
        "get_subnet_hyperparams_v3",
        "get_dynamic_info",
        "get_metagraph",
        "get_subnet_state",
        "get_subnet_account_id",
    ],
)
def test_of_a_network_that_is_not_there_nothing_is_told(town: Town, name: str) -> None:
    assert town.encoded(_API, name, UNKNOWN_NET) == b"\0"


def test_a_metagraph_tells_who_is_where_and_what_they_got(town: Town) -> None:
    graph: Metagraph = town.ask(_API, "get_metagraph", NET)
    assert (graph.netuid, graph.block, graph.num_uids, graph.max_uids) == (NET, 50, 3, 256)
    assert (bytes(graph.name), bytes(graph.symbol)) == (b"north", SYMBOL)
    assert graph.hotkeys == (hot(0), hot(1), hot(2))
    assert graph.coldkeys == (cold(0), cold(1), cold(2))
    assert graph.axons == (NO_AXON, AXON, NO_AXON)
    assert [identity and identity.name for identity in graph.identities] == [None, b"one", None]
    assert graph.incentives == (0, 7, 14)
    assert graph.emission == (10**10, 10**10 + 1, 10**10 + 2)
    assert graph.block_at_registration == (50, 50, 50)
    assert graph.alpha_dividends_per_hotkey == ((hot(0), 11), (hot(1), 0), (hot(2), 0))
    assert (graph.last_step, graph.blocks_since_last_step) == (40, 10)
    assert (graph.tao_in, graph.alpha_in, graph.pending_alpha_emission) == (1_000 * TAO, 4_000 * TAO, 500)
    assert graph.activity_cutoff == 360 * 13_889 // 1000


def test_what_the_chain_no_longer_computes_is_empty(town: Town) -> None:
    graph: Metagraph = town.ask(_API, "get_metagraph", NET)
    assert (graph.rank, graph.trust, graph.pruning_score) == ((), (), ())
    assert (graph.subnet_emission, graph.pending_root_emission) == (0, 0)


def test_tao_on_root_counts_beside_alpha_by_its_weight(town: Town) -> None:
    town.chain.increase_stake(hot(2), cold(2), 0, 1_000 * TAO)
    town.chain.TaoWeight.value = _WHOLE // 4
    graph: Metagraph = town.ask(_API, "get_metagraph", NET)
    assert graph.alpha_stake == (TAO, 2 * TAO, 3 * TAO)
    assert graph.tao_stake == (0, 0, 1_000 * TAO)
    assert graph.total_stake[2] == pytest.approx(253 * TAO, abs=1_000)
    state = town.ask(_API, "get_subnet_state", NET)
    assert (state.alpha_stake, state.total_stake) == (graph.alpha_stake, graph.total_stake)


def test_lent_stake_counts_where_it_is_lent_to(town: Town) -> None:
    town.chain.ChildKeys[hot(2), NET] = ((_WHOLE // 3, hot(0)),)
    town.chain.ParentKeys[hot(0), NET] = ((_WHOLE // 3, hot(2)),)
    graph: Metagraph = town.ask(_API, "get_metagraph", NET)
    assert graph.alpha_stake == pytest.approx((2 * TAO, 2 * TAO, 2 * TAO), abs=2)
    bits = town.chain.stake_weights(NET, [hot(uid) for uid in range(3)])
    assert graph.total_stake == tuple(total >> 64 for total in bits)


def test_a_mechanism_has_votes_of_its_own_and_a_number_of_its_own(town: Town) -> None:
    town.chain.MechanismCountCurrent[NET] = 2
    town.chain.Incentive[NET + 4096], town.chain.LastUpdate[NET + 4096] = (9, 8, 7), (1, 2, 3)
    graph: Metagraph = town.ask(_API, "get_mechagraph", NET, 1)
    assert (graph.netuid, graph.incentives, graph.last_update) == (4097, (9, 8, 7), (1, 2, 3))
    assert graph.hotkeys == (hot(0), hot(1), hot(2))
    assert town.ask(_API, "get_mechagraph", NET, 2) is None
    assert [found.netuid for found in town.ask(_API, "get_all_mechagraphs")] == [0, NET, 4097]
    assert [found.netuid for found in town.ask(_API, "get_all_metagraphs")] == [0, NET]


def test_only_the_parts_that_are_asked_for_are_told(town: Town) -> None:
    assert selected(town, 0, 1, 52) == {"netuid": NET, "name": tuple(b"north"), "hotkeys": (hot(0), hot(1), hot(2))}


def test_a_part_that_is_nothing_is_told_from_one_that_nobody_asked_for(town: Town) -> None:
    assert "identity" not in selected(town, 0)
    encoded = town.encoded(_API, "get_selective_metagraph", NET, (3,))
    del town.chain.SubnetIdentitiesV3[NET]
    absent = town.encoded(_API, "get_selective_metagraph", NET, (3,))
    # The number of the network, nothing of name and symbol, then an identity that is there, or is known to be none.
    assert encoded[:6] == b"\1\0\0\0\1\1"
    assert absent[:6] == b"\1\0\0\0\1\0"


def test_the_number_of_the_network_is_a_part_too(town: Town) -> None:
    assert selected(town, 1)["netuid"] == 0
    assert town.ask(_API, "get_selective_mechagraph", NET, 0, (1,))[0] == NET


def test_validators_are_those_who_may_vote_with_the_smallest_stake_first(town: Town) -> None:
    assert selected(town, 0, VALIDATORS)["validators"] == (0, 2)
    town.chain.StakeThreshold.value = TAO
    assert selected(town, 0, VALIDATORS)["validators"] == (2,)


def test_commitments_are_told_as_they_are_stored(town: Town) -> None:
    said = Registration(0, 9, CommitmentInfo((Variant("Raw2", (b"hi",)),)))
    town.commitments.CommitmentOf[NET, hot(1)] = said
    stored = Commitments.CommitmentOf.data(said)
    assert selected(town, 0, COMMITMENTS)["commitments"] == ((hot(1), tuple(stored)),)


def test_numbers_that_mean_nothing_are_passed_over(town: Town) -> None:
    assert selected(town, 0, 74, 65_535) == {"netuid": NET}


def test_a_network_is_told_in_both_versions(town: Town) -> None:
    first, second = town.ask(_API, "get_subnet_info", NET), town.ask(_API, "get_subnet_info_v2", NET)
    assert first == second[:-1]
    assert (first.netuid, first.subnetwork_n, first.tempo, first.owner) == (NET, 3, 360, OWNER)
    assert first.blocks_since_last_step == 9
    assert second.identity.subnet_name == b"north"
    assert [found.netuid for found in town.ask(_API, "get_subnets_info")] == [0, NET]
    assert [found.netuid for found in town.ask(_API, "get_subnets_info_v2")] == [0, NET]


def test_rules_are_told_alike_as_a_record_and_by_name(town: Town) -> None:
    town.chain.MinChildkeyTakePerSubnet[NET] = 77
    record = town.ask(_API, "get_subnet_hyperparams_v2", NET)
    assert town.ask(_API, "get_subnet_hyperparams", NET) == record[:27]
    entries = {entry.name.decode(): entry.value for entry in town.ask(_API, "get_subnet_hyperparams_v3", NET)}
    fields = record._asdict()
    assert {name: entries[name].fields[0] for name in fields if name in entries} == {
        name: value for name, value in fields.items() if name in entries
    }
    assert entries["activity_cutoff_factor"] == Variant("U32", (13_889,))
    assert entries["min_burn"] == Variant("TaoBalance", (500_000,))
    assert entries["min_childkey_take"] == Variant("U16", (77,))
    assert (record.alpha_low, record.alpha_high) == town.chain.AlphaValues[NET]
    assert record.alpha_sigmoid_steepness == 1000 << 32
    assert record.yuma_version == 3
    town.chain.Yuma3On[NET] = False
    assert town.ask(_API, "get_subnet_hyperparams_v2", NET).yuma_version == 2


def test_a_pool_is_told_with_what_is_pending(town: Town) -> None:
    pool = town.ask(_API, "get_dynamic_info", NET)
    assert (bytes(pool.subnet_name), pool.subnet_volume, pool.moving_price) == (b"north", 2**70, 1 << 30)
    assert (pool.owner_hotkey, pool.owner_coldkey) == (hot(0), OWNER)
    root = town.ask(_API, "get_all_dynamic_info")[0]
    assert (root.netuid, bytes(root.subnet_name), root.owner_coldkey) == (0, b"root", NOBODY)


def test_what_neurons_were_paid_is_told_network_by_network(town: Town) -> None:
    town.chain.LastHotkeyEmissionOnNetuid[hot(1), NET] = 5
    assert town.ask(_API, "get_subnet_state", NET).emission_history == ((0, 0, 0), (0, 5, 0))


def test_the_next_epoch_comes_by_the_clock_or_when_it_was_asked_for(town: Town) -> None:
    town.chain.LastEpochBlock[NET] = 100
    assert town.ask(_API, "get_next_epoch_start_block", NET) == 460
    town.chain.PendingEpochAt[NET] = 120
    assert town.ask(_API, "get_next_epoch_start_block", NET) == 120
    town.chain.PendingEpochAt[NET] = 500
    assert town.ask(_API, "get_next_epoch_start_block", NET) == 460
    town.chain.Tempo[NET] = 0
    assert town.ask(_API, "get_next_epoch_start_block", NET) is None


def test_the_chain_tells_which_network_makes_room_and_where_networks_keep_their_tao(town: Town) -> None:
    assert town.ask(_API, "get_subnet_to_prune") is None
    town.system.Number.value = 2_000_000
    assert town.ask(_API, "get_subnet_to_prune") == NET
    assert town.ask(_API, "get_subnet_account_id", NET) == b"modlsubtensr\1".ljust(32, b"\0")
    assert town.ask(_API, "get_block_emission") == TAO


def test_a_miner_stakes_where_it_said(town: Town) -> None:
    assert town.ask(_API, "get_coldkey_auto_stake_hotkey", cold(0), NET) is None
    town.chain.AutoStakeDestination[cold(0), NET] = hot(2)
    assert town.ask(_API, "get_coldkey_auto_stake_hotkey", cold(0), NET) == hot(2)


@pytest.mark.serial
def test_256_neurons_are_told_in_milliseconds() -> None:
    town = Town(neurons=256)
    assert _cost_s(town, _API, "get_metagraph") < 0.015
    assert _cost_s(town, "NeuronInfoRuntimeApi", "get_neurons_lite") < 0.030


def _cost_s(town: Town, api: str, name: str) -> float:
    times = []
    for _ in range(7):
        started = time.process_time()
        town.encoded(api, name, NET)
        times.append(time.process_time() - started)
    return min(times)
