# SPDX-License-Identifier: Apache-2.0
"""Synapses over HTTP as bittensor 10 speaks them, so that its dendrites can ask our servers and we can ask its axons.

    ServerOptions(legacy=(V10Hearing({Ask: ("prompt",)}),))
    Peer(hotkey, url, dialect=V10Speaking({Ask: ("prompt",)}))

The fields named are the `required_hash_fields` of the v10 class, in its order: the only part of a body that a v10
signature covers. Three things no adapter can mend, and a subnet that minds them must leave v10: a signature covers the
text of values, so 1 and "1" are alike; it does not cover the path, so of two queries whose hashed values are equal one
can be passed off as the other; and replies are not signed at all. Streams have no format of their own there.
"""

from __future__ import annotations

from protocols.legacy.v10.hearing import V10Hearing
from protocols.legacy.v10.speaking import V10Speaking
from protocols.legacy.v10.wire import published

__all__ = ["V10Hearing", "V10Speaking", "published"]
