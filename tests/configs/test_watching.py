# SPDX-License-Identifier: Apache-2.0
"""Alerts and dashboards: they read, they ask only for what services show, and each alert says what is to be done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

from subnet.settings import catalogue
from tests.configs.promql import Metric, faults
from tests.docs.pages import ROOT

# It ships no types, and is there because those who load models bring it.
yaml: Any = import_module("yaml")

_ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>[\w, ]*) \|", re.MULTILINE)
_WANTED = {
    "miner": {
        "MinerNotReady",
        "MinerDeregistered",
        "MinerRefusesEverything",
        "MinerLoopHeld",
        "MinerQueueFull",
        "MinerIdle",
    },
    "validator": {
        "ValidatorUnhealthy",
        "ValidatorWeightsOld",
        "ValidatorRoundsFail",
        "ValidatorHearsNobody",
    },
}
_ALERTS = {"miner": "prometheus/alerts.yml", "validator": "prometheus/validator-alerts.yml"}
_PORTS = {"miner": 8091, "validator": 8092}


def known() -> Mapping[str, Metric]:
    """Every series that a service shows, as the page of metrics has it, and those that Prometheus makes itself."""
    found = {"up": Metric("gauge", frozenset())}
    for row in _ROW.finditer((ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")):
        name, labels = row["name"], frozenset(filter(None, row["labels"].split(", ")))
        if row["kind"] == "histogram":
            found |= {f"{name}_{part}": Metric("counter", labels) for part in ("count", "sum")}
            found[f"{name}_bucket"] = Metric("counter", labels | {"le"})
        else:
            found[name] = Metric(row["kind"], labels)
    return found


KNOWN = known()


def loaded(path: str) -> Any:
    """A file of YAML."""
    return yaml.safe_load((ROOT / "configs" / path).read_text(encoding="utf-8"))


def rules(role: str) -> list[dict[str, Any]]:
    """Every alert of a role."""
    return [rule for group in loaded(_ALERTS[role])["groups"] for rule in group["rules"]]


def panels(role: str) -> list[dict[str, Any]]:
    """Every panel of a role that shows something."""
    board = json.loads((ROOT / f"configs/grafana/{role}.json").read_text(encoding="utf-8"))
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and where it stands."""
    for role in _ALERTS:
        yield from ((rule["alert"], rule["expr"]) for rule in rules(role))
        for panel in panels(role):
            yield from ((f"{role} {panel['title']} {target['refId']}", target["expr"]) for target in panel["targets"])


@pytest.mark.parametrize(("place", "expression"), list(expressions()), ids=lambda value: value.split("(")[0][:40])
def test_an_expression_asks_for_what_there_is_and_in_the_right_way(place: str, expression: str) -> None:
    assert not list(faults(expression, KNOWN)), place


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("subnet_raedy == 0", "no metric subnet_raedy"),
        ("sum by (instance (subnet_ready)", "not closed"),
        ("subnet_ready) == 0", "closes nothing"),
        ("subnet_queries_total > 5", "take its rate"),
        ("rate(subnet_ready[5m])", "rate is for a counter"),
        ("rate(subnet_queries_total) > 0", "needs a range"),
        ('rate(subnet_queries_total{outcom="ok"}[5m])', "no label outcom"),
        ("sum by (hotkey) (subnet_ready)", "label hotkey"),
        ("ratio(subnet_ready)", "ratio is no function"),
        ("histogram_quantile(0.5, sum(rate(subnet_query_seconds_bucket[5m])))", "without its le"),
        ("subnet_ready == ", "operator"),
        ("subnet_ready ? 1", "cannot be read"),
    ],
)
def test_a_planted_fault_of_an_expression_is_found(expression: str, fault: str) -> None:
    assert fault in "\n".join(faults(expression, KNOWN))


@pytest.mark.parametrize("role", _ALERTS)
def test_each_alert_that_operators_need_is_there_says_what_it_is_and_is_on_the_page(role: str) -> None:
    names = [rule["alert"] for rule in rules(role)]
    assert len(names) == len(set(names))
    assert set(names) >= _WANTED[role]
    page = (ROOT / f"docs/how-to/run-a-{role}.md").read_text(encoding="utf-8")
    for rule in rules(role):
        assert rule["labels"]["severity"] in ("page", "warn")
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert f"`{rule['alert']}`" in page, f"say on the page what to do about {rule['alert']}"


def test_prometheus_reads_the_alerts_and_asks_where_each_role_listens() -> None:
    config = loaded("prometheus/prometheus.yml")
    assert {f"prometheus/{name}" for name in config["rule_files"]} == set(_ALERTS.values())
    for scraped, (role, port) in zip(config["scrape_configs"], _PORTS.items(), strict=True):
        assert scraped["job_name"] == role
        assert scraped["metrics_path"] == "/metrics"
        assert scraped["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
        assert port == catalogue()[f"{role}.port"].default


_SHARED = re.compile(r"\b(up|subnet_ready|subnet_loop_lag_seconds|subnet_log_lines_lost)\b(?!\{job=)")


@pytest.mark.parametrize("role", _ALERTS)
def test_what_services_of_both_roles_show_alarms_under_the_name_of_the_right_one(role: str) -> None:
    for rule in rules(role):
        assert not _SHARED.search(rule["expr"]), rule["alert"]
        assert all(job == role for job in re.findall(r'job="(\w+)"', rule["expr"]))


def test_every_metric_is_somewhere_on_a_dashboard_or_in_an_alert() -> None:
    shown = " ".join(expression for _, expression in expressions())
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in KNOWN}
    assert not {name for name in families if not re.search(rf"\b{name}(_bucket|_sum|_count)?\b", shown)}


@pytest.mark.parametrize("role", _ALERTS)
def test_panels_have_numbers_of_their_own_do_not_overlap_and_explain_themselves(role: str) -> None:
    assert len({panel["id"] for panel in panels(role)}) == len(panels(role))
    cells = [
        (x, y)
        for panel in panels(role)
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for panel in panels(role):
        assert panel["description"].endswith(".")
        assert all(target["datasource"]["uid"] == "${source}" for target in panel["targets"])
