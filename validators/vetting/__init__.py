# SPDX-License-Identifier: Apache-2.0
"""Whose answer an answer is: what was copied is worth nothing, before anybody asks what it is worth."""

from __future__ import annotations

from validators.vetting.vetter import Vetted, Vetter, VettingOptions

__all__ = ["Vetted", "Vetter", "VettingOptions"]
