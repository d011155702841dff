# SPDX-License-Identifier: Apache-2.0
"""Miners that run: real keys, real HTTP on this machine, and a chain in memory."""
