# SPDX-License-Identifier: Apache-2.0
"""`subnet wallet` as a shell sees it: what is made, what is told, and that no secret leaves by the wrong door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocols.keys import Keypair
from subnet.cli import main
from subnet.wallet import Wallet
from tests.subnet.wallet.kept import ADDRESS, PASSWORD, PHRASE, private, saying

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without wallets, settings or variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    for name in ("BT_WALLET_PASSWORD", "BT_WALLET_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_a_wallet_is_made_locked_where_the_official_tools_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("BT_WALLET_PASSWORD", PASSWORD)
    assert main(["wallet", "create", "w"]) == 0
    lines = capsys.readouterr().out.splitlines()
    wallet = Wallet.open("w", path=tmp_path / ".bittensor" / "wallets")
    assert wallet.coldkey(saying(PASSWORD)).ss58_address == wallet.coldkeypub()
    for address, phrase in [(lines[1], lines[2]), (lines[3], lines[4])]:
        assert Keypair.from_mnemonic(phrase).ss58_address == address.split()[1]
    assert [lines[1].split()[1], lines[3].split()[1]] == [wallet.coldkeypub(), wallet.hotkeypub()]
    assert PASSWORD not in "\n".join(lines)


def test_json_tells_addresses_and_no_phrase(capsys: Capture) -> None:
    assert main(["wallet", "hotkey", "miner-2", "--wallet", "w", "--path", "keys", "--json"]) == 0
    out = capsys.readouterr().out
    wallet = Wallet.open("w", "miner-2", Path("keys"))
    secret = json.loads(wallet.hotkey_file.path.read_bytes())
    assert json.loads(out) == {
        "name": "w",
        "hotkey_name": "miner-2",
        "folder": "keys/w",
        "hotkey": wallet.hotkey().ss58_address,
    }
    assert not [one for one in (secret["secretPhrase"], secret["secretSeed"], secret["privateKey"]) if one in out]


def test_keys_are_made_again_from_a_phrase_in_a_file(tmp_path: Path, capsys: Capture) -> None:
    kept = private(tmp_path / "phrase", f"{PHRASE}\n".encode())
    command = ["wallet", "import", "w", "--phrase-from", f"file:{kept}"]
    assert main([*command, "--password-from", "none"]) == 0
    assert main([*command, "--hotkey", "default"]) == 0
    assert main(["wallet", "show", "w", "--json"]) == 0
    told = capsys.readouterr().out
    shown = json.loads(told[told.index("{") :])
    assert (shown["coldkey"]["address"], shown["coldkey"]["encryption"]) == (ADDRESS, "plain")
    assert (shown["hotkey"]["address"], shown["hotkey"]["encryption"]) == (ADDRESS, "plain")
    assert PHRASE not in told
    assert main([*command, "--hotkey", "default", "--json"]) == 78
    assert json.loads(capsys.readouterr().err)["code"] == "keyfile_exists"


def test_the_list_shows_every_wallet_and_what_is_wrong_with_it(capsys: Capture) -> None:
    assert main(["wallet", "list"]) == 0
    assert "make one: subnet wallet create" in capsys.readouterr().out
    for name in ("b", "a"):
        main(["wallet", "hotkey", "h", "--wallet", name])
    exposed = Wallet.open("b", "h").hotkey_file.path
    exposed.chmod(0o644)
    capsys.readouterr()
    assert main(["wallet", "list", "--json"]) == 0
    wallets = json.loads(capsys.readouterr().out)["wallets"]
    assert [(one["name"], one["coldkey"]) for one in wallets] == [("a", None), ("b", None)]
    assert wallets[0]["hotkeys"]["h"] == Wallet.open("a", "h").hotkeypub()
    assert wallets[1]["problems"][0]["code"] == "keyfile_exposed"
    assert main(["wallet", "list"]) == 0
    assert f"help: make it yours alone: chmod 600 {exposed}" in capsys.readouterr().out


def test_a_machine_without_the_coldkey_is_in_order_and_one_with_an_open_hotkey_is_not(capsys: Capture) -> None:
    main(["wallet", "hotkey", "h", "--wallet", "w"])
    assert main(["wallet", "show", "w", "--hotkey", "h"]) == 0
    Wallet.open("w", "h").hotkey_file.path.chmod(0o640)
    assert main(["wallet", "show", "w", "--hotkey", "h"]) == 1
    assert "0640, expected 0600" in capsys.readouterr().out


def test_a_wallet_that_is_not_there_is_an_error_with_the_command_that_makes_it(capsys: Capture) -> None:
    assert main(["wallet", "show", "w"]) == 78
    err = capsys.readouterr().err
    assert "error[keyfile_missing]" in err
    assert "subnet wallet create w" in err


def test_a_password_in_argv_is_refused_and_not_repeated(capsys: Capture) -> None:
    assert main(["wallet", "create", "w", "--password-from", PASSWORD]) == 2
    told = capsys.readouterr()
    assert PASSWORD not in told.out + told.err
    assert main(["wallet", "create", "w", "--password", PASSWORD]) == 2
    assert PASSWORD not in capsys.readouterr().err
