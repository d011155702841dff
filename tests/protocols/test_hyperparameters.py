# SPDX-License-Identifier: Apache-2.0
"""The table of hyperparameters agrees with the chain, and refuses what the chain would refuse."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import InvalidHyperparameter, UnknownHyperparameter
from protocols.hyperparameters import TABLE, Hyperparameters, Value, described

# The defaults of the runtime's storage (opentensor/subtensor, spec 425), written down apart from the table.
CHAIN_DEFAULTS: dict[str, Value] = {
    "Tempo": 360,
    "Kappa": 32_767,
    "Rho": 10,
    "BondsMovingAverage": 900_000,
    "BondsPenalty": 65_535,
    "AlphaSigmoidSteepness": 1000,
    "ActivityCutoffFactorMilli": 13_889,
    "ImmunityPeriod": 4096,
    "MinAllowedWeights": 1024,
    "MaxAllowedUids": 256,
    "MaxAllowedValidators": 128,
    "WeightsSetRateLimit": 100,
    "CommitRevealWeightsEnabled": True,
    "Burn": 100_000_000,
    "MaxDifficulty": 4_611_686_018_427_387_903,
    "BurnIncreaseMult": 1.26,
    "RecycleOrBurn": "Burn",
    "EMAPriceHalvingBlocks": 201_600,
}


def test_defaults_are_the_chains() -> None:
    by_storage = {row.storage: row.default for row in TABLE.values()}
    assert {name: by_storage[name] for name in CHAIN_DEFAULTS} == CHAIN_DEFAULTS


def test_a_new_subnet_starts_with_what_the_chain_writes_at_its_creation() -> None:
    new, default = Hyperparameters.of_new_subnet().to_dict(), Hyperparameters.defaults().to_dict()
    assert {name: value for name, value in new.items() if value != default[name]} == {
        "yuma3_on": True,
        "min_allowed_weights": 1,
        "max_allowed_validators": 64,
        "immunity_period": 5000,
        "burn": 10**9,
        "subnet_emission_enabled": False,
    }


@pytest.mark.parametrize("name", list(TABLE))
def test_every_row_is_whole_and_its_default_is_settable(name: str) -> None:
    row = TABLE[name]
    assert row.name == name
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", row.storage)
    assert row.setter in ("owner", "root", "nobody")
    assert row.doc
    assert row.settable(row.default) == row.default
    assert row.created is None or row.settable(row.created) != row.default


def test_values_are_typed_attributes() -> None:
    hyperparameters = Hyperparameters.defaults()
    pace: int = hyperparameters.tempo
    factor: float = hyperparameters.burn_increase_mult
    assert (pace, factor, hyperparameters.yuma3_on) == (360, 1.26, False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        hyperparameters.tempo = 20  # type: ignore[misc]


def test_replacing_one_leaves_the_others_and_the_original_alone() -> None:
    before = Hyperparameters.defaults()
    after = before.replace({"tempo": 20})
    assert (before.tempo, after.tempo) == (360, 20)
    assert {**after.to_dict(), "tempo": 360} == before.to_dict()


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("tempo", 65_536, "tempo lies between 0 and 65535, got 65536"),
        ("tempo", -1, "tempo lies between 0 and 65535, got -1"),
        ("reveal_period_epochs", 101, "reveal_period_epochs lies between 1 and 100, got 101"),
        ("activity_cutoff_factor_milli", 999, "lies between 1000 and 50000, got 999"),
        ("burn_increase_mult", 3.5, "lies between 1 and 3, got 3.5"),
        ("burn_increase_mult", math.nan, "got nan"),
        ("yuma3_on", 1, "yuma3_on is of type bool, got 1"),
        ("tempo", True, "tempo is of type u16, got True"),
        ("tempo", "20", "tempo is of type u16, got '20'"),
        ("recycle_or_burn", "Keep", "recycle_or_burn is one of Burn, Recycle, got 'Keep'"),
    ],
)
def test_a_value_that_the_chain_would_refuse_is_refused_with_its_bounds(name: str, value: Value, shown: str) -> None:
    with pytest.raises(InvalidHyperparameter, match=re.escape(shown)):
        Hyperparameters.defaults().replace({name: value})


def test_a_fraction_given_for_a_count_is_told_the_count() -> None:
    with pytest.raises(InvalidHyperparameter) as refused:
        Hyperparameters.defaults().replace({"kappa": 0.5})
    assert refused.value.help == "it counts 1/65535: 0.5 is 32767"


def test_two_dials_that_contradict_each_other_are_refused_together_and_accepted_together() -> None:
    with pytest.raises(InvalidHyperparameter, match=r"max_allowed_validators <= max_allowed_uids .* 128 and 99"):
        Hyperparameters.defaults().replace({"max_allowed_uids": 99})
    small = Hyperparameters.defaults().replace(
        {"max_allowed_uids": 8, "max_allowed_validators": 8, "min_allowed_uids": 2}
    )
    assert small.max_allowed_uids == 8


def test_what_a_chain_already_holds_is_read_even_beyond_todays_setter_bounds() -> None:
    assert Hyperparameters.from_dict({"max_allowed_uids": 4096}).max_allowed_uids == 4096
    with pytest.raises(InvalidHyperparameter):
        Hyperparameters.from_dict({"max_allowed_uids": 65_536})


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownHyperparameter, match="'tempoo'") as refused:
        Hyperparameters.defaults().replace({"tempoo": 20})
    assert refused.value.help == "did you mean tempo?"
    with pytest.raises(UnknownHyperparameter):
        Hyperparameters.from_dict({"weights_rate_limit": 1})
    with pytest.raises(UnknownHyperparameter):
        described("zzzzzzzz")


def test_a_fraction_is_shown_as_what_it_amounts_to() -> None:
    hyperparameters = Hyperparameters.defaults()
    assert hyperparameters.fraction("kappa") == pytest.approx(0.49999, abs=1e-5)
    assert hyperparameters.fraction("bonds_moving_average") == 0.9
    assert hyperparameters.fraction("tempo") == 360.0
    with pytest.raises(InvalidHyperparameter):
        hyperparameters.fraction("recycle_or_burn")


@st.composite
def stored(draw: st.DrawFn) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name in draw(st.sets(st.sampled_from(list(TABLE)), max_size=6)):
        kind = TABLE[name].kind
        if kind.python is bool:
            values[name] = draw(st.booleans())
        elif kind.python is int:
            values[name] = draw(st.integers(int(kind.low), int(kind.high)))
        elif kind.python is float:
            values[name] = draw(st.floats(kind.low, kind.high))
        else:
            values[name] = draw(st.sampled_from(kind.choices))
    return values


@given(stored())
def test_values_survive_json_both_ways(values: dict[str, Value]) -> None:
    hyperparameters = Hyperparameters.from_dict(values)
    assert Hyperparameters.from_dict(json.loads(json.dumps(hyperparameters.to_dict()))) == hyperparameters
    assert msgspec.json.decode(msgspec.json.encode(hyperparameters), type=Hyperparameters) == hyperparameters
