# SPDX-License-Identifier: Apache-2.0
"""A Substrate chain behind the contract of `protocols.chain`: what a miner or a validator talks to in earnest.

From the outside in: `chain` is the contract, `reads` and `neurons` what is asked, `sender` and `inclusion` how calls
get into blocks, `link` which endpoint, `line` the thread that owns a connection, and `session` the requests themselves.
"""

from __future__ import annotations

from subnet.chain.client.chain import PUBLIC_GENESES, SubstrateChain
from subnet.chain.client.forecast import Forecast
from subnet.chain.client.link import Deadlines

__all__ = ["Deadlines", "Forecast", "PUBLIC_GENESES", "SubstrateChain"]
