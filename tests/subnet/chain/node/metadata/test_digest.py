# SPDX-License-Identifier: Apache-2.0
"""What tells one release's metadata from another's, and keeps clients from taking one chain for another."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, ClassVar, cast

from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.metadata.digest import DECLARED, digest
from subnet.chain.node.metadata.seams import Described
from subnet.chain.node.raw import METADATA_DIGEST
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.names import u32, u64

_PROGRAM = """
from subnet.chain.node.frame.state import State
from subnet.chain.node.metadata.digest import digest
from subnet.chain.node.runtime import Runtime
print(digest(Runtime(State())).hex())
"""


class _Narrow(Pallet):
    name: ClassVar[str] = "Toy"
    index: ClassVar[int] = 200
    Counted = Value[int](u32, 0)


class _Wide(Pallet):
    name: ClassVar[str] = "Toy"
    index: ClassVar[int] = 200
    Counted = Value[int](u64, 0)


def of(*pallets: Any) -> bytes:
    """The digest of a runtime with these pallets and nothing else."""
    return digest(cast(Described, SimpleNamespace(pallets=pallets, apis=(), extensions=())))


def test_every_process_finds_the_one_that_is_written_out() -> None:
    found = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True).stdout.strip()
    assert DECLARED.hex() == found, f'write in metadata/digest.py: DECLARED = bytes.fromhex("{found}")'


def test_another_type_of_one_item_is_another_one() -> None:
    narrow, wide = _Narrow(State()), _Wide(State())
    assert len({of(), of(narrow), of(wide)}) == 3
    assert of(narrow) == of(_Narrow(State()))


def test_a_chain_begins_with_it_in_storage() -> None:
    runtime = Runtime(State())
    Genesis(name="any").write(runtime)
    assert (METADATA_DIGEST, digest(runtime)) in runtime.state.changes()
