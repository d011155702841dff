# SPDX-License-Identifier: Apache-2.0
"""The dials of a subnet: how it is paced, who may join, how weights become rewards.

One line a dial says its name, its type, who may turn it and what it does; the default is the line's value. `TABLE`,
validation, `to_dict` and the reference page are all read off these lines. Numbers are the chain's own: a fraction such
as kappa is a count of 1/65535ths, and `fraction` says what it amounts to.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias, get_type_hints

from protocols.errors import InvalidHyperparameter, UnknownHyperparameter

__all__ = ["Hyperparameter", "Hyperparameters", "Kind", "Setter", "TABLE", "Value", "described"]

Value: TypeAlias = bool | int | float | str
Setter: TypeAlias = Literal["owner", "root", "nobody"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of the chain's storage, with what it can hold."""

    name: str
    python: type[bool] | type[int] | type[float] | type[str]
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """What there is to know about one dial."""

    kind: Kind
    setter: Setter
    """Who may set it; whatever an owner may set, root may set too."""
    doc: str
    low: float = field(default=-math.inf, kw_only=True)
    """The lowest value that the chain's setter takes, where that is narrower than the type."""
    high: float = field(default=math.inf, kw_only=True)
    created: Value | None = field(default=None, kw_only=True)
    """What the chain writes when a subnet is created, where that is not the default."""
    scale: int = field(default=1, kw_only=True)
    """The value that stands for one."""
    storage: str = field(default="", kw_only=True)
    """The chain's name for it; the name in CamelCase unless told."""
    name: str = field(default="", kw_only=True)
    default: Value = field(default=0, kw_only=True)

    def storable(self, value: object) -> Value:
        """Return the value if the chain's storage can hold it."""
        return self._within(value, self.kind.low, self.kind.high)

    def settable(self, value: object) -> Value:
        """Return the value if the chain would let somebody set it."""
        return self._within(value, max(self.low, self.kind.low), min(self.high, self.kind.high))

    def _within(self, value: object, low: float, high: float) -> Value:
        if self.kind.python is float and type(value) is int:
            value = float(value)
        if not isinstance(value, bool | int | float | str) or type(value) is not self.kind.python:
            raise InvalidHyperparameter(
                f"{self.name} is of type {self.kind.name}, got {value!r}", help=self._hint(value)
            )
        if isinstance(value, str):
            if value not in self.kind.choices:
                raise InvalidHyperparameter(f"{self.name} is one of {', '.join(self.kind.choices)}, got {value!r}")
        elif not low <= value <= high:  # also refuses nan
            raise InvalidHyperparameter(f"{self.name} lies between {low} and {high}, got {value}")
        return value

    def _hint(self, value: object) -> str | None:
        if self.scale > 1 and isinstance(value, float) and 0 <= value <= 1:
            return f"it counts 1/{self.scale}: {value} is {int(value * self.scale)}"
        return None


_BOOL: Final = Kind("bool", bool)
_U8: Final = Kind("u8", int, 0, 2**8 - 1)
_U16: Final = Kind("u16", int, 0, 2**16 - 1)
_I16: Final = Kind("i16", int, -(2**15), 2**15 - 1)
_U32: Final = Kind("u32", int, 0, 2**32 - 1)
_U64: Final = Kind("u64", int, 0, 2**64 - 1)
_U64F64: Final = Kind("U64F64", float, 0, 2.0**64)
_I96F32: Final = Kind("I96F32", float, -(2.0**95), 2.0**95)
_BURN: Final = Kind("RecycleOrBurnEnum", str, choices=("Burn", "Recycle"))
_PER_U16: Final = 2**16 - 1
_ALPHA_LOW: Final = 1638
_H: TypeAlias = Hyperparameter


# fmt: off
@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """All dials of one subnet, immutable; a value that the chain cannot hold is refused."""

    # Pace
    tempo: Annotated[int, _H(_U16, "owner", "blocks between epochs, 0 for none; an owner: 360 to 50400")] = 360
    activity_cutoff_factor_milli: Annotated[int, _H(_U32, "owner",
        "thousandths of a tempo until a silent validator is inactive", low=1000, high=50_000, scale=1000)] = 13_889
    activity_cutoff: Annotated[int, _H(_U16, "owner", "the same in blocks, on older runtimes", low=360)] = 5000
    # Consensus
    rho: Annotated[int, _H(_U16, "owner", "steepness of trust on older runtimes; no effect today")] = 10
    kappa: Annotated[int, _H(_U16, "root", "share of stake that must agree on a weight", scale=_PER_U16)] = 32_767
    yuma3_on: Annotated[bool, _H(_BOOL, "owner", "bonds by Yuma 3", created=True)] = False
    bonds_moving_average: Annotated[int, _H(_U64, "owner",
        "share of old bonds kept each epoch; an owner: up to 975000", scale=10**6)] = 900_000
    bonds_penalty: Annotated[int, _H(_U16, "owner", "how far bonds follow clipped weights", scale=_PER_U16)] = 65_535
    bonds_reset_on: Annotated[bool, _H(_BOOL, "owner", "a miner may ask for its bonds to be reset")] = False
    liquid_alpha_on: Annotated[bool, _H(_BOOL, "owner", "bonds move at a speed that depends on agreement")] = False
    alpha_low: Annotated[int, _H(_U16, "owner",
        "slowest bond speed under liquid alpha", low=_ALPHA_LOW, scale=_PER_U16, storage="AlphaValues")] = 45_875
    alpha_high: Annotated[int, _H(_U16, "owner",
        "fastest bond speed under liquid alpha", low=_ALPHA_LOW, scale=_PER_U16, storage="AlphaValues")] = 58_982
    alpha_sigmoid_steepness: Annotated[int, _H(_I16, "owner",
        "slope from slowest to fastest, in hundredths; an owner: from 0", scale=100)] = 1000
    # Weights
    weights_version_key: Annotated[int, _H(_U64, "owner", "weights with a lower version key are refused")] = 0
    weights_set_rate_limit: Annotated[int, _H(_U64, "root", "blocks between two weight settings of a validator")] = 100
    min_allowed_weights: Annotated[int, _H(_U16, "owner", "fewest uids a validator must weigh", created=1)] = 1024
    max_weights_limit: Annotated[int, _H(_U16, "nobody", "largest share one uid may get", scale=_PER_U16)] = 65_535
    commit_reveal_weights_enabled: Annotated[bool, _H(_BOOL, "owner",
        "weights are committed first and revealed later")] = True
    reveal_period_epochs: Annotated[int, _H(_U64, "owner", "epochs from commit to reveal", low=1, high=100)] = 1
    # Places
    max_allowed_uids: Annotated[int, _H(_U16, "owner", "places for neurons", high=256)] = 256
    min_allowed_uids: Annotated[int, _H(_U16, "root", "places that cannot be trimmed away")] = 64
    max_allowed_validators: Annotated[int, _H(_U16, "root", "places with a validator permit", created=64)] = 128
    immunity_period: Annotated[int, _H(_U16, "owner",
        "blocks for which a new neuron is not pruned", created=5000)] = 4096
    min_non_immune_uids: Annotated[int, _H(_U16, "root", "neurons that stay prunable even in immunity")] = 10
    immune_owner_uids_limit: Annotated[int, _H(_U16, "owner",
        "owner's neurons that are never pruned", low=1, high=10)] = 1
    validator_prune_len: Annotated[int, _H(_U64, "nobody", "unused")] = 1
    scaling_law_power: Annotated[int, _H(_U16, "nobody", "unused")] = 50
    serving_rate_limit: Annotated[int, _H(_U64, "owner", "blocks between two announcements of an address")] = 50
    # Registration
    network_registration_allowed: Annotated[bool, _H(_BOOL, "root", "neurons may register by burning tao")] = True
    network_pow_registration_allowed: Annotated[bool, _H(_BOOL, "root",
        "neurons may register by work, on older runtimes")] = True
    burn: Annotated[int, _H(_U64, "nobody", "present price of a place, in rao; moves by itself", created=10**9)] = 10**8
    min_burn: Annotated[int, _H(_U64, "owner", "lowest price of a place, in rao", high=10**9 - 1)] = 500_000
    max_burn: Annotated[int, _H(_U64, "owner", "highest price of a place, in rao", low=10**8 + 1)] = 10**11
    burn_half_life: Annotated[int, _H(_U16, "owner", "blocks in which the price halves", low=1, high=36_100)] = 360
    burn_increase_mult: Annotated[float, _H(_U64F64, "owner",
        "factor on the price after a registration", low=1, high=3)] = 1.26
    adjustment_interval: Annotated[int, _H(_U16, "root", "blocks between price adjustments, on older runtimes")] = 100
    adjustment_alpha: Annotated[int, _H(_U64, "owner",
        "share of the old price kept, on older runtimes", scale=2**64 - 1)] = 0
    target_registrations_per_interval: Annotated[int, _H(_U16, "root", "registrations aimed at, on older runtimes")] = 2
    max_registrations_per_block: Annotated[int, _H(_U16, "root", "registrations in a block, on older runtimes")] = 1
    difficulty: Annotated[int, _H(_U64, "root", "present work for a place, on older runtimes")] = 10**7
    min_difficulty: Annotated[int, _H(_U64, "root", "least work for a place, on older runtimes")] = 10**7
    max_difficulty: Annotated[int, _H(_U64, "owner", "most work for a place, on older runtimes")] = 2**62 - 1
    # Money
    subtoken_enabled: Annotated[bool, _H(_BOOL, "root",
        "alpha can be staked and earned; starting the subnet turns it on")] = False
    subnet_emission_enabled: Annotated[bool, _H(_BOOL, "root",
        "the chain puts tao into the subnet's pool", created=False)] = True
    transfer_toggle: Annotated[bool, _H(_BOOL, "owner", "alpha can be transferred")] = True
    owner_cut_enabled: Annotated[bool, _H(_BOOL, "owner", "the owner takes a share of emission")] = True
    owner_cut_auto_lock_enabled: Annotated[bool, _H(_BOOL, "owner",
        "the owner's share is locked as it arrives")] = False
    recycle_or_burn: Annotated[str, _H(_BURN, "owner",
        "what becomes of miner emission to the owner's neurons")] = "Burn"
    min_childkey_take_per_subnet: Annotated[int, _H(_U16, "owner",
        "least take of a child hotkey", high=11_796, scale=_PER_U16)] = 0
    mechanism_count_current: Annotated[int, _H(_U8, "owner", "weight matrices of the subnet", low=1, high=2)] = 1
    ema_price_halving_blocks: Annotated[int, _H(_U64, "root",
        "pace at which the moving price follows the price", storage="EMAPriceHalvingBlocks")] = 201_600
    # fmt: on

    def __post_init__(self) -> None:
        for name, row in TABLE.items():
            object.__setattr__(self, name, row.storable(getattr(self, name)))

    @classmethod
    def defaults(cls) -> Hyperparameters:
        """What the chain reads where nothing was ever written."""
        return cls()

    @classmethod
    def of_new_subnet(cls) -> Hyperparameters:
        """What a subnet has when it was just created."""
        return cls.from_dict({name: row.created for name, row in TABLE.items() if row.created is not None})

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Hyperparameters:
        """Read what a chain holds, or `to_dict` wrote; names that are missing have their defaults.

        Only the storage type limits a value here: a chain may hold what its present rules would no longer let in.
        """
        for name in values:
            described(name)
        return cls(**values)  # type: ignore[arg-type]  # each value is checked as it is stored

    def to_dict(self) -> dict[str, Value]:
        """All values by name, ready for JSON or TOML."""
        return {name: getattr(self, name) for name in TABLE}

    def replace(self, changes: Mapping[str, Value]) -> Hyperparameters:
        """Turn some dials, as far as the chain would let somebody: `hyperparameters.replace({"tempo": 20})`."""
        for name, value in changes.items():
            described(name).settable(value)
        changed = self.from_dict({**self.to_dict(), **changes})
        for low, relation, high in _ORDER:
            least, most = getattr(changed, low), getattr(changed, high)
            if {low, high} & changes.keys() and not _RELATIONS[relation](least, most):
                raise InvalidHyperparameter(f"{low} {relation} {high} must hold, got {least} and {most}")
        return changed

    def fraction(self, name: str) -> float:
        """What a number amounts to: kappa's 32767 is 0.49999."""
        value = getattr(self, described(name).name)
        if isinstance(value, str):
            raise InvalidHyperparameter(f"{name} is a choice, not a number: it is {value!r}")
        return float(value / TABLE[name].scale)


def described(name: str) -> Hyperparameter:
    """Return what there is to know about the hyperparameter of this name."""
    row = TABLE.get(name)
    if row is None:
        close = difflib.get_close_matches(name, TABLE, n=1)
        hint = f"did you mean {close[0]}?" if close else None
        raise UnknownHyperparameter(f"no hyperparameter is named {name[:60]!r}", help=hint)
    return row


def _read_rows() -> dict[str, Hyperparameter]:
    hints = get_type_hints(Hyperparameters, include_extras=True)
    rows: dict[str, Hyperparameter] = {}
    for line in dataclasses.fields(Hyperparameters):
        (row,) = hints[line.name].__metadata__
        storage = row.storage or "".join(word.capitalize() for word in line.name.split("_"))
        rows[line.name] = dataclasses.replace(row, name=line.name, storage=storage, default=line.default)
    return rows


TABLE: Final[Mapping[str, Hyperparameter]] = MappingProxyType(_read_rows())
"""Every hyperparameter by name."""

_RELATIONS: Final = {"<": operator.lt, "<=": operator.le}
_ORDER: Final = (
    ("alpha_low", "<=", "alpha_high"),
    ("min_burn", "<", "max_burn"),
    ("min_allowed_uids", "<", "max_allowed_uids"),
    ("max_allowed_validators", "<=", "max_allowed_uids"),
)
