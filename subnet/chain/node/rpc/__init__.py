# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC 2.0 over WebSocket and HTTP on one port: how everything outside this process talks to the node.

Here is the transport only. What can be asked is written elsewhere, as classes with marked methods.
"""

from __future__ import annotations

from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.errors import RpcError
from subnet.chain.node.rpc.methods import Handler, Methods, method, subscription
from subnet.chain.node.rpc.server import RpcServer
from subnet.chain.node.rpc.session import Feed, Session

__all__ = ["Bounds", "Feed", "Handler", "Methods", "RpcError", "RpcServer", "Session", "method", "subscription"]
