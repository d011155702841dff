# SPDX-License-Identifier: Apache-2.0
"""`subnet chain`: a Bittensor chain on this machine, for whoever builds on one.

It needs no flag, and is up before a person has looked: what a command needs is imported when it is called, because
that is what starting a node takes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from cyclopts import Parameter

from protocols.errors import UsageError
from subnet.cli.answer import Answer, View

if TYPE_CHECKING:
    from subnet.chain.node.author import Sealing
    from subnet.chain.node.genesis import Genesis

__all__ = ["Begun", "accounts", "dump", "load", "status", "up"]

_URL: Final = "ws://127.0.0.1:9944"
_MODES: Final = ("instant", "manual", "mixed")

Host: TypeAlias = Annotated[str, Parameter(help="Address to listen on; other machines reach the node by 0.0.0.0.")]
Pace: TypeAlias = Annotated[
    str, Parameter(help="Seconds between blocks; or instant (one for each call), manual, mixed (instant, and 12 s).")
]
Preset: TypeAlias = Annotated[
    str, Parameter(help="How the chain begins: local, or mainnet for the public one's rules.")
]
GenesisFile: TypeAlias = Annotated[Path | None, Parameter(help="File that says how it begins, instead of a preset.")]
Url: TypeAlias = Annotated[str, Parameter(help="The node to ask.")]


@dataclass(frozen=True, slots=True)
class Begun:
    """How a chain begins and where it is kept."""

    preset: Preset = "local"
    genesis: GenesisFile = None
    state: Annotated[Path | None, Parameter(help="File to keep the chain in, and to go on from.")] = None
    archive: Annotated[bool, Parameter(help="Keep the state of every block, not of the last 256.")] = False


async def up(
    *,
    port: Annotated[int, Parameter(help="Port to listen on; 0 takes any that is free.")] = 9944,
    host: Host = "127.0.0.1",
    origin: Annotated[str, Parameter(help="Page that may use the node too, such as https://polkadot.js.org.")] = "",
    block_time: Pace = "1",
    chain: Annotated[Begun, Parameter(name="*")] = Begun(),
    no_dev: Annotated[bool, Parameter(help="Leave out the dev_* methods, with which anybody may do anything.")] = False,
) -> AsyncGenerator[Answer | View, None]:
    """Start a chain, with funded accounts, that the official tools, explorers and this package can use as any other.

    Stop it with Ctrl-C. The keys are public ones: use them for nothing else.
    """
    sealing, beginning = _sealing(block_time, no_dev), _genesis(chain.preset, chain.genesis)
    from subnet.chain.served import ServedNode, Terms
    from subnet.chain.ticker import Ticker
    from subnet.cli.banner import Banner, StatusLine

    terms = Terms(
        host=host, port=port, origins=(origin,) if origin else (), sealing=sealing, controls=not no_dev,
        path=chain.state, archive=chain.archive,
    )  # fmt: skip
    async with ServedNode(beginning, terms) as served:
        ticker = Ticker(served.node)
        served.when_broken(ticker.fail)
        banner = Banner.of(served, beginning, terms)
        banner.show()
        yield Answer(banner.url, banner.to_json())
        line = StatusLine(banner.url, served.node.head.number, served.node.clock)
        yield line
        async for tick in ticker:
            line.update(tick)
            yield Answer(tick.text(), tick.to_json())


def accounts(*, preset: Preset = "local", genesis: GenesisFile = None) -> Answer:
    """Print who has money when a chain begins, with the keys that everybody can make."""
    from subnet.chain.presets import holders

    rows = holders(_genesis(preset, genesis))
    width = max((len(row.uri) for row in rows), default=0)
    lines = [f"{row.uri:{width}}  {row.address}  {row.balance}" for row in rows]
    return Answer("\n".join(lines), [row.to_json() for row in rows])


async def status(url: Url = _URL, /) -> Answer:
    """Print which chain a node has, and how far it is."""
    from subnet.chain.asking import ask

    name, program, version, genesis, header, runtime, methods = await ask(
        url,
        [
            ("system_chain", []),
            ("system_name", []),
            ("system_version", []),
            ("chain_getBlockHash", [0]),
            ("chain_getHeader", []),
            ("state_getRuntimeVersion", []),
            ("rpc_methods", []),
        ],
    )
    told = {
        "url": url,
        "chain": name,
        "genesis": genesis,
        "block": int(header["number"], 16),
        "node": f"{program} {version}",
        "runtime": f"{runtime['specName']} {runtime['specVersion']}",
        "dev": any(method.startswith("dev_") for method in methods["methods"]),
    }
    width = max(map(len, told))
    return Answer("\n".join(f"{key:{width}}  {value}" for key, value in told.items()), told)


async def dump(file: Annotated[Path, Parameter(help="File to write.")], /, *, url: Url = _URL) -> Answer:
    """Write the state of a local chain to a file, which `subnet chain load` reads."""
    from subnet.chain.asking import ask

    document, header = await ask(url, [("dev_dumpState", []), ("chain_getHeader", [])])
    data, number = bytes.fromhex(document[2:]), int(header["number"], 16)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", help="name another file") from error
    told = {"file": str(file), "bytes": len(data), "block": number}
    return Answer(f"wrote block {number} to {file}, {len(data)} bytes", told)


async def load(file: Annotated[Path, Parameter(help="File to read.")], /, *, url: Url = _URL) -> Answer:
    """Give a local chain the state that `subnet chain dump` wrote, as its next block."""
    from subnet.chain.asking import ask

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", help="write one: subnet chain dump FILE"
        ) from error
    (block,) = await ask(url, [("dev_loadState", [f"0x{data.hex()}"])], within_s=60.0)
    return Answer(f"the chain is at block {block['number']}", {"block": block["number"], "hash": block["hash"]})


def _sealing(text: str, no_dev: bool) -> Sealing:
    from subnet.chain.node.author import Mode, Sealing

    if text == Mode.MANUAL and no_dev:
        raise UsageError(
            "no block would ever be made: --block-time manual needs dev_newBlock", help="leave out --no-dev"
        )
    if text in _MODES:
        return Sealing(mode=Mode(text))
    try:
        return Sealing(block_time=float(text))
    except ValueError as error:
        raise UsageError(
            f"--block-time is {text!r}, expected seconds from 0.001, or {', '.join(_MODES)}", help="--block-time 1"
        ) from error


def _genesis(preset: str, file: Path | None) -> Genesis:
    from subnet.chain import presets
    from subnet.chain.node.genesis import read_genesis

    if file is None:
        return presets.preset(preset)
    if preset != presets.LOCAL:
        raise UsageError("--preset and --genesis both say how the chain begins", help="give one of them")
    return read_genesis(file)
