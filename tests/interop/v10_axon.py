# SPDX-License-Identifier: Apache-2.0
"""A real bittensor 10.5.0 axon as //Bob on 127.0.0.1; says where it is and what version it would publish, and serves
until its input ends.

Run as `python -m tests.interop.v10_axon` by the Python that has it.
"""

from __future__ import annotations

import functools
import socket
from types import SimpleNamespace
from typing import Tuple  # noqa: UP035 - attach() takes only this spelling

from tests.interop.v10_synapses import ELSEWHERE, Ask, Barred, Channel, Chat, Kinds, mend  # first: it readies bittensor

from bittensor.core.axon import Axon  # isort: skip
from bittensor.core.settings import version_as_int  # isort: skip
from bittensor_wallet import Keypair  # type: ignore[import-not-found] # isort: skip


def answer_ask(synapse: Ask) -> Ask:
    """Upper case; also tries what no client may let it do: change the question."""
    if synapse.prompt == "fail":
        raise RuntimeError("the secret of the miner")
    synapse.text = synapse.prompt.upper()[: synapse.max_tokens]
    synapse.prompt = "never asked"
    return synapse


def answer_chat(synapse: Chat) -> Chat:
    """Says who asked, as far as a v10 handler can tell."""
    synapse.text = f"{synapse.dendrite.hotkey}: {' '.join(synapse.messages)}"
    return synapse


def answer_barred(synapse: Barred) -> Barred:
    """Never called."""
    return synapse


def bar(synapse: Barred) -> tuple[bool, str]:
    """Blacklist everyone."""
    return True, "nobody may"


def answer_kinds(synapse: Kinds) -> Kinds:
    """Says what arrived, as Python writes it."""
    synapse.text = repr((synapse.word, synapse.real, synapse.pair, synapse.deep))
    return synapse


def main() -> None:
    """Serve until the test closes its end."""
    channel = Channel()
    mend()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    keypair = Keypair.create_from_uri("//Bob")
    axon = Axon(wallet=SimpleNamespace(hotkey=keypair, coldkeypub=keypair), port=port, external_ip=ELSEWHERE)
    for answer, kind in ((answer_ask, Ask), (answer_chat, Chat), (answer_kinds, Kinds)):
        # attach() reads annotations without resolving strings.
        answer.__annotations__ = {"synapse": kind, "return": kind}
        axon.attach(forward_fn=answer)
    answer_barred.__annotations__ = {"synapse": Barred, "return": Barred}
    bar.__annotations__ = {"synapse": Barred, "return": Tuple[bool, str]}  # noqa: UP006
    axon.attach(forward_fn=answer_barred, blacklist_fn=bar)
    # As shipped it would listen on 0.0.0.0, whatever it is told.
    axon.fast_server.run = functools.partial(axon.fast_server.run, [listener])
    axon.start()
    channel.say({"port": port, "hotkey": keypair.ss58_address, "version": version_as_int})
    for _ in channel.commands():
        pass


if __name__ == "__main__":
    main()
