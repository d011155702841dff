# SPDX-License-Identifier: Apache-2.0
"""All that a node answers, in one place: the methods of a Substrate node, and whatever a caller adds.

server = RpcServer(methods_of(node))
"""

from __future__ import annotations

from subnet.chain.node.node import Node
from subnet.chain.node.rpc.asking import Questions
from subnet.chain.node.rpc.author import AuthorMethods
from subnet.chain.node.rpc.chain import ChainMethods
from subnet.chain.node.rpc.methods import Methods
from subnet.chain.node.rpc.payment import PaymentMethods
from subnet.chain.node.rpc.state import StateMethods
from subnet.chain.node.rpc.system import SystemMethods

__all__ = ["methods_of"]


def methods_of(node: Node, *more: object) -> Methods:
    """The methods of a node, and those of other objects beside them."""
    questions = Questions(node)
    return Methods(
        SystemMethods(node),
        ChainMethods(node),
        StateMethods(node, questions),
        AuthorMethods(node),
        PaymentMethods(questions),
        *more,
    )
