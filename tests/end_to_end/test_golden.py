"""Answers of Coder's own test suite, where they are at hand: every number of theirs is on `/metrics`."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.stub import answering
from tests.end_to_end.truth import Series, app_seconds, app_uses, choices, series, users
from tests.peers.exporter import Exporter, StartExporter
from tests.peers.waiting import eventually

FOLDER = Path(os.environ.get("CODER_GOLDEN", Path(__file__).parents[3] / "shared" / "coder-golden"))
FILES = sorted(FOLDER.glob("*.json"))
PATHS = {"templates": "/insights/templates", "user": "/insights/user-activity"}
CONFIG = """\
deployments:
  - name: acme
    url: {url}
    token: some-token
    requests_per_minute: 10000
    windows: [{{name: golden, days: {days}}}]
    users: {{windows: [golden]}}
    parameters: {{windows: [golden]}}
"""


@pytest.mark.skipif(not FILES, reason="there are no golden answers here")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_answer(file: Path, start_exporter: StartExporter, tmp_path: Path) -> None:
    """Each number that the answer has for a family is there, rows of one series added up, and no other."""
    body = file.read_bytes()
    report = json.loads(body).get("report", {})
    start, end = window(report)
    path = PATHS[file.stem.partition("_")[0]]
    with answering(path, body, end - timedelta(minutes=30)) as url:
        config = tmp_path / "config.yml"
        config.write_text(CONFIG.format(url=url, days=(end - start).days))
        exporter = start_exporter(f"--config.file={config}")
        dataset = path.rpartition("/")[2]
        polled = f'poll_success{{dataset="{dataset}",deployment="acme",window="golden"}} 1'
        eventually(lambda: polled in exporter.page())

        actual = told(exporter)

    assert expected(report) == actual


def window(report: dict[str, Any]) -> tuple[datetime, datetime]:
    """Give the window of a report; one that was blanked, or is not there, is a week."""
    start, end = (
        datetime.fromisoformat(report.get(edge, "0001-01-01T00:00:00Z"))
        for edge in ("start_time", "end_time")
    )
    if end.year == 1:
        return datetime(2023, 8, 15, tzinfo=UTC), datetime(2023, 8, 22, tzinfo=UTC)
    return start, end


def expected(report: dict[str, Any]) -> dict[str, Series]:
    """Give the series that a report has, by family."""
    families: dict[str, Series] = {}
    if "apps_usage" in report:
        families["coder_insights_active_users"] = series([({}, report["active_users"])])
        families["coder_insights_app_usage_seconds"] = series(app_seconds(report))
        families["coder_insights_app_times_used"] = series(app_uses(report))
        families["coder_insights_parameter_workspaces"] = series(choices(report))
    if "users" in report:
        rows = (({"user_id": user}, seconds) for user, seconds in users(report).items())
        families["coder_insights_user_activity_seconds"] = series(rows)
    return {name: told for name, told in families.items() if told}


def told(exporter: Exporter) -> dict[str, Series]:
    """Give what the page says, for the families that an answer of Coder's has numbers for."""
    numbers = {
        "coder_insights_active_users",
        "coder_insights_app_usage_seconds",
        "coder_insights_app_times_used",
        "coder_insights_parameter_workspaces",
        "coder_insights_user_activity_seconds",
    }
    beside = {"deployment", "window", "username"}
    return {
        family.name: series(
            ({name: text for name, text in sample.labels.items() if name not in beside}, sample.value)
            for sample in family.samples
        )
        for family in text_string_to_metric_families(exporter.page())
        if family.name in numbers
    }
