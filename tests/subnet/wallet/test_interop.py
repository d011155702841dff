# SPDX-License-Identifier: Apache-2.0
"""Wallets go both ways: the official classes open ours, we open theirs, and both derive the same keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bittensor.wallet import Wallet as Official
from bittensor.wallets import list_wallets as official_list
from pydantic import SecretStr

from protocols.keys import Keypair, verify
from subnet.wallet import Wallet, list_wallets, source
from tests.subnet.wallet.kept import ADDRESS, PASSWORD, PHRASE, keyfile, phrase_key, private, saying

MESSAGE = b"so say we all"


def official(path: Path, name: str = "default", hotkey: str = "default") -> Any:
    """A wallet as the official tools open it."""
    return Official(name, hotkey, str(path))


def test_the_official_tools_open_a_wallet_that_we_made(tmp_path: Path) -> None:
    ours = Wallet.open("w", "h", tmp_path)
    phrases = ours.create(saying(PASSWORD))
    theirs = official(tmp_path, "w", "h")
    assert theirs.coldkey_file.is_encrypted()
    assert not theirs.hotkey_file.is_encrypted()
    assert theirs.coldkeypub.ss58_address == theirs.get_coldkey(PASSWORD).ss58_address == ours.coldkeypub()
    assert theirs.hotkey.ss58_address == theirs.hotkeypub.ss58_address == ours.hotkey().ss58_address
    assert verify(MESSAGE, theirs.hotkey.sign(MESSAGE), ours.hotkeypub())
    told = [phrase.get_secret_value() for phrase in phrases]
    assert [len(phrase.split()) for phrase in told] == [12, 12]
    assert [Keypair.from_mnemonic(phrase).ss58_address for phrase in told] == [ours.coldkeypub(), ours.hotkeypub()]


def test_we_open_a_wallet_that_the_official_tools_made(tmp_path: Path) -> None:
    theirs = official(tmp_path, "w", "h")
    theirs.create_new_coldkey(coldkey_password=PASSWORD, suppress=True)
    theirs.create_new_hotkey(suppress=True)
    ours = Wallet.open("w", "h", tmp_path)
    key = ours.coldkey(saying(PASSWORD))
    assert ours.coldkeypub() == key.ss58_address == theirs.coldkeypub.ss58_address
    assert ours.hotkeypub() == ours.hotkey().ss58_address == theirs.hotkey.ss58_address
    assert theirs.hotkey.verify(MESSAGE, ours.hotkey().sign(MESSAGE))


@pytest.mark.parametrize("kind", ["NaCl", "Ansible Vault"])
def test_every_encrypted_format_in_use_is_opened(kind: str, tmp_path: Path) -> None:
    # Fernet, the oldest, costs ten seconds to open; that it is told apart is tested beside the others.
    wallet = Wallet.open("w", path=tmp_path)
    private(wallet.coldkey_file.path, keyfile(kind.lower().replace(" ", "_")))
    assert wallet.coldkey_file.encryption() == kind
    assert wallet.coldkey(saying(PASSWORD)).ss58_address == ADDRESS == phrase_key().ss58_address


@pytest.mark.parametrize(
    "secret", [PHRASE, f"  {PHRASE.replace(' ', '  ')}\n", "0x" + "5a" * 32, "//Alice", f"{PHRASE}//1"]
)
@pytest.mark.parametrize("scheme", ["sr25519", "ed25519"])
def test_a_phrase_a_seed_and_a_uri_give_the_key_that_the_protocol_and_the_official_tools_derive(
    secret: str, scheme: Any, tmp_path: Path
) -> None:
    wallet = Wallet.open("w", path=tmp_path)
    if secret.startswith("0x"):
        expected = Keypair.from_seed(bytes.fromhex(secret[2:]), scheme)
    else:
        expected = Keypair.from_uri(" ".join(secret.split()), scheme)
    assert wallet.import_hotkey(SecretStr(secret), scheme=scheme) == expected.ss58_address
    assert wallet.hotkey().scheme == scheme
    assert official(tmp_path, "w").hotkey.ss58_address == expected.ss58_address
    assert expected.verify(MESSAGE, official(tmp_path, "w").hotkey.sign(MESSAGE))


def test_a_coldkey_may_be_plain_where_that_is_asked_for(tmp_path: Path) -> None:
    Wallet.open("w", path=tmp_path).import_coldkey(SecretStr(PHRASE), None)
    assert official(tmp_path, "w").coldkey.ss58_address == ADDRESS


def test_both_list_the_same_wallets_in_the_same_order(tmp_path: Path) -> None:
    for name, hotkey in [("b", "default"), ("a10", "m10"), ("a2", "m2"), ("a10", "m2")]:
        Wallet.open(name, hotkey, tmp_path).create_hotkey()
    private(tmp_path / "b" / "hotkeys" / ".default.x1y2.lock", b"left by a crash")
    ours = {one.name: list(one.hotkeys) for one in list_wallets(tmp_path)}
    assert ours == official_list(str(tmp_path)) == {"a2": ["m2"], "a10": ["m2", "m10"], "b": ["default"]}
    assert list(ours) == ["a2", "a10", "b"]


def test_a_password_that_the_official_tools_left_in_the_environment_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = official(tmp_path, "w").coldkey_file
    monkeypatch.delenv("BT_WALLET_PASSWORD", raising=False)
    monkeypatch.setenv(file.env_var_name(), "is replaced, and gone after the test")
    file.save_password_to_env(PASSWORD)
    assert source("usual")(tmp_path / "w" / "coldkey").get_secret_value() == PASSWORD
