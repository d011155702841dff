# SPDX-License-Identifier: Apache-2.0
"""Our own dialect: requests signed with `btauth/1`, replies and streams sealed by the miner.

`docs/reference/wire.md` is its specification, exact enough to write either half in another language.
"""

from __future__ import annotations

from protocols.native.hearing import NativeHearing
from protocols.native.speaking import NativeSpeaking

__all__ = ["NativeHearing", "NativeSpeaking"]
