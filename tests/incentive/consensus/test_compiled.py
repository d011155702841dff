# SPDX-License-Identifier: Apache-2.0
"""Machine code gives what the numpy statement gives: the same bits in whole numbers, the same values in floats."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from incentive.consensus import FIXED, FLOAT, GRID, Liquid, Network, Outcome, Rules, Yuma, Yuma1, Yuma3, compiled
from incentive.consensus.arithmetic import Arithmetic
from incentive.consensus.compiled import Spread
from incentive.consensus.kernels import epochs

FIELDS = ("consensus", "ranks", "incentive", "dividends", "validator_trust", "bonds", "held")
LARGE = (128, 130)
BATCH = (3, 64, 100)
RULES = [
    Rules(),
    Rules(kappa=0),
    Rules(kappa=1),
    Rules(kappa=Fraction(1, 2), bonds_penalty=0),
    Rules(bonds_penalty=Fraction(3, 10), bonds_moving_average=0),
    Rules(bonds_moving_average=1),
]


def network(shape: tuple[int, ...], consensus: Yuma, seed: int) -> Network:
    """Ties, zero rows, zero columns, zero stakes, tiny and huge ones."""
    rng, numbers = np.random.default_rng(seed), consensus.numbers
    counts = rng.choice([0, 0, 1, 100, 65_535, *rng.integers(0, 65_536, 4)], shape)
    counts[..., rng.random(shape[-2]) < 0.1, :] = 0
    counts[..., rng.random(shape[-1]) < 0.1] = 0
    stakes = rng.choice([0, 1, 1000, 1000, 60_000], shape[:-1])
    bonds = rng.choice([0, 1, 65_535, *rng.integers(0, 65_536, 4)], shape)
    weights = numbers.share(numbers.whole(counts))
    return Network(weights, numbers.share(numbers.whole(stakes)), consensus.stored(bonds))


def same(ours: Outcome, reference: Outcome, numbers: Arithmetic) -> None:
    for field in FIELDS:
        mine, right = getattr(ours, field), getattr(reference, field)
        if numbers is FIXED or field == "held":
            np.testing.assert_array_equal(mine, right, field)
        else:
            np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-12, err_msg=field)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("numbers", [FIXED, FLOAT])
@pytest.mark.parametrize("kind", [Yuma1, Yuma3])
@pytest.mark.parametrize("shape", [LARGE, BATCH, (2000, 3, 3)])
def test_large_networks_come_out_as_the_reference_says(
    numbers: Arithmetic, kind: type[Yuma], shape: tuple[int, ...]
) -> None:
    for seed, rules in enumerate(RULES):
        consensus = kind(rules, numbers)
        net = network(shape, consensus, seed)
        assert compiled.epoch(consensus.kernel(), rules, numbers, net, None) is not None
        same(consensus.run(net), consensus.reference(net), numbers)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [Yuma1, Yuma3])
def test_counts_as_the_chain_stores_them_come_out_as_such(kind: type[Yuma]) -> None:
    rng = np.random.default_rng(3)
    weights, bonds = (rng.integers(0, 65_536, LARGE).astype(np.uint16) for _ in range(2))
    stake = FIXED.share(FIXED.whole(rng.integers(0, 1000, LARGE[0])))
    consensus = kind(Rules(), FIXED)
    settled = consensus.settle(weights, stake, bonds)
    net = Network(FIXED.share(FIXED.whole(weights)), stake, consensus.stored(bonds))
    reference = consensus.reference(net)
    assert settled.bonds.dtype == np.uint16
    np.testing.assert_array_equal(settled.bonds, FIXED.to_u16(reference.bonds))
    np.testing.assert_array_equal(settled.dividends, reference.dividends)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [Yuma1, Yuma3])
@pytest.mark.parametrize("spread", [map, "pool"])
def test_columns_shared_out_among_threads_give_the_same(kind: type[Yuma], spread: Spread | str) -> None:
    rng = np.random.default_rng(4)
    weights, bonds = (rng.integers(0, 65_536, (64, 1031)).astype(np.uint16) for _ in range(2))
    stake = FIXED.share(FIXED.whole(rng.integers(0, 1000, 64)))
    consensus = kind(Rules(), FIXED)
    with ThreadPoolExecutor(2) as pool:
        shared = consensus.settle(weights, stake, bonds, pool.map if isinstance(spread, str) else spread)
    same(shared, consensus.settle(weights, stake, bonds), FIXED)


@pytest.mark.parametrize(
    ("consensus", "shape"),
    [
        (Yuma1(Rules(), FIXED), (8, 16)),
        (Yuma3(Rules(liquid=Liquid()), FIXED), LARGE),
        (Yuma1(Rules(), GRID), LARGE),
    ],
)
def test_small_networks_liquid_bonds_and_the_grid_stay_with_numpy(consensus: Yuma, shape: tuple[int, ...]) -> None:
    net = network(shape, consensus, 1)
    assert compiled.epoch(consensus.kernel(), consensus.rules, consensus.numbers, net, None) is None
    same(consensus.run(net), consensus.reference(net), consensus.numbers)


@pytest.mark.timeout(300)
def test_many_threads_may_run_epochs_at_once() -> None:
    consensus = Yuma1(Rules(), FIXED)
    nets = [network(LARGE, consensus, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for net, outcome in zip(nets, pool.map(consensus.run, nets), strict=True):
            same(outcome, consensus.reference(net), FIXED)


@pytest.mark.timeout(120)
def test_without_numba_the_same_numbers_come_from_numpy() -> None:
    program = """
import sys
sys.modules["numba"] = None
import numpy as np
from incentive.consensus import FIXED, Network, Rules, Yuma1
consensus, weights = Yuma1(Rules(), FIXED), FIXED.share(FIXED.whole(np.arange(128 * 130).reshape(128, 130) % 997))
net = Network(weights, FIXED.share(FIXED.whole(np.arange(128))), np.zeros_like(weights))
print(int(consensus.run(net).dividends.sum()))
"""
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    assert 0.99 * 2**32 < int(run.stdout) <= 2**32


def test_what_is_kept_on_disk_is_compiled_anew_when_a_file_behind_it_changes() -> None:
    # numba looks at the file of the entry alone, so that file names what the others hold.
    folder = Path(epochs.__file__).parent
    behind = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        behind.update(b"" if file.name == "epochs.py" else file.read_bytes())
    assert behind.hexdigest() == epochs.BEHIND, f'write BEHIND: Final = "{behind.hexdigest()}" in {epochs.__name__}'
