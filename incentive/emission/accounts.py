# SPDX-License-Identifier: Apache-2.0
"""Who is who on a subnet on the day it is paid: hotkeys by uid, their owners, their takes, the subnet's owner.

One frozen record instead of a chain's storage, so that a payment is a function of what can be printed and compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from incentive.emission.credit import Kind
from incentive.emission.rao import HIGHEST, Account, amount, fraction
from incentive.emission.stake import Stakes
from incentive.fixed import PROPORTION
from protocols.errors import OutOfRange

__all__ = ["Accounts", "DELEGATE_TAKE"]

DELEGATE_TAKE: Final = 11_796
"""What a validator keeps of its nominators' dividends where it never said otherwise, out of 65535: 18 %."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """A subnet's keys: `owners` maps each hotkey, parents included, to its coldkey; takes are out of 65535.

    `owner` and `owner_hotkey` are the subnet owner's two keys, absent where the chain has none. What miners of the
    owner earn is not paid but `withheld`: burned, or recycled. `destinations` names the hotkey on which a coldkey has
    its miners' incentive staked, where that is not the miner's own. `childkey_burn` is a part out of 2^64 - 1.
    """

    hotkeys: Sequence[Account]
    stakes: Stakes
    owners: Mapping[Account, Account]
    takes: Mapping[Account, int] = field(default_factory=dict)
    childkey_takes: Mapping[Account, int] = field(default_factory=dict)
    destinations: Mapping[Account, Account] = field(default_factory=dict)
    owner: Account | None = None
    owner_hotkey: Account | None = None
    withheld: Kind = Kind.BURNED
    childkey_burn: int = 0

    def __post_init__(self) -> None:
        """Refuse a hotkey that nobody owns and a take above the whole."""
        for hotkey in (*self.hotkeys, *(link.parent for link in self.stakes.links)):
            if hotkey not in self.owners:
                raise OutOfRange(f"hotkey {hotkey} has no owner, expected one coldkey for every hotkey")
        for hotkey, take in (*self.takes.items(), *self.childkey_takes.items()):
            amount(f"take of {hotkey}", take, highest=PROPORTION)
        if self.withheld not in (Kind.BURNED, Kind.RECYCLED):
            raise OutOfRange(f"withheld is {self.withheld.name}, expected BURNED or RECYCLED")
        amount("childkey_burn", self.childkey_burn)

    def take(self, hotkey: Account) -> int:
        """The U96F32 bits of what the hotkey's owner keeps of dividends."""
        return fraction(self.takes.get(hotkey, DELEGATE_TAKE), PROPORTION)

    def childkey_take(self, hotkey: Account) -> int:
        """The U96F32 bits of what the hotkey keeps of its parents' dividends."""
        return fraction(self.childkey_takes.get(hotkey, 0), PROPORTION)

    @property
    def burn(self) -> int:
        """The U96F32 bits of what is recycled of dividends that go to a parent of another owner."""
        return fraction(self.childkey_burn, HIGHEST)

    def is_owners(self, hotkey: Account) -> bool:
        """Whether the hotkey belongs to the subnet's owner, so that what it mines is withheld."""
        return hotkey == self.owner_hotkey or (self.owner is not None and self.owners[hotkey] == self.owner)
