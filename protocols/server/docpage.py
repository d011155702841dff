# SPDX-License-Identifier: Apache-2.0
"""The server described for people: the OpenAPI document as one page that needs no network and no script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:52rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}td,th{text-align:left;padding:.3rem .6rem;
border-bottom:1px solid #8884;vertical-align:top}section{border:1px solid #8886;border-radius:.5rem;padding:0 1rem;
margin:1rem 0}code{font:.9em ui-monospace,monospace}h3{margin:.8rem 0 0}
"""


def render(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document that `describe` made."""
    title, schemas = escape(document["info"]["title"]), document["components"]["schemas"]
    queries = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    pages = {path: item["get"]["summary"] for path, item in document["paths"].items() if "get" in item}
    sections = "".join(_query(path, operation, schemas) for path, operation in queries.items())
    links = _table(("Page", ""), [(f'<a href="{path}">{path}</a>', escape(about)) for path, about in pages.items()])
    refusals: Mapping[str, Any] = next((operation["responses"] for operation in queries.values()), {})
    codes = [(status, escape(said["description"])) for status, said in refusals.items() if status != "200"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{title}</h1>'
        f"<p>Version {escape(document['info']['version'])}. Queries are signed with btauth/1, as JSON or MessagePack; "
        f"replies are sealed by the miner.</p>{sections}<h2>Pages</h2>{links}<h2>Refusals</h2>"
        f"{_table(('Status', 'Codes'), codes)}</html>"
    )


def _query(path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    asked = operation["requestBody"]["content"]["application/json"]["schema"]
    media, answer = next(iter(operation["responses"]["200"]["content"].items()))
    streams = "stream" in media
    reply = answer["x-subnet-item"] if streams else answer["schema"]
    told = "Streams items of" if streams else "Reply"
    return (
        f"<section><h2><code>POST {escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"
        f"<h3>Query</h3>{_fields(asked, schemas)}<h3>{told}</h3>{_fields(reply, schemas)}</section>"
    )


def _fields(reference: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    schema = schemas[reference["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    rows = [
        (
            f"<code>{escape(name)}</code>",
            escape(_kind(field)),
            "required" if name in required else f"default {escape(json.dumps(field.get('default')))}",
        )
        for name, field in schema.get("properties", {}).items()
    ]
    return _table(("Field", "Type", ""), rows) if rows else "<p>no fields</p>"


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items') or {})}"
    bounds = ", ".join(f"{word} {schema[word]}" for word in _BOUNDS if word in schema)
    kind = schema.get("title") or schema.get("type") or "anything"
    return f"{kind} ({bounds})" if bounds else str(kind)


_BOUNDS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "minLength", "maxLength", "pattern")


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{word}</th>" for word in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


__all__ = ["render"]
