# SPDX-License-Identifier: Apache-2.0
"""A whole network: good answers earn, copies share what one of them would, and a restart loses and doubles nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from protocols.errors import ChainFileRefused, UsageError
from subnet.chain.asking import ask
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.frame.hashing import twox_128
from subnet.chain.node.node import Node
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from subnet.chain.presets import LOCAL, preset
from subnet.localnet import Localnet, LocalnetOptions, Summary, parse
from subnet.localnet.port import Port
from subnet.templates.text.text import Text

NOW = twox_128(b"Timestamp") + twox_128(b"Now")


async def summaries(epochs: int, options: LocalnetOptions) -> list[Summary]:
    """Every epoch of a network of the bundled subnet."""
    async with Localnet(Text(), options) as network:
        return [summary async for summary in network.epochs(epochs)]


def earned(summary: Summary, *roles: str) -> float:
    """The part of all that miners earned so far that went to these roles."""
    rows = [row for row in summary.rows if row.kind == "miner"]
    return sum(row.earned for row in rows if row.role in roles) / sum(row.earned for row in rows)


@pytest.mark.timeout(120)
async def test_within_three_epochs_miners_rank_by_skill_and_idle_ones_earn_next_to_nothing() -> None:
    options = LocalnetOptions(miners="good:4,weak:2,silent:1,constant:1", lockstep=True, seed=1)
    last = (await summaries(3, options))[-1]
    working = [row for row in last.rows if row.role in ("good", "weak")]
    assert spearmanr([row.skill for row in working], [row.incentive for row in working]).statistic >= 0.9
    assert earned(last, "silent", "constant") < 0.02
    assert set(last.weight_updates.values()) == {3}


@pytest.mark.timeout(120)
async def test_an_answer_and_its_copies_earn_what_the_answer_alone_would() -> None:
    alone = (await summaries(3, LocalnetOptions(miners="good:4,weak:2", lockstep=True)))[-1]
    copied = (await summaries(3, LocalnetOptions(miners="good:4,weak:2,copier:2", lockstep=True)))[-1]
    one = {row.name: row.earned for row in alone.rows}
    many = {row.name: row.earned for row in copied.rows}
    victim_share = one["good-1"] / sum(row.earned for row in alone.rows if row.kind == "miner")
    together = earned(copied, "copier") + many["good-1"] / sum(row.earned for row in copied.rows if row.kind == "miner")
    assert together <= 1.05 * victim_share
    assert max(many["copier-1"], many["copier-2"]) <= many["good-1"]


@pytest.mark.timeout(120)
async def test_sybils_with_one_answer_earn_as_one() -> None:
    one = (await summaries(3, LocalnetOptions(miners="good:3,sybil:1", lockstep=True)))[-1]
    three = (await summaries(3, LocalnetOptions(miners="good:3,sybil:3", lockstep=True)))[-1]
    # The others' names, and so their voices, are the same in both.
    assert earned(three, "sybil") <= 1.05 * earned(one, "sybil")


@pytest.mark.timeout(120)
async def test_equal_seeds_give_equal_summaries_and_others_do_not() -> None:
    runs = [
        json.dumps([summary.to_dict() for summary in await summaries(2, LocalnetOptions(lockstep=True, seed=seed))])
        for seed in (3, 3, 4)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.timeout(120)
async def test_a_network_goes_on_from_its_folder_without_a_lost_or_doubled_weight_update(tmp_path: Path) -> None:
    options = LocalnetOptions(lockstep=True, state=tmp_path / "state")
    before = (await summaries(3, options))[-1]
    after = await summaries(3, options)
    assert [summary.epoch for summary in after] == [before.epoch + 1, before.epoch + 2, before.epoch + 3]
    with closing(sqlite3.connect(tmp_path / "state" / "validators.db")) as store:
        landed = store.execute("SELECT validator, landed_epoch, count(*) FROM submissions GROUP BY 1, 2").fetchall()
    # Weights of an epoch's last block are the next one's, so the last epoch may have its own already.
    assert {count for *_, count in landed} == {1}
    for validator in (1, 2, 3):
        assert [epoch for one, epoch, _ in landed if one == validator][:6] == [1, 2, 3, 4, 5, 6]
    # Scores went on from where they were, and did not start at nothing.
    quality = {row.name: row.quality for row in before.rows}
    assert all(row.quality > 0.7 * quality[row.name] for row in after[0].rows if row.role == "good")


async def test_a_folder_of_another_network_is_refused(tmp_path: Path) -> None:
    await summaries(1, LocalnetOptions(lockstep=True, state=tmp_path))
    with pytest.raises(UsageError, match="holds another network"):
        await summaries(1, LocalnetOptions(lockstep=True, state=tmp_path, seed=9))


async def test_a_folder_that_an_earlier_release_wrote_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "chain.bin").write_bytes(b"\x93")
    with pytest.raises(UsageError, match=r"holds chain\.bin, expected chain\.db"):
        await summaries(1, LocalnetOptions(lockstep=True, state=tmp_path))
    assert os.listdir(tmp_path) == ["chain.bin"]


async def test_a_file_that_is_no_chain_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "chain.db").write_bytes(b"holiday pictures" * 100)
    with pytest.raises(ChainFileRefused):
        await summaries(1, LocalnetOptions(lockstep=True, state=tmp_path))
    assert (tmp_path / "chain.db").read_bytes() == b"holiday pictures" * 100


@pytest.mark.timeout(120)
async def test_in_lockstep_blocks_have_times_of_their_own_and_are_as_many_whoever_is_quicker() -> None:
    async def times() -> list[int]:
        async with Localnet(Text(), LocalnetOptions(miners="good:3,copier:2", lockstep=True)) as network:
            found: list[int] = []
            network.chain.node.listen(lambda told: found.append(int.from_bytes(told.changes[NOW] or b"", "little")))
            async for _ in network.epochs(1):
                assert network.port is None
        return found

    first = await times()
    assert await times() == first
    assert {later - sooner for sooner, later in pairwise(first)} == {250}


async def test_the_chain_is_on_loopback_even_where_the_miners_are_not() -> None:
    node = Node(_founded(), Runtime)
    async with Port.of(node, "0.0.0.0", 0) as port:
        assert port.url == f"ws://127.0.0.1:{port.number}"
    async with Port.of(node, "::1", 0) as port:
        assert port.url == f"ws://[::1]:{port.number}"
        assert await ask(port.url, [("chain_getBlockHash", [0])]) == [f"0x{node.head.hash.hex()}"]


@pytest.mark.serial
@pytest.mark.timeout(60)
async def test_the_first_weights_are_on_the_chain_in_twenty_seconds_and_nothing_is_left_running() -> None:
    tasks = asyncio.all_tasks()
    began = time.monotonic()
    async with Localnet(Text()) as network:
        async for summary in network.epochs(1):
            assert set(summary.weight_updates.values()) == {1}
            assert (await network.chain.weights(network.netuid)).values.any()
    assert time.monotonic() - began < 20
    assert asyncio.all_tasks() == tasks


def _founded() -> Store:
    store = Store()
    ensure_founded(store, Runtime, preset(LOCAL).beginning)
    return store


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "makes 0"),
        ("god:3", "no miner 'god'"),
        ("good:0", "how many"),
        ("good:x", "how many"),
        ("good,good", "twice"),
    ],
)
def test_a_cast_that_makes_no_sense_is_refused(line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse("miner", line)


def test_a_cast_has_a_part_for_each_and_skills_that_fall() -> None:
    parts = parse("miner", "good:3, weak,copier:2")
    assert [part.name for part in parts] == ["good-1", "good-2", "good-3", "weak-1", "copier-1", "copier-2"]
    assert [part.skill for part in parts] == [0.95, 0.85, 0.75, 0.5, 0.0, 0.0]


async def test_a_network_of_copiers_has_nobody_to_copy() -> None:
    with pytest.raises(UsageError, match="nobody to copy"):
        await summaries(1, LocalnetOptions(miners="copier:2", lockstep=True))
