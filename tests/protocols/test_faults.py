# SPDX-License-Identifier: Apache-2.0
"""Errors on the wire: what we tell of ours, and how much of a peer's we let near a person."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import NotAdmitted, Overloaded
from protocols.faults import MAX_FAULT_BYTES, fault_body, fault_headers, peer_error, printable, retry_after
from protocols.keys import Keypair

MINER = Keypair.from_uri("//Bob").ss58_address


def test_an_error_crosses_the_wire_with_its_code_message_and_help() -> None:
    error = NotAdmitted("no permit", help="register")
    assert json.loads(fault_body(error)) == {
        "error": {"code": "not_admitted", "message": "no permit", "help": "register"}
    }
    read = peer_error(MINER, 403, fault_body(error), "signed")
    assert read.peer_code == "not_admitted"
    assert read.message == "miner 5FHneW…694ty answered 403 not_admitted (signed): no permit"
    assert read.help == "subnet explain not_admitted"
    assert read.retry_after_s is None


@pytest.mark.parametrize(("after_s", "header"), [(0.2, b"1"), (1.0, b"1"), (2.4, b"3"), (30.0, b"30")])
def test_the_time_to_ask_again_is_told_in_whole_seconds_and_never_too_few(after_s: float, header: bytes) -> None:
    error = Overloaded("full", retry_after_s=after_s)
    headers = dict(fault_headers(error, fault_body(error)))
    assert headers[b"retry-after"] == header
    assert retry_after({"retry-after": headers[b"retry-after"].decode()}) == float(header)


def test_no_time_to_ask_again_is_told_where_there_is_none() -> None:
    assert b"retry-after" not in dict(fault_headers(NotAdmitted("no"), b""))
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 1.0), ("1", 1.0), ("007", 7.0), ("3600", 3600.0), ("999999999", 3600.0)]
)
def test_a_peers_time_to_ask_again_is_between_a_second_and_an_hour(text: str, seconds: float) -> None:
    assert retry_after({"retry-after": text}) == seconds


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", "1e3", " 1", "\u0661", "\xb2", "9" * 10, "Wed, 21 Oct 2015"])
def test_a_time_to_ask_again_that_is_no_plain_number_is_none(text: str) -> None:
    assert retry_after({"retry-after": text}) is None


@given(st.text(), st.text())
def test_nothing_a_peer_says_moves_a_terminal_or_becomes_a_command(code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    error = peer_error(MINER, 500, body, "unsigned")
    assert error.message.isprintable()
    assert len(error.message) < 450
    command = error.help.removeprefix("subnet explain ")
    assert command == error.peer_code
    assert command.isascii()
    assert command.isidentifier()


@given(st.binary(max_size=400))
def test_any_bytes_are_a_peers_error(body: bytes) -> None:
    assert peer_error(MINER, 500, body, "unsigned").peer_code == "unknown"


def test_an_error_that_is_longer_than_is_read_is_unreadable() -> None:
    body = json.dumps({"error": {"code": "overloaded", "message": "a" * MAX_FAULT_BYTES}}).encode()
    error = peer_error(MINER, 503, body, "signed")
    assert error.peer_code == "unknown"
    assert "no readable error body" in error.message


def test_what_newer_peers_add_to_an_error_is_ignored() -> None:
    body = b'{"error": {"code": "draining", "message": "m", "help": "h", "since": 1}, "trace": []}'
    assert peer_error(MINER, 503, body, "signed").peer_code == "draining"


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "a\r\nb", "\x00", "\u202e", "\u2028", "\x9b31m", "\ud800", "\x7f"])
def test_control_characters_of_every_kind_are_shown_as_question_marks(text: str) -> None:
    assert printable(text).isprintable()
    assert "?" in printable(text)


def test_letters_of_every_script_stay_as_they_are() -> None:
    assert printable("Ünïcödé 漢字 🙂") == "Ünïcödé 漢字 🙂"
