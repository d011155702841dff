# SPDX-License-Identifier: Apache-2.0
"""Worlds in which a rule of reward is attacked before anyone's money depends on it.

Whoever designs a subnet learns here what an honest miner, a copier or a cartel would earn, and whether the mathematics
gives the figures that others have published. Nothing here runs by itself: worlds are values, and chance is handed in.
"""
