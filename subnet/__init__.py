# SPDX-License-Identifier: Apache-2.0
"""The facade: the few names that most programs need, `from subnet import Client, Server, Synapse`.

Names are resolved on first use, so that importing `subnet`, as each run of the command line does, costs next to
nothing and never drags in numpy or an HTTP stack that the program at hand does not touch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miners.miner import Miner
    from miners.options import MinerOptions
    from protocols.balance import Balance
    from protocols.client import Client, ClientOptions, Outcome, Peer
    from protocols.clock import Clock
    from protocols.errors import SubnetError
    from protocols.judgement import Judgement
    from protocols.keys import Keypair
    from protocols.metagraph import Metagraph
    from protocols.replay import SqliteReplay
    from protocols.server import Context, Limits, Server, ServerOptions
    from protocols.spec import Subnet
    from protocols.synapse import Reply, Synapse
    from protocols.task import AnswerContext, Replies, Task, TaskContext
    from protocols.tensor import Tensor
    from validators.base import Validator
    from validators.options import ValidatorOptions

__version__ = "0.1.0"

__all__ = [
    "AnswerContext",
    "Balance",
    "Client",
    "ClientOptions",
    "Clock",
    "Context",
    "Judgement",
    "Keypair",
    "Limits",
    "Metagraph",
    "Miner",
    "MinerOptions",
    "Outcome",
    "Peer",
    "Replies",
    "Reply",
    "Server",
    "ServerOptions",
    "SqliteReplay",
    "Subnet",
    "SubnetError",
    "Synapse",
    "Task",
    "TaskContext",
    "Tensor",
    "Validator",
    "ValidatorOptions",
    "__version__",
]

_HOMES = {
    "AnswerContext": "protocols.task",
    "Balance": "protocols.balance",
    "Client": "protocols.client",
    "ClientOptions": "protocols.client",
    "Clock": "protocols.clock",
    "Context": "protocols.server",
    "Judgement": "protocols.judgement",
    "Keypair": "protocols.keys",
    "Limits": "protocols.server",
    "Metagraph": "protocols.metagraph",
    "Miner": "miners.miner",
    "MinerOptions": "miners.options",
    "Outcome": "protocols.client",
    "Peer": "protocols.client",
    "Replies": "protocols.task",
    "Reply": "protocols.synapse",
    "Server": "protocols.server",
    "ServerOptions": "protocols.server",
    "SqliteReplay": "protocols.replay",
    "Subnet": "protocols.spec",
    "SubnetError": "protocols.errors",
    "Synapse": "protocols.synapse",
    "Task": "protocols.task",
    "TaskContext": "protocols.task",
    "Tensor": "protocols.tensor",
    "Validator": "validators.base",
    "ValidatorOptions": "validators.options",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'subnet' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
