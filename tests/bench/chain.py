# SPDX-License-Identifier: Apache-2.0
"""What the local chain costs: its start, the wait for a block, what it takes and answers a second, epochs, memory.

Where `CHOPSTICKS_PEER` names an installed chopsticks (see `tests.bench.chopsticks`), it starts and takes transfers in
turns with ours. The clock says what a user waits for; each figure's detail has the processor time too, which says
more on a machine that is busy with other things.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.bench import chopsticks
from tests.bench.chopsticks import Chopsticks
from tests.bench.crowd import NEURONS, PAYERS, VALIDATORS, Signing, account_key, write_genesis
from tests.bench.harness.figure import Bar, Figure, effort, middle
from tests.bench.harness.machine import SERVER_CORE, Watch, cpu_seconds, resident_bytes
from tests.bench.harness.peer import Peer
from tests.bench.harness.rpc import Wire, frame, free_port, ready

__all__ = ["figures"]

_LOCAL: Final = Path(__file__).resolve().parents[2] / "configs/chains/local.toml"
_NO_RIVAL: Final = "nothing: CHOPSTICKS_PEER names no installed copy"
_IN_FLIGHT: Final = 32
_HISTORY: Final = 10_000
_WARM: Final = 20


def figures() -> Iterator[Figure]:
    """Start, history, blocks, transactions, reads, and the rival beside them where it is."""
    rival = chopsticks.where()
    with tempfile.TemporaryDirectory() as folder:
        yield from _history(Path(folder))
        yield from _crowded(Path(folder))
        yield from _reads()
        yield from _beside(Path(folder), rival)


def _node(genesis: Path = _LOCAL, mode: str = "instant", block_time: float = 12.0, file: Path | None = None) -> Peer:
    words = [str(genesis), mode, str(block_time), *([str(file)] if file else [])]
    return Peer("local node", [sys.executable, "-m", "tests.bench.node", *words], SERVER_CORE)


class _Start(NamedTuple):
    wall_s: float
    cpu_s: float


def _start(folder: Path, *words: str) -> _Start:
    """`subnet chain up`, from the command to the newest block over RPC; its modules are compiled, as when installed."""
    port = free_port()
    command = [sys.executable, "-m", "subnet", "chain", "up", f"--port={port}", f"--genesis={_LOCAL}", *words]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    since = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        return _Start(ready(port, lambda: process.poll() is None, since), cpu_seconds(process.pid))
    finally:
        process.kill()
        process.wait()


def _history(folder: Path) -> Iterator[Figure]:
    """A hundred thousand blocks in a file, and a restart when the first ten thousand of them are there."""
    file, count = folder / "chain.db", effort(10 * _HISTORY, 4_000)
    first = count // 10
    quiet = Watch([])
    with _node(file=file) as node:
        begun = node.ask({"do": "forward", "count": first})
    _start(folder)
    restarts = [_start(folder, f"--state={file}") for _ in range(effort(5, 1))]
    detail: dict[str, Any] = {"blocks": first, "cpu_s": middle(turn.cpu_s for turn in restarts)}
    yield Figure("chain_restart_s", middle(turn.wall_s for turn in restarts), Bar("<=", 2.0), detail)
    with _node(file=file) as node:
        node.ask({"do": "forward", "count": first})
        rest = node.ask({"do": "forward", "count": count - 2 * first}, within=600.0)
    blocks = count - first
    detail = {"blocks": blocks, "cpu_s": begun["cpu_s"] + rest["cpu_s"], "foreign_load": quiet.foreign()}
    yield Figure("chain_forward_s", begun["s"] + rest["s"], Bar("<=", 60 * blocks / (10 * _HISTORY)), detail)
    detail = {"blocks": count - 2 * first, "file_mb": file.stat().st_size / 2**20}
    yield Figure("chain_forward_growth_mb", rest["grown_mb"], Bar("<=", 16), detail)


def _crowded(folder: Path) -> Iterator[Figure]:
    """A network with a full set of votes, its epochs, and ten people who pay each other as fast as they can."""
    genesis = folder / "crowd.toml"
    neurons, validators = effort(NEURONS, 16), effort(VALIDATORS, 4)
    write_genesis(genesis, neurons, validators)
    with _node(genesis) as node, Wire(node.hello["port"]) as wire:
        wire.ask("dev_fastForward", _WARM)  # permits are given, and the epoch is compiled
        signing = Signing(wire.ask("chain_getBlockHash", 0))
        votes = [signing.weights(validator, neurons) for validator in range(1, validators)]
        yield _waits("chain_set_weights_ms", votes, Bar("<=", 25), node, wire)
        node.ask({"do": "blocks", "count": _WARM})
        made = node.ask({"do": "blocks", "count": effort(100, 20)})
        yield Figure("chain_epoch_ms", made["epoch_ms"], Bar("<=", 60), {**made, "neurons": neurons})
        yield _sustained(signing, node, wire)
    with _node() as node:
        node.ask({"do": "blocks", "count": _WARM})
        made = node.ask({"do": "blocks", "count": effort(500, 20)})
        yield Figure("chain_idle_block_cpu_ms", made["idle_cpu_ms"], Bar("<=", 2), made)


def _waits(name: str, signed: Sequence[str], bar: Bar, node: Peer, wire: Wire) -> Figure:
    """Milliseconds from a transaction's submission to a block that has it, one after another."""
    quiet, cpu = Watch([node.pid]), node.cpu_seconds()
    waits = [_in_block(wire, one) * 1e3 for one in signed]
    detail = {
        "worst_ms": max(waits),
        "count": len(waits),
        "server_cpu_ms": (node.cpu_seconds() - cpu) * 1e3 / len(waits),
        "foreign_load": quiet.foreign(),
    }
    return Figure(name, middle(waits), bar, detail)


def _in_block(wire: Wire, signed: str) -> float:
    since = time.perf_counter()
    asked = wire.request("author_submitAndWatchExtrinsic", signed)
    while b'"inBlock"' not in (said := wire.receive()):
        answer = json.loads(said)
        if answer.get("id") == asked and "error" in answer:
            raise RuntimeError(f"a measured transaction was refused: {answer['error']}")
    waited = time.perf_counter() - since
    while b'"finalized"' not in wire.receive():
        pass
    return waited


def _sustained(signing: Signing, node: Peer, wire: Wire) -> Figure:
    """Payments a second, submitted with some in flight, until all are in blocks."""
    each = effort(150, 10)
    signed = [signing.transfer(f"//Payer{payer}", nonce) for nonce in range(each) for payer in range(PAYERS)]
    calls = _calls("author_submitExtrinsic", [[one] for one in signed])
    before = int(wire.ask("chain_getHeader")["number"], 16)
    quiet, cpu, since = Watch([node.pid]), node.cpu_seconds(), time.perf_counter()
    _pipelined(wire, calls)
    while wire.ask("author_pendingExtrinsics"):
        pass
    seconds, cpu = time.perf_counter() - since, node.cpu_seconds() - cpu
    blocks = int(wire.ask("chain_getHeader")["number"], 16) - before
    nonces = [_nonce(wire, f"//Payer{payer}") for payer in range(PAYERS)]
    detail = {
        "transfers": len(signed),
        "blocks": blocks,
        "server_cpu_ms": cpu * 1e3 / len(signed),
        "foreign_load": quiet.foreign(),
    }
    value = len(signed) / seconds if nonces == [each] * PAYERS else None
    return Figure("chain_transfers_s", value, Bar(">=", 150), detail)


def _nonce(wire: Wire, who: str) -> int:
    found = wire.ask("state_getStorage", account_key(who))
    return int.from_bytes(bytes.fromhex(found[2:10]), "little")


def _reads() -> Iterator[Figure]:
    """Entries of storage a second with many in flight, and the wait for one at a time, while blocks are made."""
    count = effort(20_000, 500)
    with _node(mode="interval", block_time=0.25) as node, Wire(node.hello["port"]) as wire:
        calls = _calls("state_getStorage", [[account_key("//Alice")]] * count)
        _pipelined(wire, calls[: count // 10])
        quiet, cpu, since = Watch([node.pid]), node.cpu_seconds(), time.perf_counter()
        _pipelined(wire, calls)
        seconds, cpu = time.perf_counter() - since, node.cpu_seconds() - cpu
        detail = {"server_cpu_us": cpu * 1e6 / count, "in_flight": _IN_FLIGHT, "foreign_load": quiet.foreign()}
        yield Figure("chain_reads_s", count / seconds, Bar(">=", 4_000), detail)
        quiet = Watch([node.pid])
        waits = [_answered(wire, one) * 1e3 for one in calls[: count // 2]]
        detail = {"p50_ms": middle(waits), "worst_ms": max(waits), "foreign_load": quiet.foreign()}
        yield Figure("chain_read_p99_ms", statistics.quantiles(waits, n=100)[98], Bar("<=", 2), detail)


def _calls(method: str, params: Sequence[Sequence[object]]) -> list[bytes]:
    said = ({"jsonrpc": "2.0", "id": at, "method": method, "params": one} for at, one in enumerate(params))
    return [frame(json.dumps(one)) for one in said]


def _answered(wire: Wire, call: bytes) -> float:
    since = time.perf_counter()
    wire.send(call)
    _must_be_answer(wire.receive())
    return time.perf_counter() - since


def _pipelined(wire: Wire, calls: Sequence[bytes]) -> None:
    for at, call in enumerate(calls):
        if at >= _IN_FLIGHT:
            _must_be_answer(wire.receive())
        wire.send(call)
    for _ in range(min(len(calls), _IN_FLIGHT)):
        _must_be_answer(wire.receive())


def _must_be_answer(said: bytes) -> None:
    if b'"result"' not in said:
        raise RuntimeError(f"a measured call was refused: {said[:200]!r}")


def _beside(folder: Path, rival: Path | None) -> Iterator[Figure]:
    """Start, payments and memory, the rival's in the same minute."""
    starts = [_start(folder) for _ in range(effort(5, 1))]
    told: dict[str, Any] = {"cpu_s": middle(turn.cpu_s for turn in starts)}
    told |= {"compared": _NO_RIVAL} if rival is None else {}
    start = Figure("chain_start_s", middle(turn.wall_s for turn in starts), Bar("<=", 1.0), told)
    yield start
    with _node() as node, Wire(node.hello["port"]) as wire:
        signing = Signing(wire.ask("chain_getBlockHash", 0))
        payments = [signing.transfer("//Alice", nonce) for nonce in range(effort(100, 10))]
        transfer = _waits("chain_transfer_ms", payments, Bar("<=", 20), node, wire)
        yield transfer
        memory = Figure("chain_memory_mb", resident_bytes(node.pid) / 2**20, Bar("<=", 410 / 3))
        yield memory
    if rival is not None:
        with chopsticks.running(rival) as theirs:
            yield from _against(theirs, start, transfer, memory)


def _against(theirs: Chopsticks, *ours: Figure) -> Iterator[Figure]:
    """How many times the rival's our start, wait for a payment and memory go into."""
    with Wire(theirs.port) as wire:
        waits = [_in_block(wire, signed) * 1e3 for signed in theirs.transfers(effort(20, 3))]
    their_own = (theirs.start_s, middle(waits), theirs.resident_mb)
    for mine, other, limit in zip(ours, their_own, (3, 20, 3), strict=True):
        detail = {"ours": mine.value, "peer": other, "peer_start_cpu_s": theirs.start_cpu_s}
        yield Figure(f"{mine.name.rpartition('_')[0]}_ratio", other / (mine.value or 0), Bar(">=", limit), detail)
