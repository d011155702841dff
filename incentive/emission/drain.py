# SPDX-License-Identifier: Apache-2.0
"""The epoch's payday: what has gathered since the last one leaves, and every rao of it has a receiver or a name.

Miners get what the epoch computed for them. Validators share two pots by their claims, one for alpha and one for TAO
on root, keep their take, and pass on the rest. Roundings and pots without a claim are left over, and are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from incentive.emission.accounts import Accounts
from incentive.emission.credit import Credit, Kind
from incentive.emission.dividends import family_shares, shares_of, split_claims
from incentive.emission.rao import Account, amount, amounts, fraction
from incentive.fixed import U96F32
from protocols.errors import WrongShape

__all__ = ["Payout", "Pending", "Unpaid", "drain"]


@dataclass(frozen=True, slots=True)
class Pending:
    """What has gathered on a subnet since its last epoch, in rao of alpha."""

    server: int
    validator: int
    root: int = 0
    owner_cut: int = 0

    def __post_init__(self) -> None:
        """Turn every amount into a plain integer, or refuse it by name."""
        for each in fields(self):
            object.__setattr__(self, each.name, amount(each.name, getattr(self, each.name)))

    @property
    def emission(self) -> int:
        """What the epoch divides between miners and validators."""
        return self.server + self.validator + self.root

    @property
    def total(self) -> int:
        """All that leaves the subnet's pending accounts."""
        return self.emission + self.owner_cut


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What was drained and reached nobody, in rao; it stays issued and belongs to no one.

    `server`: the miners' pot against what the epoch computed for them. Below zero, more was paid than drained: the
    pots of validators are fixed beforehand, and where the epoch gives miners more than half, nobody gives it up.
    `alpha`, `root`: the validators' pots; dust, or all of it where no stake of that kind has dividends.
    `owner_cut`: all of it where the subnet has no owner.
    """

    server: int
    alpha: int
    root: int
    owner_cut: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.server + self.alpha + self.root + self.owner_cut


@dataclass(frozen=True, slots=True)
class Payout:
    """Who got what: payments in the chain's order, the dividends after takes, and what reached nobody.

    `childkey_burned` was recycled from the subnet's alpha beside the pots, which were paid in full nevertheless.
    `miner_burned_bits` is the U96F32 part of the miners' incentive that was withheld.
    """

    credits: tuple[Credit, ...]
    alpha_dividends: Mapping[Account, int]
    root_dividends: Mapping[Account, int]
    miner_burned_bits: int
    childkey_burned: int
    unpaid: Unpaid

    @property
    def paid(self) -> int:
        """What was taken from the pots, withheld incentive included: with the unpaid, all that was drained."""
        return sum(credit.amount for credit in self.credits) - self.childkey_burned


def drain(pending: Pending, server: Sequence[int], validator: Sequence[int], accounts: Accounts) -> Payout:
    """Pay a subnet's pending emission by the epoch's amounts per uid: `server` to miners, `validator` for dividends."""
    server, validator = amounts("server", server), amounts("validator", validator)
    if not len(server) == len(validator) == len(accounts.hotkeys):
        lengths = f"{len(server)} and {len(validator)}"
        raise WrongShape(f"server and validator have {lengths} uids, expected {len(accounts.hotkeys)}")
    dividends, burns = _dividends(_by_hotkey(validator, accounts), accounts)
    claims = split_claims(accounts.stakes, dividends)
    # Where no miner has incentive, the validators share the miners' pot as well.
    for_miners, for_validators = (pending.server, 0) if any(server) else (0, pending.server)
    for_validators += pending.validator
    owner_cut = list(_pay_owner(pending.owner_cut, accounts))
    incentive = list(_pay_miners(_by_hotkey(server, accounts), accounts))
    alpha = list(_pay_dividends(shares_of(for_validators, claims.alpha), Kind.NOMINATORS, accounts))
    root = list(_pay_dividends(shares_of(pending.root, claims.root), Kind.ROOT, accounts))
    withheld = sum(credit.amount for credit in incentive if credit.kind == accounts.withheld)
    return Payout(
        credits=(*burns, *owner_cut, *incentive, *alpha, *root),
        alpha_dividends=_after_takes(alpha),
        root_dividends=_after_takes(root),
        miner_burned_bits=fraction(withheld, sum(server)),
        childkey_burned=_total(burns),
        unpaid=Unpaid(
            server=for_miners - _total(incentive),
            alpha=for_validators - _total(alpha),
            root=pending.root - _total(root),
            owner_cut=pending.owner_cut - _total(owner_cut),
        ),
    )


def _by_hotkey(amounts: Sequence[int], accounts: Accounts) -> list[tuple[Account, int]]:
    return sorted(zip(accounts.hotkeys, amounts, strict=True))


def _dividends(
    validators: Sequence[tuple[Account, int]], accounts: Accounts
) -> tuple[dict[Account, int], list[Credit]]:
    dividends: dict[Account, int] = {}
    burns: list[Credit] = []
    for hotkey, earned in validators:
        family = family_shares(accounts, hotkey, earned)
        for member, share in family.shares:
            dividends[member] = dividends.get(member, 0) + share
        burns += (Credit(Kind.RECYCLED, burned) for burned in family.burned if burned)
    return dividends, burns


def _pay_owner(owner_cut: int, accounts: Accounts) -> Iterator[Credit]:
    if accounts.owner is not None and accounts.owner_hotkey is not None:
        yield Credit(Kind.STAKE, owner_cut, accounts.owner_hotkey, accounts.owner)


def _pay_miners(incentives: Sequence[tuple[Account, int]], accounts: Accounts) -> Iterator[Credit]:
    for hotkey, incentive in incentives:
        coldkey = accounts.owners[hotkey]
        if not accounts.is_owners(hotkey):
            yield Credit(Kind.STAKE, incentive, accounts.destinations.get(coldkey, hotkey), coldkey)
        elif incentive:
            yield Credit(accounts.withheld, incentive)


def _pay_dividends(shares: Mapping[Account, int], kind: Kind, accounts: Accounts) -> Iterator[Credit]:
    for hotkey, share in sorted(shares.items()):
        take = U96F32.multiply(accounts.take(hotkey), share)
        yield Credit(Kind.STAKE, U96F32.floor(take), hotkey, accounts.owners[hotkey])
        yield Credit(kind, U96F32.floor(share - take), hotkey)


def _after_takes(dividends: Sequence[Credit]) -> dict[Account, int]:
    return {credit.hotkey: credit.amount for credit in dividends if credit.kind != Kind.STAKE}


def _total(credits: Sequence[Credit]) -> int:
    return sum(credit.amount for credit in credits)
