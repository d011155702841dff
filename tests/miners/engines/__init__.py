# SPDX-License-Identifier: Apache-2.0
"""Tests of what does a miner's work."""
