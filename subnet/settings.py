# SPDX-License-Identifier: Apache-2.0
"""What an operator can set, and where each value came from.

A value is looked for on the command line, in the environment, in the project's file and in the user's file; the first
that names it decides, and where none does the default holds. Nothing but this module and `subnet.sources` reads
configuration: everything else is handed what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from subnet import sources
from subnet.sources import Kinds, Layer, Source

__all__ = [
    "ChainSettings",
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


class Section(BaseModel):
    """Settings that belong together: a table of a file, and a group of flags of each command that takes it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


class LocalSettings(Section):
    """The network that runs whole on this machine."""

    miners: str = Field(default="good:3,weak:1,copier:2,silent:1,constant:1", min_length=1)
    """Miners to start, as name:number; there are good, weak, copier, sybil, constant and silent ones."""
    validators: str = Field(default="honest:3", min_length=1)
    """Validators to start, as name:number; there are honest ones."""
    seed: int = Field(default=0, ge=0)
    """Where all randomness begins; the same seed gives the same run."""
    epochs: int = Field(default=0, ge=0)
    """Epochs after which the network stops; 0 lets it run until it is stopped."""
    model: Literal["auto", "bundled", "toy"] = "auto"
    """What miners work with: bundled models, toys, or auto: models where torch is, and toys in lockstep."""
    tempo: int = Field(default=20, ge=1, le=65_535)
    """Blocks from one epoch to the next."""
    block_time: float = Field(default=0.25, gt=0, le=3600, allow_inf_nan=False)
    """Seconds from one block to the next."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address that the miners listen on; the chain is on loopback, whatever this says."""
    rpc_port: int = Field(default=9944, ge=0, le=65_535)
    """Port that tools reach the chain at; 0 takes any that is free, and so does 9944 where it is taken."""


class ValidatorSettings(Section):
    """A validator."""

    interval: float = Field(default=12.0, gt=0, allow_inf_nan=False)
    """Seconds from the start of one round to the start of the next."""
    sample: int = Field(default=16, ge=1)
    """Miners asked in a round; where there are fewer, all are."""
    deadline: float = Field(default=12.0, gt=0, allow_inf_nan=False)
    """Seconds that a miner has for its whole answer."""


class ChainSettings(Section):
    """The chain that a miner or a validator works on, and who it is there."""

    network: str = Field(default="local", min_length=1)
    """The chain: local, test, finney, or its URL."""
    netuid: int = Field(default=1, ge=0, le=65_535)
    """The number of the subnet there."""
    key: str = Field(default="default", min_length=1)
    """The hotkey: WALLET or WALLET/HOTKEY, on a local chain also //Name; a coldkey is never loaded."""


class LogSettings(Section):
    """What a service says of its work, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""
    format: Literal["auto", "text", "json"] = "auto"
    """One JSON object a line, or text for people; auto is text on a terminal."""


class MinerSettings(Section):
    """A miner."""

    refresh: float = Field(default=12.0, gt=0, allow_inf_nan=False)
    """Seconds from one look at the metagraph, which says who may ask, to the next."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; 0.0.0.0 to be reached from other machines."""
    port: int = Field(default=8091, ge=0, le=65_535)
    """Port to listen on; 0 takes any that is free."""
    published: str = ""
    """Address that the chain tells others, as IP:PORT; needed behind a router and with host 0.0.0.0."""
    drain: float = Field(default=10.0, ge=0, allow_inf_nan=False)
    """Seconds that queries under way have to end when the miner is stopped."""
    engine: str = Field(default="echo", min_length=1)
    """What does the work: echo, transformers, openai, function, sklearn, or one that a package offers."""
    model: str = ""
    """The model: a folder, hub:NAME, a name that the server knows, or file.py:function, as the engine wants it."""
    url: str = ""
    """Where the engine openai asks, such as http://127.0.0.1:8000/v1."""
    api_key: SecretStr = SecretStr("")
    """What the engine openai shows to the server; only from the environment or a file."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the model runs."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Numbers that the model computes with."""
    batch: int = Field(default=32, ge=1)
    """Answers that the model works on at once."""
    waiting: int = Field(default=1024, ge=1)
    """Answers that may wait for the model; of more, the least urgent are refused."""
    context: int = Field(default=0, ge=0)
    """Tokens that a prompt and its answer may have together; 0 for as many as the model can."""
    threads: int = Field(default=0, ge=0)
    """Threads that the model computes with; 0 for as many as there are processors."""
    temperature: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """How freely words are chosen; 0 always takes the likeliest."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Only the likeliest words that together have this probability are chosen from."""
    permit: bool = False
    """Serve only who may set weights."""
    min_stake: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Serve only who has this much stake, in tao as the subnet counts it."""
    allow: str = ""
    """Hotkeys, with commas between them, that are served whatever their permit and stake."""
    closed: bool = False
    """Serve nobody but the hotkeys of allow."""
    deny: str = ""
    """Hotkeys and coldkeys, with commas between them, that are never served."""
    requests: int = Field(default=0, ge=0)
    """Queries that all callers together may send in a tempo, shared out by stake; 0 is no limit."""
    tokens: int = Field(default=0, ge=0)
    """Tokens that may be read and written for all callers together in a tempo, shared out by stake; 0 is no limit."""
    concurrency: int = Field(default=128, ge=1)
    """Queries of one caller that may be under way at once."""
    commit: bool = False
    """Commit the digest of the model on the chain."""


class SimulationSettings(Section):
    """A simulation of many networks."""

    miners: int = Field(default=256, ge=2)
    """Miners in each network."""
    validators: int = Field(default=16, ge=1)
    """Validators in each network."""
    epochs: int = Field(default=500, ge=1)
    """Epochs that each network lives."""
    seeds: int = Field(default=16, ge=1)
    """Networks that differ in their draws alone; verdicts are on the worst of them."""
    seed: int = Field(default=0, ge=0)
    """Where all randomness begins."""


class PathSettings(Section):
    """Places on disk. A relative one is meant from the folder of the file that names it, or the working directory."""

    state: Path = Field(default=Path(".subnet"), strict=False)
    """Folder for what a restart must not lose; by default in the project's folder."""


class Settings(BaseSettings):
    """All settings: the first of the layers that names a value decides, and without any the defaults hold."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    local: LocalSettings = LocalSettings()
    validator: ValidatorSettings = ValidatorSettings()
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
