# SPDX-License-Identifier: Apache-2.0
"""What a server tells anyone: alive, ready, who, how much and how to call it; nothing of it signed."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from protocols import synapse
from protocols.keys import Keypair
from protocols.server import Context, Route, ServerOptions
from protocols.server.docpage import render
from protocols.server.openapi import describe
from protocols.synapse import Synapse
from tests.attacks.miner import MINER, Count, Letter, serving
from tests.attacks.raw import connect, exchange, get, request

PAGES = {
    "/docs": "text/html; charset=utf-8",
    "/info": "application/json",
    "/livez": "application/json",
    "/metrics": "text/plain; version=0.0.4; charset=utf-8",
    "/openapi.json": "application/json",
    "/readyz": "application/json",
}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_served_unsigned_and_twice_alike(path: str) -> None:
    async with serving() as target:
        pages = [await get(target.url, path) for _ in range(2)]
        assert [page.status for page in pages] == [200, 200]
        assert pages[0].header("content-type") == PAGES[path]
        assert not pages[0].signed
        assert pages[0].body == pages[1].body


@pytest.mark.parametrize("path", [*PAGES, "/Ask", "/unknown"])
async def test_head_says_what_get_would_and_sends_no_body(path: str) -> None:
    async with serving() as target, connect(target.url) as connection:
        got = await get(target.url, path)
        await connection.send(request(path, method="HEAD"))
        head = await connection.response("HEAD")
        assert head.status == got.status
        if got.status != 200:
            assert await connection.ended() == b""
            return
        assert head.header("content-length") == got.header("content-length")
        await connection.send(request("/livez", method="GET"))
        assert (await connection.response()).json() == {"live": True}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_by_another_method_is_told_which_one(path: str) -> None:
    async with serving() as target:
        response = await exchange(target.url, request(path))
        assert (response.status, response.code) == (405, "method_not_allowed")
        assert response.header("allow") == "GET, HEAD"


async def test_a_query_of_any_case_but_its_own_is_unknown() -> None:
    async with serving() as target:
        response = await get(target.url, "/ask?prompt=x")
        assert (response.status, response.code, response.header("connection")) == (404, "unknown_route", "close")


async def test_info_says_who_serves_what() -> None:
    async with serving() as target:
        info = (await get(target.url, "/info")).json()
    assert info["hotkey"] == MINER.ss58_address
    assert info["crypto"] == "sr25519"
    assert info["dialects"] == ["btauth/1"]
    assert info["queries"] == {"Ask": {"path": "/Ask", "streams": False}, "Count": {"path": "/Count", "streams": True}}
    async with serving(key=Keypair.from_uri("//Bob", "ed25519")) as target:
        assert (await get(target.url, "/info")).json()["crypto"] == "ed25519"


async def test_ready_is_what_every_check_says(caplog: pytest.LogCaptureFixture) -> None:
    state = {"model": False}

    def model() -> bool:
        return state["model"]

    async with serving(options=ServerOptions(checks={"model": model})) as target:
        response = await get(target.url, "/readyz")
        assert response.status == 503
        assert response.json() == {"ready": False, "checks": {"warm": True, "serving": True, "model": False}}
        assert (await get(target.url, "/livez")).status == 200
        state["model"] = True
        assert (await get(target.url, "/readyz")).status == 200
        del state["model"]
        failing = await get(target.url, "/readyz")
        assert (failing.status, failing.json()["checks"]["model"]) == (503, False)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "readiness check model failed")
    ]
    caplog.clear()


async def test_metrics_count_queries_refusals_and_times() -> None:
    async with serving() as target:
        await exchange(target.url, Letter().bytes())
        await exchange(target.url, Letter(body=b"{}").bytes())
        await exchange(target.url, request("/nowhere"))
        text = (await get(target.url, "/metrics")).body.decode()
    assert 'subnet_queries_total{outcome="ok",query="Ask"} 1.0' in text
    assert 'subnet_queries_total{outcome="invalid_message",query="Ask"} 1.0' in text
    assert 'subnet_refusals_total{reason="unknown_route"} 1.0' in text
    assert 'subnet_query_seconds_count{query="Ask"} 2.0' in text
    assert "subnet_connections 1.0" in text


class Nasty(Synapse):
    """<script>alert(1)</script> & more."""

    text: str = "</pre><script>"

    class Reply(synapse.Reply):
        """<b>bold</b>"""

        text: str


async def nasty(ask: Nasty, ctx: Context) -> Nasty.Reply:
    """Never called."""
    raise AssertionError


def described(*routes: Route) -> dict[str, Any]:
    """The description of these routes."""
    return describe(routes, "1.2.3")


def test_the_page_for_people_needs_no_network_and_runs_nothing() -> None:
    page = render(described(Route.of(Nasty, nasty)))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more." in page
    assert not re.findall(r"src=|href=(?!./[a-z])|https?://|@import|url\(", page)


async def numbers(ask: Count, ctx: Context) -> Count.Reply:
    """Never called."""
    raise AssertionError


def references(node: Any) -> set[str]:
    """Every component that a document points to."""
    if isinstance(node, dict):
        here = {node["$ref"]} if "$ref" in node else set()
        return here.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


def test_replies_of_different_queries_are_described_apart() -> None:
    document = described(Route.of(Nasty, nasty), Route.of(Count, numbers))
    schemas = document["components"]["schemas"]
    found = []
    for path in ("/Nasty", "/Count"):
        content = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
        found.append(schemas[content["schema"]["$ref"].removeprefix("#/components/schemas/")]["properties"])
    assert [list(properties) for properties in found] == [["text"], ["i"]]
    assert references(document) <= {f"#/components/schemas/{name}" for name in schemas}
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in schemas)
