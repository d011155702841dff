# SPDX-License-Identifier: Apache-2.0
"""A server that speaks OpenAI's protocol, on a real port, and misbehaves as the prompt says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from aiohttp import web

__all__ = ["KEY", "MODEL", "Serving", "serving"]

KEY = "sk-very-secret-0123456789"
MODEL = "tiny/one"

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Serving:
    """What a server does, and what it saw."""

    url: str = ""
    models: list[str] = field(default_factory=lambda: [MODEL])
    key: str = ""
    says_usage: bool = True
    busy: int = 0
    """So many requests are answered 503 before one is served."""
    retry_after: str = "0"
    bodies: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    left: int = 0
    """Requests whose asker went away."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """What the prompt `wait` waits for."""


@asynccontextmanager
async def serving(state: Serving | None = None) -> AsyncIterator[Serving]:
    """A server for as long as the block lasts."""
    state = state or Serving()
    app = web.Application(middlewares=[_guard(state)], client_max_size=1 << 23)
    app.router.add_get("/v1/models", partial(_listed, state=state))
    app.router.add_post("/v1/completions", partial(_completed, state=state))
    app.router.add_post("/v1/chat/completions", partial(_completed, state=state))
    app.router.add_post("/v1/embeddings", partial(_embedded, state=state))
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield state
    finally:
        await runner.cleanup()


def _guard(state: Serving) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "")
        if state.key and shown != f"Bearer {state.key}":
            return web.json_response({"error": {"message": f"wrong key: {shown}"}}, status=401)
        return await handler(request)

    return guard


async def _listed(_: web.Request, state: Serving) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in state.models]})


async def _completed(request: web.Request, state: Serving) -> web.StreamResponse:
    body = await request.json()
    is_chat = request.path.endswith("/chat/completions")
    prompt = body["messages"][0]["content"] if is_chat else body["prompt"]
    state.bodies.append(body)
    if state.busy > 0:
        state.busy -= 1
        return web.json_response({"error": "busy"}, status=503, headers={"Retry-After": state.retry_after})
    if body["model"] not in (*state.models, "unlisted"):
        return web.json_response({"error": {"message": f"no model {body['model']}"}}, status=404)
    state.prompts.append(prompt)
    state.running += 1
    state.most_running = max(state.most_running, state.running)
    try:
        return await _told(request, state, prompt, body)
    except (asyncio.CancelledError, ConnectionError):
        state.left += 1
        raise
    finally:
        state.running -= 1


async def _told(request: web.Request, state: Serving, prompt: str, body: dict[str, Any]) -> web.StreamResponse:
    match prompt:
        case "echo the key":
            return web.Response(status=500, text=f"you said {request.headers['Authorization']}\x1b[31m")
        case "json":
            return web.json_response({"choices": [{"text": "whole"}]})
        case "redirect":
            return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"})
        case "wait":
            await state.open.wait()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    match prompt:
        case "garbage":
            await response.write(b"data: {not json\n\n")
        case "long line":
            await response.write(b"data: " + b"x" * 70_000)
            await asyncio.sleep(30)
        case "endless":
            while True:
                await response.write(_line({"choices": [{"text": "x" * 1000}]}) * 20)
        case "error":
            await response.write(_line({"choices": [{"text": "a"}]}) + _line({"error": {"message": "out of memory"}}))
        case "cut":
            await response.write(_line({"choices": [{"text": "a"}]}))
            assert request.transport is not None
            request.transport.abort()
        case "short":
            await response.write(_line({"choices": [{"text": "a"}]}))
        case "slow":
            for at in range(1000):
                await response.write(_line({"choices": [{"text": f"{at} "}]}))
                await asyncio.sleep(0.02)
        case "hang after":
            await response.write(_line({"choices": [{"text": "done", "finish_reason": "stop"}]}))
            await asyncio.sleep(30)
        case _:
            await _words(response, prompt, body, state.says_usage)
    return response


async def _words(response: web.StreamResponse, prompt: str, body: dict[str, Any], says_usage: bool) -> None:
    words = prompt.upper().split()[: body["max_tokens"]]
    await response.write(b": a comment\r\n\r\nevent: message\r\n")
    for word in words:
        choice = {"delta": {"content": f"{word} "}} if "messages" in body else {"text": f"{word} "}
        event = _line({"choices": [choice], "usage": None})
        await response.write(event[:7])
        await response.write(event[7:])
    await response.write(_line({"choices": [{"text": "", "finish_reason": "length"}]}))
    if says_usage:
        usage = {"prompt_tokens": 40 + len(words), "completion_tokens": len(words), "total_tokens": 0}
        await response.write(_line({"choices": [], "usage": usage}))
    await response.write(b"data: [DONE]\n\n")


async def _embedded(request: web.Request, state: Serving) -> web.Response:
    body = await request.json()
    state.bodies.append(body)
    rows = [{"index": at, "embedding": [float(len(text)), 0.5]} for at, text in enumerate(body["input"])]
    if "uneven" in body["input"]:
        rows[0] = {"index": 0, "embedding": [1.0]}
    if "missing" in body["input"]:
        rows.pop()
    return web.json_response({"data": rows[::-1], "usage": {"prompt_tokens": 9}})


def _line(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"
