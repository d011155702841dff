# SPDX-License-Identifier: Apache-2.0
"""The role that answers: queries come in signed, work is done, signed replies go out.

A miner receives its chain, key, clock and transport from outside and never knows whether they are real or in memory.
It never imports `validators`: what the two must share is an agreement and lives in `protocols`.
"""
