# SPDX-License-Identifier: Apache-2.0
"""Two servers of one model, each a process as its makers ship it: a miner of ours, and `transformers serve`.

The model comes with a tokenizer of 8192 words, one a token, so that a prompt has as many tokens as it has words. Both
get the same threads of torch, and both wait for them asleep: at a barrier that spins, who else uses the machine would
decide who is faster.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from miners.engines.transformers import Setup, Transformers
from miners.miner import Miner, MinerOptions
from protocols import synapse
from protocols.model import Sampling
from protocols.replay import MemoryReplay
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from tests.bench.generators import PAGE, Requests, llama, pages
from tests.bench.harness.child import Channel
from tests.bench.harness.machine import EVERY_CORE, cpu_seconds
from tests.bench.harness.peer import Peer, PeerFailed
from tests.bench.harness.rpc import free_port
from tests.miners.town import MINER, NETUID, NOW, ledger

__all__ = ["Continue", "Host", "folder", "miner", "rival", "words"]

_PATIENT: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
_START_S: Final = 240.0
_WORDS: Final = 8192


class Continue(Synapse):
    """A text to continue, and by how many tokens."""

    prompt: str
    tokens: int

    class Reply(synapse.Reply):
        """What is answered."""

        text: str


class _Continuing(Subnet):
    """Answer with what the model says."""

    name, version = "continuing", 1
    synapse = Continue

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        yield Task(Continue(prompt=words([2]), tokens=1))

    async def answer(self, ask: Continue, ctx: AnswerContext) -> Continue.Reply:
        return Continue.Reply(text=await ctx.model.generate(ask.prompt, ask.tokens, Sampling()))

    def score(self, task: Task, replies: Replies) -> list[float]:
        return [1.0] * len(replies)


@dataclass(frozen=True, slots=True)
class Host:
    """A server that runs."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time it has used so far."""
        return cpu_seconds(self.pid)


def words(tokens: list[int]) -> str:
    """The text of which a tokenizer here makes these tokens."""
    return " ".join(f"w{token}" for token in tokens)


@contextmanager
def folder() -> Iterator[Path]:
    """Where the model and its tokenizer lie."""
    with tempfile.TemporaryDirectory() as name:
        llama().save_pretrained(name)
        tokenizer: dict[str, object] = {
            "version": "1.0",
            "added_tokens": [],
            "normalizer": None,
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": {f"w{at}": at for at in range(_WORDS)}, "unk_token": "w0"},
        }
        settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
        for file, content in (("tokenizer.json", tokenizer), ("tokenizer_config.json", settings)):
            Path(name, file).write_text(json.dumps(content))
        yield Path(name)


@contextmanager
def miner(model: Path) -> Iterator[Host]:
    """A miner on a chain in memory, with the engine that runs transformers."""
    command = ["env", *(f"{name}={value}" for name, value in _PATIENT.items())]
    with Peer("miner", [*command, sys.executable, "-m", "tests.bench.hosts", str(model)], EVERY_CORE) as peer:
        yield Host(f"http://127.0.0.1:{peer.hello['ports'][0]}", peer.pid)


@contextmanager
def rival(model: Path, requests: Requests) -> Iterator[Host]:
    """`transformers serve --continuous-batching`, with room for all these requests at once."""
    port, home = free_port(), model / "home"
    (home / "hub").mkdir(parents=True, exist_ok=True)
    options = {"port": port, "device": "cpu", "dtype": "float32", "cb-block-size": PAGE, "cb-max-batch-tokens": 2048}
    options |= {"cb-num-blocks": 2 * pages(requests), "log-level": "error"}
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--continuous-batching"]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    offline = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (model / "rival.log").open("w+") as log:
        process = subprocess.Popen(command, env={**os.environ, **_PATIENT, **offline}, stdout=log, stderr=log)
        try:
            _await(port, process, log)
            yield Host(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.kill()
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes], log: Any) -> None:
    until = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    log.seek(0)
    raise PeerFailed(f"transformers serve did not come up: {log.read()[-500:]}")


async def _serve(model: str) -> None:
    channel = Channel()
    options = MinerOptions(port=0, replay=MemoryReplay.never_served_before(), drain_s=0.0)
    engine = Transformers(model, Setup(device="cpu", dtype="float32"))
    chain = await ledger(NOW, MINER)
    async with Miner(_Continuing(), chain=chain, netuid=NETUID, key=MINER, engine=engine, options=options) as miner:
        await channel.serving([int(miner.url.rpartition(":")[2])])


def main() -> None:
    """Be the miner of the model in a folder."""
    uvloop.run(_serve(sys.argv[1]))


if __name__ == "__main__":
    main()
