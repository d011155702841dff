# SPDX-License-Identifier: Apache-2.0
"""The chain of a local network: begun with everybody in their places, kept in a file, gone on with after a restart.

The parts are registered and staked by the chain's own calls in its first block, so that a network of hundreds is up in
seconds. Its time begins on a fixed day: what is made without the machine's clock is the same on each.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from protocols.clock import Clock
from protocols.errors import ChainFileRefused, UsageError
from protocols.spec import Subnet
from subnet.chain.local import LocalChain
from subnet.chain.node.genesis import Genesis, GenesisNeuron
from subnet.chain.node.store import Store
from subnet.chain.presets import LOCAL, preset
from subnet.localnet.casting import Part

__all__ = ["beginning", "open_chain"]

_NETUID: Final = "1"
_FUNDS: Final = 10_000
_STAKE: Final = 100
_BEGUN_MS: Final = 1_767_225_600_000  # 2026-01-01
_FILE: Final = "chain.db"
_FORMER: Final = "chain.bin"
_PATIENCE_S: Final = 600.0
_NOTHING: Final = ("github_repo", "subnet_contact", "subnet_url", "discord", "description", "logo_url", "additional")


def beginning(definition: Subnet, parts: Iterable[Part], *, tempo: int, seed: int) -> Genesis:
    """How the chain begins: as the preset `local`, with one subnet of all the parts; a seed tells equal ones apart."""
    cast, local = tuple(parts), preset(LOCAL)
    network = msgspec.structs.replace(
        local.networks[0],
        hyperparameters={"Tempo": tempo},
        neurons=tuple(
            GenesisNeuron(
                hotkey=part.hotkey.ss58_address,
                coldkey=part.coldkey.ss58_address,
                stake=_STAKE if part.kind == "validator" else 0,
            )
            for part in cast
        ),
    )
    identity = {"subnet_name": definition.name, **dict.fromkeys(_NOTHING, "")}
    subtensor = local.storage["SubtensorModule"] | {"SubnetIdentitiesV3": {_NETUID: identity}}
    return msgspec.structs.replace(
        local,
        name=f"{definition.ref()}, seed {seed}",
        accounts=local.accounts | {part.coldkey.ss58_address: _FUNDS for part in cast},
        networks=(network,),
        storage=local.storage | {"SubtensorModule": subtensor, "Timestamp": {"Now": _BEGUN_MS}},
    )


def open_chain(genesis: Genesis, folder: Path, *, clock: Clock, block_time: float) -> LocalChain:
    """The chain that a folder holds, or a new one in it; raises `UsageError` where it holds another network's."""
    path = folder / _FILE
    if (folder / _FORMER).exists() and not path.exists():
        raise UsageError(
            f"{folder} was written by an earlier release: it holds {_FORMER}, expected {_FILE}",
            help="name another folder, or remove it: what it holds cannot be gone on with",
        )
    try:
        return LocalChain(
            genesis, clock=clock, block_time=block_time, patience_s=max(_PATIENCE_S, 4 * block_time), path=path
        )
    except ChainFileRefused as refusal:
        if (known := _founded(path)) is None or known == genesis.beginning.fingerprint:
            raise
        raise UsageError(
            f"{folder} holds another network: {refusal.message}", help="name another folder, or remove it"
        ) from refusal


def _founded(path: Path) -> bytes | None:
    """What the chain in a file began with."""
    with closing(Store(path)) as store:
        return store.founding.fingerprint if store.founding else None
