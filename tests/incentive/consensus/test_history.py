# SPDX-License-Identifier: Apache-2.0
"""Epochs in a row: bonds go from one to the next, whatever the batch, and a hook may change a network before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from incentive.arrays import Array
from incentive.consensus import Consensus, Network, Yuma1, Yuma3
from incentive.consensus.history import history
from protocols.errors import WrongShape

EPOCHS = 6


@pytest.fixture(name="weights")
def _weights() -> list[Array]:
    return list(np.random.default_rng(0).random((EPOCHS, 2, 4, 5)))  # (B, V, N) each


@pytest.fixture(name="stakes")
def _stakes() -> list[Array]:
    return list(np.random.default_rng(1).random((EPOCHS, 2, 4)))


@pytest.mark.parametrize("consensus", [Yuma1(), Yuma3()])
def test_each_epoch_starts_from_the_bonds_of_the_last(
    consensus: Consensus, weights: list[Array], stakes: list[Array]
) -> None:
    bonds: Array | None = None
    for outcome, votes, stake in zip(history(consensus, weights, stakes), weights, stakes, strict=True):
        expected = consensus.epoch(votes, stake, bonds)
        bonds = expected.bonds
        np.testing.assert_array_equal(outcome.dividends, expected.dividends)
        np.testing.assert_array_equal(outcome.bonds, expected.bonds)


def test_a_batch_of_networks_fares_as_each_would_alone(weights: list[Array], stakes: list[Array]) -> None:
    together = history(Yuma3(), weights, stakes)
    for network in range(2):
        alone = history(Yuma3(), [votes[network] for votes in weights], [stake[network] for stake in stakes])
        np.testing.assert_allclose(together[-1].dividends[network], alone[-1].dividends, rtol=1e-12)


def test_a_hook_can_forget_bonds_before_an_epoch(weights: list[Array], stakes: list[Array]) -> None:
    def before(epoch: int, network: Network) -> Network:
        return replace(network, bonds=np.zeros_like(network.bonds)) if epoch == 3 else network

    forgotten = history(Yuma3(), weights, stakes, before)
    np.testing.assert_array_equal(forgotten[-1].bonds, history(Yuma3(), weights[3:], stakes[3:])[-1].bonds)
    assert not np.allclose(forgotten[-1].bonds, history(Yuma3(), weights, stakes)[-1].bonds)


def test_weights_and_stakes_of_different_lengths_are_refused(weights: list[Array], stakes: list[Array]) -> None:
    with pytest.raises(WrongShape, match="6 epochs beside stakes of 1"):
        history(Yuma1(), weights, stakes[:1])
