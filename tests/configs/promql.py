# SPDX-License-Identifier: Apache-2.0
"""Expressions for Prometheus, read far enough to find what would only show on an evening when something is broken.

It knows the words that our own expressions use. A word that it does not know is an error, so that a misspelt function
or metric cannot pass for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["Metric", "faults"]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\")|(?P<range>\[(?:\d+[smhd]|\$__rate_interval)\])|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w:]*)|(?P<sign>=~|!~|!=|==|<=|>=|[-+*/<>=(){},]))"
)
_COUNTING = {"delta": "gauge", "increase": "counter", "rate": "counter"}
_FUNCTIONS = {*_COUNTING, "histogram_quantile"}
_AGGREGATIONS = {"avg", "max", "min", "sum"}
_GROUPING = {"by", "on", "without"}
_OPERATORS = {"and", "or", "unless"}
_FROM_PROMETHEUS = {"instance", "job"}
_PAIRS = {")": "(", "}": "{"}


class Metric(NamedTuple):
    """What a page says of a metric."""

    kind: str
    labels: frozenset[str]


def faults(expression: str, known: Mapping[str, Metric]) -> Iterator[str]:
    """What is wrong with an expression, given the series that exist."""
    tokens = list(_tokens(expression))
    if unread := [text for kind, text in tokens if kind == "unread"]:
        yield f"{unread[0]!r} cannot be read"
        return
    yield from _unbalanced([text for kind, text in tokens if kind == "sign"])
    yield from _unknown(tokens, known)
    yield from _misused(tokens, known)
    infix = {*_OPERATORS, *"*/<>=,", "==", "!=", "<=", ">="}
    if tokens[-1][1] in infix | {*"-+("} or tokens[0][1] in infix | {")"}:
        yield "it begins or ends with an operator"


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    at = 0
    rest = expression.rstrip()
    while at < len(rest):
        found = _TOKEN.match(rest, at)
        if found is None:
            yield "unread", rest[at:]
            return
        yield str(found.lastgroup), found[str(found.lastgroup)]
        at = found.end()


def _unbalanced(signs: list[str]) -> Iterator[str]:
    opened: list[str] = []
    for sign in signs:
        if sign in _PAIRS.values():
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            yield f"{sign} closes nothing"
    if opened:
        yield f"{opened[-1]} is not closed"


def _unknown(tokens: list[tuple[str, str]], known: Mapping[str, Metric]) -> Iterator[str]:
    """Words that mean nothing where they stand."""
    depth_of_selector = depth_of_grouping = 0
    metric = ""
    for at, (kind, text) in enumerate(tokens):
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if text == "{":
            depth_of_selector, metric = 1, tokens[at - 1][1]
        elif text == "}":
            depth_of_selector = 0
        elif text == "(" and tokens[at - 1][1] in _GROUPING:
            depth_of_grouping = 1
        elif text == ")":
            depth_of_grouping = 0
        elif kind != "word":
            continue
        elif depth_of_selector:
            if text not in known.get(metric, Metric("", frozenset())).labels | _FROM_PROMETHEUS:
                yield f"{metric} has no label {text}"
        elif depth_of_grouping:
            if not any(text in one.labels for one in known.values()) and text not in _FROM_PROMETHEUS:
                yield f"nothing has a label {text}"
        elif after == "(":
            if text not in _FUNCTIONS | _AGGREGATIONS | _GROUPING | _OPERATORS:
                yield f"{text} is no function"
        elif text not in {*known, *_GROUPING, *_OPERATORS, *_AGGREGATIONS}:
            yield f"there is no metric {text}"


def _misused(tokens: list[tuple[str, str]], known: Mapping[str, Metric]) -> Iterator[str]:
    """Counters that are not counted over time, gauges that are, and quantiles of what is no histogram."""
    for at, (_, text) in enumerate(tokens):
        if text not in known:
            continue
        around = [word for _, word in tokens[max(0, at - 2) : at]]
        end = next((i for i in range(at, len(tokens)) if tokens[i][1] == "}"), at)
        last = end if tokens[at + 1 : at + 2] == [("sign", "{")] else at
        has_range = last + 1 < len(tokens) and tokens[last + 1][0] == "range"
        over = around[0] if len(around) == 2 and around[1] == "(" and around[0] in _COUNTING else ""
        if known[text].kind == "counter" and not over:
            yield f"{text} only ever grows: take its rate"
        if over and _COUNTING[over] != known[text].kind:
            yield f"{text} is a {known[text].kind}, {over} is for a {_COUNTING[over]}"
        if bool(over) != has_range:
            yield f"{text} needs a range within {', '.join(_COUNTING)}, and none elsewhere"
        if text.endswith("_bucket") and not any(word == "le" for _, word in tokens):
            yield f"{text} is summed without its le"
