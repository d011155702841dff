# SPDX-License-Identifier: Apache-2.0
"""Each call arrives at the pallet and function that the chain has for it, with its arguments in order."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.balance import Balance
from protocols.calls import (
    AddStake,
    Call,
    CommitTimelockedWeights,
    CommitWeights,
    Register,
    RegisterNetwork,
    RemoveStake,
    RevealWeights,
    ServeAxon,
    SetCommitment,
    SetHyperparameter,
    SetWeights,
    StartSubnet,
    Transfer,
)
from protocols.endpoint import Endpoint
from protocols.errors import ExtrinsicFailed, InvalidAddress, LedgerError, UnitMismatch, UnknownHyperparameter
from protocols.hyperparameters import TABLE
from protocols.keys import Keypair
from protocols.types import Hotkey, NetUid, Ss58, Uid
from subnet.chain.calls import check_readable, written

BOB = Hotkey(Ss58(Keypair.from_uri("//Bob").ss58_address))
NET = NetUid(3)
NOBODY = Hotkey(Ss58("5Nobody"))


def any_arity(pallet: str, function: str) -> int:
    """A runtime that has every function, none of which takes more arguments than are given."""
    return 0


def older(pallet: str, function: str) -> int | None:
    """A runtime from before mechanisms were chosen by the chain and sealed weights had a version."""
    return {"register_network": 2, "commit_crv3_weights": 3}.get(function)


@pytest.mark.parametrize(
    ("call", "pallet", "function", "arguments"),
    [
        (Transfer(BOB, Balance(5)), "Balances", "transfer_keep_alive", (BOB, 5)),
        (RegisterNetwork(BOB), "SubtensorModule", "register_network", (BOB,)),
        (StartSubnet(NET), "SubtensorModule", "start_call", (3,)),
        (Register(NET, BOB), "SubtensorModule", "burned_register", (3, BOB)),
        (AddStake(NET, BOB, Balance(7)), "SubtensorModule", "add_stake", (BOB, 3, 7)),
        (RemoveStake(NET, BOB, Balance(7, 3)), "SubtensorModule", "remove_stake", (BOB, 3, 7)),
        (
            ServeAxon(NET, Endpoint("203.0.113.7", 8091, version=9)),
            "SubtensorModule",
            "serve_axon",
            (3, 9, 0xCB007107, 8091, 4, 4, 0, 0),
        ),
        (
            ServeAxon(NET, Endpoint("::2", 80, protocol=0)),
            "SubtensorModule",
            "serve_axon",
            (3, 0, 2, 80, 6, 0, 0, 0),
        ),
        (SetCommitment(NET, b"ab"), "Commitments", "set_commitment", (3, {"fields": ([{"Raw2": "0x6162"}],)})),
        (
            SetWeights(NET, (Uid(1), Uid(0)), (5, 6), 2),
            "SubtensorModule",
            "set_weights",
            (3, [1, 0], [5, 6], 2),
        ),
        (CommitWeights(NET, b"\1" * 32), "SubtensorModule", "commit_weights", (3, f"0x{'01' * 32}")),
        (
            RevealWeights(NET, (Uid(1),), (5,), (8, 9), 2),
            "SubtensorModule",
            "reveal_weights",
            (3, [1], [5], [8, 9], 2),
        ),
        (
            CommitTimelockedWeights(NET, b"\2", 77, 4),
            "SubtensorModule",
            "commit_timelocked_weights",
            (3, "0x02", 77, 4),
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str | tuple) else "",
)
def test_a_call_is_written_as_the_chain_spells_it(
    call: Call, pallet: str, function: str, arguments: tuple[Any, ...]
) -> None:
    spelled = written(call, any_arity)
    assert (spelled.pallet, spelled.function, spelled.arguments, spelled.is_sudo) == (
        pallet,
        function,
        arguments,
        False,
    )


def test_an_older_runtime_is_told_the_mechanism_and_knows_sealed_weights_by_another_name() -> None:
    assert written(RegisterNetwork(BOB), older).arguments == (BOB, 1)
    sealed = written(CommitTimelockedWeights(NET, b"\2", 77, 4), older)
    assert (sealed.function, sealed.arguments) == ("commit_crv3_weights", (3, "0x02", 77))


def test_a_call_that_the_runtime_does_not_have_is_refused() -> None:
    with pytest.raises(ExtrinsicFailed, match=r"CallNotFound: .*SubtensorModule\.start_call"):
        written(StartSubnet(NET), older)


def test_a_commitment_of_any_length_has_a_field_and_one_that_is_too_long_is_refused() -> None:
    for size, name in ((0, "Raw0"), (128, "Raw128"), (129, "BigRaw"), (512, "BigRaw")):
        (fields,) = written(SetCommitment(NET, bytes(size)), any_arity).arguments[1]["fields"]
        assert fields == [{name: f"0x{'00' * size}"}]
    with pytest.raises(ExtrinsicFailed, match="SpaceLimitExceeded: the commitment has 513 bytes"):
        written(SetCommitment(NET, bytes(513)), any_arity)


@pytest.mark.parametrize(
    ("name", "value", "is_root", "function", "arguments", "is_sudo"),
    [
        ("kappa", 5, True, "AdminUtils.sudo_set_kappa", (3, 5), True),
        ("kappa", 5, False, "AdminUtils.sudo_set_kappa", (3, 5), False),
        ("yuma3_on", True, False, "AdminUtils.sudo_set_yuma3_enabled", (3, True), False),
        ("tempo", 360, False, "SubtensorModule.set_tempo", (3, 360), False),
        ("tempo", 5, True, "AdminUtils.sudo_set_tempo", (3, 5), True),
        ("alpha_low", 2000, False, "AdminUtils.sudo_set_alpha_values", (3, 2000, 90), False),
        ("alpha_high", 2000, False, "AdminUtils.sudo_set_alpha_values", (3, 40, 2000), False),
        ("burn_increase_mult", 1.5, False, "AdminUtils.sudo_set_burn_increase_mult", (3, {"bits": 3 << 63}), False),
        ("recycle_or_burn", "Recycle", False, "AdminUtils.sudo_set_recycle_or_burn", (3, "Recycle"), False),
    ],
)
def test_a_hyperparameter_is_set_by_the_call_for_it_and_for_whom_signs(
    name: str, value: Any, is_root: bool, function: str, arguments: tuple[Any, ...], is_sudo: bool
) -> None:
    spelled = written(SetHyperparameter(NET, name, value), any_arity, is_root=is_root, alphas=(40, 90))
    assert f"{spelled.pallet}.{spelled.function}" == function
    assert (spelled.arguments, spelled.is_sudo) == (arguments, is_sudo)


def test_every_hyperparameter_has_a_call_or_is_nobodys_to_set() -> None:
    for name, dial in TABLE.items():
        call = SetHyperparameter(NET, name, dial.default)
        if dial.setter == "nobody":
            with pytest.raises(ExtrinsicFailed, match=f"BadOrigin: {name}"):
                written(call, any_arity)
        else:
            assert written(call, any_arity, is_root=True).arguments[0] == NET


def test_a_value_that_the_storage_cannot_hold_is_refused_before_it_is_sent() -> None:
    for name, value in (("kappa", 2**16), ("liquid_alpha_on", 1), ("recycle_or_burn", "Both")):
        with pytest.raises(ExtrinsicFailed, match=f"InvalidValue: {name}"):
            written(SetHyperparameter(NET, name, value), any_arity)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (Transfer(NOBODY, Balance(1)), InvalidAddress),
        (Transfer(BOB, Balance(1, 3)), UnitMismatch),
        (Register(NET, NOBODY), InvalidAddress),
        (AddStake(NET, BOB, Balance(1, 3)), UnitMismatch),
        (RemoveStake(NET, BOB, Balance(1)), UnitMismatch),
        (SetHyperparameter(NET, "temppo", 3), UnknownHyperparameter),
        (SetWeights(NET, (), (), 2**64), LedgerError),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, type) else value.__name__,
)
def test_what_no_chain_could_read_is_refused(call: Call, error: type[LedgerError]) -> None:
    with pytest.raises(error):
        check_readable(call)
