# SPDX-License-Identifier: Apache-2.0
"""The rival of the local chain: chopsticks, running subtensor's own compiled runtime.

It lives outside of this project: `CHOPSTICKS_PEER` names a folder with `node_modules/@acala-network/chopsticks` and
`raonet.json` (scripts/specs of subtensor). Where it is not set nothing is compared, and the figures say so.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from substrateinterface import Keypair, SubstrateInterface

from tests.bench.harness.machine import cpu_seconds, resident_bytes
from tests.bench.harness.peer import PeerFailed
from tests.bench.harness.rpc import free_port, ready

__all__ = ["Chopsticks", "running", "where"]

_TAO: Final = 10**9
_RICH: Final = 1_000_000 * _TAO
_FLAGS: Final = 1 << 127


def where() -> Path | None:
    """The installed copy, None where there is none."""
    root = os.environ.get("CHOPSTICKS_PEER")
    if root is None:
        return None
    path = Path(root).resolve()
    for needed in (path / "raonet.json", _program(path)):
        if not needed.is_file():
            raise PeerFailed(f"CHOPSTICKS_PEER is {root}, and there is no {needed.name} in it")
    return path


class Chopsticks:
    """A running one."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], start_s: float) -> None:
        self.port = port
        self.start_s = start_s
        self.start_cpu_s = cpu_seconds(process.pid)
        self._process = process

    @property
    def resident_mb(self) -> float:
        """Memory in RAM."""
        return resident_bytes(self._process.pid) / 2**20

    def transfers(self, count: int) -> list[str]:
        """Signed transfers of Alice, who is made rich for it."""
        interface = SubstrateInterface(f"ws://127.0.0.1:{self.port}", type_registry={"types": {"Balance": "u64"}})
        with interface:
            alice, bob = Keypair.create_from_uri("//Alice"), Keypair.create_from_uri("//Bob")
            for person in (alice, bob):
                self._endow(interface, person.ss58_address)
            call = {"dest": bob.ss58_address, "value": _TAO}
            made = interface.compose_call("Balances", "transfer_keep_alive", call)
            signed = (interface.create_signed_extrinsic(made, alice, nonce=nonce) for nonce in range(count))
            return [str(one.data) for one in signed]

    def _endow(self, interface: SubstrateInterface, who: str) -> None:
        key = interface.create_storage_key("System", "Account", [who])
        data = {"free": _RICH, "reserved": 0, "frozen": 0, "flags": _FLAGS}
        info: dict[str, Any] = {"nonce": 0, "consumers": 0, "providers": 1, "sufficients": 0, "data": data}
        value = interface.encode_scale(key.value_scale_type, info)
        interface.rpc_request("dev_setStorage", [[[key.to_hex(), value.to_hex()]]])


@contextmanager
def running(root: Path) -> Iterator[Chopsticks]:
    """Start one that makes a block of each transaction at once."""
    port = free_port()
    options = {"genesis": root / "raonet.json", "port": port, "build-block-mode": "Instant"}
    words = [f"--{name}={value}" for name, value in options.items()]
    since = time.perf_counter()
    process = subprocess.Popen(
        ["node", str(_program(root)), *words], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Chopsticks(port, process, ready(port, lambda: process.poll() is None, since))
    finally:
        process.kill()
        process.wait()


def _program(root: Path) -> Path:
    return root / "node_modules/@acala-network/chopsticks/chopsticks.cjs"
