# SPDX-License-Identifier: Apache-2.0
"""All questions about networks, neurons, stake and prices in one place.

The runtime lists them beside those that every Substrate chain answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from subnet.chain.node.apis.baskets import BetaBasketRuntimeApi
from subnet.chain.node.apis.delegates import DelegateInfoRuntimeApi
from subnet.chain.node.apis.neurons import NeuronInfoRuntimeApi
from subnet.chain.node.apis.stake import StakeInfoRuntimeApi
from subnet.chain.node.apis.subnets import SubnetInfoRuntimeApi
from subnet.chain.node.apis.swap import SubnetRegistrationRuntimeApi, SwapRuntimeApi
from subnet.chain.node.frame.pallet import RuntimeApi

if TYPE_CHECKING:
    from subnet.chain.node.pallets.commitments import Commitments
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["subtensor_apis"]


def subtensor_apis(chain: SubtensorModule, commitments: Commitments) -> tuple[RuntimeApi, ...]:
    """All of them, in the chain's order."""
    return (
        DelegateInfoRuntimeApi(chain),
        NeuronInfoRuntimeApi(chain),
        SubnetInfoRuntimeApi(chain, commitments),
        StakeInfoRuntimeApi(chain),
        SubnetRegistrationRuntimeApi(chain),
        SwapRuntimeApi(chain),
        BetaBasketRuntimeApi(),
    )
