# SPDX-License-Identifier: Apache-2.0
"""Alerts and dashboards: they read, they ask only for what miners show, and each alert says what is to be done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

from tests.configs.promql import Metric, faults
from tests.docs.pages import ROOT

# It ships no types, and is there because those who load models bring it.
yaml: Any = import_module("yaml")

_ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>[\w, ]*) \|", re.MULTILINE)
_WANTED = {
    "MinerNotReady",
    "MinerDeregistered",
    "MinerRefusesEverything",
    "MinerLoopHeld",
    "MinerQueueFull",
    "MinerIdle",
}


def known() -> Mapping[str, Metric]:
    """Every series that a miner shows, as the page of metrics has it, and those that Prometheus makes itself."""
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


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for group in loaded("prometheus/alerts.yml")["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Every panel that shows something."""
    board = json.loads((ROOT / "configs/grafana/miner.json").read_text(encoding="utf-8"))
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and where it stands."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for panel in panels():
        yield from ((f"{panel['title']} {target['refId']}", target["expr"]) for target in panel["targets"])


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


def test_each_alert_that_operators_need_is_there_says_what_it_is_and_is_on_the_page() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    assert set(names) >= _WANTED
    page = (ROOT / "docs/how-to/run-a-miner.md").read_text(encoding="utf-8")
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "warn")
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert f"`{rule['alert']}`" in page, f"say on the page what to do about {rule['alert']}"


def test_prometheus_reads_the_alerts_and_asks_where_a_miner_listens() -> None:
    config = loaded("prometheus/prometheus.yml")
    assert all((ROOT / "configs/prometheus" / name).is_file() for name in config["rule_files"])
    (scraped,) = config["scrape_configs"]
    assert scraped["metrics_path"] == "/metrics"
    assert scraped["static_configs"] == [{"targets": ["127.0.0.1:8091"]}]
    assert all(f'job="{scraped["job_name"]}"' in rule["expr"] for rule in rules() if "up{" in rule["expr"])


def test_every_metric_of_a_miner_is_somewhere_on_its_dashboard() -> None:
    shown = " ".join(expression for _, expression in expressions())
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in KNOWN}
    assert not {name for name in families if not re.search(rf"\b{name}(_bucket|_sum|_count)?\b", shown)}


def test_panels_have_numbers_of_their_own_do_not_overlap_and_explain_themselves() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    cells = [
        (x, y)
        for panel in panels()
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for panel in panels():
        assert panel["description"].endswith(".")
        assert all(target["datasource"]["uid"] == "${source}" for target in panel["targets"])
