# SPDX-License-Identifier: Apache-2.0
"""Questions to the runtime over RPC: which there are, and how one that cannot be answered is refused.

A Substrate node runs its runtime as a machine of its own, and clients tell its failures apart by their words: one
looks for `Exported method ... is not found` to learn that a runtime is older than itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from protocols.errors import LedgerError
from subnet.chain.node.frame.pallet import Pallet, RuntimeApi
from subnet.chain.node.metadata.seams import Extension
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.errors import RpcError
from subnet.chain.node.rpc.reading import CLIENT_ERROR, unavailable
from subnet.chain.node.version import RuntimeVersion

__all__ = ["Oracle", "Questions"]


class Oracle(Protocol):
    """A runtime, as far as clients may ask it."""

    @property
    def version(self) -> RuntimeVersion:
        """Which runtime it is."""
        ...

    @property
    def pallets(self) -> Sequence[Pallet]:
        """Its pallets."""
        ...

    @property
    def apis(self) -> Sequence[RuntimeApi]:
        """What may be asked."""
        ...

    @property
    def extensions(self) -> Sequence[Extension]:
        """What every signed transaction carries."""
        ...

    def ask(self, method: str, arguments: bytes) -> bytes:
        """Answer one question."""
        ...


class Questions:
    """Asks the runtime of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known = frozenset(
            f"{type(api).__name__}_{method.name}" for api in self.runtime.apis for method in api.methods()
        )

    @property
    def runtime(self) -> Oracle:
        """The runtime at the head, which must only be asked."""
        return cast(Oracle, self._node.runtime)

    def ask(self, name: str, arguments: bytes, at: bytes | None) -> bytes:
        """The answer as a block left the chain; raises `RpcError`."""
        if name not in self._known:
            raise _failed(f"Other: Exported method {name} is not found")
        try:
            runtime = cast(Oracle, self._node.runtime_at(at))
        except LedgerError as fault:
            raise unavailable(fault, at) from fault
        try:
            return runtime.ask(name, arguments)
        except LedgerError as fault:
            raise _failed(f"Execution aborted due to trap: {fault.message}") from fault


def _failed(why: str) -> RpcError:
    return RpcError(CLIENT_ERROR, f"Client error: Execution failed: {why}")
