# SPDX-License-Identifier: Apache-2.0
"""The local chain in a thread of its own, and the official `btcli` in processes of its own, with keys we wrote.

Nothing of the user's is read: home, wallets and the tool's caches lie in a folder of the test. What the node knows
is read on its own event loop, so that no block changes meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import SecretStr

from protocols.keys import Keypair
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.dev import Dev
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import read_genesis
from subnet.chain.node.node import Node
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from subnet.wallet import Wallet

__all__ = ["ALICE", "ALICE_HOTKEY", "BOB", "BOB_HOTKEY", "CHARLIE_HOTKEY", "Btcli", "Done", "Local", "local", "wallets"]

ALICE, BOB, ALICE_HOTKEY, BOB_HOTKEY, CHARLIE_HOTKEY = (
    Keypair.from_uri(uri) for uri in ("//Alice", "//Bob", "//Alice//hotkey", "//Bob//hotkey", "//Charlie//hotkey")
)
_GENESIS: Final = Path(__file__).parents[2] / "configs" / "chains" / "local.toml"
_FORKS: Final = Path(__file__).with_name("btcli_forks.py")

T = TypeVar("T")


@dataclass(frozen=True)
class Local:
    """A node that listens."""

    node: Node
    url: str
    loop: asyncio.AbstractEventLoop

    def ask(self, question: Callable[[Node], T]) -> T:
        """What the node knows."""

        async def answer() -> T:
            return question(self.node)

        return asyncio.run_coroutine_threadsafe(answer(), self.loop).result(30)

    def stored(self, item: str, *key: Any) -> Any:
        """An entry of the chain's own pallet."""
        return self.ask(lambda node: Dev(node).items.find("SubtensorModule", item).get(*key))

    def put(self, item: str, key: object, value: object) -> None:
        """Change an entry of the chain's own pallet."""

        def change(node: Node) -> None:
            dev = Dev(node)
            node.amend(lambda: dev.items.find("SubtensorModule", item).put(key, value))

        self.ask(change)

    def skip(self, blocks: int) -> None:
        """Let blocks pass."""
        self.ask(lambda node: Dev(node).fast_forward(blocks))

    def free(self, who: Keypair) -> int:
        """An account's money, in rao."""
        free: int = self.ask(lambda node: Dev(node).items.find("System", "Account").get(who.public_key).data.free)
        return free


@contextmanager
def local() -> Iterator[Local]:
    """A chain as `subnet chain up` makes one: blocks at once for who submits something, and by the clock."""
    ready: Future[tuple[Local, asyncio.Event]] = Future()

    async def live() -> None:
        ended = asyncio.Event()
        async with _running() as running:
            ready.set_result((running, ended))
            await ended.wait()

    with ThreadPoolExecutor(max_workers=1) as thread:
        life = thread.submit(lambda: asyncio.run(live()))
        running, ended = ready.result(60)
        try:
            yield running
        finally:
            running.loop.call_soon_threadsafe(ended.set)
            life.result(30)


@asynccontextmanager
async def _running() -> AsyncIterator[Local]:
    store = Store(None)
    ensure_founded(store, Runtime, read_genesis(_GENESIS).beginning)
    node = Node(store, Runtime, sealing=Sealing(mode=Mode.MIXED))
    server = RpcServer(methods_of(node))
    port = await server.start()
    author = asyncio.create_task(node.author.run())
    try:
        yield Local(node, f"ws://127.0.0.1:{port}", asyncio.get_running_loop())
    finally:
        author.cancel()
        await asyncio.gather(author, return_exceptions=True)
        await server.stop()
        store.close()


def wallets(folder: Path) -> Path:
    """Write the wallets alice, bob and charlie, with one hotkey each."""
    for name in ("Alice", "Bob", "Charlie"):
        wallet = Wallet.open(name.lower(), "default", folder)
        wallet.import_coldkey(SecretStr(f"//{name}"), None)
        wallet.import_hotkey(SecretStr(f"//{name}//hotkey"))
    return folder


class Done(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


class Btcli:
    """The official command line, connected to a node of ours."""

    def __init__(self, url: str, home: Path) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("BT_", "XDG_"))}
        theirs = {
            "HOME": str(home),
            "BT_NETWORK": url,
            "BT_WALLET_PATH": str(home / ".bittensor" / "wallets"),
            "BT_FALLBACK_ENDPOINTS": "none",
            "BT_ARCHIVE_ENDPOINTS": "none",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(_FORKS)], env=ours | theirs, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Btcli:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def run(self, *words: str, wallet: str = "alice") -> Done:
        """What a command does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"words": words, "wallet": [wallet]}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Done(answer["status"], answer["out"], answer["err"])

    def __call__(self, *words: str, wallet: str = "alice") -> Any:
        """What a command that succeeds answers."""
        done = self.run(*words, wallet=wallet)
        assert done.status == 0, f"btcli {' '.join(words)}: {done.out[-2000:]}{done.err[-2000:]}"
        return json.loads(done.out)

    def send(self, *words: str, wallet: str = "alice") -> Any:
        """What a transaction came to, without being asked whether one means it."""
        answer = self(*words, "--yes", wallet=wallet)
        assert answer["success"], answer
        return answer
