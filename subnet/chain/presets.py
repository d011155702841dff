# SPDX-License-Identifier: Apache-2.0
"""The beginnings of a local chain that come with this package, by name, and who has money on a chain that began so.

They are TOML files that a user may copy and change. In an installed package they lie beside the code, in a checkout
at its top.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from protocols.balance import Balance
from protocols.errors import InvalidGenesis
from protocols.keys import encode_address
from subnet.chain.node.genesis import Genesis, read_genesis
from subnet.chain.node.plain import account

__all__ = ["Holder", "LOCAL", "PRESETS", "holders", "preset"]

LOCAL: Final = "local"
PRESETS: Final = (LOCAL, "mainnet")
"""A chain for trying things, and one with the public chain's rules."""

_PACKAGE: Final = Path(__file__).parents[1]


class Holder(NamedTuple):
    """An account that has money from the beginning, and the key that everybody can make for it."""

    uri: str
    """Empty where the file names an address, whose key is somebody's own."""
    address: str
    balance: Balance

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"uri": self.uri or None, "address": self.address, "rao": self.balance.rao}


def preset(name: str) -> Genesis:
    """How a chain of this name begins; raises `InvalidGenesis`."""
    if name not in PRESETS:
        raise InvalidGenesis(f"there is no preset {name!r}, known are {', '.join(PRESETS)}")
    folders = (_PACKAGE / "_configs", _PACKAGE.parent / "configs")
    folder = next((one for one in folders if one.is_dir()), folders[0])
    return read_genesis(folder / "chains" / f"{name}.toml")


def holders(genesis: Genesis) -> tuple[Holder, ...]:
    """Who has money when a chain begins, in the order of its file."""
    return tuple(
        Holder(text if "//" in text else "", encode_address(account(text)), Balance.tao(str(amount)))
        for text, amount in genesis.accounts.items()
    )
