"""The Grafana dashboard: every expression names metrics and labels that /metrics really has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from apps.compute.models import Migration, Server
from apps.scheduling.models import Host
from apps.workflow.models import Finding, Tally
from tests.unit.operations.metrics import rows

DASHBOARD = Path(__file__).resolve().parents[4] / "deploy" / "grafana" / "celerity.json"
METRIC = re.compile(r"\b(celerity_\w+)(\{[^}]*\})?")
GROUPED = re.compile(r"\b(?:by|ignoring) \(([^)]*)\)")
FUNCTIONS = {"sum", "rate", "topk", "histogram_quantile", "by", "ignoring", "or"}
SCRAPED = {"job", "instance"}  # Prometheus puts these on everything
PAIRS = {")": "(", "]": "[", "}": "{"}


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())  # type: ignore[no-any-return]


def expressions() -> list[str]:
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return found + [one["query"]["query"] for one in dashboard()["templating"]["list"] if one["type"] == "query"]


def exposed(client: Client) -> dict[str, set[str]]:
    """Return each sample's name -> its labels, of a page on which everything has a sample."""
    rows.hosts(1)
    rows.servers(1)
    rows.add(1)
    Migration.objects.create(server=Server.objects.get(), type="resize", status="finished", old_vm_state="active")
    Host.objects.update(draining_since=timezone.now())
    rows.add(1, state="running")
    Finding.objects.create(kind="domain", subject="x", found="y")
    for name in ("reconciler_findings", "sweeper_actions", "messages_dropped"):
        Tally.objects.create(name=name, label="x", value=1)
    client.get("/healthz")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def balanced(text: str) -> bool:
    stack: list[str] = []
    for character in re.sub(r'"[^"]*"', "", text):
        if character in "([{":
            stack.append(character)
        elif character in PAIRS and (not stack or stack.pop() != PAIRS[character]):
            return False
    return not stack


@pytest.mark.django_db
def test_expressions_name_what_is_there(client: Client) -> None:
    known = exposed(client)
    assert len(expressions()) > 25
    used = set()
    for expression in expressions():
        assert balanced(expression), expression
        found = METRIC.findall(expression)
        assert found, expression
        labels = set(SCRAPED)
        for name, matchers in found:
            assert name in known, f"{name}: {expression}"
            used.add(name)
            labels |= known[name]
            assert set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers)) <= known[name] | SCRAPED, expression
        for group in GROUPED.findall(expression):
            assert {one.strip() for one in group.split(",")} <= labels, expression
        if not expression.startswith("label_values"):
            words = re.findall(r"\b([a-z_]+)(?= ?\()", METRIC.sub("x", expression))
            assert set(words) <= FUNCTIONS, expression
    families = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in known}
    shown = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in used}
    left_out = {"celerity_host_up", "celerity_host_vcpus", "celerity_host_disk_gib", "celerity_queue_running"}
    assert families - shown <= left_out, "a new metric has no panel"


def test_panels_are_whole() -> None:
    board = dashboard()
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert board["templating"]["list"][0]["type"] == "datasource"
    variables = {one["name"] for one in board["templating"]["list"]}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["targets"] and panel["datasource"]["uid"] == "${datasource}"
            words = set(re.findall(r"\$(\w+)", json.dumps(panel["targets"]))) - {"__rate_interval"}
            assert words <= variables
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == [
        "Boots", "Failures", "Steps", "Queues", "Hosts and capacity", "API", "Findings", "Volumes",
    ]  # fmt: skip


def test_documented() -> None:
    """The guide names every metric by its first word at least."""
    text = (DASHBOARD.parents[2] / "docs" / "operators.md").read_text()
    for name in {name for expression in expressions() for name, _ in METRIC.findall(expression)}:
        family = re.sub(r"_(total|bucket|count|sum)$", "", name)
        short = family.removeprefix("celerity_").removeprefix("host_").removeprefix("queue_")
        assert family in text or f"_{short}`" in text or f"…_{short}" in text, name
