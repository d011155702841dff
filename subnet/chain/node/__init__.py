# SPDX-License-Identifier: Apache-2.0
"""A local Substrate chain in one process: what `anvil` is to Ethereum, for networks of miners and validators.

`scale` is the codec, `frame` how pallets are declared, `pallets` and `apis` what the chain knows and does, `runtime`
carries out blocks, `store` keeps them, `author` makes them, and `rpc` is what wallets and explorers talk to.
"""
