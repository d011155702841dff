# SPDX-License-Identifier: Apache-2.0
"""A wallet refuses what is missing, damaged, foreign, open to others or locked, and never shows a secret doing so."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from protocols.errors import (
    DevKeyRefused,
    InvalidSecret,
    KeyfileDamaged,
    KeyfileExists,
    KeyfileExposed,
    KeyfileForeign,
    KeyfileMissing,
    NoPrivateKey,
    PasswordMissing,
    WalletError,
    WrongPassword,
)
from protocols.keys import Keypair
from subnet.chain.memory import Genesis, MemoryChain
from subnet.wallet import Keyfile, Wallet, list_wallets, signing_key
from tests.subnet.wallet.kept import ADDRESS, PASSWORD, PHRASE, keyfile, never, private, saying

WRONG = "battery staple"
SMALL = """
import resource, sys
from pathlib import Path
from pydantic import SecretStr
from subnet.wallet import Keyfile
ask = lambda path: SecretStr("correct horse")
resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
Keyfile(Path(sys.argv[1])).{attempt}
"""


@pytest.fixture
def wallet(tmp_path: Path) -> Wallet:
    """A wallet with a hotkey and no coldkey, as a machine that runs a miner has it."""
    made = Wallet.open("w", path=tmp_path)
    made.import_hotkey(SecretStr(PHRASE))
    return made


def report(error: BaseException) -> str:
    """All that a crash report could print: the error, the frames and what they hold."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    return f"{error!r} {error} {''.join(trace.format())}"


def ours(error: BaseException) -> str:
    """The same without the frames of the tests, which know the secrets."""
    inner = error.__traceback__
    while inner is not None and "tests" in inner.tb_frame.f_code.co_filename:
        inner = inner.tb_next
    return report(error.with_traceback(inner))


def test_a_service_loads_its_hotkey_without_coming_near_the_coldkey(wallet: Wallet) -> None:
    private(wallet.coldkey_file.path, b"unreadable").chmod(0o000)
    assert wallet.hotkey(never).ss58_address == wallet.hotkeypub() == ADDRESS


def test_a_wrong_password_is_told_from_a_cut_file_where_that_can_be_told(tmp_path: Path) -> None:
    wallet = Wallet.open("w", path=tmp_path)
    private(wallet.coldkey_file.path, keyfile("nacl"))
    with pytest.raises(WrongPassword) as wrong:
        wallet.coldkey(saying(WRONG))
    assert WRONG not in ours(wrong.value)
    private(wallet.coldkey_file.path, keyfile("nacl")[:20])
    with pytest.raises(KeyfileDamaged, match="cut short"):
        wallet.coldkey(saying(PASSWORD))


@pytest.mark.parametrize(("kind", "name"), [("nacl", "NaCl"), ("ansible_vault", "Ansible Vault"), ("fernet", "Fernet")])
def test_a_locked_key_needs_a_password_and_its_format_is_named(kind: str, name: str, wallet: Wallet) -> None:
    private(wallet.hotkey_file.path, keyfile(kind))
    with pytest.raises(PasswordMissing, match=name):
        wallet.hotkey()
    # The file beside it still tells the address.
    assert wallet.hotkeypub() == ADDRESS


@pytest.mark.parametrize("length", [0, 1, 100, 400, 555])
def test_a_keyfile_that_is_cut_short_is_refused_and_not_shown(length: int, wallet: Wallet) -> None:
    path = wallet.hotkey_file.path
    private(path, path.read_bytes()[:length])
    with pytest.raises(KeyfileDamaged) as found:
        wallet.hotkey()
    assert not any(f" {word} " in ours(found.value) for word in PHRASE.split()[1:-1] if len(word) > 4)


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe\x00", b"{}", b"[]", b"null", b'{"secretPhrase": 7}', b"words of no phrase"]
)
def test_garbage_is_refused(garbage: bytes, wallet: Wallet) -> None:
    private(wallet.hotkey_file.path, garbage)
    with pytest.raises(KeyfileDamaged):
        wallet.hotkey()


def test_a_file_too_large_for_a_key_is_not_read_to_its_end(wallet: Wallet) -> None:
    private(wallet.hotkey_file.path, b" " * 100_000)
    with pytest.raises(KeyfileDamaged, match="65536"):
        wallet.hotkey()


def test_a_keyfile_whose_parts_disagree_is_refused(wallet: Wallet) -> None:
    fields = json.loads(wallet.hotkey_file.path.read_bytes())
    fields["ss58Address"] = Keypair.from_uri("//Bob").ss58_address
    private(wallet.hotkey_file.path, json.dumps(fields).encode())
    with pytest.raises(KeyfileDamaged, match="contradicts itself"):
        wallet.hotkey()


def test_an_export_of_polkadot_js_is_named_with_the_command_that_brings_it_in(wallet: Wallet) -> None:
    private(wallet.hotkey_file.path, b'{"encoded": "x", "encoding": {"version": "3"}, "address": "5x"}')
    with pytest.raises(KeyfileForeign, match=r"polkadot\.js") as found:
        wallet.hotkey()
    assert "btcli wallet regen-coldkey --json-path" in found.value.help


def test_an_address_alone_cannot_be_loaded_as_a_key(wallet: Wallet) -> None:
    wallet.hotkey_file.write_public(wallet.hotkey(), overwrite=True)
    with pytest.raises(NoPrivateKey):
        wallet.hotkey()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_secret_that_others_can_reach_is_not_used(mode: int, wallet: Wallet) -> None:
    wallet.hotkey_file.path.chmod(mode)
    with pytest.raises(KeyfileExposed, match=f"{mode:04o}, expected 0600") as found:
        wallet.hotkey()
    assert found.value.help.endswith(f"chmod 600 {wallet.hotkey_file.path}")
    assert [problem.code for problem in list_wallets(wallet.folder.parent)[0].problems] == ["keyfile_exposed"]


def test_an_address_may_be_read_by_everybody(tmp_path: Path) -> None:
    wallet = Wallet.open("w", path=tmp_path)
    wallet.import_coldkey(SecretStr(PHRASE), None)
    (tmp_path / "w" / "coldkeypub.txt").chmod(0o644)
    assert wallet.coldkeypub() == ADDRESS


def test_a_coldkey_whose_shown_address_was_exchanged_is_not_used(tmp_path: Path) -> None:
    wallet = Wallet.open("w", path=tmp_path)
    wallet.import_coldkey(SecretStr(PHRASE), None)
    Keyfile(tmp_path / "w" / "coldkeypub.txt").write_public(Keypair.from_uri("//Bob"), overwrite=True)
    with pytest.raises(KeyfileDamaged, match=r"5FHneW.*5DfhGy"):
        wallet.coldkey(never)


def test_what_is_missing_is_named_with_what_there_is(wallet: Wallet) -> None:
    with pytest.raises(KeyfileMissing) as found:
        Wallet.open("w", "other", wallet.folder.parent).hotkey()
    assert found.value.help == "hotkeys of 'w': default"
    with pytest.raises(KeyfileMissing, match="no wallet 'x'"):
        Wallet.open("x", path=wallet.folder.parent).coldkeypub()


def test_nothing_is_overwritten_unless_that_is_said(wallet: Wallet) -> None:
    with pytest.raises(KeyfileExists):
        wallet.create_hotkey()
    with pytest.raises(KeyfileExists):
        wallet.create(never)
    assert wallet.hotkeypub() == ADDRESS
    assert not wallet.coldkey_file.path.exists()
    wallet.create_hotkey(overwrite=True)
    assert wallet.hotkeypub() == wallet.hotkey().ss58_address != ADDRESS


@pytest.mark.parametrize("secret", ["", "wordless " * 12, PHRASE + " extra", "0x" + "zz" * 32, "0x12"])
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSecret) as found:
        Wallet.open("w", path=tmp_path).import_hotkey(SecretStr(secret))
    assert not secret.strip() or secret.strip() not in ours(found.value)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../w", "a/b", "-rf", ".hidden", "x" * 101, "a\nb"])
def test_a_name_is_one_visible_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(WalletError, match="no name for a wallet"):
        Wallet.open(name, path=tmp_path)
    with pytest.raises(WalletError, match="no name for a hotkey"):
        Wallet.open("w", name, tmp_path)


@pytest.mark.parametrize("name", ["x.lock", "xpub.txt"])
def test_a_hotkey_is_not_named_as_a_file_that_no_list_shows(name: str, tmp_path: Path) -> None:
    with pytest.raises(WalletError, match="no name for a hotkey"):
        Wallet.open("w", name, tmp_path)


def test_no_secret_shows_in_what_is_printed_of_a_wallet(wallet: Wallet) -> None:
    phrase = Wallet.open("v", path=wallet.folder.parent).create_hotkey()
    told = [wallet, wallet.hotkey_file, wallet.hotkey(), phrase, list_wallets(wallet.folder.parent)]
    shown = f"{told} {phrase}"
    secret = json.loads(wallet.hotkey_file.path.read_bytes())
    hidden = [PHRASE, secret["privateKey"], secret["secretSeed"], phrase.get_secret_value()]
    assert not [one for one in hidden if one in shown or one[2:] in shown]


def test_development_keys_sign_on_local_chains_only() -> None:
    assert signing_key("//Miner7", MemoryChain()).ss58_address == Keypair.from_uri("//Miner7").ss58_address
    for word in ("//Alice", "//Miner7"):
        with pytest.raises(DevKeyRefused, match="is not local"):
            signing_key(word, MemoryChain(Genesis(is_local=False)))


def test_a_word_names_a_hotkey_and_is_never_a_secret(wallet: Wallet) -> None:
    chain = MemoryChain()
    assert signing_key("w", chain, wallet.folder.parent).ss58_address == ADDRESS
    assert signing_key("w/default", chain, wallet.folder.parent).ss58_address == ADDRESS
    for secret in (PHRASE, "0x" + "5a" * 32):
        with pytest.raises(InvalidSecret) as found:
            signing_key(secret, chain, wallet.folder.parent)
        assert secret not in f"{found.value} {found.value.help}"


def test_a_machine_too_small_to_unlock_a_key_says_so(tmp_path: Path) -> None:
    private(tmp_path / "coldkey", keyfile("nacl"))
    for attempt in ("key(ask)", "write(SecretStr('//Alice'), ask, overwrite=True)"):
        small = subprocess.run(
            [sys.executable, "-c", SMALL.format(attempt=attempt), str(tmp_path / "coldkey")],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert "WalletError" in small.stderr
        assert "needs 512 MiB of memory" in small.stderr
    assert (tmp_path / "coldkey").read_bytes() == keyfile("nacl")
