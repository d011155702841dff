# SPDX-License-Identifier: Apache-2.0
"""Rules of networks and of the chain: who may change which, when, how often, and within what limits."""

from __future__ import annotations

from typing import Any

import pytest

from incentive.fixed import U64F64
from subnet.chain.node.frame.calls import Call
from subnet.chain.node.pallets.admin import AdminUtils
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.subtensor.scene import Scene, key

OWNERS: list[tuple[str, tuple[Any, ...], list[str]]] = [
    ("sudo_set_serving_rate_limit", (9,), ["ServingRateLimitSet"]),
    ("sudo_set_max_difficulty", (9,), ["MaxDifficultySet"]),
    ("sudo_set_weights_version_key", (9,), ["WeightsVersionKeySet"]),
    ("sudo_set_adjustment_alpha", (9,), ["AdjustmentAlphaSet"]),
    ("sudo_set_immunity_period", (9,), ["ImmunityPeriodSet"]),
    ("sudo_set_min_allowed_weights", (9,), ["MinAllowedWeightSet"]),
    ("sudo_set_max_allowed_uids", (99,), ["MaxAllowedUidsSet"]),
    ("sudo_set_rho", (9,), []),
    ("sudo_set_activity_cutoff", (999,), ["ActivityCutoffSet"]),
    ("sudo_set_min_burn", (999_999,), ["MinBurnSet"]),
    ("sudo_set_max_burn", (999_999_999,), ["MaxBurnSet"]),
    ("sudo_set_bonds_moving_average", (9,), ["BondsMovingAverageSet"]),
    ("sudo_set_bonds_penalty", (9,), ["BondsPenaltySet"]),
    ("sudo_set_commit_reveal_weights_enabled", (False,), ["CommitRevealEnabled"]),
    ("sudo_set_liquid_alpha_enabled", (True,), []),
    ("sudo_set_commit_reveal_weights_interval", (3,), ["CommitRevealPeriodsSet"]),
    ("sudo_set_toggle_transfer", (False,), ["TransferToggle"]),
    ("sudo_set_alpha_sigmoid_steepness", (9,), []),
    ("sudo_set_yuma3_enabled", (False,), ["Yuma3EnableToggled"]),
    ("sudo_set_bonds_reset_enabled", (True,), ["BondsResetOnSet", "BondsResetToggled"]),
    ("sudo_set_owner_immune_neuron_limit", (3,), []),
    ("sudo_set_recycle_or_burn", (Variant("Recycle"),), []),
    ("sudo_set_burn_half_life", (99,), ["BurnHalfLifeSet"]),
    ("sudo_set_burn_increase_mult", (U64F64.of(2),), ["BurnIncreaseMultSet"]),
    ("sudo_set_min_childkey_take_per_subnet", (99,), ["MinChildKeyTakePerSubnetSet"]),
]
ROOTS: list[tuple[str, tuple[Any, ...], list[str]]] = [
    ("sudo_set_min_difficulty", (9,), ["MinDifficultySet"]),
    ("sudo_set_weights_set_rate_limit", (9,), ["WeightsSetRateLimitSet"]),
    ("sudo_set_adjustment_interval", (9,), ["AdjustmentIntervalSet"]),
    ("sudo_set_kappa", (9,), ["KappaSet"]),
    ("sudo_set_network_registration_allowed", (False,), ["RegistrationAllowed"]),
    ("sudo_set_target_registrations_per_interval", (9,), ["RegistrationPerIntervalSet"]),
    ("sudo_set_difficulty", (9,), ["DifficultySet"]),
    ("sudo_set_max_allowed_validators", (9,), ["MaxAllowedValidatorsSet"]),
    ("sudo_set_max_registrations_per_block", (9,), ["MaxRegistrationsPerBlockSet"]),
    ("sudo_set_tempo", (9,), ["TempoSet"]),
    ("sudo_set_rao_recycled", (9,), ["RAORecycledForRegistrationSet"]),
    ("sudo_set_ema_price_halving_period", (9,), []),
    ("sudo_set_subtoken_enabled", (False,), []),
    ("sudo_set_min_allowed_uids", (0,), ["MinAllowedUidsSet"]),
    ("sudo_set_min_non_immune_uids", (9,), ["MinNonImmuneUidsSet"]),
    ("sudo_set_subnet_emission_enabled", (True,), ["SubnetEmissionEnabledSet"]),
]
FOR_ALL: list[tuple[str, str]] = [
    ("sudo_set_default_take", "MaxDelegateTakeSet"),
    ("sudo_set_tx_rate_limit", "TxRateLimitSet"),
    ("sudo_set_subnet_owner_cut", "SubnetOwnerCutSet"),
    ("sudo_set_network_rate_limit", "NetworkRateLimitSet"),
    ("sudo_set_network_immunity_period", "NetworkImmunityPeriodSet"),
    ("sudo_set_network_min_lock_cost", "NetworkMinLockCostSet"),
    ("sudo_set_subnet_limit", "SubnetLimitSet"),
    ("sudo_set_lock_reduction_interval", "NetworkLockCostReductionIntervalSet"),
    ("sudo_set_stake_threshold", "StakeThresholdSet"),
    ("sudo_set_tx_delegate_take_rate_limit", "TxDelegateTakeRateLimitSet"),
    ("sudo_set_min_delegate_take", "MinDelegateTakeSet"),
    ("sudo_set_dissolve_network_schedule_duration", "DissolveNetworkScheduleDurationSet"),
    ("sudo_set_commit_reveal_version", "CommitRevealVersionSet"),
    ("sudo_set_admin_freeze_window", "AdminFreezeWindowSet"),
    ("sudo_set_owner_hparam_rate_limit", "OwnerHyperparamRateLimitSet"),
    ("sudo_set_start_call_delay", "StartCallDelaySet"),
    ("sudo_set_coldkey_swap_announcement_delay", "ColdkeySwapAnnouncementDelaySet"),
    ("sudo_set_coldkey_swap_reannouncement_delay", "ColdkeySwapReannouncementDelaySet"),
    ("sudo_set_max_epochs_per_block", "MaxEpochsPerBlockSet"),
]


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=100)
    scene.network()
    return scene


@pytest.mark.parametrize(("name", "value", "events"), OWNERS)
def test_an_owner_sets_a_rule_and_the_next_time_two_tempos_later(
    scene: Scene, name: str, value: tuple[Any, ...], events: list[str]
) -> None:
    assert scene.rule("owner", name, 1, *value) == events
    assert scene.refusal("owner", name, 1, *value) == "TxRateLimitExceeded"
    assert scene.refusal("other", name, 1, *value) == "BadOrigin"
    assert scene.rule("", name, 1, *value) == events
    scene.wait(5 * scene.chain.Tempo[1])
    assert scene.rule("owner", name, 1, *value) == events


@pytest.mark.parametrize(("name", "value", "events"), ROOTS)
def test_the_root_sets_a_rule_as_often_as_it_wants_and_the_owner_never(
    scene: Scene, name: str, value: tuple[Any, ...], events: list[str]
) -> None:
    assert scene.refusal("owner", name, 1, *value) == "BadOrigin"
    for _ in range(2):
        assert scene.rule("", name, 1, *value) == events


@pytest.mark.parametrize(("name", "event"), FOR_ALL)
def test_a_rule_for_all_is_the_roots(scene: Scene, name: str, event: str) -> None:
    assert scene.refusal("owner", name, 3) == "BadOrigin"
    assert scene.rule("", name, 3) == [event]


@pytest.mark.parametrize(("name", "value", "_"), OWNERS + ROOTS)
def test_what_is_set_is_stored(scene: Scene, name: str, value: tuple[Any, ...], _: list[str]) -> None:
    before = scene.state.mark()
    scene.rule("", name, 1, *value)
    written = [scene.chain.state.table(item) for item in scene.chain.storage()]
    changed = dict(scene.state.changes())
    assert any(table.get(1) == value[0] for table in written)
    assert changed
    scene.state.rollback(before)


@pytest.mark.parametrize(
    ("who", "name", "value", "error"),
    [
        ("", "sudo_set_max_allowed_uids", (63,), "MaxAllowedUidsLessThanMinAllowedUids"),
        ("", "sudo_set_max_allowed_uids", (257,), "MaxAllowedUidsGreaterThanDefaultMaxAllowedUids"),
        ("", "sudo_set_activity_cutoff", (359,), "ActivityCutoffTooLow"),
        ("", "sudo_set_min_burn", (1_000_000_000,), "ValueNotInBounds"),
        ("", "sudo_set_max_burn", (100_000_000,), "ValueNotInBounds"),
        ("owner", "sudo_set_bonds_moving_average", (975_001,), "BondsMovingAverageMaxReached"),
        ("owner", "sudo_set_alpha_sigmoid_steepness", (-1,), "NegativeSigmoidSteepness"),
        ("", "sudo_set_commit_reveal_weights_interval", (101,), "RevealPeriodTooLarge"),
        ("", "sudo_set_commit_reveal_weights_interval", (0,), "RevealPeriodTooSmall"),
        ("", "sudo_set_alpha_values", (2000, 3000), "LiquidAlphaDisabled"),
        ("", "sudo_set_owner_immune_neuron_limit", (11,), "InvalidValue"),
        ("", "sudo_set_burn_half_life", (0,), "InvalidValue"),
        ("", "sudo_set_burn_increase_mult", (U64F64.of(4),), "InvalidValue"),
        ("", "sudo_set_max_allowed_validators", (257,), "MaxValidatorsLargerThanMaxUIds"),
        ("", "sudo_set_min_allowed_uids", (1,), "MinAllowedUidsGreaterThanCurrentUids"),
        ("", "sudo_set_min_allowed_uids", (256,), "MinAllowedUidsGreaterThanMaxAllowedUids"),
        ("", "sudo_set_network_pow_registration_allowed", (True,), "POWRegistrationDisabled"),
        ("", "sudo_set_mechanism_count", (2,), "TooManyUIDsPerMechanism"),
        ("", "sudo_set_mechanism_count", (3,), "InvalidValue"),
        ("", "sudo_set_mechanism_emission_split", ((1,),), "InvalidValue"),
        ("", "sudo_trim_to_max_allowed_uids", (63,), "InvalidValue"),
    ],
)
def test_a_rule_beyond_its_limit_is_refused(
    scene: Scene, who: str, name: str, value: tuple[Any, ...], error: str
) -> None:
    assert scene.refusal(who, name, 1, *value) == error


def test_speeds_of_bonds_are_kept_in_order(scene: Scene) -> None:
    scene.rule("", "sudo_set_liquid_alpha_enabled", 1, True)
    assert scene.refusal("", "sudo_set_alpha_values", 1, 1000, 1637) == "AlphaHighTooLow"
    assert scene.refusal("", "sudo_set_alpha_values", 1, 3000, 2000) == "AlphaLowOutOfRange"
    scene.rule("", "sudo_set_alpha_values", 1, 2000, 3000)
    assert scene.chain.AlphaValues[1] == (2000, 3000)


def test_rules_are_frozen_in_the_last_blocks_before_an_epoch(scene: Scene) -> None:
    scene.rule("", "sudo_set_tempo", 1, 360)
    scene.rule("", "sudo_set_admin_freeze_window", 10)
    scene.wait(350)
    assert scene.rule("owner", "sudo_set_rho", 1, 9) == []
    scene.wait(1)
    frozen = "AdminActionProhibitedDuringWeightsWindow"
    assert scene.refusal("owner", "sudo_set_bonds_penalty", 1, 9) == frozen
    assert scene.refusal("", "sudo_set_tempo", 1, 9) == frozen
    assert scene.rule("", "sudo_set_kappa", 1, 9) == ["KappaSet"]


def test_two_mechanisms_fit_in_half_the_places_and_what_one_had_goes_with_it(scene: Scene) -> None:
    scene.rule("", "sudo_set_max_allowed_uids", 1, 128)
    scene.rule("owner", "sudo_set_mechanism_count", 1, 2)
    assert scene.refusal("", "sudo_set_max_allowed_uids", 1, 129) == "TooManyUIDsPerMechanism"
    scene.rule("", "sudo_set_mechanism_emission_split", 1, (65_000, 535))
    scene.chain.Weights[1 + 4096, 0] = ((0, 1),)
    scene.rule("", "sudo_set_mechanism_count", 1, 1)
    assert (scene.chain.Weights[1 + 4096, 0], scene.chain.MechanismEmissionSplit[1]) == ((), None)


def test_fewer_places_leave_those_who_were_paid_most(scene: Scene) -> None:
    chain = scene.chain
    chain.MinAllowedUids[1], chain.ImmunityPeriod[1] = 2, 1
    names = scene.miners(1, 5)
    scene.wait(5)
    chain.Emission[1] = (0, 4, 1, 3, 3, 9)
    chain.Weights[1, 5] = ((1, 5), (2, 6), (3, 7))
    chain.Weights[1, 2] = ((5, 1),)
    scene.rule("owner", "sudo_trim_to_max_allowed_uids", 1, 4)
    left = [key("owner's"), key(names[0]), key(names[2]), key(names[4])]
    assert [chain.hotkey_of(1, uid) for uid in range(chain.neuron_count(1))] == left
    assert [chain.uid_of(1, hotkey) for hotkey in left] == [0, 1, 2, 3]
    assert (chain.Emission[1], chain.MaxAllowedUids[1]) == ((0, 4, 3, 9), 4)
    assert [row for row in chain.Weights.under(1) if row[1]] == [(3, ((1, 5), (2, 7)))]
    assert (chain.uid_of(1, key(names[1])), chain.hotkey_of(1, 4)) == (None, None)


def test_the_owners_hotkey_changes_once_in_a_week(scene: Scene) -> None:
    assert scene.rule("owner", "sudo_set_sn_owner_hotkey", 1, key("new")) == ["SubnetOwnerHotkeySet"]
    assert scene.refusal("", "sudo_set_subnet_owner_hotkey", 1, key("newer")) == "TxRateLimitExceeded"
    scene.wait(50_400)
    assert scene.rule("owner", "sudo_set_subnet_owner_hotkey", 1, key("newer")) == ["SubnetOwnerHotkeySet"]


def test_small_stakes_on_others_hotkeys_are_given_back(scene: Scene) -> None:
    scene.pay("small", 100)
    scene.pay("large", 100)
    scene.call("large", "add_stake", key("owner's"), 1, 50_000_000_000)
    scene.call("small", "add_stake", key("owner's"), 1, 1_000_000_000)
    scene.call("owner", "add_stake", key("owner's"), 1, 1_000_000_000)
    assert scene.rule("", "sudo_set_nominator_min_required_stake", 5_000_000_000).count("StakeRemoved") == 1
    held = [scene.chain.stake_of(key("owner's"), key(name), 1) for name in ("small", "large", "owner")]
    assert [stake > 0 for stake in held] == [False, True, True]
    assert scene.balances.free(key("small")) == pytest.approx(100_000_000_000, rel=1e-4)


def test_an_owner_sets_its_tempo_and_how_long_silence_counts(scene: Scene) -> None:
    assert scene.refusal("other", "set_tempo", 1, 360) == "BadOrigin"
    assert scene.refusal("owner", "set_tempo", 1, 359) == "TempoOutOfBounds"
    assert scene.call("owner", "set_tempo", 1, 400) == ["TempoSet"]
    assert (scene.chain.Tempo[1], scene.chain.LastEpochBlock[1]) == (400, 100)
    assert scene.refusal("owner", "set_tempo", 1, 500) == "TxRateLimitExceeded"
    refused = scene.refusal("owner", "set_activity_cutoff_factor", 1, 999)
    assert refused == "ActivityCutoffFactorMilliOutOfBounds"
    assert scene.call("owner", "set_activity_cutoff_factor", 1, 1000) == ["ActivityCutoffFactorMilliSet"]
    assert scene.refusal("owner", "set_activity_cutoff_factor", 1, 1000) == "TxRateLimitExceeded"


def test_an_owner_asks_for_an_epoch_and_freezes_the_rules_until_it_comes(scene: Scene) -> None:
    scene.rule("", "sudo_set_tempo", 1, 360)
    scene.rule("", "sudo_set_admin_freeze_window", 10)
    assert scene.refusal("owner", "trigger_epoch", 1) == "DynamicTempoBlockedByCommitReveal"
    scene.rule("", "sudo_set_commit_reveal_weights_enabled", 1, False)
    assert scene.call("owner", "trigger_epoch", 1) == ["EpochTriggered"]
    assert scene.chain.PendingEpochAt[1] == 110
    assert scene.refusal("owner", "trigger_epoch", 1) == "EpochTriggerAlreadyPending"
    assert scene.refusal("owner", "sudo_set_rho", 1, 5) == "AdminActionProhibitedDuringWeightsWindow"
    scene.wait(10)
    assert scene.chain.should_run_epoch(1)
    scene.chain.PendingEpochAt[1] = 0
    scene.wait(345)
    assert scene.refusal("owner", "trigger_epoch", 1) == "AutoEpochAlreadyImminent"


def test_calls_have_the_chains_numbers() -> None:
    numbers = {call.name: call.index for call in AdminUtils.calls()}
    assert len(numbers) == len(set(numbers.values())) == 82
    known = {"sudo_set_tempo": 30, "sudo_set_yuma3_enabled": 69, "sudo_set_max_epochs_per_block": 96}
    assert known.items() <= numbers.items()
    assert [field.name for field in _call("sudo_set_alpha_values").fields] == ["netuid", "alpha_low", "alpha_high"]


def _call(name: str) -> Call:
    return next(call for call in AdminUtils.calls() if call.name == name)
