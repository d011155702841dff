# SPDX-License-Identifier: Apache-2.0
"""`subnet validator explain` and `verify` as a shell sees them: what is told, what is written, what is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from protocols.types import Hotkey
from subnet.cli.app import Command, main
from tests.validators.world import ME, hotkey, off_by, world
from validators.options import ValidatorOptions

Capture = pytest.CaptureFixture[str]
COMMANDS = {
    "validator explain": Command(
        "subnet.cli.account:explain", "validator explain [HOTKEY] [OPTIONS]", "account for it"
    ),
    "validator verify": Command("subnet.cli.account:verify", "validator verify FILE", "check signatures"),
}
DEFINITION = "tests.validators.world:Doubling"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("SUBNET_PATHS_STATE", str(tmp_path))


def explained(*words: str) -> int:
    """The exit code of the command."""
    return main(["validator", "explain", *words], COMMANDS)


@pytest.fixture
def miners(tmp_path: Path) -> list[Hotkey]:
    """Two miners that were asked by a validator which has stopped."""

    async def asked() -> list[Hotkey]:
        async with world(tmp_path) as w:
            found = [await w.add_miner("good", off_by(0)), await w.add_miner("silent", None)]
            await w.add_validator()
            validator = w.validator(await w.store(), options=ValidatorOptions(timeout_s=2.0))
            await w.steps(validator, 12)
            return found

    return asyncio.run(asked())


def test_without_a_hotkey_all_miners_are_listed_best_first(miners: list[Hotkey], capsys: Capture) -> None:
    assert explained() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"validator  {hotkey(ME)}"
    assert lines[4].split()[:3] == [miners[0][:12], "0.9998", "100.00%"]
    assert next(line for line in lines if line.startswith(miners[1][:12])).endswith("round 11: unreachable")
    assert explained("--json") == 0
    rows = json.loads(capsys.readouterr().out)["miners"]
    assert (rows[0]["hotkey"], rows[0]["share"], rows[0]["asked_in"]) == (miners[0], 1.0, 11)


def test_an_account_fits_a_terminal_and_says_of_each_step_whether_it_holds(
    miners: list[Hotkey], capsys: Capture
) -> None:
    assert explained(miners[0], "--app", DEFINITION, "--rounds", "2") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "100.00% of all, sent as 65535 to uid 1" in out
    assert out.count("  ok      signatures: ") == out.count("  ok      reward: scored again") == 2
    assert "11 of 11 checks hold; nothing was found to be untrue" in out
    assert explained(miners[1], "--rounds", "1") == 0
    assert "nothing came: unreachable" in capsys.readouterr().out


def test_json_tells_the_same_and_nothing_that_foretells_questions(miners: list[Hotkey], capsys: Capture) -> None:
    assert explained(miners[0], "--app", DEFINITION, "--rounds", "1", "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    (row,) = found["rounds"]
    assert (found["holds"], row["reward"], row["miss"], row["struck"]) == (True, 1.0, "", "")
    assert row["answer"] == {"number": 2 * row["question"]["number"]}
    assert {check["holds"] for check in row["checks"]} == {True}
    assert "seed" not in str(found)


def test_a_miner_verifies_the_proof_without_a_store(miners: list[Hotkey], tmp_path: Path, capsys: Capture) -> None:
    assert explained(miners[0], "--rounds", "3", "--proof", "proof.json") == 0
    assert "wrote 3 signed answers; to check them: subnet validator verify proof.json" in capsys.readouterr().out
    for path in tmp_path.glob("validator.db*"):
        path.unlink()
    assert main(["validator", "verify", "proof.json"], COMMANDS) == 0
    out = capsys.readouterr().out
    assert "3 of 3 answers are signed by both" in out
    assert "not signed" in out
    document = json.loads(Path("proof.json").read_text())
    document["rounds"][1]["evidence"]["nonce_ns"] += 1
    Path("proof.json").write_text(json.dumps(document))
    assert main(["validator", "verify", "proof.json", "--json"], COMMANDS) == 1
    rows = json.loads(capsys.readouterr().out)["rounds"]
    assert [row["holds"] for row in rows] == [True, False, True]
    assert rows[0]["answer"] == {"number": 2 * rows[0]["question"]["number"]}


def test_a_store_is_explained_while_its_validator_writes(tmp_path: Path, capsys: Capture) -> None:
    async def running() -> int:
        async with world(tmp_path) as w:
            miner = await w.add_miner("good", off_by(0))
            await w.add_validator()
            validator = w.validator(await w.store(), options=ValidatorOptions(timeout_s=2.0))
            await w.steps(validator, 2)
            telling = asyncio.create_task(asyncio.to_thread(explained, miner, "--app", DEFINITION))
            while not telling.done():
                await validator.step()
            return await telling

    assert asyncio.run(running()) == 0
    assert "nothing was found to be untrue" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["5Nobody"], "error[nothing_known]: the store of validator"),
        (["5", "--validator", "5None"], "error[nothing_known]: "),
        (["5", "--epoch", "999"], "error[nothing_known]: "),
    ],
)
def test_what_is_not_known_is_told_with_what_is(
    miners: list[Hotkey], capsys: Capture, words: list[str], message: str
) -> None:
    assert explained(*words) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "help: " in error


def test_no_store_a_strange_proof_and_a_folder_that_is_not_there_are_told(capsys: Capture) -> None:
    assert explained() == 1
    assert "there is no validator's store at" in capsys.readouterr().err
    assert main(["validator", "verify", "none.json"], COMMANDS) == 2
    assert "none.json cannot be read" in capsys.readouterr().err
    Path("strange.json").write_text("[]")
    assert main(["validator", "verify", "strange.json"], COMMANDS) == 1
    assert "proof cannot be read" in capsys.readouterr().err


def test_a_proof_that_cannot_be_written_is_told(miners: list[Hotkey], capsys: Capture) -> None:
    assert explained(miners[0], "--proof", "nowhere/proof.json") == 2
    assert "cannot be written" in capsys.readouterr().err
