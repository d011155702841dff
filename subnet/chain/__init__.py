# SPDX-License-Identifier: Apache-2.0
"""Ledgers behind the contract of `protocols.chain`: each module or package here is one that a program can be given.

`subnet.chain.memory` is a whole chain within one process, for tests, simulations and local networks.
"""
