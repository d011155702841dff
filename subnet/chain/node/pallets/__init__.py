# SPDX-License-Identifier: Apache-2.0
"""What the chain knows and does, one pallet a file: accounts and money, fees, batches, proxies, the root's key.

Names, numbers and types are those of a subtensor node of spec 381, so that its wallets and explorers cannot tell.
"""
