# SPDX-License-Identifier: Apache-2.0
"""Who may talk to the node through a browser: pages of this machine, and pages that its operator named.

A node on a developer's machine holds funded keys and methods that rewrite its chain, and every page that the developer
visits can reach it. Browsers say which page asks (`Origin`) and for which name they looked (`Host`): a foreign page is
told by the first, a foreign name that was made to point at this machine by the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["Gate", "is_loopback"]

Headers = Iterable[tuple[str, str]]


class Gate:
    """Lets requests in or says why not."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self.local_only = True

    def refusal(self, headers: Headers) -> str | None:
        """Why a request with these headers is refused, or None."""
        hosts, origins = [], []
        for name, value in headers:
            if name.lower() == "host":
                hosts.append(value)
            elif name.lower() == "origin":
                origins.append(value)
        if len(hosts) != 1 or len(origins) > 1:
            return "a request has one Host header and at most one Origin"
        if self.local_only and not is_loopback(_name(f"//{hosts[0]}")):
            return "this node listens on loopback: ask for localhost or 127.0.0.1"
        if origins and not self.admits(origins[0]) and not self._is_own(origins[0], hosts[0]):
            return "this node answers pages of this machine only; name others when it is started"
        return None

    def admits(self, origin: str) -> bool:
        """Whether pages of this origin may ask."""
        if origin.lower() in self._origins:
            return True
        return origin.lower().startswith(("http://", "https://")) and is_loopback(_name(origin))

    def _is_own(self, origin: str, host: str) -> bool:
        # Clients that are no browsers name the node itself. A page that did so under a public name could be anyone's,
        # who made the name point here; an address or a private name is nobody's to give away.
        _, _, place = origin.lower().partition("://")
        return not self.local_only and place == host.lower() and _is_private(_name(f"//{host}"))


def is_loopback(name: str) -> bool:
    """Whether a host name or address always means this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_private(name: str) -> bool:
    if "." not in name:
        return bool(name)
    try:
        return bool(ip_address(name))
    except ValueError:
        return name.endswith((".internal", ".local", ".localhost"))


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
