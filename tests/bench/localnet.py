# SPDX-License-Identifier: Apache-2.0
"""What a whole network costs on two cores: a validator's round, memory, the wait for weights, and a simulation.

There is no rival to take turns with: the bars are seconds and megabytes. Each network runs in a fresh process, as
peak memory asks, and the simulation is the command that users type, its start included.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from subnet.localnet import LocalnetOptions
from tests.bench.harness.figure import Bar, Figure, effort
from tests.subnet.localnet.crowd import CROWD, cost

__all__ = ["figures"]

_EPOCHS: Final = 3
_SIZES: Final = {"miners": (256, 16), "validators": (16, 4), "epochs": (500, 4), "seeds": (16, 2)}


def figures() -> Iterator[Figure]:
    """A crowded network by the clock and in lockstep, the default one's first weights, and a full simulation."""
    miners, validators = CROWD
    clock = cost(miners, validators, epochs=effort(_EPOCHS, 1))
    turns = cost(miners, validators, epochs=effort(_EPOCHS, 1), lockstep=True)
    step, memory = (max(clock[name], turns[name]) for name in ("mean_step_s", "peak_mb"))
    detail = {"by_the_clock": clock, "all_at_once": turns}
    yield Figure("localnet_step_s", step, Bar("<=", 1.5), detail)
    yield Figure("localnet_memory_mb", memory, Bar("<=", 500), {"miners": miners, "validators": validators})
    options = LocalnetOptions()
    default = cost(options.miners, options.validators, epochs=1)
    yield Figure("first_weights_s", default["first_weights_s"], Bar("<=", 20), {"network": default})
    yield _simulation()


def _simulation() -> Figure:
    sizes = {name: effort(*pair) for name, pair in _SIZES.items()}
    words = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    began = time.perf_counter()
    # Its exit code is a verdict on the definition; that there was one shows that it came to its end.
    done = subprocess.run(
        [sys.executable, "-m", "subnet", "simulate", "text", *words, "--json"],
        check=False,
        stdout=subprocess.PIPE,
        timeout=300,
    )
    seconds = time.perf_counter() - began
    is_whole = done.returncode in (0, 1) and bool(done.stdout)
    detail = {**sizes, "exit_code": done.returncode}
    return Figure("simulation_s", seconds if is_whole else None, Bar("<=", 60), detail)
