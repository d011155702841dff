# SPDX-License-Identifier: Apache-2.0
"""Buying a place on a subnet: the one act of a miner's life that needs a coldkey, in a program of its own.

The price is looked at first and held against a limit, since it may double while somebody types; the chain is asked what
would come of the call, and only then is it signed.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Any

from protocols.balance import Balance
from protocols.calls import Register
from protocols.chain import Chain
from protocols.errors import PriceTooHigh, RegistrationFailed
from protocols.keys import Signer, short
from protocols.types import Hotkey, NetUid, Ss58
from subnet.chain.client import SubstrateChain
from subnet.chain.connect import connect
from subnet.settings import ChainSettings
from subnet.wallet import Wallet, chosen, signing_key, source

__all__ = ["Offer", "offer", "register", "register_apart", "registered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a place costs now, and whether the coldkey can pay it."""

    hotkey: Hotkey
    uid: int | None
    """The uid that the hotkey has already; then there is nothing to buy."""
    price: Balance
    balance: Balance

    def text(self) -> str:
        """The offer as a person reads it."""
        if self.uid is not None:
            return f"hotkey {short(self.hotkey)} is registered with uid {self.uid}"
        return f"a place for hotkey {short(self.hotkey)} costs {self.price}, the coldkey has {self.balance}"

    def to_json(self) -> dict[str, Any]:
        """The offer as a program reads it."""
        amounts = {"price": self.price.rao, "balance": self.balance.rao}
        return {"hotkey": self.hotkey, "registered": self.uid is not None, "uid": self.uid, **amounts}


async def offer(chain: Chain, netuid: NetUid, hotkey: Hotkey, coldkey: str) -> Offer:
    """Look at the price and the purse; nothing is signed."""
    metagraph = await chain.metagraph(netuid)
    return Offer(
        hotkey=hotkey,
        uid=int(metagraph.uid_of(hotkey)) if hotkey in metagraph else None,
        price=Balance((await chain.hyperparameters(netuid)).burn),
        balance=await chain.balance(Ss58(coldkey)),
    )


async def register(chain: Chain, netuid: NetUid, hotkey: Hotkey, coldkey: Signer, most: Balance) -> Offer:
    """Buy a place unless the hotkey has one; `PriceTooHigh` beyond the limit or the purse, else what the chain says."""
    found = await offer(chain, netuid, hotkey, coldkey.ss58_address)
    if found.uid is not None:
        return found
    for limit, whose in ((most, "at most so much was to be paid"), (found.balance, "the coldkey has that much")):
        if found.price.rao > limit.rao:
            raise PriceTooHigh(f"a place on subnet {netuid} costs {found.price}, expected {limit} or less: {whose}")
    receipt = (await chain.submit(Register(netuid, hotkey), coldkey)).raise_for_error()
    await chain.wait_for_block(receipt.block)
    return await offer(chain, netuid, hotkey, coldkey.ss58_address)


async def registered(settings: ChainSettings, most: float, password_from: str, *, dry_run: bool) -> Offer:
    """Open the chain and look at the offer; unless this is only a look, or there is nothing to buy, take it."""
    chain, netuid = await connect(settings.network), NetUid(settings.netuid)
    try:
        coldkey: Signer | None = None
        if settings.key.startswith("//"):
            hot = signing_key(settings.key, chain)
            # Of a development key everything is public, and one is its own owner.
            coldkey, hotkey, owner = hot, Hotkey(hot.ss58_address), hot.ss58_address
        else:
            wallet = _wallet(settings.key)
            hotkey, owner = wallet.hotkeypub(), wallet.coldkeypub()
        found = await offer(chain, netuid, hotkey, owner)
        if dry_run or found.uid is not None:
            return found
        signer = coldkey or wallet.coldkey(source(password_from, chosen))
        return await register(chain, netuid, hotkey, signer, Balance.tao(str(most)))
    finally:
        if isinstance(chain, SubstrateChain):
            await chain.close()


async def register_apart(settings: ChainSettings, most: float) -> None:
    """Do the same in a process of its own, so that this one never holds a coldkey; its prompts reach the terminal."""
    words = ["miner", "register", "--network", settings.network, "--netuid", str(settings.netuid)]
    words += ["--key", settings.key, "--most", str(most)]
    # What it prints is for people; this process alone writes to stdout.
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "subnet", *words, stdout=sys.stderr)
    if code := await process.wait():
        raise RegistrationFailed(f"the hotkey could not be registered, exit code {code}; see the lines above")


def _wallet(word: str) -> Wallet:
    name, _, hotkey = word.partition("/")
    return Wallet.open(name, hotkey or "default")
