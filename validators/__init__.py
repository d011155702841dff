# SPDX-License-Identifier: Apache-2.0
"""The role that asks: challenges go out, replies are verified and scored, scores become weights on a chain.

A validator receives its chain, key, clock and transport from outside and counts only what it measured itself.
It never imports `miners`: what the two must share is an agreement and lives in `protocols`.
"""
