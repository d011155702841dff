# SPDX-License-Identifier: Apache-2.0
"""Dividends go to the stake that voted: from a validator to the parents who lent it stake, then to alpha and to root.

The amounts here are claims, not money: only their proportions count when the two pots are shared out. That is why
a childkey's take and the burn are subtracted from claims, and why rounding here costs nobody more than its share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from incentive.emission.accounts import Accounts
from incentive.emission.rao import HIGHEST, Account, amount
from incentive.emission.stake import Stakes
from incentive.fixed import U96F32

__all__ = ["Claims", "FamilyShares", "family_shares", "shares_of", "split_claims"]


@dataclass(frozen=True, slots=True)
class FamilyShares:
    """What a validator's dividend comes to for each parent and, last, for itself; and what is burned on the way."""

    shares: tuple[tuple[Account, int], ...]
    burned: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """U96F32 bits of each hotkey's claim on the alpha pot and on the root pot."""

    alpha: Mapping[Account, int]
    root: Mapping[Account, int]


def family_shares(accounts: Accounts, hotkey: Account, dividend: int) -> FamilyShares:
    """A validator's dividend, divided by who lent the stake; the child keeps its take of strangers' parts."""
    stakes = accounts.stakes
    lent = [(link.parent, _contribution(stakes, link.parent, link.part)) for link in stakes.parents(hotkey)]
    whole = U96F32.saturate(U96F32.of(_own_contribution(stakes, hotkey)) + sum(part for _, part in lent))
    total = remaining = U96F32.of(amount("dividend", dividend))
    taken, shares, burned = 0, [], []
    for parent, contribution in lent:
        part = U96F32.multiply(total, U96F32.divide(contribution, whole))
        remaining = U96F32.saturate(remaining - part)
        if accounts.owners[parent] != accounts.owners[hotkey]:
            burn = U96F32.multiply(accounts.burn, part)
            take = U96F32.multiply(accounts.childkey_take(hotkey), part)
            part = U96F32.saturate(U96F32.saturate(part - burn) - take)
            taken += take
            burned.append(U96F32.floor(burn))
        shares.append((parent, U96F32.floor(part)))
    shares.append((hotkey, min(U96F32.floor(U96F32.saturate(remaining + taken)), HIGHEST)))
    return FamilyShares(tuple(shares), tuple(burned))


def split_claims(stakes: Stakes, dividends: Mapping[Account, int]) -> Claims:
    """Each hotkey's dividend, divided between its alpha and its TAO on root, the latter at the TAO weight."""
    alpha, root = {}, {}
    for hotkey, dividend in dividends.items():
        own = U96F32.of(stakes.alpha.get(hotkey, 0))
        weighed = U96F32.multiply(U96F32.of(stakes.root.get(hotkey, 0)), stakes.tau)
        claim = U96F32.of(amount("dividend", dividend))
        root[hotkey] = U96F32.multiply(claim, U96F32.divide(weighed, U96F32.saturate(own + weighed)))
        alpha[hotkey] = claim - root[hotkey]
    return Claims(alpha, root)


def shares_of(pot: int, claims: Mapping[Account, int]) -> dict[Account, int]:
    """The U96F32 bits of each claim's share of a pot in rao; nothing to anyone where there are no claims."""
    whole, total = U96F32.of(amount("pot", pot)), U96F32.saturate(sum(claims.values()))
    return {hotkey: U96F32.multiply(whole, U96F32.divide(claim, total)) for hotkey, claim in claims.items()}


def _contribution(stakes: Stakes, hotkey: Account, part: int) -> int:
    alpha = U96F32.multiply(U96F32.of(stakes.alpha.get(hotkey, 0)), part)
    root = U96F32.multiply(U96F32.multiply(U96F32.of(stakes.root.get(hotkey, 0)), part), stakes.tau)
    return U96F32.saturate(alpha + root)


def _own_contribution(stakes: Stakes, hotkey: Account) -> int:
    kept = U96F32.saturate(U96F32.one - sum(link.part for link in stakes.children(hotkey)))
    return min(U96F32.floor(_contribution(stakes, hotkey, kept)), HIGHEST)
