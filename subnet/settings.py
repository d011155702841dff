# SPDX-License-Identifier: Apache-2.0
"""What an operator can set, and where each value came from.

A value is looked for on the command line, in the environment, in the project's file and in the user's file; the first
that names it decides, and where none does the default holds. Nothing but this module and `subnet.sources` reads
configuration: everything else is handed what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from subnet import sources
from subnet.sections import (
    ChainSettings,
    GatewaySettings,
    LocalSettings,
    LogSettings,
    MinerSettings,
    PathSettings,
    Section,
    SimulationSettings,
    ValidatorSettings,
)
from subnet.sources import Kinds, Layer, Source

__all__ = [
    "ChainSettings",
    "GatewaySettings",
    "LocalSettings",
    "LogSettings",
    "MinerSettings",
    "PathSettings",
    "Resolved",
    "Section",
    "Setting",
    "Settings",
    "SimulationSettings",
    "ValidatorSettings",
    "catalogue",
    "load",
    "plain",
    "sections",
    "within",
]


BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class Settings(BaseSettings):
    """All settings: the first of the layers that names a value decides, and without any the defaults hold."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    local: LocalSettings = LocalSettings()
    validator: ValidatorSettings = ValidatorSettings()
    gateway: GatewaySettings = GatewaySettings()
    miner: MinerSettings = MinerSettings()
    chain: ChainSettings = ChainSettings()
    log: LogSettings = LogSettings()
    simulation: SimulationSettings = SimulationSettings()
    paths: PathSettings = PathSettings()

    def __init__(self, *layers: PydanticBaseSettingsSource) -> None:
        super().__init__(_build_sources=(layers, {}))


class Resolved(NamedTuple):
    """The settings that hold, and the source of each by its dotted name."""

    settings: Settings
    sources: dict[str, Source]


class Setting(NamedTuple):
    """One setting as help, documentation and a fresh file describe it."""

    section: str
    name: str
    kind: Any
    default: Any
    bounds: str
    about: str

    @property
    def is_secret(self) -> bool:
        """Whether its value must not be seen."""
        return "Secret" in str(self.kind)

    @property
    def variable(self) -> str:
        """What it is called in the environment."""
        return sources.variable(self.section, self.name)


def sections(model: type[Settings] = Settings) -> Kinds:
    """The sections by name."""
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def catalogue(model: type[Settings] = Settings) -> dict[str, Setting]:
    """Every setting by its dotted name, section by section."""
    return {
        f"{section}.{name}": Setting(
            section, name, field.annotation, field.default, _bounds(field), field.description or ""
        )
        for section, kind in sections(model).items()
        for name, field in kind.model_fields.items()
    }


def within(section: str) -> list[Setting]:
    """The settings of one section."""
    return [setting for setting in catalogue().values() if setting.section == section]


def load(flags: Mapping[str, Mapping[str, Any]] | None = None, model: type[Settings] = Settings) -> Resolved:
    """Ask every source; `flags` are the values that a command line gives, by section and name."""
    kinds, files = sections(model), sources.files()
    layers = [
        sources.flags(flags or {}, kinds),
        sources.environment(kinds),
        *([sources.file("project", files.project, kinds)] if files.project else []),
        sources.file("user", files.user, kinds),
        _defaults(files.folder, model),
    ]
    settings = model(*(InitSettingsSource(model, layer.values) for layer in layers))
    origins: dict[str, Source] = {}
    for layer in layers:
        origins = layer.sources | origins
    return Resolved(settings, {name: origins[name] for name in catalogue(model)})


def plain(value: object) -> str | int | float | bool:
    """A value as it may be shown: what JSON and TOML can carry, and of a secret only that there is one."""
    if isinstance(value, SecretStr | SecretBytes):
        return "***" if value.get_secret_value() else ""
    return value if isinstance(value, str | int | float | bool) else str(value)


def _defaults(folder: Path, model: type[Settings]) -> Layer:
    layer = Layer({}, {})
    for dotted, setting in catalogue(model).items():
        default = folder / setting.default if isinstance(setting.default, Path) else setting.default
        layer.values.setdefault(setting.section, {})[setting.name] = default
        layer.sources[dotted] = Source("default")
    return layer


def _bounds(field: FieldInfo) -> str:
    told = [
        f"{words} {limit}"
        for rule, words in BOUNDS.items()
        for limit in (getattr(constraint, rule, None) for constraint in field.metadata)
        if limit is not None
    ]
    return ", ".join(told)
