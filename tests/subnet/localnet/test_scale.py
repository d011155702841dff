# SPDX-License-Identifier: Apache-2.0
"""Sixty-four miners and eight validators in one process on two cores: rounds stay quick and memory small."""

from __future__ import annotations

import pytest

from tests.subnet.localnet.crowd import CROWD, cost

pytestmark = pytest.mark.serial


@pytest.mark.timeout(120)
@pytest.mark.parametrize("lockstep", [False, True], ids=["by the clock", "all at once"])
def test_eight_validators_ask_sixty_four_miners_each_in_under_a_step_of_a_second_and_a_half(lockstep: bool) -> None:
    measured = cost(*CROWD, epochs=3, lockstep=lockstep)
    # An epoch has four rounds of eight validators; by the clock, first rounds may take most of the first epoch.
    assert measured["rounds"] == 8 * (3 * 4 - 1) if lockstep else measured["rounds"] >= 8 * 4
    assert measured["mean_step_s"] < 1.5
    assert measured["peak_mb"] < 500
