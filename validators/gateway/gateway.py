# SPDX-License-Identifier: Apache-2.0
"""The door for users: OpenAI's protocol over HTTP, answered by the miners of a subnet, beside a validator that judges.

    async with Gateway(validator, keys, GatewayOptions(port=8088)) as gateway:
        await validator.run()

What a stranger can send is bounded where it arrives, by the same listener that guards a miner. A request is paid for
before a miner is asked, and nothing that a miner says is shown before it is verified; the pieces of a stream are the
exception that streaming is, and one that breaks ends with an error.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast

from protocols.dialect import Hearing
from protocols.errors import (
    Draining,
    HandlerFailed,
    LedgerError,
    MethodNotAllowed,
    SubnetError,
    UnknownRoute,
)
from protocols.server import Meters
from protocols.server.complaints import Complaints
from protocols.server.door import Door
from protocols.server.exchange import (
    Exchange,
    Receive,
    Scope,
    Send,
    check_encoding,
    check_size,
    client_address,
    read_headers,
)
from protocols.server.leash import CallerLeft
from protocols.server.listener import Listener
from protocols.server.pages import Pages
from validators.gateway import answers
from validators.gateway.desk import Desk
from validators.gateway.entry import Entry, check_private
from validators.gateway.faults import Manner
from validators.gateway.keys import Keys
from validators.gateway.options import GatewayOptions
from validators.gateway.questions import PARSERS
from validators.gateway.service import Service
from validators.gateway.sharing import preflight, with_origin

if TYPE_CHECKING:
    from validators.base import Validator

__all__ = ["Gateway"]

_LOG: Final = logging.getLogger(__name__)
_PAGES: Final = frozenset(("/livez", "/readyz", "/metrics"))
_ASKED: Final = {"/v1/chat/completions": "chat", "/v1/completions": "completions", "/v1/embeddings": "embeddings"}
_MODELS: Final = "/v1/models"


class Gateway:
    """Serves users; started once, closed once."""

    def __init__(
        self, validator: Validator, keys: Keys | None, options: GatewayOptions | None = None, seed: int | None = None
    ) -> None:
        self.options = options or GatewayOptions()
        self.url = ""
        self.meters = Meters()
        self.desk = Desk(validator, self.options, seed)
        self._clock = validator.clock
        self._made_s = int(self._clock.time_ns() // 1_000_000_000)
        limits = self.options.limits
        self._entry = Entry(keys, self.options, self._clock)
        self._service = Service(self.desk, self._entry, self._clock, self.options)
        self._complaints = Complaints(self._clock, limits.complaints_burst, limits.complaints_per_minute)
        self._draining = False
        self._tasks: list[asyncio.Task[None]] = []
        checks = {
            "miners": lambda: bool(self.desk.roster.candidates),
            "serving": lambda: not self._draining,
            "synced": lambda: self.desk.is_fresh,
        }
        self._pages = Pages(dict, {}, checks, meters=self.meters, complaints=self._complaints)
        self.meters.add(self.desk.meters)
        self.meters.gauge("subnet_ready", "Whether every check of /readyz holds", self._pages.is_ready)
        self._listener = Listener(self.app, Door(limits, self.meters))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Read who can be asked, listen, and return the URL; raises `BindFailed`, or what the chain answers."""
        if self.options.open:
            check_private(host)
        await self.desk.refresh()
        address, chosen = await self._listener.start(host, port)
        self.url = f"http://[{address}]:{chosen}" if ":" in address else f"http://{address}:{chosen}"
        self._tasks = [asyncio.create_task(self._refresh()), asyncio.create_task(self.desk.audits.run())]
        return self.url

    async def close(self, drain_s: float = 10.0) -> None:
        """Take nothing new, let answers under way end within `drain_s`, and close."""
        self._draining = True
        await self._listener.stop(drain_s, self._service.cut)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The gateway as an ASGI application."""
        if scope["type"] != "http":
            return
        exchange = Exchange(receive, with_origin(scope, send, self.options.origins))
        if scope["path"] in _PAGES:
            await self._pages.serve(scope, exchange)
            return
        exchange.hearing = cast("Hearing", Manner())
        name, started, outcome = self._name(scope["path"]), perf_counter(), "cut"
        try:
            await self._serve(name, scope, exchange)
            outcome = "ok"
        except CallerLeft:
            outcome = "caller_left"
        except SubnetError as error:
            outcome = error.code
            await exchange.refuse(error)
        except Exception as error:
            outcome = HandlerFailed.code
            self._complaints.report(f"request {name} failed", error)
            await exchange.refuse(HandlerFailed("the gateway could not do its part", help="its log says why"))
        finally:
            self.meters.answered(name, outcome, perf_counter() - started)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self, name: str, scope: Scope, exchange: Exchange) -> None:
        path, method = scope["path"], scope["method"]
        if self._draining:
            raise Draining("this gateway is stopping", retry_after_s=5.0, help="ask again in a moment")
        headers = read_headers(scope["headers"])
        self._entry.check_origin(headers)
        if name == "unknown":
            raise UnknownRoute(f"nothing is served at {path[:64]!r}", help=f"see what is: GET {_MODELS}")
        if method == "OPTIONS" and "origin" in headers:
            await exchange.write(preflight())
            return
        if method != (expected := "GET" if name == "models" else "POST"):
            raise MethodNotAllowed(f"{method[:16]} {path[:64]} is not served, expected {expected}")
        holder = await self._entry.holder(headers, client_address(scope))
        if name == "models":
            await exchange.write(answers.json(self._models(path)))
            return
        with self._entry.place(holder):
            check_size(headers, self.options.max_body_bytes)
            check_encoding(headers)
            question = PARSERS[name](await exchange.read_body(self.options.max_body_bytes))
            await self._service.serve(question, holder, exchange)

    def _models(self, path: str) -> Any:
        entries = answers.models(self.desk.offers(), self._made_s)
        if path == _MODELS:
            return {"object": "list", "data": entries}
        name = path.removeprefix(f"{_MODELS}/")
        self.desk.check_model(name)
        return answers.models([name], self._made_s)[0]

    def _name(self, path: str) -> str:
        if path == _MODELS or path.startswith(f"{_MODELS}/"):
            return "models"
        return _ASKED.get(path, "unknown")

    async def _refresh(self) -> None:
        while True:
            await self._clock.sleep(self.options.refresh_s)
            try:
                await self.desk.refresh()
            except LedgerError as error:
                _LOG.warning("users are served by what is known: %s: %s", error.code, error.message)
            except Exception:
                _LOG.exception("users are served by what is known")
