# SPDX-License-Identifier: Apache-2.0
"""The sections of the settings: what an operator can set, each with what it does, its bounds and its default.

The docstring below a field is its documentation: of the flag, of the page of settings, and in a fresh file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = [
    "ChainSettings",
    "GatewaySettings",
    "LocalSettings",
    "LogSettings",
    "MinerSettings",
    "PathSettings",
    "Section",
    "SimulationSettings",
    "ValidatorSettings",
    "listed",
]


class Section(BaseModel):
    """Settings that belong together: a table of a file, and a group of flags of each command that takes it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def listed(text: str) -> tuple[str, ...]:
    """The words of a setting that holds several, with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


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
    sample: int = Field(default=64, ge=1)
    """Miners asked in a round; where there are fewer, all are."""
    deadline: float = Field(default=12.0, gt=0, allow_inf_nan=False)
    """Seconds that a miner has for its whole answer."""
    strategy: Literal["definition", "uniform", "stale", "stake", "phases"] = "definition"
    """Whom a round asks: whom the definition says, anybody, who was asked longest ago, by stake, or all in turn."""
    explore: float = Field(default=0.1, ge=0, le=1)
    """The share of a round that goes to those never asked, then to those who were not asked for longest."""
    together: bool = True
    """Ask miners of one coldkey, and those who seem to copy each other, in the same round."""
    variants: bool = True
    """Ask each miner in words of its own, where the definition has them."""
    canaries: bool = True
    """Strike out an answer that holds another miner's canary."""
    precedence: Literal["off", "reply", "model"] = "off"
    """Of answers that are alike, who keeps its own: all, who replied first, or who committed to a model first."""
    window: int = Field(default=32, ge=0, le=64)
    """Rounds that are remembered of each two miners to find copies, 8 to 64; with 0 answers are not compared."""
    at_once: int = Field(default=2, ge=1)
    """Queries that one miner may have from us at once, those of the gateway included."""
    thin: float = Field(default=0.5, ge=0, le=1)
    """The last weights hold where fewer than this share of the reachable miners has been asked; 0 never holds them."""
    rounds_kept: int = Field(default=10_000, ge=1)
    """Rounds that the store remembers with all that was said in them."""
    v10: str = ""
    """Hash fields of the query's class in bittensor 10, with commas between them; with them its axons are asked too."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address where health and metrics are shown."""
    port: int = Field(default=8092, ge=0, le=65_535)
    """Port where health and metrics are shown; 0 takes any that is free."""
    stuck: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds without progress after which the process says where it stands and ends with 75."""


class GatewaySettings(Section):
    """The door for users: questions in the form of OpenAI's protocol, answered by the subnet's miners."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; 0.0.0.0 to be reached from other machines."""
    port: int = Field(default=8088, ge=0, le=65_535)
    """Port to listen on; 0 takes any that is free."""
    deadline: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Seconds that a user waits at most for a whole answer."""
    hedge: float = Field(default=0.95, ge=0, allow_inf_nan=False)
    """When a second miner is asked: below 1 once so large a share of answers has begun, else after seconds; 0 never."""
    audit: float = Field(default=0.1, ge=0, le=1)
    """The share of users' questions that other miners are asked too, and that are scored."""
    audit_size: int = Field(default=64, ge=1)
    """Users' questions that may wait to be scored; of more the oldest are dropped."""
    open: bool = False
    """Serve without API keys; only on an address of this machine."""
    origins: str = ""
    """Web pages that may ask, such as https://example.org, with commas between them; by default none."""


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
