# SPDX-License-Identifier: Apache-2.0
"""Who we are measured against, each in the form its own users would run, and the neutral load generator.

`recipe` and `msgpack` run in this project's environment, `v10` in one that has bittensor 10.5.0.
"""
