# SPDX-License-Identifier: Apache-2.0
"""What a local node says of itself: when it starts, on stderr, and on a terminal in one line that follows its blocks.

The keys of its accounts are known to everybody. A person who sees an address and a balance must see that as well.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from protocols.balance import Balance
from protocols.clock import Clock
from protocols.keys import decode_address
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.rpc.origins import is_loopback
from subnet.chain.presets import Holder, holders
from subnet.chain.served import ServedNode, Terms
from subnet.chain.ticker import Tick

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["Banner", "StatusLine"]

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_WARNING: Final = "These keys are public and worthless elsewhere: whatever is sent to them on another chain is lost."
_OPEN: Final = "Other machines can reach this port{}: whoever does may {} this chain."
_RECENT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What is said at the start."""

    url: str
    chain: str
    genesis: str
    block: int
    blocks: str
    """When there are new ones."""
    state: str
    accounts: tuple[Holder, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, served: ServedNode, beginning: Genesis, terms: Terms) -> Self:
        """The banner of a node that is up."""
        node = served.node
        warnings = [_WARNING]
        if not is_loopback(terms.host):
            may = "change anything on" if terms.controls else "send calls to"
            warnings.append(_OPEN.format(f" ({terms.host}:{served.port})", may))
        return cls(
            url=f"ws://{f'[{terms.host}]' if ':' in terms.host else terms.host}:{served.port}",
            chain=served.founding.name,
            genesis=f"0x{served.founding.genesis.hex()}",
            block=node.head.number,
            blocks=_pace(terms.sealing),
            state="in memory, gone when it stops" if terms.path is None else f"in {terms.path}",
            accounts=tuple(
                holder._replace(balance=Balance(node.runtime.system.Account[decode_address(holder.address)].data.free))
                for holder in holders(beginning)
            ),
            warnings=tuple(warnings),
        )

    def show(self) -> None:
        """Print it for the person who started the node."""
        bold, plain = (_BOLD, _PLAIN) if sys.stderr.isatty() else ("", "")
        width = max((len(one.uri) for one in self.accounts), default=0)
        lines = [
            f"{bold}{self.chain}{plain} is up at {bold}{self.url}{plain}, at block {self.block}",
            f"  genesis  {self.genesis}",
            f"  blocks   {self.blocks}",
            f"  state    {self.state}",
            "",
            *(f"  {one.uri:{width}}  {one.address}  {one.balance}" for one in self.accounts),
            "",
            *(f"{bold}{warning}{plain}" for warning in self.warnings),
            "Accounts again: subnet chain accounts --json    Stop: Ctrl-C",
            "",
        ]
        sys.stderr.write("\n".join(lines))
        sys.stderr.flush()

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        told = {"event": "started", "url": self.url, "chain": self.chain, "genesis": self.genesis, "block": self.block}
        return {**told, "accounts": [one.to_json() for one in self.accounts], "warnings": list(self.warnings)}


class StatusLine:
    """The newest block in one line, below the last ones that had calls in them."""

    def __init__(self, url: str, block: int, clock: Clock) -> None:
        self._url = url
        self._block = block
        self._clock = clock
        self._calls = 0
        self._since = self._now()
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._advice = "Ctrl-C stops it"

    def update(self, tick: Tick) -> None:
        """Show another block."""
        self._block = tick.number
        self._calls += len(tick.calls)
        self._since = self._now()
        if text := tick.text():
            self._recent.append(text)

    def end(self) -> None:
        """Say that it is stopped."""
        self._advice = "stopped"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich draws of it."""
        from rich.text import Text

        for line in self._recent:
            yield Text(line, overflow="ellipsis", no_wrap=True)
        status = f"block {self._block} at {self._since}  {self._calls} calls so far  {self._url}  {self._advice}"
        yield Text(status, style="dim", overflow="ellipsis", no_wrap=True)

    def _now(self) -> str:
        return time.strftime("%H:%M:%S", time.localtime(self._clock.time_ns() // 1_000_000_000))


def _pace(sealing: Sealing) -> str:
    match sealing.mode:
        case Mode.INSTANT:
            return "one for each call"
        case Mode.MANUAL:
            return "only when asked for: dev_newBlock"
        case Mode.MIXED:
            return f"one for each call, and every {sealing.block_time:g} s"
        case _:
            return f"every {sealing.block_time:g} s"
