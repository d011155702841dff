# SPDX-License-Identifier: Apache-2.0
"""Where a miner can be reached, as it publishes it on the chain.

The chain stores numbers that strangers chose. An `Endpoint` that exists can be written into a URL safely: its address
is in canonical form, IPv6 is bracketed, and nothing in it can name another host, path or credential.
"""

from __future__ import annotations

import ipaddress
from typing import Final, TypeAlias

import msgspec

from protocols.errors import LedgerError

__all__ = ["Endpoint"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")
_TCP: Final = 4  # what the official tools publish for HTTP over TCP
_MAX_PORT: Final = 65_535
_MAX_PROTOCOL: Final = 255
_MAX_VERSION: Final = 2**32 - 1


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An IP address and port, and the numbers that the chain keeps for the protocol and the release that answer there.

    Official tools publish their own release, 10005000 for 10.5.0; whoever publishes 0 speaks no dialect of theirs.
    """

    ip: str
    port: int
    protocol: int = _TCP
    version: int = 0

    def __post_init__(self) -> None:
        address = _address(self.ip)
        if address.is_unspecified or address.is_multicast or address == _BROADCAST:
            raise LedgerError(
                f"endpoint address {self.ip} is nobody's, expected the address of one machine",
                help="publish the address that others reach this machine by",
            )
        if not 1 <= self.port <= _MAX_PORT:
            raise LedgerError(f"endpoint port is {self.port}, expected 1 to {_MAX_PORT}")
        if not 0 <= self.protocol <= _MAX_PROTOCOL:
            raise LedgerError(f"endpoint protocol is {self.protocol}, expected 0 to {_MAX_PROTOCOL}")
        if not 0 <= self.version <= _MAX_VERSION:
            raise LedgerError(f"endpoint version is {self.version}, expected 0 to {_MAX_VERSION}")
        msgspec.structs.force_setattr(self, "ip", str(address))

    @classmethod
    def published(cls, ip: str, port: int, protocol: int = _TCP, version: int = 0) -> Endpoint | None:
        """What a neuron published, or None where nobody can be reached there.

        One neuron's nonsense must not keep anyone from reading the rest of a metagraph.
        """
        try:
            return cls(ip, port, protocol, version)
        except LedgerError:
            return None

    @property
    def is_public(self) -> bool:
        """Whether others can reach the address; a public chain must not lead callers into their own network."""
        return _address(self.ip).is_global

    def url(self, path: str = "") -> str:
        """The URL of this endpoint, or of a path on it: `http://[2001:db8::1]:8091/Ask`."""
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"http://{host}:{self.port}{path}"


def _address(ip: str) -> _Address:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        raise LedgerError(
            f"endpoint address is {ip[:64]!r}, expected an IPv4 or IPv6 address",
            help="the chain stores addresses, not host names",
        ) from None
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.scope_id is not None:  # means something on one machine only, and may hold any text
        raise LedgerError(f"endpoint address is {ip[:64]!r}, expected one without a zone")
    return address.ipv4_mapped or address
