# SPDX-License-Identifier: Apache-2.0
"""The names for numbers and texts cost nothing and depend on nothing."""

from __future__ import annotations

import subprocess
import sys

from protocols import types
from protocols.types import Block, NetUid, Ss58, Uid


def test_a_named_number_is_that_number() -> None:
    assert (NetUid(7), Uid(3), Block(100), Ss58("5F")) == (7, 3, 100, "5F")
    assert {type(NetUid(7)), type(Uid(3)), type(Block(100))} == {int}


def test_hotkeys_and_coldkeys_are_addresses() -> None:
    assert types.Hotkey is types.Coldkey is Ss58


def test_types_imports_nothing_of_ours() -> None:
    code = (
        "import sys, protocols; before = set(sys.modules); import protocols.types;"
        "ours = {n for n in set(sys.modules) - before if n.split('.')[0] in ('protocols', 'subnet', 'incentive')};"
        "assert ours == {'protocols.types'}, ours"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
