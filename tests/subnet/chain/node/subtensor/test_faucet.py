# SPDX-License-Identifier: Apache-2.0
"""The faucet gives for work on a recent block, and for nothing else."""

from __future__ import annotations

import pytest

from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

BLOCK = 99
NONCE = 231_785
"""The first one that does for this block and this account; the work took as many hashes."""

SEAL = "1b7c7d83813e4ec2"


@pytest.fixture
def scene() -> Scene:
    """A chain that knows the hash of its last block."""
    scene = Scene(block=BLOCK + 1)
    scene.system.BlockHash[BLOCK] = b"\7" * 32
    return scene


def worked(scene: Scene, nonce: int = NONCE) -> tuple[int, bytes]:
    """A nonce, and the work that it stands for."""
    return nonce, scene.chain.seal_of(BLOCK, nonce, key("poor"))


def test_work_is_paid_for(scene: Scene) -> None:
    assert scene.call("poor", "faucet", BLOCK, *worked(scene))[-1] == "Faucet"
    assert scene.balances.free(key("poor")) == 1_000 * TAO
    assert scene.chain.TotalIssuance.value == scene.balances.TotalIssuance.value == 1_000 * TAO


def test_a_seal_is_what_the_chains_formula_says() -> None:
    # Made with another library: keccak(sha256(nonce . keccak(hash of the block . account))).
    scene = Scene(block=1)
    assert scene.chain.seal_of(0, 0, bytes(32)).hex()[:16] == SEAL


def test_old_blocks_and_those_to_come_do_not_count(scene: Scene) -> None:
    nonce, work = worked(scene)
    assert scene.refusal("poor", "faucet", BLOCK + 2, nonce, work) == "InvalidWorkBlock"
    scene.wait(2)
    assert scene.refusal("poor", "faucet", BLOCK, nonce, work) == "InvalidWorkBlock"


def test_too_little_work_and_that_of_others_do_not_count(scene: Scene) -> None:
    assert scene.refusal("poor", "faucet", BLOCK, *worked(scene, NONCE - 1)) == "InvalidDifficulty"
    assert scene.refusal("poor", "faucet", BLOCK, 0, b"short") == "InvalidDifficulty"
    assert scene.refusal("other", "faucet", BLOCK, *worked(scene)) == "InvalidSeal"


def test_nothing_is_given_where_the_last_tao_was_issued(scene: Scene) -> None:
    scene.balances.mint(key("rich"), 20_999_500 * TAO)
    scene.call("poor", "faucet", BLOCK, *worked(scene))
    assert scene.balances.free(key("poor")) == 0
