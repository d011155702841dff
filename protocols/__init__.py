# SPDX-License-Identifier: Apache-2.0
"""What the parties of a network agree on: keys, messages, the wire, what a ledger and a subnet are, how things fail.

Contracts live here and implementations above: a miner, a validator and a chain can be written apart from one
another, and from us, if each keeps to this package. It imports nothing of ours; import its modules by name.
"""
