# SPDX-License-Identifier: Apache-2.0
"""substrate-interface with a deadline: every request, also those that it makes by itself, ends in time or fails.

It belongs to one thread. It never reconnects by itself, because what was asked on a connection that broke may have been
heard: whoever asked decides whether asking again is safe. The library's codec keeps its types on classes that all
connections share, so only one thread at a time may use it; what waits for a node does not hold up the others.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from scalecodec import ScaleBytes
from substrateinterface import SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException
from websocket import WebSocketException, create_connection

from subnet.chain.client.faults import Lost, NodeError

__all__ = ["Interface"]

_SS58_FORMAT: Final = 42
_TYPES: Final = {"types": {"Balance": "u64"}}  # narrower than the 128 bits that the library takes for granted
_FAREWELL_S: Final = 0.2
_LOG: Final = logging.getLogger(__name__)
_CODEC: Final = threading.Lock()
_PARSED: Final[OrderedDict[str, Any]] = OrderedDict()
"""Metadata by their bytes: parsing them takes seconds, and after a lost connection nobody has those."""
_KEPT: Final = 4


class Interface(SubstrateInterface):  # type: ignore[misc]  # the library has no types
    """A connection to one node; raises `Lost` or `NodeError`."""

    def __init__(self, url: str, connect_s: float) -> None:
        """Connect; a node that does not answer within `connect_s` seconds is `Lost`."""
        self.address = url
        self.deadline = time.monotonic() + connect_s
        self.requests = 0
        self.loaded_at: str | None = None
        try:
            stream = create_connection(url, timeout=connect_s)
        except (OSError, WebSocketException) as error:
            raise Lost(f"{url} cannot be reached: {error}") from error
        with _CODEC:
            super().__init__(
                websocket=stream,
                ss58_format=_SS58_FORMAT,
                type_registry=_TYPES,
                use_remote_preset=False,
                auto_discover=False,
                auto_reconnect=False,
            )

    @contextmanager
    def at_work(self, deadline: float) -> Iterator[None]:
        """While this thread uses the connection and the library's codec, until a deadline."""
        self.deadline = deadline
        with _CODEC:
            yield

    def rpc_request(self, method: str, params: Any, result_handler: Any = None) -> Any:
        """Ask the node, until the deadline that this connection has at the moment; only `at_work`."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Lost(f"no time was left to ask {self.address} for {method}")
        self.requests += 1
        _CODEC.release()
        try:
            self.websocket.settimeout(left)
            return super().rpc_request(method, params or [], result_handler)
        except SubstrateRequestException as error:
            raise NodeError.read(error.args[0] if error.args else "") from error
        except (OSError, WebSocketException, json.JSONDecodeError) as error:
            raise Lost(f"{self.address} gave no answer to {method}: {error}") from error
        finally:
            _CODEC.acquire()

    def load(self, block_hash: str) -> None:
        """Load the runtime of a block, unless it is the one that is loaded."""
        self.block_hash = None  # else it takes an equal block for an equal runtime
        super().init_runtime(block_hash=block_hash)
        self.loaded_at = block_hash

    def init_runtime(self, block_hash: Any = None, block_id: Any = None) -> None:
        """What the library does before each step; here it is done when the runtime changes, in `load`."""
        if self.metadata is None:
            super().init_runtime(block_hash=block_hash, block_id=block_id)

    def get_block_metadata(self, block_hash: Any = None, decode: bool = True) -> Any:
        """The metadata of a block's runtime, parsed unless some connection has parsed the same before."""
        text = self.rpc_request("state_getMetadata", [block_hash] if block_hash else [])["result"]
        parsed = _PARSED.pop(text, None)
        if parsed is None:
            parsed = self.runtime_config.create_scale_object("MetadataVersioned", data=ScaleBytes(text))
            parsed.decode()
        _PARSED[text] = parsed
        while len(_PARSED) > _KEPT:
            _PARSED.popitem(last=False)
        return parsed

    def close(self) -> None:
        """End the connection, and let go of its socket however it ended."""
        try:
            self.websocket.close(timeout=_FAREWELL_S)
        except (OSError, WebSocketException) as error:
            _LOG.debug("%s was left without a word: %s", self.address, error)
        self.websocket.shutdown()  # the library keeps the socket of a connection that broke

    def cut(self) -> None:
        """End the connection at once; unlike all else here, for any thread."""
        # A thread that waits in recv is woken by this, and not by closing the socket.
        stream = getattr(self.websocket, "sock", None)
        if stream is not None:
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended already
