# SPDX-License-Identifier: Apache-2.0
"""The replay file between processes: shared, inherited from one that was killed, on a full disk, across a fork."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import ReplayStoreError
from tests.protocols.test_replay import ALICE, BOB, T, open_file
from tests.protocols.test_replay_file import accept_all

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a replay store will be."""
    return tmp_path / "replay.db"


def test_processes_that_share_a_file_accept_each_pair_once(file: Path) -> None:
    together = SPAWN.Barrier(3)
    children = [Child(accept_and_send, file, 2_000, together) for _ in range(3)]
    accepted = [nonce_ns for child in children for nonce_ns in child.receive()]
    assert sorted(accepted) == [T + i for i in range(2_000)]
    for child in children:
        child.process.join()


async def test_what_a_killed_process_accepted_is_refused_by_the_next(file: Path) -> None:
    child = Child(accept_until_killed, file)
    reported = [child.receive() for _ in range(300)]
    child.process.kill()
    child.process.join()
    while child.pipe.poll():
        try:
            reported.append(child.receive())
        except EOFError:
            break
    replay = open_file(file)
    assert not any([await replay.accept(ALICE, nonce_ns, T) for nonce_ns in reported])
    assert await replay.accept(BOB, T, T)
    replay.close()


def test_a_full_disk_fails_the_request_and_works_again_when_there_is_room(file: Path) -> None:
    child = Child(accept_without_room, file)
    assert child.receive() == "ReplayStoreError"
    assert child.receive() is True
    child.process.join()


def test_a_store_that_was_opened_before_a_fork_refuses_instead_of_waiting_for_ever(file: Path) -> None:
    child = Child(accept_after_fork, file)
    assert child.receive() == "replay.db is closed in this process"
    child.process.join()


class Child:
    """A process of its own, and what it reports."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        self.pipe, theirs = SPAWN.Pipe(duplex=False)
        self.process = SPAWN.Process(target=work, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    def receive(self) -> Any:
        """The next thing that it says."""
        return self.pipe.recv()


def accept_and_send(pipe: Connection, path: Path, count: int, together: Barrier) -> None:
    together.wait()  # opening is part of it: one of them makes the file
    replay = open_file(path, capacity=count)
    pipe.send(asyncio.run(accept_all(replay, count)))
    replay.close()


def accept_until_killed(pipe: Connection, path: Path) -> None:
    async def run() -> None:
        replay = open_file(path, capacity=10**9)
        for nonce_ns in range(T, T + 10**9):
            assert await replay.accept(ALICE, nonce_ns, T)
            pipe.send(nonce_ns)

    asyncio.run(run())


def accept_without_room(pipe: Connection, path: Path) -> None:
    async def run() -> None:
        replay, (_, most) = open_file(path, capacity=10**9), resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
        try:
            for nonce_ns in range(T, T + 10_000):
                await replay.accept(ALICE, nonce_ns, T)
        except ReplayStoreError as error:
            pipe.send(type(error).__name__)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        # What was reported as failed was not half remembered either.
        pipe.send(await replay.accept(ALICE, nonce_ns, T))
        replay.close()

    asyncio.run(run())


def accept_after_fork(pipe: Connection, path: Path) -> None:
    replay = open_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that forking with threads is unwise is what this shows
        pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        asyncio.run(asyncio.wait_for(replay.accept(ALICE, T, T), 5))
    except ReplayStoreError as error:
        pipe.send(error.message)
    os._exit(0)
