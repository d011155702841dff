# SPDX-License-Identifier: Apache-2.0
"""Who makes a call: an account that signed it, the root of the chain, or nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from subnet.chain.node.frame.items import BAD_ORIGIN, DispatchFailure
from subnet.chain.node.scale.composites import Variant

__all__ = ["NOBODY", "Origin", "ROOT"]


@dataclass(frozen=True)
class Origin:
    """The origin of a call."""

    account: bytes | None
    is_root: bool = False
    filters: tuple[Callable[[Variant], bool], ...] = ()
    """What each call made in its name must pass, such as what a proxy was given leave for."""

    def signed(self) -> bytes:
        """The account that signed; everybody else is turned away."""
        if self.account is None:
            raise DispatchFailure(BAD_ORIGIN)
        return self.account

    def root(self) -> None:
        """Turn everybody but the root away."""
        if not self.is_root:
            raise DispatchFailure(BAD_ORIGIN)

    def only(self, allowed: Callable[[Variant], bool]) -> Origin:
        """The same origin, held to one filter more."""
        return replace(self, filters=(*self.filters, allowed))

    def allows(self, call: Variant) -> bool:
        """Whether it may make a call; the root may make any."""
        return self.is_root or all(allowed(call) for allowed in self.filters)


ROOT: Final = Origin(None, is_root=True)
NOBODY: Final = Origin(None)
