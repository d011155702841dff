# SPDX-License-Identifier: Apache-2.0
"""How a chain begins: who has money, which subnets exist already, and by which rules it runs.

`Genesis()` has the public chain's rules and nobody in it. `Genesis.local()` is a chain to try things on: rich
development accounts, epochs every few blocks, cheap places, weights in the open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec

from incentive.emission.rao import HIGHEST
from protocols.balance import Balance
from protocols.errors import InvalidAmount, UnitMismatch
from protocols.hyperparameters import Hyperparameters, Value
from protocols.keys import Keypair
from protocols.types import Block, Coldkey, Hotkey, Ss58
from subnet.chain.memory.accounts import account
from subnet.chain.memory.places import NewNetwork, create, started
from subnet.chain.memory.state import ChainRules, Founding, State

__all__ = ["Genesis", "GenesisNetwork", "LOCAL_HYPERPARAMETERS", "found"]

LOCAL_HYPERPARAMETERS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "burn": 500_000,
        "burn_increase_mult": 1.0,
        "commit_reveal_weights_enabled": False,
        "immunity_period": 100,
        "min_non_immune_uids": 0,
        "serving_rate_limit": 1,
        "subnet_emission_enabled": True,
        "tempo": 10,
        "weights_set_rate_limit": 1,
    }
)
"""What a subnet of a local chain has instead of the public chain's values."""

_LOCAL_RULES: Final = ChainRules(
    network_lock_interval=Block(10),
    network_rate_limit=Block(0),
    freeze_window=Block(0),
    owner_rate_limit=0,
    loopback=True,
)
_DEVELOPERS: Final = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
_POOL: Final = Balance.tao(1000)
_RICH: Final = Balance.tao(100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisNetwork:
    """A subnet that is there from the beginning; `hotkey` is the owner's and holds uid 0."""

    owner: Coldkey
    hotkey: Hotkey
    name: str = ""
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    pool: Balance = _POOL
    """The tao in its pool, beside as much alpha."""
    is_started: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """The beginning of a chain; equal ones have equal hashes, and a `seed` tells apart what is otherwise equal."""

    accounts: Mapping[Ss58, Balance] = field(default_factory=dict)
    networks: tuple[GenesisNetwork, ...] = ()
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    """What every new subnet has, where that is not the public chain's."""
    rules: ChainRules = field(default_factory=ChainRules)
    root: Ss58 | None = None
    is_local: bool = True
    """Whether published development keys may sign."""
    seed: int = 0

    @classmethod
    def local(
        cls,
        *,
        accounts: Mapping[Ss58, Balance] | None = None,
        networks: tuple[GenesisNetwork, ...] = (),
        hyperparameters: Mapping[str, Value] | None = None,
        seed: int = 0,
    ) -> Genesis:
        """A chain to try things on; `//Alice` is root. What is given comes on top: `Genesis.local(seed=7)`."""
        developers = [Keypair.from_uri(f"//{name}").ss58_address for name in _DEVELOPERS]
        return cls(
            accounts={**{Ss58(address): _RICH for address in developers}, **(accounts or {})},
            networks=networks,
            hyperparameters={**LOCAL_HYPERPARAMETERS, **(hyperparameters or {})},
            rules=_LOCAL_RULES,
            root=Ss58(developers[0]),
            seed=seed,
        )

    @property
    def hash(self) -> str:
        """The hash of block 0, 0x-prefixed."""
        content = msgspec.json.encode(self, order="deterministic")
        return f"0x{hashlib.blake2b(content, digest_size=32).hexdigest()}"


def found(genesis: Genesis) -> State:
    """The state at block 0."""
    _check_accounts(genesis)
    Hyperparameters.from_dict(genesis.hyperparameters)
    founding = Founding(
        genesis=genesis.hash,
        is_local=genesis.is_local,
        root=genesis.root,
        rules=genesis.rules,
        hyperparameters=dict(genesis.hyperparameters),
    )
    balances = {address: amount.rao for address, amount in genesis.accounts.items()}
    in_pools = sum(network.pool.rao for network in genesis.networks)
    state = State(
        founding=founding,
        block=Block(0),
        minted=sum(balances.values()) + in_pools,
        balances=balances,
        last_lock=genesis.rules.network_lock,
    )
    for new in genesis.networks:
        planned = NewNetwork(new.owner, new.hotkey, new.pool.rao, new.name, dict(new.hyperparameters))
        state, netuid = create(state, planned)
        if new.is_started:
            state = state.with_network(started(state.network(netuid), state.block))
    return state


def _check_accounts(genesis: Genesis) -> None:
    keys = [key for new in genesis.networks for key in (new.owner, new.hotkey)]
    for address in (*genesis.accounts, *keys, *([genesis.root] if genesis.root else [])):
        account(address)
    amounts = [*genesis.accounts.values(), *(new.pool for new in genesis.networks)]
    for amount in amounts:
        if amount.netuid:
            raise UnitMismatch(f"a genesis holds tao, got {amount}")
    if (total := sum(amount.rao for amount in amounts)) > HIGHEST:
        raise InvalidAmount(f"a genesis holds {total} rao in all, expected at most {HIGHEST}")
