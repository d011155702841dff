# SPDX-License-Identifier: Apache-2.0
"""The server described for programs, as OpenAPI 3.1; `docpage` makes the page for people of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from protocols.errors import CATALOGUE
from protocols.server.route import Route
from protocols.synapse import schema_components

_SIGNED: Final = ("Version", "Hotkey", "Receiver", "Nonce", "Signature")
_MEDIA: Final = ("application/json", "application/msgpack")
_PAGES: Final = {
    "/docs": ("This server, for people", "text/html"),
    "/info": ("Who serves here, and what", "application/json"),
    "/livez": ("The process answers", "application/json"),
    "/metrics": ("Prometheus metrics", "text/plain"),
    "/openapi.json": ("This server, for programs", "application/json"),
    "/readyz": ("The server is ready for queries", "application/json"),
}
_FAULT: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "help"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "help": {"type": "string"}},
        }
    },
}


def describe(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    served = list(routes)
    references, schemas = schema_components([kind for route in served for kind in (route.query, route.query.Reply)])
    paths: dict[str, Any] = {path: {"get": _page(*about)} for path, about in _PAGES.items()}
    for route, query, reply in zip(served, references[::2], references[1::2], strict=True):
        paths[route.query.route()] = {"post": _operation(route, query, reply)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "subnet miner", "version": version, "description": "Signed queries: docs/reference/wire.md"},
        "paths": paths,
        "components": {"schemas": {**schemas, "Fault": _FAULT}},
    }


def _page(summary: str, media_type: str) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": summary, "content": {media_type: {}}}}
    if "ready" in summary:
        responses["503"] = {"description": "Not ready yet", "content": {media_type: {}}}
    return {"summary": summary, "responses": responses}


def _operation(route: Route, query: Mapping[str, Any], reply: Mapping[str, Any]) -> dict[str, Any]:
    headers = [
        {"name": f"X-Bittensor-{name}", "in": "header", "required": True, "schema": {"type": "string"}}
        for name in _SIGNED
    ]
    content = {media: {"schema": query} for media in _MEDIA}
    answer = {media: {"schema": reply} for media in _MEDIA}
    if route.streams:
        answer = {
            media.replace("application/", "application/vnd.subnet.stream+"): {"x-subnet-item": reply}
            for media in _MEDIA
        }
    fault = {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}
    statuses = sorted({error.status for error in CATALOGUE.values() if error.__module__.endswith(".request")})
    responses: dict[str, Any] = {str(s): {"description": _codes(s), "content": fault} for s in statuses}
    return {
        "summary": (route.query.__doc__ or route.name).strip().splitlines()[0],
        "parameters": headers,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "The sealed reply", "content": answer}, **responses},
    }


def _codes(status: int) -> str:
    return ", ".join(
        sorted(
            code
            for code, error in CATALOGUE.items()
            if error.status == status and error.__module__.endswith(".request")
        )
    )


__all__ = ["describe"]
