# SPDX-License-Identifier: Apache-2.0
"""A validator in a process of its own, whose files may not grow for a while: `python -m tests.validators.filling`.

It prints what became of its rounds and weights; a limit on the size of files is the whole process's.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from protocols.calls import CommitWeights, SetWeights
from protocols.errors import ServiceError
from tests.validators.world import ME, NETUID, WatchedChain, hotkey, off_by, world
from validators.options import ValidatorOptions

__all__ = ["main"]

_ROOM = 16 * 1024


async def main(folder: Path, rules: str) -> None:
    """Some epochs with room, some without, some with it again."""
    hidden = rules == "hidden"
    options = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2)
    async with world(folder, {"commit_reveal_weights_enabled": hidden}) as w:
        for at in range(3):
            await w.add_miner(f"m{at}", off_by(at))
        await w.add_validator()
        chain, store = WatchedChain(w.chain), await w.store()
        validator = w.validator(store, chain, options=options)
        journal = await store.journal(w.chain.genesis, NETUID, hotkey(ME))
        kind = CommitWeights if hidden else SetWeights
        scored, failed, told = [], 0, ""
        for at in range(75):
            if at == 25:
                before = len(chain.epochs_of(kind))
                await asyncio.to_thread(_fill, folder)
            if at == 50:
                until_then = len(chain.epochs_of(kind))
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            try:
                scored.append((await validator.step()).number)
            except ServiceError as error:
                failed, told = failed + 1, error.help
            w.chain.seal()
        landed = await journal.last_landed()
        assert landed is not None
        sys.stdout.write(
            json.dumps(
                {
                    "failed": failed,
                    "help": told,
                    "epochs": chain.epochs_of(kind),
                    "before": before,
                    "after": len(chain.epochs_of(kind)) - until_then,
                    "scored": len(scored),
                    "kept": sum([await journal.round(number) is not None for number in scored]),
                    "weights": await w.my_weights(),
                    "landed": {row.hotkey: row.value for row in landed.weights},
                }
            )
        )


def _fill(folder: Path) -> None:
    largest = max(path.stat().st_size for path in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + _ROOM, resource.RLIM_INFINITY))


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
