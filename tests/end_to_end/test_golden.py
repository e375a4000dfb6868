"""Responses of Coder's own test suite, if available: `/metrics` exposes each of their numbers."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.coder.request import Response
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.template_breakdown import TEMPLATE_DAILY_ACTIVE_USERS
from tests.datasets.cases import load_context
from tests.end_to_end.families import Rows, activity, app_family, levels
from tests.end_to_end.stub_server import serve_response
from tests.end_to_end.truth import Series, app_seconds, app_uses, choices, series
from tests.integration.exporter import Exporter, StartExporter
from tests.integration.programs import NOT_INSTALLABLE
from tests.integration.waiting import eventually

FOLDER = Path(os.environ.get("CODER_GOLDEN", Path(__file__).parents[3] / "shared" / "coder-golden"))
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
ONLY_INTERVALS = "templates_three_weeks_only_interval_reports"
DAY_INTERVALS = "templates_week_deployment_wide"
PATHS = {"templates": "/insights/templates", "user": "/insights/user-activity"}
EDGES = {"start": "2023-08-15T00:00:00Z", "end": "2023-08-22T00:00:00Z"}
"""The window of a report that does not contain its own."""
BLANKED = "0001-01-01T00:00:00Z"
CONFIG = """\
deployments:
  - name: acme
    url: {url}
    token: some-token
    requests_per_minute: 10000
    windows: [{{name: golden, days: {days}}}]
    users: {{windows: [golden]}}
    parameters: {{windows: [golden]}}
    templates: {{breakdown: false}}
    datasets: {{periods: {{enabled: false}}}}
"""

golden = pytest.mark.skipif(
    not FILES,
    reason=f"{NOT_INSTALLABLE}responses of Coder's own tests have another license and may not be copied "
    "here; CODER_GOLDEN names their folder",
)


@golden
@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_golden_response(file: Path, start_exporter: StartExporter, tmp_path: Path) -> None:
    """The exposition contains exactly the values of the response, with rows of one series added up.

    A response with interval reports only has no series: none of them is the
    whole window. The next tests cover them.
    """
    report = json.loads(file.read_bytes()).get("report", {})
    start, end = window(report)
    path = PATHS[file.stem.partition("_")[0]]
    dataset = path.rpartition("/")[2]
    with serve_response(path, file.read_bytes(), end - timedelta(minutes=30)) as url:
        config = tmp_path / "config.yml"
        config.write_text(CONFIG.format(url=url, days=(end - start).days))
        exporter = start_exporter(f"--config.file={config}")
        polled = f'poll_success{{dataset="{dataset}",deployment="acme",window="golden"}} 1'
        eventually(lambda: polled in exporter.page())

        actual = read_exposed(exporter)

    assert (file.stem == ONLY_INTERVALS) == (actual == {})
    assert expected(dataset, report) == actual


@golden
def test_golden_days() -> None:
    """The breakdown shows the day that ends where the request does, and the whole day before it."""
    intervals = [
        interval | {"template_ids": ["some-template"]}
        for interval in json.loads(FILES[DAY_INTERVALS].read_bytes())["interval_reports"]
    ]
    users = [interval["active_users"] for interval in intervals]
    expected_days = [{"today": users[0]}] + [
        {"today": today, "yesterday": yesterday} for yesterday, today in pairwise(users)
    ]

    assert expected_days == [days_at_end_of(interval, intervals) for interval in intervals]


@golden
def test_golden_weeks() -> None:
    """A week is not shown as a day, not even on the day it begins or ends."""
    intervals = json.loads(FILES[ONLY_INTERVALS].read_bytes())["interval_reports"]

    assert [{}] * 3 == [days_at_end_of(interval, intervals) for interval in intervals]


def days_at_end_of(interval: Mapping[str, Any], intervals: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """Return the template's users by day, as shown in the last half hour of an interval."""
    dataset = DATASETS["template-breakdown"]
    (template,) = {name for each in intervals for name in each["template_ids"]}
    late = datetime.fromisoformat(interval["end_time"]) - timedelta(minutes=30)
    view = load_context("7d", now=late.isoformat(), in_use=[template])
    response = Response(dataset.requests(view)[0], json.dumps({"interval_reports": intervals}).encode())
    return {
        labels[0]: value
        for samples in dataset.convert(view, response).samples
        if samples.family == TEMPLATE_DAILY_ACTIVE_USERS
        for labels, value in samples.rows
    }


def window(report: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return the window of a report; one that was blanked, or is not there, is a week."""
    start, end = (datetime.fromisoformat(text) for text in (EDGES | read_window(report)).values())
    return start, end


def read_window(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the edges of the window that a report echoes."""
    edges = {edge: report.get(f"{edge}_time", BLANKED) for edge in EDGES}
    return {edge: text for edge, text in edges.items() if text != BLANKED}


def expected(dataset: str, report: Mapping[str, Any]) -> dict[str, Series]:
    """Return the series that a report has, by name."""
    if not report:
        return {}
    rows = PARTS[dataset](report) | {
        f"window_{edge}_timestamp_seconds": [({"dataset": dataset}, datetime.fromisoformat(text).timestamp())]
        for edge, text in read_window(report).items()
    }
    windowless = names(report) if dataset == "templates" else {}
    named = {
        f"coder_insights_{name}": series(({"window": "golden", **labels}, value) for labels, value in each)
        for name, each in rows.items()
    }
    return {name: each for name, each in (named | windowless).items() if each}


def usage(report: Mapping[str, Any]) -> dict[str, Rows]:
    """Return users, apps and parameters."""
    return {
        "active_users": [({}, report["active_users"])],
        "app_usage_seconds": app_seconds(report),
        "app_times_used": app_uses(report),
        "parameter_workspaces": choices(report),
    }


def names(report: Mapping[str, Any]) -> dict[str, Series]:
    """Return the names of apps; no two rows of one app have different ones here."""
    labels = (
        {
            "app_type": app["type"],
            "slug": app["slug"],
            "application_name": app["display_name"],
            "app_family": app_family(app),
        }
        for app in report["apps_usage"]
        if app["slug"] != "sftp" or app["seconds"]
    )
    return {"coder_insights_app_info": dict.fromkeys((frozenset(each.items()) for each in labels), 1.0)}


def count_users(report: Mapping[str, Any]) -> dict[str, Rows]:
    """Return single users, and the distribution over all of them."""
    users = ({"user_id": user["user_id"], "username": user["username"]} for user in report["users"])
    seconds = (user["seconds"] for user in report["users"])
    distribution = {
        f"user_activity_distribution_seconds_{part}": activity(part)(report)
        for part in ("bucket", "gcount", "gsum")
    }
    return {
        "user_activity_seconds": list(zip(users, seconds, strict=True)),
        "activity_level_users": levels(report),
        **distribution,
    }


PARTS = {"templates": usage, "user-activity": count_users}


def read_exposed(exporter: Exporter) -> dict[str, Series]:
    """Return the values of Coder's families in the exposition, by name."""
    shown: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(exporter.page()):
        for sample in family.samples:
            if sample.name.startswith("coder_insights_"):
                labels = {name: text for name, text in sample.labels.items() if name != "deployment"}
                shown.setdefault(sample.name, []).append((labels, sample.value))
    return {name: series(rows) for name, rows in shown.items()}
