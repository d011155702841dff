# SPDX-License-Identifier: Apache-2.0
"""The local node's chain within this process: real blocks, real transactions, no socket.

What passes here passes on the node over RPC, because it is the same runtime that says so.
"""

from __future__ import annotations

from subnet.chain.local.chain import LocalChain

__all__ = ["LocalChain"]
