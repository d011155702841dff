# SPDX-License-Identifier: Apache-2.0
"""A web page asks only where the operator named it: whoever reads a foreign page must not pay for its questions."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.validators.gateway.town import saying, town
from validators.gateway.options import GatewayOptions

PAGE = "https://example.org"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/completions"])
async def test_a_page_that_nobody_named_is_refused_and_is_told_nothing(tmp_path: Path, path: str) -> None:
    options = GatewayOptions(audit=0.0, open=True, origins=frozenset({PAGE}))
    async with town(tmp_path, {"a": saying("well")}, options=options) as place, aiohttp.ClientSession() as session:
        headers = {"Origin": "https://elsewhere.example"}
        for method in ("OPTIONS", "GET" if path == "/v1/models" else "POST"):
            async with session.request(method, place.gateway.url + path, headers=headers, data=b"{}") as response:
                assert response.status == 403
                assert "access-control-allow-origin" not in response.headers
        assert place.asked == {"a": []}


async def test_a_page_that_was_named_may_ask_and_its_browser_is_told(tmp_path: Path) -> None:
    options = GatewayOptions(audit=0.0, open=True, origins=frozenset({PAGE}))
    async with town(tmp_path, {"a": saying("well")}, options=options) as place, aiohttp.ClientSession() as session:
        url, headers = f"{place.gateway.url}/v1/completions", {"Origin": PAGE}
        async with session.options(url, headers=headers) as response:
            assert response.status == 204
            assert response.headers["access-control-allow-origin"] == PAGE
            assert "authorization" in response.headers["access-control-allow-headers"]
        async with session.post(url, headers=headers, json={"model": "text", "prompt": "how?"}) as response:
            assert response.headers["access-control-allow-origin"] == PAGE
            assert (await response.json())["choices"][0]["text"] == "well"
